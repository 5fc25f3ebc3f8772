import type { Environment, Off } from './environment.js'
import { CrewError, wordsOf } from './errors.js'
import type { Abortable } from './abortable.js'
import type { Appended, Commit, JournalStorage, Run } from './journal-storage.js'
import type { CommitInfo } from './projection.js'

/** After which a call to the storage counts as unanswered. */
const CALL_MS = 10_000
/** The same for the opening, which may have to read all there is: a file of millions of commits takes a minute. */
const OPEN_MS = 300_000
/** Most commits in one answer. */
export const PAGE_COMMITS = 100

/** A storage as one journal talks to it: every call ends, by its answer or by a time-out. */
export class StorageClient {
  readonly maxCommitBytes: number

  readonly #storage: JournalStorage
  readonly #journal: string
  readonly #environment: Environment

  constructor(storage: JournalStorage, journal: string, environment: Environment) {
    this.#storage = storage
    this.#journal = journal
    this.#environment = environment
    this.maxCommitBytes = storage.maxCommitBytes
  }

  async open(): Promise<void> {
    await this.#call((options) => this.#storage.open?.(this.#journal, options), OPEN_MS)
  }

  async close(): Promise<void> {
    await this.#call(() => this.#storage.close?.(this.#journal))
  }

  append(commit: Commit): Promise<Appended> {
    return this.#call((options) => this.#storage.append(this.#journal, commit, options))
  }

  /** A page of the commits after that number. */
  read(after: number): Promise<Run> {
    return this.#call((options) => this.#storage.read(this.#journal, after, PAGE_COMMITS, options))
  }

  /**
   * Hands over, page by page, what comes after `head`. Reads from `head` itself, to see that the log still ends or goes
   * on with it: a store can go back in time.
   */
  async *readAfter(head: () => CommitInfo | undefined): AsyncGenerator<readonly Commit[]> {
    for (;;) {
      const known = head()
      const after = Math.max(0, (known?.seq ?? 0) - 1)
      const run = await this.read(after)
      if ('trimmedTo' in run) {
        throw new CrewError(
          'cursor_expired',
          `Journal ${this.#journal} is trimmed up to ${run.trimmedTo}, this replica is at ${String(known?.seq ?? 0)}`,
        )
      }
      if (known && run.commits[0]?.id !== known.id) {
        throw new CrewError(
          'journal_corrupt',
          `Journal ${this.#journal} went back or forked at commit ${known.seq}: the storage lost or replaced it`,
          { seq: known.seq },
        )
      }
      yield known ? run.commits.slice(1) : run.commits
      if (run.commits.length < PAGE_COMMITS) return
    }
  }

  watch(wake: () => void): Off {
    return this.#storage.watch?.(this.#journal, wake) ?? (() => undefined)
  }

  async #call<T>(send: (options: Abortable) => Promise<T> | undefined, timeoutMs = CALL_MS): Promise<T> {
    const abort = new AbortController()
    let off: Off | undefined
    const silence = new Promise<never>((_, reject) => {
      off = this.#environment.setTimer(() => {
        const late = new CrewError('storage_unavailable', `The storage did not answer within ${timeoutMs} ms`)
        abort.abort(late)
        reject(late)
      }, timeoutMs)
    })
    try {
      return await Promise.race([send({ signal: abort.signal, timeoutMs }) as Promise<T>, silence])
    } catch (error) {
      throw CrewError.is(error)
        ? error
        : new CrewError('storage_unavailable', `The storage failed: ${wordsOf(error) ?? typeof error}`, {}, error)
    } finally {
      off?.()
    }
  }
}
