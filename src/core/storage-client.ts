import type { Environment, Off } from './environment.js'
import { CrewError, wordsOf } from './errors.js'
import type { Abortable } from './abortable.js'
import type { Appended, Commit, JournalStorage, Run } from './journal-storage.js'
import type { CommitInfo } from './projection.js'

/** After which a call to the storage counts as unanswered. */
const CALL_MS = 10_000
/** The same for the opening, which may have to read all there is: a file of millions of commits takes a minute. */
const OPEN_MS = 300_000
const LET_GO_MS = 2000
/** Most commits in one answer. */
export const PAGE_COMMITS = 100

/** A storage as one journal talks to it: every call ends, by its answer or by a time-out. */
export class StorageClient {
  readonly maxCommitBytes: number

  readonly #storage: JournalStorage
  readonly #journal: string
  readonly #environment: Environment
  /** Calls that are not answered. */
  readonly #underWay = new Set<(why: string) => void>()
  /** The opening, until what it took is let go. */
  #taken: Promise<void> | undefined
  /** What earlier openings took; never rejects. */
  #letGone: Promise<void> = Promise.resolve()

  constructor(storage: JournalStorage, journal: string, environment: Environment) {
    this.#storage = storage
    this.#journal = journal
    this.#environment = environment
    this.maxCommitBytes = storage.maxCommitBytes
  }

  async open(): Promise<void> {
    try {
      await this.#call(async (options) => {
        // What an earlier one takes late is let go late: it must not be what this one takes.
        await this.#letGone
        if (options.signal?.aborted) return
        this.#taken = this.#storage.open?.(this.#journal, options) ?? Promise.resolve()
        await this.#taken
      }, OPEN_MS)
    } catch (error) {
      void this.#leave()
      throw error
    }
  }

  /** Of what was taken, or is about to be: the storage may hold the same for another, which refused it to this one. */
  async letGo(): Promise<void> {
    const closed = this.#leave()
    if (closed) await this.#call(() => closed, LET_GO_MS)
  }

  /** Ends the calls under way, with their timers: nobody waits for them any more. */
  abandon(): void {
    for (const giveUp of this.#underWay) giveUp('The call was given up')
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

  /** Closes what was opened, once it is. */
  #leave(): Promise<void> | undefined {
    const closed = this.#taken?.then(
      () => this.#storage.close?.(this.#journal),
      () => undefined,
    )
    this.#taken = undefined
    if (closed) this.#letGone = closed.catch(() => undefined)
    return closed
  }

  async #call<T>(send: (options: Abortable) => Promise<T> | undefined, timeoutMs = CALL_MS): Promise<T> {
    const abort = new AbortController()
    let giveUp = (_why: string): void => undefined
    const silence = new Promise<never>((_, reject) => {
      giveUp = (why) => {
        const late = new CrewError('storage_unavailable', why)
        abort.abort(late)
        reject(late)
      }
    })
    const off = this.#environment.setTimer(() => {
      giveUp(`The storage did not answer within ${timeoutMs} ms`)
    }, timeoutMs)
    this.#underWay.add(giveUp)
    try {
      return await Promise.race([send({ signal: abort.signal, timeoutMs }) as Promise<T>, silence])
    } catch (error) {
      throw CrewError.is(error)
        ? error
        : new CrewError('storage_unavailable', `The storage failed: ${wordsOf(error) ?? typeof error}`, {}, error)
    } finally {
      off()
      this.#underWay.delete(giveUp)
    }
  }
}
