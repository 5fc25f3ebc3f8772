import type { Environment, Off } from '../environment.js'
import { CrewError, invalid, wordsOf } from '../errors.js'
import { type Reader, withMethods } from '../input.js'
import type { Abortable } from '../abortable.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from './journal-storage.js'
import type { Outages } from './outages.js'
import type { CommitInfo } from './projection.js'

/** After which a call to the storage counts as unanswered. */
const CALL_MS = 10_000
/** The same for what may have to read or write all there is: a file of millions of commits takes a minute. */
const LONG_MS = 300_000
const LET_GO_MS = 2000
/** Most commits in one answer. */
export const PAGE_COMMITS = 100

const storageMethods = withMethods<JournalStorage>('append', 'read', 'saveCheckpoint', 'loadCheckpoint', 'trim')
/** A storage. What an adapter forgot to say must not turn into a wrong guess. */
export const storagePort: Reader<JournalStorage> = (value, name, limits) => {
  if (typeof value !== 'object')
    throw invalid(`${name} must be a storage: new MemoryStorage(), or one of crewlog/storage/…`)
  const storage = storageMethods(value, name, limits)
  if (!['one', 'many'].includes(storage.writers)) throw invalid(`${name}.writers must be 'one' or 'many'`)
  if (typeof storage.maxCommitBytes !== 'number' || !(storage.maxCommitBytes > 0))
    throw invalid(`${name}.maxCommitBytes must be a number of bytes, or Infinity`)
  return storage
}

/** What comes after a replica's head; or it is behind what was trimmed, or in another log. */
export type Page =
  { readonly commits: readonly Commit[]; readonly hasMore: boolean } | { readonly lost: 'trimmed' | 'diverged' }

const isFull = (commits: readonly Commit[]): boolean => commits.length >= PAGE_COMMITS

/** A storage as one journal talks to it: every call ends, by its answer or by a time-out. */
export class StorageClient {
  readonly maxCommitBytes: number

  readonly #storage: JournalStorage
  readonly #journal: string
  readonly #environment: Environment
  readonly #outages: Outages
  /** Calls that are not answered. */
  readonly #underWay = new Set<(why: string) => void>()
  /** The opening, until what it took is let go. */
  #taken: Promise<void> | undefined
  /** What earlier openings took; never rejects. */
  #letGone: Promise<void> = Promise.resolve()

  constructor(storage: JournalStorage, journal: string, environment: Environment, outages: Outages) {
    this.#storage = storage
    this.#journal = journal
    this.#environment = environment
    this.#outages = outages
    this.maxCommitBytes = storage.maxCommitBytes
  }

  async open(): Promise<void> {
    try {
      await this.#call(
        'open',
        async (options) => {
          // What an earlier one takes late is let go late: it must not be what this one takes.
          await this.#letGone
          if (options.signal?.aborted) return
          this.#taken = this.#storage.open?.(this.#journal, options) ?? Promise.resolve()
          await this.#taken
        },
        LONG_MS,
      )
    } catch (error) {
      void this.#leave()
      throw error
    }
  }

  /** Of what was taken, or is about to be: the storage may hold the same for another, which refused it to this one. */
  async letGo(): Promise<void> {
    const closed = this.#leave()
    if (closed) await this.#call('close', () => closed, LET_GO_MS)
  }

  /** Ends the calls under way, with their timers: nobody waits for them any more. */
  abandon(): void {
    for (const giveUp of this.#underWay) giveUp('The call was given up')
  }

  append(commit: Commit): Promise<Appended> {
    return this.#call('append', (options) => this.#storage.append(this.#journal, commit, options))
  }

  /** A page of the commits after that number. */
  read(after: number): Promise<Run> {
    return this.#call('read', (options) => this.#storage.read(this.#journal, after, PAGE_COMMITS, options))
  }

  /**
   * The next commits after `head`. Reads from `head` itself, to see that the log still ends or goes on with it: a store
   * can go back in time.
   */
  async readAfter(head: Pick<CommitInfo, 'seq' | 'id'> | undefined): Promise<Page> {
    if (!head) {
      const run = await this.read(0)
      return 'trimmedTo' in run ? { lost: 'trimmed' } : { commits: run.commits, hasMore: isFull(run.commits) }
    }
    const { seq, id } = head
    const run = await this.read(seq - 1)
    if (!('trimmedTo' in run)) {
      if (run.commits[0]?.id !== id) return { lost: 'diverged' }
      return { commits: run.commits.slice(1), hasMore: isFull(run.commits) }
    }
    if (run.trimmedTo > seq) return { lost: 'trimmed' }
    // All that comes after is there, and names what it follows.
    const rest = await this.read(seq)
    if ('trimmedTo' in rest) return { lost: 'trimmed' }
    return rest.commits[0]?.prev === id
      ? { commits: rest.commits, hasMore: isFull(rest.commits) }
      : { lost: 'diverged' }
  }

  /** The commit of that number, if it is there. */
  async commit(seq: number): Promise<Commit | undefined> {
    const run = await this.#call('read', (options) => this.#storage.read(this.#journal, seq - 1, 1, options))
    return 'commits' in run ? run.commits[0] : undefined
  }

  /** Whether the log has that commit, and all that comes after it. */
  async has(commit: Pick<CommitInfo, 'seq' | 'id'>): Promise<boolean> {
    return 'commits' in (await this.readAfter(commit))
  }

  /** The last commit that is gone, 0 when there is none. */
  async trimmedTo(): Promise<number> {
    const run = await this.#call('read', (options) => this.#storage.read(this.#journal, 0, 1, options))
    return 'trimmedTo' in run ? run.trimmedTo : 0
  }

  async saveCheckpoint(checkpoint: Checkpoint): Promise<void> {
    await this.#call(
      'saveCheckpoint',
      (options) => this.#storage.saveCheckpoint(this.#journal, checkpoint, options),
      LONG_MS,
    )
  }

  /** Who opens may wait for long; what is open has commands that wait for it. */
  async loadCheckpoint(before?: number, isOpening = false): Promise<Checkpoint | undefined> {
    const timeoutMs = isOpening ? LONG_MS : CALL_MS
    const kept = await this.#call(
      'loadCheckpoint',
      (options) => this.#storage.loadCheckpoint(this.#journal, before, options),
      timeoutMs,
    )
    return kept && { ...kept, parts: this.#each(kept.parts) }
  }

  async trim(through: number): Promise<void> {
    await this.#call('trim', (options) => this.#storage.trim(this.#journal, through, options), LONG_MS)
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

  /** As they come, none later than any answer. */
  async *#each(parts: Checkpoint['parts']): AsyncGenerator<string> {
    const iterator = parts[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#call('loadCheckpoint (its parts)', () => iterator.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      iterator.return?.().catch(() => undefined)
    }
  }

  async #call<T>(call: string, send: (options: Abortable) => Promise<T> | undefined, timeoutMs = CALL_MS): Promise<T> {
    const where = `${call} of journal ${this.#journal}`
    const abort = new AbortController()
    let giveUp = (_why: string): void => undefined
    let late: CrewError | undefined
    const silence = new Promise<never>((_, reject) => {
      giveUp = (why) => {
        late = new CrewError('storage_unavailable', why)
        abort.abort(late)
        reject(late)
      }
    })
    const off = this.#environment.setTimer(() => {
      giveUp(`The storage did not answer ${where} within ${timeoutMs} ms`)
    }, timeoutMs)
    this.#underWay.add(giveUp)
    try {
      const answer = await Promise.race([send({ signal: abort.signal, timeoutMs }) as Promise<T>, silence])
      this.#outages.answered(call)
      return answer
    } catch (error) {
      const words = wordsOf(error) ?? typeof error
      const failure = CrewError.is(error)
        ? error
        : new CrewError('storage_unavailable', `The storage failed at ${where}: ${words}`, {}, error)
      this.#outages.failed(call, failure === late ? 'silence' : words, failure)
      throw failure
    } finally {
      off()
      this.#underWay.delete(giveUp)
    }
  }
}
