import { CrewError } from '../errors.js'
import { type Commit, FORMAT, type JournalEvent } from './journal-storage.js'
import { freezeJson } from '../json.js'
import { apply, type CommitInfo, revert, type Step, type Turn } from './projection.js'

/** Most events in one commit, roughly: the last command may go over. */
export const BATCH_EVENTS = 1000

/** Emits events, answers, or throws a refusal; changes nothing by itself, as it may be called several times. */
export type Decide<T> = (turn: Turn) => T

/**
 * What follows from a command, in the same commit, and what that answers then. If it throws, only its own part is taken
 * back, and the command answers as it did; nobody is told.
 */
export type Sequel = (turn: Turn, answer: unknown) => unknown

/** A command that waits for its answer. */
export interface Command {
  readonly decide: Decide<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
  /** The how-manieth command of its journal it is. */
  readonly ticket: number
}

/** A command's answer or refusal: true once the commit that it was decided in stands. */
export interface Decided {
  readonly command: Command
  readonly value?: unknown
  readonly error?: unknown
  /** Whether it has events in the commit. */
  readonly hasChanged: boolean
}

/** What one turn decided. */
export interface Batch {
  readonly decided: readonly Decided[]
  /** Of all that changes something, if anything does. */
  readonly commit: Commit | undefined
  /** What the commit's events changed, one each: still applied. */
  readonly steps: readonly Step[]
}

/** What becomes of events on the way to a storage that keeps text. */
export interface Wire {
  /** The event as others will read it. */
  send(event: JournalEvent): JournalEvent
  /** Forgets all but the first `count` events. */
  cut(count: number): void
  /** Throws `limit_exceeded` when the events are more than one commit takes. */
  refuseTooMuch(): void
  /** Throws that. */
  refuse(): never
  /** Whether no more than what belongs to the events so far should follow. */
  readonly isFull: boolean
  remember(commit: Commit): void
}

/**
 * Decides commands in order, each against the state with the earlier ones applied. Takes about `most` events, and what
 * the wire can carry. In the same synchronous turn the caller lets the steps stand or takes them back: nobody ever sees
 * what is not stored.
 */
export function decideBatch(
  fold: (event: JournalEvent, commit: CommitInfo) => Step,
  commands: readonly Command[],
  next: CommitInfo & { readonly prev: string },
  most: number,
  wire?: Wire,
  sequel?: Sequel,
): Batch {
  const { seq, id: commitId, prev, at: now } = next
  const events: JournalEvent[] = []
  const steps: Step[] = []
  const decided: Decided[] = []
  /** Where the command that is being decided begins. */
  let start = 0
  /** Where a command that is refused goes back to. */
  let kept: number

  const turn: Turn = {
    now,
    seq,
    emit(type, id, changes, by, version) {
      const draft = makeEvent(type, id, version, by, now, changes)
      // What is folded is what others will read, so what cannot be folded is never written.
      const event = freezeJson(wire?.send(draft) ?? draft)
      const step = fold(event, next)
      apply(step)
      steps.push(step)
      events.push(event)
    },
    keep() {
      kept = events.length
    },
    get isFull() {
      if (wire?.isFull !== true) return events.length - start >= BATCH_EVENTS
      // It may have room enough in a commit of its own.
      if (start > 0) wire.refuse()
      return true
    },
  }

  /** If it has no room in a commit of the command's own, it is left to a later one. */
  const decideSequel = (answer: unknown): unknown => {
    const { length } = events
    try {
      const answered = sequel?.(turn, answer)
      wire?.refuseTooMuch()
      return answered
    } catch (error) {
      if (start > 0 && CrewError.is(error, 'limit_exceeded')) throw error
      revert(steps, length)
      events.length = length
      wire?.cut(length)
      return answer
    }
  }

  for (const command of commands) {
    if (decided.length >= most || events.length >= most) break
    start = events.length
    kept = start
    try {
      let value = command.decide(turn)
      wire?.refuseTooMuch()
      if (sequel && events.length > start) value = decideSequel(value)
      decided.push({ command, value, hasChanged: events.length > start })
    } catch (error) {
      revert(steps, kept)
      events.length = kept
      wire?.cut(kept)
      // What fits into no commit is refused; what fits into the next is left for it.
      if (start > 0 && CrewError.is(error, 'limit_exceeded')) break
      decided.push({ command, error, hasChanged: kept > start })
    }
  }
  if (events.length === 0) return { decided, steps, commit: undefined }
  const commit = Object.freeze({ seq, id: commitId, prev, format: FORMAT, at: now, events: Object.freeze(events) })
  wire?.remember(commit)
  return { decided, steps, commit }
}

/** Without what is undefined, which a commit cannot hold. */
function makeEvent(
  type: string,
  id: string,
  version: number | undefined,
  by: string | undefined,
  at: number,
  changes: JournalEvent['changes'],
): JournalEvent {
  if (version === undefined) return by === undefined ? { type, id, at, changes } : { type, id, by, at, changes }
  return by === undefined ? { type, id, version, at, changes } : { type, id, version, by, at, changes }
}
