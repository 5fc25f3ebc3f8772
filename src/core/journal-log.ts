import { onAbort } from './abortable.js'
import type { Environment } from './environment.js'
import { CrewError, type ErrorDetails } from './errors.js'
import type { Id } from './input.js'
import type { Commit, JournalEvent } from './journal-storage.js'
import { freezeJson } from './json.js'
import type { CommitInfo, Observer } from './projection.js'
import { PAGE_COMMITS, type StorageClient } from './storage-client.js'

/** An event as the journal keeps it, with the number of its commit. */
export interface StoredEvent extends JournalEvent {
  readonly seq: number
}

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
  /** Who waits for what comes next. */
  readonly #readers = new Set<() => void>()

  constructor(storage: StorageClient, journal: Follower) {
    this.#storage = storage
    this.#journal = journal
  }

  /**
   * Every event after the commit of that number, in order and once, as far as this replica has folded the journal, then
   * each as it is folded. Ends with the journal and by the signal. Throws `cursor_expired` when what comes next was
   * trimmed, or the log went back behind what was read.
   */
  async *events(after: number, signal?: AbortSignal): AsyncGenerator<StoredEvent, void, void> {
    let last: { readonly seq: number; readonly id?: string } = { seq: after }
    let resume = (): void => undefined
    const wake = (): void => {
      resume()
    }
    const isOver = (): boolean => signal?.aborted === true || this.#journal.isClosed
    this.#readers.add(wake)
    const off = signal && onAbort(signal, wake)
    try {
      while (!isOver()) {
        for (const commit of await this.#next(last)) {
          for (const event of commit.events) {
            if (isOver()) return
            yield freezeJson({ ...event, seq: commit.seq })
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
        .flatMap(({ seq, events }) => events.filter((event) => isOf(event, id)).map((event) => ({ ...event, seq })))
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
  async #next(last: { readonly seq: number; readonly id?: string }): Promise<readonly Commit[]> {
    const { seq } = last
    const head = this.#head
    if (head <= seq) return []
    try {
      const run = await this.#storage.read(seq)
      if ('trimmedTo' in run)
        throw expired(run.trimmedTo, `: look at the state, then read on after ${this.#head}`, { after: seq })
      const commits = run.commits.filter((commit) => commit.seq <= head)
      const [next] = commits
      if (!next || (last.id ?? next.prev) !== next.prev) throw wentBack(seq)
      return commits
    } catch (error) {
      if (!CrewError.is(error, 'storage_unavailable')) throw error
      this.#journal.onError(error)
      await new Promise<void>((resolve) => this.#journal.environment.setTimer(resolve, PAUSE_MS))
      return []
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
