import { turns } from './checkpoint.js'
import type { CrewError } from './errors.js'
import type { Environment } from './environment.js'
import { duration, either, object, oneOf, whole } from './input.js'
import type { Checkpoint } from './journal-storage.js'
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

/** Begins the checkpoint of what is now, if there is anything; `turn` is awaited between its parts. */
type Write = (turn: () => Promise<void>) => Checkpoint | undefined

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

  /** There is a checkpoint of that commit, as somebody found. */
  found(seq: number): void {
    this.#savedAt = Math.max(this.#savedAt, seq)
  }

  /** Whether the process that wrote that commit should save: one in a crew does, and if it does not, the others do later. */
  isDue(seq: number): boolean {
    return !this.#saving && (seq % this.#every === 0 || seq >= this.#savedAt + 2 * this.#every)
  }

  /** Saves what `write` makes, unless there is one as new, and trims; then, if it was at it already, once more. */
  async save(write: Write): Promise<void> {
    await this.#saving?.catch(() => undefined)
    if (this.#ending) throw this.#ending
    this.#saving ??= this.#save(write).finally(() => (this.#saving = undefined))
    await this.#saving
  }

  /** The parts under way are the last. */
  end(why: CrewError): void {
    this.#ending ??= why
  }

  async #save(write: Write): Promise<void> {
    const turn = turns(this.#environment)
    const checkpoint = write(async () => {
      await turn()
      if (this.#ending) throw this.#ending
    })
    if (!checkpoint) return
    // Damage of an older one is no reason not to save a new one.
    const newest = await this.#storage.loadCheckpoint().catch(() => undefined)
    if ((newest?.seq ?? 0) < checkpoint.seq) await this.#storage.saveCheckpoint(checkpoint)
    this.found(checkpoint.seq)
    if (this.#keepHistory !== 'all') await this.#trim(this.#keepHistory.ms)
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
