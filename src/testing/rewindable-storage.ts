import type { Abortable } from '../core/abortable.js'
import type { Off } from '../core/environment.js'
import { freezeJson } from '../core/json.js'
import {
  type Appended,
  type Checkpoint,
  type Commit,
  commitText,
  type JournalStorage,
  parseCommit,
  type Run,
} from '../core/journal/journal-storage.js'

/** What became of a journal that was rewound: the storage's commits up to `base`, then its own. */
interface Branch {
  base: { readonly seq: number; readonly id: string }
  trimmedTo: number
  readonly commits: Commit[]
  checkpoints: readonly { readonly of: Omit<Checkpoint, 'parts'>; readonly texts: readonly string[] }[]
}

/** All who wrap one storage see the same past. */
const known = new WeakMap<JournalStorage, RewindableStorage>()

/** A storage that can go back in time, as after a fail-over or a restored backup. Until then it is the one that it wraps. */
export class RewindableStorage implements JournalStorage {
  readonly writers: JournalStorage['writers']
  readonly maxCommitBytes: number
  readonly watch?: NonNullable<JournalStorage['watch']>

  readonly #storage: JournalStorage
  readonly #branches = new Map<string, Branch>()
  readonly #watchers = new Map<string, Set<{ readonly wake: () => void }>>()

  static of(storage: JournalStorage): RewindableStorage {
    if (storage instanceof RewindableStorage) return storage
    let rewindable = known.get(storage)
    if (!rewindable) known.set(storage, (rewindable = new RewindableStorage(storage)))
    return rewindable
  }

  private constructor(storage: JournalStorage) {
    this.#storage = storage
    this.writers = storage.writers
    this.maxCommitBytes = storage.maxCommitBytes
    if (storage.watch) this.watch = (journal, wake) => this.#watch(journal, wake)
  }

  /** Loses the newest commits of `journal`, and the checkpoints that were made of them. */
  async rewind(journal: string, count: number): Promise<void> {
    const { seq: from, trimmedTo } = await this.#end(journal)
    const to = Math.max(from - count, trimmedTo === 0 ? 0 : trimmedTo + 1)
    const checkpoints = await this.#checkpointsUpTo(journal, to)
    const { base, commits } = this.#branches.get(journal) ?? { base: await this.#commitAt(journal, to), commits: [] }
    const isBehind = to < base.seq
    this.#branches.set(journal, {
      base: isBehind ? await this.#commitAt(journal, to) : base,
      trimmedTo,
      commits: commits.filter(({ seq }) => seq <= to),
      checkpoints,
    })
  }

  async open(journal: string, options?: Abortable): Promise<void> {
    await this.#storage.open?.(journal, options)
  }

  async append(journal: string, commit: Commit, options?: Abortable): Promise<Appended> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.append(journal, commit, options)
    const { seq, id } = branch.commits.at(-1) ?? branch.base
    if (commit.seq !== seq + 1 || commit.prev !== id) return { appended: false }
    branch.commits.push(freezeJson(parseCommit(commitText(commit), 'memory')))
    for (const { wake } of this.#watchers.get(journal) ?? []) wake()
    return { appended: true }
  }

  async read(journal: string, after: number, limit: number, options?: Abortable): Promise<Run> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.read(journal, after, limit, options)
    const { base, trimmedTo, commits } = branch
    if (after < trimmedTo) return { trimmedTo }
    const wanted = Math.min(limit, base.seq - after)
    const run = wanted > 0 ? await this.#storage.read(journal, after, wanted, options) : { commits: [] }
    if ('trimmedTo' in run || run.commits.length < wanted) return run
    const own = commits.filter(({ seq }) => seq > after)
    return { commits: [...run.commits, ...own.slice(0, limit - run.commits.length)] }
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options?: Abortable): Promise<void> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.saveCheckpoint(journal, checkpoint, options)
    const { parts, ...of } = checkpoint
    const kept = { of, texts: await textsOf(parts) }
    if (of.seq > (branch.checkpoints.at(-1)?.of.seq ?? 0)) branch.checkpoints = [...branch.checkpoints, kept].slice(-2)
  }

  async loadCheckpoint(journal: string, before = Infinity, options?: Abortable): Promise<Checkpoint | undefined> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.loadCheckpoint(journal, before, options)
    const kept = branch.checkpoints.findLast(({ of }) => of.seq < before)
    return kept && { ...kept.of, parts: each(kept.texts) }
  }

  async trim(journal: string, through: number, options?: Abortable): Promise<void> {
    const branch = this.#branches.get(journal)
    if (!branch) return this.#storage.trim(journal, through, options)
    const { base, commits } = branch
    const upTo = Math.min(through, (commits.at(-1) ?? base).seq - 1)
    if (upTo <= branch.trimmedTo) return
    branch.trimmedTo = upTo
    branch.commits.splice(0, commits.filter(({ seq }) => seq <= upTo).length)
  }

  async close(journal: string): Promise<void> {
    await this.#storage.close?.(journal)
  }

  async #commitAt(journal: string, seq: number): Promise<Branch['base']> {
    const run = await this.read(journal, Math.max(0, seq - 1), 1)
    return (seq > 0 && 'commits' in run && run.commits[0]) || { seq, id: '' }
  }

  async #checkpointsUpTo(journal: string, seq: number): Promise<Branch['checkpoints']> {
    const kept: { readonly of: Omit<Checkpoint, 'parts'>; readonly texts: readonly string[] }[] = []
    for (let next = await this.loadCheckpoint(journal, seq + 1); next;) {
      const { parts, ...of } = next
      kept.unshift({ of, texts: await textsOf(parts) })
      next = await this.loadCheckpoint(journal, of.seq)
    }
    return kept
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

async function textsOf(parts: Checkpoint['parts']): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const part of parts) texts.push(part)
  return texts
}

async function* each(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}
