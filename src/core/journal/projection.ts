import { CrewError } from '../errors.js'
import type { Id } from '../input.js'
import type { JournalEvent } from './journal-storage.js'
import type { Json } from '../json.js'

/** Which commit an event belongs to. */
export interface CommitInfo {
  readonly seq: number
  readonly id: string
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly at: number
}

/** State that a checkpoint keeps, piece by piece. */
export interface Slice {
  /** As it is at the call; the pieces are made when they are asked for, while the state may go on. */
  save(): Iterable<Json>
  /** Takes up one piece, all in the order of saving, on what is clear. Whatever is not derived from others must be in it. */
  load(piece: Json): void
  /** Forgets all. */
  clear(): void
}

/** State folded from a journal's events of one kind. */
export interface Projection<Change = unknown> extends Slice {
  /** What `event` changes; changes nothing yet. Throws when it contradicts what was folded before. */
  fold(event: JournalEvent, commit: CommitInfo): Change
  apply(change: Change): void
  /** Takes back the newest change that is not yet taken back. */
  revert(change: Change): void
}

/** A change that was made, with where; nowhere, when nobody here follows events of that kind. */
export interface Step {
  readonly projection: Projection | undefined
  readonly change: unknown
}

/** A synchronous turn in which a command decides: what it emits is folded at once, so that it sees its own effects. */
export interface Turn {
  /** Wall clock, the same all through the turn. */
  readonly now: number
  /** Number of the commit that is decided on. */
  readonly seq: number
  emit(type: string, id: Id, changes: JournalEvent['changes'], by?: Id, version?: number): void
  /** What was emitted so far stands, even if the command is refused: it was due anyway. */
  keep(): void
  /** Whether the command has as many events as a commit should hold; it leaves what can follow in the next. */
  readonly isFull: boolean
}

/** Commits that were not told one by one: those from `from` to `to`, or, where the log is another one, any. */
export interface Gap {
  readonly from: number
  readonly to: number
  /** The log went back or forked: it is not what it was up to `from` - 1. */
  readonly hasDiverged: boolean
}

/** Hears of commits once they stand, in order. */
export interface Observer {
  /** Of each event from before the journal opened, which is no news but counts. */
  replayed?(event: JournalEvent, change: unknown): void
  /** Of each later event, once its whole commit is folded; `change` is what its projection made of it, `index` its place in the commit. */
  heard?(event: JournalEvent, commit: CommitInfo, change: unknown, index: number): void
  /** After a commit was folded and told. */
  settled?(): void
  /** No command is under way any more. */
  rested?(): void
  /** Before the state is cleared, to be taken up anew from the storage. */
  rebuilding?(): void
  /** After that; without a gap when it is what it was before. */
  rebuilt?(gap: Gap | undefined): void
  /** Nothing more can be folded, or written, for this reason. */
  broke?(error: CrewError): void
  /** Before `open` resolves. */
  opened?(): Promise<void> | void
  /** Before the last decision. */
  closing?(): void
  /** The last decision of this journal: gives back what its session holds. */
  giveBack?(turn: Turn): void
  closed?(): void
}

/** The pieces of what does not change any more, each made when it is asked for. */
export function* pieces<T>(values: readonly T[], write: (value: T) => Json): Generator<Json> {
  for (const value of values) yield write(value)
}

export function* chain<T>(...parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part
}

export const apply = ({ projection, change }: Step): void => projection?.apply(change)

/** Takes steps back, newest first, until `length` are left. */
export function revert(steps: Step[], length = 0): void {
  while (steps.length > length) {
    const step = steps.pop()
    step?.projection?.revert(step.change)
  }
}

/** For an event that contradicts what was folded before it. */
export const cannotFold = ({ type, id }: JournalEvent, why: string): CrewError =>
  new CrewError('journal_corrupt', `Event ${type} of ${id} cannot be folded: ${why}`, { type, id })
