import { CrewError } from '../../../src/core/errors.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../../../src/core/journal/journal-storage.js'
import { MemoryStorage } from '../../../src/core/journal/memory-storage.js'
import type { StorageBackend } from 'crewlog/testing'

/** Right, and small enough to be tried at its limits often. */
export class Plain extends MemoryStorage {
  override readonly maxCommitBytes: number = 20_000

  async all(journal: string, after = 0): Promise<readonly Commit[]> {
    const run = await super.read(journal, after, Infinity)
    return 'commits' in run
      ? run.commits
      : super.read(journal, run.trimmedTo, Infinity).then((rest) => ('commits' in rest ? rest.commits : []))
  }
}

export type Kept = Omit<Checkpoint, 'parts'> & { readonly texts: readonly string[] }

/** Checkpoints done by hand, so that each rule can be left out. */
export class Checkpointing extends Plain {
  readonly kept = new Map<string, Kept[]>()
  keep = 2

  override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
    const texts: string[] = []
    for await (const part of parts) texts.push(part)
    this.put(journal, { seq, id, format, texts })
  }

  override async loadCheckpoint(journal: string, before = Infinity): Promise<Checkpoint | undefined> {
    const found = this.of(journal).findLast(({ seq }) => this.isBelow(seq, before))
    return found && { seq: found.seq, id: found.id, format: found.format, parts: this.parts(found.texts) }
  }

  put(journal: string, next: Kept): void {
    const kept = this.of(journal)
    if (!this.isNews(next.seq, kept.at(-1)?.seq ?? 0)) return
    kept.push(next)
    if (kept.length > this.keep) kept.shift()
  }

  isNews(seq: number, newest: number): boolean {
    return seq > newest
  }

  isBelow(seq: number, before: number): boolean {
    return seq < before
  }

  of(journal: string): Kept[] {
    const kept = this.kept.get(journal) ?? []
    this.kept.set(journal, kept)
    return kept
  }

  async *parts(texts: readonly string[]): AsyncGenerator<string> {
    yield* texts
  }
}

/** A storage for one writer, kept in this map by journal. */
export class OneWriter implements JournalStorage {
  readonly writers = 'one'
  readonly maxCommitBytes = 20_000
  readonly #opened = new Set<string>()

  constructor(
    readonly inner: Plain,
    readonly held: Set<string>,
  ) {}

  async open(journal: string): Promise<void> {
    if (this.isRefused(journal)) throw this.refusal()
    this.held.add(journal)
    this.#opened.add(journal)
  }
  isRefused(journal: string): boolean {
    return this.held.has(journal)
  }
  refusal(): CrewError {
    return new CrewError('storage_unavailable', 'held by another')
  }
  append(journal: string, commit: Commit): Promise<Appended> {
    return this.inner.append(journal, commit)
  }
  read(journal: string, after: number, limit: number): Promise<Run> {
    return this.inner.read(journal, after, limit)
  }
  saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
    return this.inner.saveCheckpoint(journal, checkpoint)
  }
  loadCheckpoint(journal: string, before?: number): Promise<Checkpoint | undefined> {
    return this.inner.loadCheckpoint(journal, before)
  }
  trim(journal: string, through: number): Promise<void> {
    return this.inner.trim(journal, through)
  }
  async close(journal: string): Promise<void> {
    if (this.#opened.delete(journal)) this.held.delete(journal)
  }
}

export const alone = (Client: new () => JournalStorage) => (): StorageBackend => {
  const storage = new Client()
  return { storage, rival: storage }
}

export const oneWriter = (Client: typeof OneWriter) => (): StorageBackend => {
  const shared = [new Plain(), new Set<string>()] as const
  return { storage: new Client(...shared), rival: new Client(...shared) }
}

/** Wrong in one way, and so breaks the sentence that says so. */
export type Wrong = readonly [wrong: string, sentence: string, open: () => StorageBackend]
