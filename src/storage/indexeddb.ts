import { type Abortable, endBy } from '../core/abortable.js'
import { type Off, systemEnvironment } from '../core/environment.js'
import { CrewError } from '../core/errors.js'
import { filledText, object, oneOf, read, type Reader, wrong } from '../core/input.js'
import {
  type Appended,
  type Checkpoint,
  type Commit,
  commitText,
  type JournalStorage,
  parseCommit,
  type Run,
} from '../core/journal/journal-storage.js'
import { utf8Bytes } from '../core/json.js'
import { Checkpoints } from './indexeddb/checkpoints.js'
import { Connection } from './indexeddb/connection.js'
import { missing } from './indexeddb/failures.js'
import { answerOf, type Idb, type IndexedDbFactory, type IndexedDbKeyRange } from './indexeddb/idb.js'
import { Wakes } from './indexeddb/wakes.js'

export type { IndexedDbFactory, IndexedDbKeyRange }

export interface IndexedDbStorageOptions {
  /**
   * When an append resolves: 'strict', the default, once the browser has it on the disk; 'relaxed' once it has handed it
   * to the system, which is faster: closing or crashing the browser loses nothing then, a power cut may lose the last
   * commits.
   */
  readonly durability?: 'strict' | 'relaxed'
  /** Default: the browser's own. With another one, such as that of fake-indexeddb, belongs its `IDBKeyRange`. */
  readonly indexedDB?: IndexedDbFactory
  /** Default: the browser's own. */
  readonly IDBKeyRange?: IndexedDbKeyRange
}

/**
 * Keeps journals in the IndexedDB database of that name, which is made if it is missing, and is crewlog's alone. Any
 * number of tabs and workers of one origin can write; they wake each other by a BroadcastChannel. Throws `invalid_input`.
 */
export function indexedDbStorage(database: string, options: IndexedDbStorageOptions = {}): JournalStorage {
  const { durability = 'strict', ...given } = read(storageOptions, options, 'options')
  return new IndexedDbStorage(read(filledText, database, 'database'), () => idbOf(given), durability)
}

/** What a tab writes in one go: browsers take far more, but hold the page up. */
const MAX_BYTES = 16 * 1024 * 1024
/** Commits that are deleted in one go, so that appends need not wait long. */
const TRIM_COMMITS = 1000
/** The most that `getAll` can be told. */
const MOST = 2 ** 32 - 1

/** The end of a journal. */
interface Head {
  readonly seq: number
  readonly id: string
  /** The last commit that is gone. */
  readonly trimmedTo: number
}

class IndexedDbStorage implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes: number = MAX_BYTES

  readonly #connection: Connection
  readonly #wakes: Wakes
  readonly #opened = new Set<string>()

  constructor(database: string, idb: () => Idb, durability: 'strict' | 'relaxed') {
    const wakes = new Wakes(`crewlog ${database}`)
    this.#wakes = wakes
    this.#connection = new Connection(database, idb, durability, () => {
      wakes.tellAll()
    })
  }

  async open(journal: string, options: Abortable = {}): Promise<void> {
    const name = nameOf(journal)
    await bounded(options, (signal) => this.#connection.open(signal))
    this.#opened.add(name)
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    const name = nameOf(journal)
    const { seq, id, prev } = commit
    const text = commitText(commit)
    checkText(text, `Commit ${seq}`)
    const appended = await bounded(options, (signal) =>
      this.#connection.transact('readwrite', ['heads', 'commits'], signal, async (transaction) => {
        const heads = transaction.objectStore('heads')
        const head = (await answerOf(heads.get(name))) as Head | undefined
        if (seq !== (head?.seq ?? 0) + 1 || prev !== (head?.id ?? '')) return false
        transaction.objectStore('commits').put(text, [name, seq])
        heads.put({ seq, id, trimmedTo: head?.trimmedTo ?? 0 } satisfies Head, name)
        return true
      }),
    )
    if (appended) this.#wakes.tell(name)
    return { appended }
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    const name = nameOf(journal)
    if (limit < 1) return { commits: [] }
    const range = this.#connection.range([name, after + 1], [name, Infinity])
    const [head, texts] = await bounded(options, (signal) =>
      this.#connection.transact('readonly', ['heads', 'commits'], signal, (transaction) =>
        Promise.all([
          answerOf(transaction.objectStore('heads').get(name)) as Promise<Head | undefined>,
          answerOf(transaction.objectStore('commits').getAll(range, Math.min(limit, MOST))),
        ]),
      ),
    )
    const { seq = 0, trimmedTo = 0 } = head ?? {}
    if (after < trimmedTo) return { trimmedTo }
    const expected = Math.max(0, Math.min(limit, seq - after))
    return { commits: this.#parse(name, after, texts, expected) }
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    const checkpoints = this.#checkpoints(journal)
    await bounded(options, (signal) => checkpoints.save(checkpoint, signal))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    const checkpoints = this.#checkpoints(journal)
    return await bounded(options, (signal) => checkpoints.load(before, signal))
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    const name = nameOf(journal)
    await bounded(options, async (signal) => {
      while (await this.#trimSome(name, through, signal));
    })
  }

  watch(journal: string, wake: () => void): Off {
    return this.#wakes.watch(nameOf(journal), wake)
  }

  async close(journal: string): Promise<void> {
    this.#opened.delete(nameOf(journal))
    if (this.#opened.size > 0 || this.#wakes.isWatched) return
    this.#connection.close()
    this.#wakes.close()
  }

  /** Whether there is more to forget. */
  #trimSome(name: string, through: number, signal: AbortSignal): Promise<boolean> {
    return this.#connection.transact('readwrite', ['heads', 'commits'], signal, async (transaction) => {
      const heads = transaction.objectStore('heads')
      const head = (await answerOf(heads.get(name))) as Head | undefined
      const last = Math.min(through, (head?.seq ?? 0) - 1)
      if (!head || last <= head.trimmedTo) return false
      const trimmedTo = Math.min(last, head.trimmedTo + TRIM_COMMITS)
      heads.put({ ...head, trimmedTo } satisfies Head, name)
      transaction.objectStore('commits').delete(this.#connection.range([name, head.trimmedTo + 1], [name, trimmedTo]))
      return trimmedTo < last
    })
  }

  #parse(name: string, after: number, texts: readonly unknown[], expected: number): readonly Commit[] {
    const where = `Database ${this.#connection.name}, journal ${name}`
    const commits = texts.map((text, index) => parseCommit(String(text), `${where}, commit ${after + 1 + index}`))
    const isRun = commits.length === expected && commits.every(({ seq }, index) => seq === after + 1 + index)
    if (isRun) return commits
    throw new CrewError('journal_corrupt', `${where} lacks a commit after ${after}; restore it from a backup`, {
      after,
    })
  }

  #checkpoints(journal: string): Checkpoints {
    return new Checkpoints(this.#connection, nameOf(journal), checkText)
  }
}

function checkText(text: string, what: string): void {
  if (text.length * 3 <= MAX_BYTES || utf8Bytes(text) <= MAX_BYTES) return
  throw new CrewError('limit_exceeded', `${what} is over ${MAX_BYTES} bytes; split it`, { limit: MAX_BYTES })
}

/** Settles when `work` does, or when the caller leaves, which aborts its signal. */
function bounded<T>(options: Abortable, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = new AbortController()
    const off = endBy(options, systemEnvironment, (error) => {
      reject(error)
      abort.abort(error)
    })
    work(abort.signal).then(resolve, reject).finally(off)
  })
}

const nameOf = (journal: string): string => read(filledText, journal, 'journal')

function idbOf(given: Partial<Idb>): Idb {
  const own = globalThis as Partial<Idb>
  const indexedDB = given.indexedDB ?? own.indexedDB
  const IDBKeyRange = given.IDBKeyRange ?? own.IDBKeyRange
  if (!indexedDB) throw missing('indexedDB')
  if (!IDBKeyRange) throw missing('IDBKeyRange')
  return { indexedDB, IDBKeyRange }
}

/** An object, or a class, with that method. */
const having =
  <T>(method: keyof T & string): Reader<T> =>
  (value, name) => {
    const found = value as Partial<T> | null | undefined
    return typeof found?.[method] === 'function' ? (found as T) : wrong(name, `what has a method ${method}`, value)
  }

const storageOptions = object({
  durability: oneOf('strict', 'relaxed'),
  indexedDB: having<IndexedDbFactory>('open'),
  IDBKeyRange: having<IndexedDbKeyRange>('bound'),
})
