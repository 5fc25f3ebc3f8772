import type { Off } from '../environment.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from './journal-storage.js'
import { MemoryLog } from './memory-log.js'

/** Handed over with a refusal, at most. */
const MISSED_COMMITS = 100

interface Kept {
  readonly log: MemoryLog
  readonly watchers: Set<{ readonly wake: () => void }>
}

/** The default storage: in this process's memory, and gone with it. Crews that share one instance can share a journal. */
export class MemoryStorage implements JournalStorage {
  readonly writers = 'many'
  /** Nothing is turned into text, so nothing is counted. */
  readonly maxCommitBytes: number = Infinity

  readonly #journals = new Map<string, Kept>()

  async append(journal: string, commit: Commit): Promise<Appended> {
    const { log, watchers } = this.#kept(journal)
    if (!log.append(commit)) {
      const run = log.read(commit.seq - 1, MISSED_COMMITS)
      return { appended: false, ...('commits' in run && { missed: run.commits }) }
    }
    for (const { wake } of watchers) wake()
    return { appended: true }
  }

  async read(journal: string, after: number, limit: number): Promise<Run> {
    return this.#kept(journal).log.read(after, limit)
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
    await this.#kept(journal).log.saveCheckpoint(checkpoint)
  }

  async loadCheckpoint(journal: string, before?: number): Promise<Checkpoint | undefined> {
    return this.#kept(journal).log.loadCheckpoint(before)
  }

  async trim(journal: string, through: number): Promise<void> {
    this.#kept(journal).log.trim(through)
  }

  watch(journal: string, wake: () => void): Off {
    const { watchers } = this.#kept(journal)
    const watcher = { wake }
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
    }
  }

  #kept(journal: string): Kept {
    const kept = this.#journals.get(journal) ?? { log: new MemoryLog(), watchers: new Set() }
    this.#journals.set(journal, kept)
    return kept
  }
}
