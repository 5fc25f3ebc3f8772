import type { Off } from '../environment.js'
import { freezeJson } from '../json.js'
import {
  type Appended,
  type Checkpoint,
  type Commit,
  commitText,
  type JournalStorage,
  parseCommit,
  type Run,
} from './journal-storage.js'

interface Log {
  /** Number of the commit before `commits[0]`: 0 until something is trimmed. */
  trimmedTo: number
  /** Frozen all the way down, so that writers and readers can share them. */
  readonly commits: Commit[]
  /** Oldest first, at most two. */
  readonly checkpoints: {
    readonly seq: number
    readonly id: string
    readonly format: number
    readonly texts: readonly string[]
  }[]
  readonly watchers: Set<{ readonly wake: () => void }>
}

/** The default storage: in this process's memory, and gone with it. Crews that share one instance can share a journal. */
export class MemoryStorage implements JournalStorage {
  readonly writers = 'many'
  /** Nothing is turned into text, so nothing is counted. */
  readonly maxCommitBytes: number = Infinity

  readonly #logs = new Map<string, Log>()

  async append(journal: string, commit: Commit): Promise<Appended> {
    const { commits, watchers } = this.#log(journal)
    const { seq = 0, id = '' } = commits.at(-1) ?? {}
    if (commit.seq !== seq + 1 || commit.prev !== id) return { appended: false }
    commits.push(Object.isFrozen(commit) ? commit : freezeJson(parseCommit(commitText(commit), 'memory')))
    for (const { wake } of watchers) wake()
    return { appended: true }
  }

  async read(journal: string, after: number, limit: number): Promise<Run> {
    const { commits, trimmedTo } = this.#log(journal)
    return after < trimmedTo ? { trimmedTo } : { commits: commits.slice(after - trimmedTo, after - trimmedTo + limit) }
  }

  async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
    const texts: string[] = []
    for await (const part of parts) texts.push(part)
    const { checkpoints } = this.#log(journal)
    if (seq <= (checkpoints.at(-1)?.seq ?? 0)) return
    checkpoints.push({ seq, id, format, texts })
    if (checkpoints.length > 2) checkpoints.shift()
  }

  async loadCheckpoint(journal: string, before = Infinity): Promise<Checkpoint | undefined> {
    const kept = this.#log(journal).checkpoints.findLast(({ seq }) => seq < before)
    return kept && { seq: kept.seq, id: kept.id, format: kept.format, parts: each(kept.texts) }
  }

  async trim(journal: string, through: number): Promise<void> {
    const log = this.#log(journal)
    const gone = Math.min(through - log.trimmedTo, log.commits.length - 1)
    if (gone <= 0) return
    log.commits.splice(0, gone)
    log.trimmedTo += gone
  }

  watch(journal: string, wake: () => void): Off {
    const { watchers } = this.#log(journal)
    const watcher = { wake }
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
    }
  }

  #log(journal: string): Log {
    let log = this.#logs.get(journal)
    if (!log) {
      log = { trimmedTo: 0, commits: [], checkpoints: [], watchers: new Set() }
      this.#logs.set(journal, log)
    }
    return log
  }
}

async function* each(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}
