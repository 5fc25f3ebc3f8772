import type { Abortable } from '../core/abortable.js'
import type { Off } from '../core/environment.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { MemoryLog } from '../core/journal/memory-log.js'
import { AttendedStorage } from './attended-storage.js'

/** All who wrap one storage see the same past. */
const known = new WeakMap<JournalStorage, RewindableStorage>()

/** A storage that can go back in time, as after a fail-over or a restored backup. Until then it is the one that it wraps. */
export class RewindableStorage implements JournalStorage {
  readonly writers: JournalStorage['writers']
  readonly maxCommitBytes: number
  readonly watch?: NonNullable<JournalStorage['watch']>

  readonly #storage: AttendedStorage
  /** What became of journals that were rewound: the storage's commits up to the base, then their own. */
  readonly #branches = new Map<string, MemoryLog>()
  readonly #watchers = new Map<string, Set<{ readonly wake: () => void }>>()

  static of(storage: JournalStorage): RewindableStorage {
    if (storage instanceof RewindableStorage) return storage
    let rewindable = known.get(storage)
    if (!rewindable) known.set(storage, (rewindable = new RewindableStorage(storage)))
    return rewindable
  }

  private constructor(storage: JournalStorage) {
    this.#storage = new AttendedStorage(storage)
    this.writers = storage.writers
    this.maxCommitBytes = storage.maxCommitBytes
    if (storage.watch) this.watch = (journal, wake) => this.#watch(journal, wake)
  }

  /** Resolves when the real storage is at rest. */
  rest(): Promise<void> {
    return this.#storage.rest()
  }

  /** Loses the newest commits of `journal`, and the checkpoints that were made of them. */
  async rewind(journal: string, count: number): Promise<void> {
    const { seq: from, trimmedTo } = await this.#end(journal)
    const to = Math.max(from - count, trimmedTo === 0 ? 0 : trimmedTo + 1)
    this.#branches.set(journal, await this.#branchAt(journal, to, trimmedTo))
  }

  async open(journal: string, options?: Abortable): Promise<void> {
    await this.#storage.open(journal, options)
  }

  async append(journal: string, commit: Commit, options?: Abortable): Promise<Appended> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.append(journal, commit, options)
    if (!branch.append(commit)) return { appended: false }
    for (const { wake } of this.#watchers.get(journal) ?? []) wake()
    return { appended: true }
  }

  async read(journal: string, after: number, limit: number, options?: Abortable): Promise<Run> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.read(journal, after, limit, options)
    const own = branch.read(after, limit)
    const wanted = Math.min(limit, branch.base.seq - after)
    if ('trimmedTo' in own || wanted <= 0) return own
    const run = await this.#storage.read(journal, after, wanted, options)
    if ('trimmedTo' in run || run.commits.length < wanted) return run
    return { commits: [...run.commits, ...own.commits.slice(0, limit - wanted)] }
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options?: Abortable): Promise<void> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.saveCheckpoint(journal, checkpoint, options)
    await branch.saveCheckpoint(checkpoint)
  }

  async loadCheckpoint(journal: string, before = Infinity, options?: Abortable): Promise<Checkpoint | undefined> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.loadCheckpoint(journal, before, options)
    return branch.loadCheckpoint(before)
  }

  async trim(journal: string, through: number, options?: Abortable): Promise<void> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.trim(journal, through, options)
    branch.trim(through)
  }

  async close(journal: string): Promise<void> {
    await this.#storage.close(journal)
  }

  async #branchAt(journal: string, seq: number, trimmedTo: number): Promise<MemoryLog> {
    const { base } = this.#branches.get(journal) ?? { base: { seq } }
    // What is its own stays its own.
    const from = Math.min(seq, Math.max(base.seq, trimmedTo))
    const branch = new MemoryLog(await this.#commitAt(journal, from), trimmedTo)
    const own: Run = from < seq ? await this.read(journal, from, seq - from) : { commits: [] }
    if ('commits' in own) for (const commit of own.commits) branch.append(commit)
    const older: Checkpoint[] = []
    for (let next = await this.loadCheckpoint(journal, seq + 1); next;) {
      older.unshift(next)
      next = await this.loadCheckpoint(journal, next.seq)
    }
    for (const checkpoint of older) await branch.saveCheckpoint(checkpoint)
    return branch
  }

  async #commitAt(journal: string, seq: number): Promise<MemoryLog['base']> {
    const [before, after] = await Promise.all([this.read(journal, Math.max(0, seq - 1), 1), this.read(journal, seq, 1)])
    if (seq > 0 && 'commits' in before && before.commits[0]) return before.commits[0]
    return { seq, id: ('commits' in after && after.commits[0]?.prev) || '' }
  }

  async #end(journal: string): Promise<{ readonly seq: number; readonly trimmedTo: number }> {
    let trimmedTo = 0
    for (let seq = 0; ;) {
      const run = await this.read(journal, seq, 1000)
      if ('trimmedTo' in run) seq = trimmedTo = run.trimmedTo
      else if (run.commits.length === 0) return { seq, trimmedTo }
      else seq += run.commits.length
    }
  }

  #watch(journal: string, wake: () => void): Off {
    const watchers = this.#watchers.get(journal) ?? new Set()
    this.#watchers.set(journal, watchers)
    const watcher = { wake }
    watchers.add(watcher)
    const off = this.#storage.watch?.(journal, wake)
    return () => {
      watchers.delete(watcher)
      off?.()
    }
  }
}
