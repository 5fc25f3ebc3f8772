import { turns } from './checkpoint.js'
import type { CrewError } from '../errors.js'
import type { Environment } from '../environment.js'
import { duration, either, object, oneOf, whole } from '../input.js'
import type { Checkpoint } from './journal-storage.js'
import type { CommitInfo } from './projection.js'
import type { StorageClient } from './storage-client.js'

export interface UpkeepSettings {
  /** Commits from one checkpoint to the next; default 10,000. Infinity: only when asked for. */
  readonly checkpointEvery?: number
  /** How much of the journal trimming leaves, behind checkpoints; default 'all'. */
  readonly keepHistory?: 'all' | { readonly ms: number }
}

const everyCommits = whole(1)
const isWord = (value: unknown): boolean => typeof value === 'string'
/** For the readers of options. */
export const upkeepFields = {
  checkpointEvery: either(
    (value) => value === Infinity,
    () => Infinity,
    everyCommits,
  ),
  keepHistory: either(isWord, oneOf('all'), object({ ms: duration() }, ['ms'])),
}

/** Begins the checkpoint of what is now; `turn` is awaited between its parts. */
type Write = (head: CommitInfo, turn: () => Promise<void>) => Checkpoint

/** Kept behind the older checkpoint, so that replicas that were away for a while learn the fate of their commits. */
const KEPT_COMMITS = 1000
const KEPT_MS = 600_000

/** Keeps what must be read at opening small: saves checkpoints, and trims what is older than they are. */
export class Upkeep {
  readonly #storage: StorageClient
  readonly #environment: Environment
  readonly #every: number
  readonly #keepHistory: 'all' | { readonly ms: number }
  /** The newest checkpoint, as far as this process knows. */
  #savedAt = 0
  /** Where another one should have begun one. */
  #begunAt = 0
  #saving: Promise<void> | undefined
  #ending: CrewError | undefined

  constructor(
    storage: StorageClient,
    environment: Environment,
    { checkpointEvery = 10_000, keepHistory = 'all' }: UpkeepSettings,
  ) {
    this.#storage = storage
    this.#environment = environment
    this.#every = checkpointEvery
    this.#keepHistory = keepHistory
  }

  /** Somebody else wrote that commit, and saves if it is time. */
  heardOf(seq: number): void {
    if (seq % this.#every === 0) this.#begunAt = seq
  }

  /** There is a checkpoint of that commit, as somebody found. */
  found(seq: number): void {
    this.#savedAt = Math.max(this.#savedAt, seq)
  }

  /** Whether the process that wrote that commit should save: one in a crew does, and if it does not, the others do later. */
  isDue(seq: number): boolean {
    return !this.#saving && (seq % this.#every === 0 || seq >= Math.max(this.#savedAt, this.#begunAt) + 2 * this.#every)
  }

  /** Saves what `write` makes of `head`, and trims; after what is being saved already. */
  async save(head: () => CommitInfo | undefined, write: Write): Promise<void> {
    await this.#saving?.catch(() => undefined)
    this.#saving ??= this.#save(head, write, 1).finally(() => (this.#saving = undefined))
    await this.#saving
  }

  /** The same, once it is time, unless another process has done it. */
  async saveInTime(head: () => CommitInfo | undefined, write: Write): Promise<void> {
    this.#saving ??= this.#save(head, write, this.#every / 2).finally(() => (this.#saving = undefined))
    await this.#saving
  }

  /** The parts under way are the last. */
  end(why: CrewError): void {
    this.#ending ??= why
  }

  /** Unless there is one with fewer commits than `least` since. */
  async #save(head: () => CommitInfo | undefined, write: Write, least: number): Promise<void> {
    const turn = turns(this.#environment)
    try {
      // Damage of an older one is no reason not to save a new one.
      this.found((await this.#storage.loadCheckpoint().catch(() => undefined))?.seq ?? 0)
      const now = head()
      if (now && now.seq >= this.#savedAt + least) {
        await this.#storage.saveCheckpoint(
          write(now, async () => {
            await turn()
            if (this.#ending) throw this.#ending
          }),
        )
        this.found(now.seq)
      }
      if (this.#keepHistory !== 'all') await this.#trim(this.#keepHistory.ms)
    } catch (error) {
      throw this.#ending ?? error
    }
  }

  async #trim(keptMs: number): Promise<void> {
    const newest = await this.#storage.loadCheckpoint()
    const older = newest && (await this.#storage.loadCheckpoint(newest.seq))
    // One of a log that went back is of no use, and what is before it still is.
    const commit = older && (await this.#storage.commit(older.seq))
    if (!commit || commit.id !== older.id) return
    const until = Math.min(commit.at - KEPT_MS, this.#environment.now() - keptMs)
    const trimmedTo = await this.#storage.trimmedTo()
    const last = await this.#lastBefore(until, trimmedTo, commit.seq - 1 - KEPT_COMMITS)
    if (last > trimmedTo) await this.#storage.trim(last)
  }

  /** The last commit up to `to` that was made before a time, found by halves; `from` when there is none. */
  async #lastBefore(time: number, from: number, to: number): Promise<number> {
    let last = from
    let end = to
    while (last < end) {
      const middle = Math.ceil((last + end) / 2)
      const commit = await this.#storage.commit(middle)
      if (commit && commit.at < time) last = middle
      else end = middle - 1
    }
    return last
  }
}
