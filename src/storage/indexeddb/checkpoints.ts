import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint } from '../../core/journal/journal-storage.js'
import type { Connection } from './connection.js'
import { answerOf, type Key, type Range, type Transaction } from './idb.js'

/** What is kept under journal and number. */
interface Kept extends Omit<Checkpoint, 'parts'> {
  /** Where its parts are. */
  readonly draft: string
  /** How many they are. */
  readonly count: number
}

/** After which parts of a checkpoint that was never finished are thrown away, as after a tab that was closed. */
const DRAFT_MS = 60 * 60_000
const STORES = ['checkpoints', 'parts', 'drafts'] as const

/**
 * The checkpoints of one journal. Parts are written one by one, each in a transaction of its own, because a transaction
 * cannot wait for the next; a last one makes them a checkpoint.
 */
export class Checkpoints {
  readonly #connection: Connection
  readonly #journal: string
  readonly #checkText: (text: string, what: string) => void

  constructor(connection: Connection, journal: string, checkText: (text: string, what: string) => void) {
    this.#connection = connection
    this.#journal = journal
    this.#checkText = checkText
  }

  async save({ parts, ...head }: Checkpoint, signal: AbortSignal): Promise<void> {
    const draft = systemEnvironment.id()
    const startedAt = systemEnvironment.now()
    let count = 0
    try {
      for await (const part of parts) {
        this.#checkText(part, 'A part of the checkpoint')
        await this.#connection.transact('readwrite', ['parts', 'drafts'], signal, async (transaction) => {
          if (count === 0) transaction.objectStore('drafts').put(draft, [this.#journal, startedAt, draft])
          transaction.objectStore('parts').put(part, [this.#journal, draft, count])
        })
        count++
      }
      await this.#connection.transact('readwrite', STORES, signal, async (transaction) => {
        transaction.objectStore('drafts').delete([this.#journal, startedAt, draft])
        await this.#publish(transaction, { ...head, draft, count })
        await this.#removeDrafts(transaction, startedAt - DRAFT_MS)
      })
    } catch (error) {
      await this.#discard(draft, startedAt).catch(() => undefined)
      throw error
    }
  }

  /** The newest with a number below `before`. */
  async load(before: number, signal: AbortSignal): Promise<Checkpoint | undefined> {
    const all = await this.#connection.transact('readonly', ['checkpoints'], signal, (transaction) =>
      this.#all(transaction),
    )
    const kept = all.findLast(({ seq }) => seq < before)
    return kept && { seq: kept.seq, id: kept.id, format: kept.format, parts: this.#read(kept) }
  }

  async #publish(transaction: Transaction, kept: Kept): Promise<void> {
    const [all, count] = await Promise.all([
      this.#all(transaction),
      answerOf(transaction.objectStore('parts').count(this.#partsOf(kept.draft))),
    ])
    const newest = all.at(-1)
    if (newest && kept.seq <= newest.seq) {
      transaction.objectStore('parts').delete(this.#partsOf(kept.draft))
      return
    }
    if (count !== kept.count)
      throw new CrewError(
        'storage_unavailable',
        `Checkpoint ${kept.seq} took so long that others threw its parts away; save another one`,
        { seq: kept.seq },
      )
    transaction.objectStore('checkpoints').put(kept, [this.#journal, kept.seq])
    for (const { seq, draft } of all.slice(0, -1)) {
      transaction.objectStore('checkpoints').delete([this.#journal, seq])
      transaction.objectStore('parts').delete(this.#partsOf(draft))
    }
  }

  /** Of savings that began before a time, which will hardly end. */
  async #removeDrafts(transaction: Transaction, before: number): Promise<void> {
    const old = this.#connection.range([this.#journal, 0], [this.#journal, before])
    const drafts = transaction.objectStore('drafts')
    for (const draft of await answerOf(drafts.getAll(old)))
      transaction.objectStore('parts').delete(this.#partsOf(draft as string))
    drafts.delete(old)
  }

  /** Though the caller has left. */
  async #discard(draft: string, startedAt: number): Promise<void> {
    const { signal } = new AbortController()
    await this.#connection.transact('readwrite', ['parts', 'drafts'], signal, async (transaction) => {
      transaction.objectStore('parts').delete(this.#partsOf(draft))
      transaction.objectStore('drafts').delete([this.#journal, startedAt, draft])
    })
  }

  async *#read({ seq, draft, count }: Kept): AsyncGenerator<string> {
    const { signal } = new AbortController()
    for (let index = 0; index < count; index++) {
      const [part, kept] = await this.#connection.transact(
        'readonly',
        ['checkpoints', 'parts'],
        signal,
        (transaction) =>
          Promise.all([
            answerOf(transaction.objectStore('parts').get([this.#journal, draft, index])),
            answerOf(transaction.objectStore('checkpoints').get([this.#journal, seq])),
          ]),
      )
      if (typeof part === 'string') yield part
      else if (kept)
        throw new CrewError(
          'journal_corrupt',
          `Part ${index} of checkpoint ${seq} is missing; restore it from a backup`,
          {
            seq,
          },
        )
      else throw new CrewError('storage_unavailable', `Checkpoint ${seq} was replaced by newer ones; load one of those`)
    }
  }

  /** Oldest first, at most two. */
  async #all(transaction: Transaction): Promise<readonly Kept[]> {
    const range = this.#connection.range([this.#journal, 0], [this.#journal, Infinity])
    return (await answerOf(transaction.objectStore('checkpoints').getAll(range))) as readonly Kept[]
  }

  #partsOf(draft: string): Range {
    const key = (index: number): Key => [this.#journal, draft, index]
    return this.#connection.range(key(0), key(Infinity))
  }
}
