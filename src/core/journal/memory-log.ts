import { freezeJson } from '../json.js'
import { type Checkpoint, type Commit, commitText, parseCommit, type Run } from './journal-storage.js'

interface Kept extends Omit<Checkpoint, 'parts'> {
  readonly texts: readonly string[]
}

/** The commits of one journal behind a base, and its checkpoints, as objects in memory. */
export class MemoryLog {
  /** The commit before the first one that was ever here. */
  readonly base: Pick<Commit, 'seq' | 'id'>
  /** Frozen all the way down, so that writers and readers can share them. */
  readonly #commits: Commit[] = []
  /** Oldest first, at most two. */
  #checkpoints: readonly Kept[] = []
  /** Number of the commit before the first one here. */
  #before: number
  #trimmedTo: number

  constructor(base: MemoryLog['base'] = { seq: 0, id: '' }, trimmedTo = 0) {
    this.base = base
    this.#before = base.seq
    this.#trimmedTo = trimmedTo
  }

  /** Whether it was the next one. */
  append(commit: Commit): boolean {
    const { seq, id } = this.#head
    if (commit.seq !== seq + 1 || commit.prev !== id) return false
    this.#commits.push(Object.isFrozen(commit) ? commit : freezeJson(parseCommit(commitText(commit), 'memory')))
    return true
  }

  /** Of the commits here. */
  read(after: number, limit: number): Run {
    if (after < this.#trimmedTo) return { trimmedTo: this.#trimmedTo }
    const from = Math.max(0, after - this.#before)
    return { commits: this.#commits.slice(from, from + limit) }
  }

  async saveCheckpoint({ parts, ...about }: Checkpoint): Promise<void> {
    const texts: string[] = []
    for await (const part of parts) texts.push(part)
    if (about.seq > (this.#checkpoints.at(-1)?.seq ?? 0))
      this.#checkpoints = [...this.#checkpoints.slice(-1), { ...about, texts }]
  }

  loadCheckpoint(below = Infinity): Checkpoint | undefined {
    const kept = this.#checkpoints.findLast(({ seq }) => seq < below)
    if (!kept) return undefined
    const { texts, ...about } = kept
    return { ...about, parts: each(texts) }
  }

  /** Forgets the commits up to there, but not the newest. */
  trim(through: number): void {
    const to = Math.min(through, this.#head.seq - 1)
    if (to <= this.#trimmedTo) return
    this.#commits.splice(0, to - this.#before)
    this.#trimmedTo = to
    this.#before = Math.max(this.#before, to)
  }

  get #head(): MemoryLog['base'] {
    return this.#commits.at(-1) ?? this.base
  }
}

async function* each(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}
