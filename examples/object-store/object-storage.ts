import {
  type Abortable,
  type Appended,
  type Checkpoint,
  type Commit,
  commitText,
  CrewError,
  type JournalStorage,
  parseCommit,
  type Run,
} from 'crewlog'
import { type Fetch, ObjectStore } from './object-store.js'

/** The one object of a journal that changes, and whose change is what happens. */
interface Head {
  readonly seq: number
  readonly id: string
  /** The text of commit `seq`. Those before have objects of their own. */
  readonly newest: string
  /** The last commit that is gone. */
  readonly trimmedTo: number
  /** Oldest first, at most two. */
  readonly checkpoints: readonly Kept[]
}
interface Kept extends Omit<Checkpoint, 'parts'> {
  readonly key: string
  readonly parts: number
}

const EMPTY: Head = { seq: 0, id: '', newest: '', trimmedTo: 0, checkpoints: [] }
const MAX_BYTES = 4 * 1024 * 1024
/** Requests under way at once. */
const AT_ONCE = 50

/** Keeps journals in a bucket of S3, R2, Azure or whatever else knows If-Match and If-None-Match, below `url`. */
export function objectStorage(url: string, fetch: Fetch = globalThis.fetch): JournalStorage {
  return new ObjectStorage(new ObjectStore(url, fetch))
}

class ObjectStorage implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes: number = MAX_BYTES
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** A store that does not know conditions would lose commits without a word. */
  async open(journal: string, { signal }: Abortable = {}): Promise<void> {
    const probe = `${keyOf(journal)}/probe`
    await this.#store.put(probe, 'x', undefined, signal)
    const answers = [
      await this.#store.put(probe, 'y', null, signal),
      await this.#store.put(probe, 'z', '"no such version"', signal),
    ]
    if (answers.includes(true))
      throw new CrewError('invalid_input', 'This object store ignores If-Match or If-None-Match; use one that does not')
  }

  async append(journal: string, commit: Commit, { signal }: Abortable = {}): Promise<Appended> {
    const { seq, id, prev } = commit
    const newest = commitText(commit)
    if (Buffer.byteLength(newest) > MAX_BYTES)
      throw new CrewError('limit_exceeded', `Commit ${seq} is over ${MAX_BYTES} bytes; split it`, { limit: MAX_BYTES })
    const appended = await this.#change(journal, signal, async (head) => {
      if (seq !== head.seq + 1 || prev !== head.id) return undefined
      // Before its place is taken, what is the newest now gets an object of its own: the same, whoever writes it.
      if (head.seq > 0) await this.#store.put(commitKey(journal, head.seq), head.newest, undefined, signal)
      return { ...head, seq, id, newest }
    })
    return { appended }
  }

  async read(journal: string, after: number, limit: number, { signal }: Abortable = {}): Promise<Run> {
    const { head } = await this.#head(journal, signal)
    if (after < head.trimmedTo) return { trimmedTo: head.trimmedTo }
    const last = Math.min(head.seq, after + limit)
    const commits: Commit[] = []
    while (after + commits.length < last) {
      const from = after + commits.length + 1
      const seqs = Array.from({ length: Math.min(AT_ONCE, last - from + 1) }, (_, index) => from + index)
      const texts = await Promise.all(
        seqs.map(async (seq) =>
          seq === head.seq ? head.newest : (await this.#store.get(commitKey(journal, seq), signal))?.text,
        ),
      )
      // Trimmed since the head was read? Then that is the answer; else it is damage, which parseCommit reports.
      if (texts.includes(undefined)) {
        const { trimmedTo } = (await this.#head(journal, signal)).head
        if (after < trimmedTo) return { trimmedTo }
      }
      commits.push(...texts.map((text, index) => parseCommit(text ?? '', `Object ${commitKey(journal, from + index)}`)))
    }
    return { commits }
  }

  async saveCheckpoint(journal: string, { parts, ...about }: Checkpoint, { signal }: Abortable = {}): Promise<void> {
    const key = `${keyOf(journal)}/checkpoint-${about.seq}-${crypto.randomUUID()}`
    let count = 0
    try {
      for await (const part of parts) {
        await this.#store.put(`${key}-${count}`, part, undefined, signal)
        count++
      }
    } catch (error) {
      await this.#remove([{ key, parts: count }]).catch(() => undefined)
      throw error
    }
    const kept: Kept = { ...about, key, parts: count }
    let unused: readonly Pick<Kept, 'key' | 'parts'>[] = []
    await this.#change(journal, signal, async (head) => {
      const isNewer = about.seq > (head.checkpoints.at(-1)?.seq ?? 0)
      unused = isNewer ? head.checkpoints.slice(0, -1) : [kept]
      return isNewer ? { ...head, checkpoints: [...head.checkpoints.slice(-1), kept] } : undefined
    })
    await this.#remove(unused)
  }

  async loadCheckpoint(
    journal: string,
    before = Infinity,
    { signal }: Abortable = {},
  ): Promise<Checkpoint | undefined> {
    const { head } = await this.#head(journal, signal)
    const kept = head.checkpoints.findLast(({ seq }) => seq < before)
    return kept && { seq: kept.seq, id: kept.id, format: kept.format, parts: this.#parts(kept) }
  }

  async trim(journal: string, through: number, { signal }: Abortable = {}): Promise<void> {
    let from = 0
    let to = 0
    await this.#change(journal, signal, async (head) => {
      ;[from, to] = [head.trimmedTo + 1, Math.min(through, head.seq - 1)]
      return to < from ? undefined : { ...head, trimmedTo: to }
    })
    // The head says that they are gone; from now on nobody looks for them.
    for (let seq = from; seq <= to; seq += AT_ONCE) {
      const seqs = Array.from({ length: Math.min(AT_ONCE, to - seq + 1) }, (_, index) => seq + index)
      await Promise.all(seqs.map((each) => this.#store.delete(commitKey(journal, each), signal)))
    }
  }

  async #head(journal: string, signal?: AbortSignal): Promise<{ readonly head: Head; readonly etag: string | null }> {
    const found = await this.#store.get(`${keyOf(journal)}/head`, signal)
    return found ? { head: JSON.parse(found.text) as Head, etag: found.etag } : { head: EMPTY, etag: null }
  }

  /** Compare and set: puts what `next` makes of the head in its place, unless it changes nothing; anew if others were faster. */
  async #change(
    journal: string,
    signal: AbortSignal | undefined,
    next: (head: Head) => Promise<Head | undefined>,
  ): Promise<boolean> {
    for (;;) {
      const { head, etag } = await this.#head(journal, signal)
      const changed = await next(head)
      if (!changed) return false
      if (await this.#store.put(`${keyOf(journal)}/head`, JSON.stringify(changed), etag, signal)) return true
    }
  }

  async *#parts({ seq, key, parts }: Kept): AsyncGenerator<string> {
    for (let index = 0; index < parts; index++) {
      const part = await this.#store.get(`${key}-${index}`)
      if (!part)
        throw new CrewError('storage_unavailable', `Checkpoint ${seq} was replaced by newer ones; load one of those`)
      yield part.text
    }
  }

  async #remove(unused: readonly Pick<Kept, 'key' | 'parts'>[]): Promise<void> {
    for (const { key, parts } of unused)
      for (let index = 0; index < parts; index++) await this.#store.delete(`${key}-${index}`)
  }
}

/** All that a name may be, '..' and upper case included, in hexadecimal: URLs and some stores take liberties with it. */
const keyOf = (journal: string): string => Buffer.from(journal, 'utf16le').toString('hex')
const commitKey = (journal: string, seq: number): string => `${keyOf(journal)}/commit-${seq}`
