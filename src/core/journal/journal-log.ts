import { onAbort } from '../abortable.js'
import { type Environment, pause } from '../environment.js'
import { CrewError, type ErrorDetails, notFound } from '../errors.js'
import { anyFields, either, type Id, object, type Reader, whole } from '../input.js'
import type { Commit, JournalEvent } from './journal-storage.js'
import { freezeJson, NONE } from '../json.js'
import type { CommitInfo, Observer } from './projection.js'
import { PAGE_COMMITS, type StorageClient } from './storage-client.js'

/** An event as the journal keeps it, with its place there. */
export interface StoredEvent extends JournalEvent {
  /** Number of its commit. */
  readonly seq: number
  /** Its place among the events of the commit, from 0. */
  readonly index: number
}

type Place = Pick<StoredEvent, 'seq' | 'index'>

const place = object({ seq: whole(1), index: whole(0) }, ['seq', 'index'])
/** Up to where somebody has read: a whole commit, or an event in it. */
export const cursor: Reader<number | Place> = either(
  (value) => typeof value === 'object',
  (value, name, limits) => {
    // A whole event will do.
    const { seq, index } = anyFields(value, name, limits)
    return place({ seq, index }, name, limits)
  },
  whole(0),
)

/** The journal that a log is of. */
interface Follower {
  readonly environment: Environment
  readonly onError: (error: unknown) => void
  /** The newest commit folded: what is stored after it is no news yet. */
  readonly head: CommitInfo | undefined
  readonly isClosed: boolean
  /** Whether nothing will be added to it. */
  readonly isPast: boolean
}

/** Before what the storage did not answer is asked again. */
const PAUSE_MS = 1000

/** What a journal keeps, read back a page at a time, so that who reads slowly costs no memory. */
export class JournalLog implements Observer {
  readonly #storage: StorageClient
  readonly #journal: Follower
  /** Folds all that others have committed. */
  readonly #catchUp: () => Promise<void>
  /** Who waits for what comes next. */
  readonly #readers = new Set<() => void>()

  constructor(storage: StorageClient, journal: Follower, catchUp: () => Promise<void>) {
    this.#storage = storage
    this.#journal = journal
    this.#catchUp = catchUp
  }

  /**
   * Every event after that one, or after the commit of that number, in order and once, as far as this replica has folded
   * the journal, then each as it is folded. Ends with the journal and by the signal. Throws `not_found` for what is not
   * there yet, `cursor_expired` when what comes next was trimmed, or the log went back behind what was read.
   */
  async *events(after: number | Place, signal?: AbortSignal): AsyncGenerator<StoredEvent, void, void> {
    const { seq, index } = typeof after === 'number' ? { seq: after, index: Infinity } : after
    // Of a commit that was seen in part, the rest comes first.
    let last: { readonly seq: number; readonly id?: string } = { seq: index === Infinity ? seq : seq - 1 }
    let resume = (): void => undefined
    const wake = (): void => {
      resume()
    }
    const isOver = (): boolean => signal?.aborted === true || this.#journal.isClosed
    this.#readers.add(wake)
    const off = signal && onAbort(signal, wake)
    try {
      while (!isOver() && this.#head < seq) {
        // Another process may have seen more.
        const isKnown = await this.#ask(() => this.#catchUp().then(() => true))
        if (isKnown && this.#head < seq) throw notFound('Commit', String(seq), '; the journal does not reach so far')
      }
      while (!isOver()) {
        for (const commit of (await this.#next(last)) ?? NONE) {
          const { events } = commit
          const isPart = commit.seq === seq
          if (isPart && index >= events.length)
            throw notFound('Event', `${index} of commit ${seq}`, `; it has ${events.length}, counted from 0`)
          for (let at = isPart ? index + 1 : 0; at < events.length; at++) {
            if (isOver()) return
            yield freezeJson({ ...(events[at] as JournalEvent), seq: commit.seq, index: at })
          }
          last = commit
        }
        if (isOver() || this.#head > last.seq) continue
        if (this.#journal.isPast) return
        await new Promise<void>((resolve) => {
          resume = resolve
        })
        if (last.id !== undefined && this.#head < last.seq) throw wentBack(last.seq)
      }
    } finally {
      this.#readers.delete(wake)
      off?.()
    }
  }

  /**
   * The events of one task, oldest first: from the end of the log back to where it was created. Rejects with
   * `cursor_expired` when that was trimmed.
   */
  async historyOf(id: Id): Promise<readonly StoredEvent[]> {
    const pages: (readonly StoredEvent[])[] = []
    for (let end = this.#head; ;) {
      let after = Math.max(0, end - PAGE_COMMITS)
      let run = await this.#storage.read(after)
      // What is left of the page, if anything is.
      if ('trimmedTo' in run && run.trimmedTo < end) run = await this.#storage.read((after = run.trimmedTo))
      if ('trimmedTo' in run) throw expired(run.trimmedTo, `, and task ${id} was created before`, { id })
      const page = run.commits
        .filter(({ seq }) => seq <= end)
        .flatMap(({ seq, events }) =>
          events.flatMap((event, index) => (isOf(event, id) ? { ...event, seq, index } : [])),
        )
      // A task of the same id may have been forgotten before.
      const start = page.findLastIndex(({ type }) => type === 'task.created')
      pages.unshift(page.slice(Math.max(0, start)))
      if (start >= 0) return freezeJson(pages.flat())
      end = after
    }
  }

  /** After a commit was folded. */
  settled(): void {
    for (const wake of this.#readers) wake()
  }

  rebuilt(): void {
    this.settled()
  }

  closed(): void {
    this.settled()
  }

  get #head(): number {
    return this.#journal.head?.seq ?? 0
  }

  /** The next commits that are folded; none while there are none, or the storage is away. */
  async #next(last: { readonly seq: number; readonly id?: string }): Promise<readonly Commit[] | undefined> {
    const { seq } = last
    const head = this.#head
    if (head <= seq) return undefined
    return this.#ask(async () => {
      const run = await this.#storage.read(seq)
      if ('trimmedTo' in run)
        throw expired(run.trimmedTo, `: look at the state, then read on after ${this.#head}`, { after: seq })
      const commits = run.commits.filter((commit) => commit.seq <= head)
      const [next] = commits
      if (!next || (last.id ?? next.prev) !== next.prev) throw wentBack(seq)
      return commits
    })
  }

  /** What the storage answers; nothing while it is away, after a pause. */
  async #ask<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (CrewError.is(error, 'closed')) return undefined
      if (!CrewError.is(error, 'storage_unavailable')) throw error
      this.#journal.onError(error)
      await pause(this.#journal.environment, PAUSE_MS)
      return undefined
    }
  }
}

const expired = (trimmedTo: number, remedy: string, details: ErrorDetails): CrewError =>
  new CrewError('cursor_expired', `The journal is trimmed up to commit ${trimmedTo}${remedy}`, {
    ...details,
    trimmedTo,
  })

const wentBack = (seq: number): CrewError =>
  new CrewError(
    'cursor_expired',
    `Commit ${seq} is not in this journal any more, which went back or forked; look at the state anew`,
    { after: seq },
  )

const isOf = (event: JournalEvent, id: Id): boolean => event.id === id && event.type.startsWith('task.')
