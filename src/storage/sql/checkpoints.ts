import type { Check } from '../../core/abortable.js'
import { systemClock } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint } from '../../core/journal/journal-storage.js'
import type { Database, Parameter } from './database.js'
import { causeOf } from './failures.js'
import { givenName, keptName } from './names.js'
import type { Tables } from './tables.js'

/** Parts go in one statement while they are at most so many, and so long together. */
const BATCH_PARTS = 50
const BATCH_LENGTH = 256 * 1024
/** Parts that are read at once. */
const PAGE_PARTS = 8

/**
 * The checkpoints of all journals. One that is being saved has a row of its own from the beginning, and its parts come
 * one after another; only then its row gets the number that it is kept as. Whoever was stopped on the way leaves a row
 * and parts behind, which go when a checkpoint of that number or a higher one is kept.
 */
export class SqlCheckpoints {
  readonly #db: Database
  readonly #tables: Tables

  constructor(db: Database, tables: Tables) {
    this.#db = db
    this.#tables = tables
  }

  async save(journal: string, checkpoint: Checkpoint, check: Check): Promise<void> {
    const name = keptName(journal, 'The name of a journal')
    const { seq } = checkpoint
    if (((await this.#newest(name, check))[0] ?? 0) >= seq) return
    const save = `${systemClock.random()}${systemClock.random()}`
    const parts = await this.#send(name, save, checkpoint, check)
    // It may be kept though no answer says so: nothing of it is dropped from here on.
    if (((await this.#newest(name, check))[0] ?? 0) < seq) await this.#keep(save, seq, parts, check)
    await this.#sweep(name, check)
  }

  async load(journal: string, before: number, check: Check): Promise<Checkpoint | undefined> {
    const name = keptName(journal, 'The name of a journal')
    const { rows } = await this.#db.read(check)(
      `select save, kept, id, format, parts from ${this.#tables.checkpoints}` +
        ' where journal = ? and kept < ? order by kept desc limit 1',
      name,
      Math.min(before, Number.MAX_SAFE_INTEGER),
    )
    const [row] = rows
    if (!row) return undefined
    const seq = Number(row['kept'])
    return {
      seq,
      id: givenName(String(row['id'])),
      format: Number(row['format']),
      parts: this.#parts(name, String(row['save']), Number(row['parts']), seq),
    }
  }

  /** Answers how many parts there are. */
  async #send(name: string, save: string, { seq, id, format, parts }: Checkpoint, check: Check): Promise<number> {
    try {
      await this.#db.write(check)(
        `insert into ${this.#tables.checkpoints} (save, journal, seq, id, format, parts) values (?, ?, ?, ?, ?, 0)`,
        ...[save, name, seq, keptName(id, 'The id of a commit'), format],
      )
      return await this.#saveParts(name, save, parts, check)
    } catch (error) {
      await this.#drop(name, save, () => undefined).catch(() => undefined)
      throw error
    }
  }

  async *#parts(name: string, save: string, count: number, seq: number): AsyncGenerator<string> {
    for (let from = 0; from < count; from += PAGE_PARTS) {
      const { rows } = await this.#db.call({}, (check) =>
        this.#db.read(check)(
          `select body from ${this.#tables.parts} where journal = ? and save = ? and part >= ? and part < ? order by part`,
          ...[name, save, from, from + PAGE_PARTS],
        ),
      )
      if (rows.length < Math.min(PAGE_PARTS, count - from))
        throw new CrewError('cursor_expired', `Checkpoint ${seq} was replaced while it was read; load the newest`)
      for (const { body } of rows) yield String(body)
    }
  }

  async #saveParts(name: string, save: string, parts: AsyncIterable<string>, check: Check): Promise<number> {
    let count = 0
    let batch: string[] = []
    let length = 0
    const send = async (): Promise<void> => {
      if (batch.length === 0) return
      const first = count - batch.length
      const rows = batch.flatMap((body, index): readonly Parameter[] => [name, save, first + index, body])
      await this.#db.write(check)(
        `insert into ${this.#tables.parts} (journal, save, part, body) values ${batch.map(() => '(?, ?, ?, ?)').join()}`,
        ...rows,
      )
      batch = []
      length = 0
    }
    for await (const part of parts) {
      if (batch.length >= BATCH_PARTS || length + part.length > BATCH_LENGTH) await send()
      batch.push(part)
      length += part.length
      count++
    }
    await send()
    return count
  }

  async #keep(save: string, seq: number, parts: number, check: Check): Promise<void> {
    try {
      await this.#db.write(check)(
        `update ${this.#tables.checkpoints} set kept = ?, parts = ? where save = ?`,
        ...[seq, parts, save],
      )
    } catch (error) {
      // Another one of this number came first.
      if (causeOf(error) !== 'duplicate') throw error
    }
  }

  /** The numbers of the newest two. */
  async #newest(name: string, check: Check): Promise<readonly number[]> {
    const { rows } = await this.#db.read(check)(
      `select kept from ${this.#tables.checkpoints} where journal = ? and kept is not null order by kept desc limit 2`,
      name,
    )
    return rows.map(({ kept }) => Number(kept))
  }

  /** Forgets all but the newest two, and those not newer that were never kept. */
  async #sweep(name: string, check: Check): Promise<void> {
    const { checkpoints, parts } = this.#tables
    const [newest = 0, second = 0] = await this.#newest(name, check)
    await this.#db.write(check)(
      `delete from ${checkpoints} where journal = ? and (kept < ? or (kept is null and seq <= ?))`,
      ...[name, second, newest],
    )
    // By one reading that sees one moment: who saves has a row before it has parts.
    const { rows } = await this.#db.read(check)(
      `select distinct save from ${parts} where journal = ?` +
        ` and save not in (select save from ${checkpoints} where journal = ?)`,
      ...[name, name],
    )
    for (const { save } of rows) await this.#drop(name, String(save), check)
  }

  async #drop(name: string, save: string, check: Check): Promise<void> {
    const { checkpoints, parts } = this.#tables
    await this.#db.write(check)(`delete from ${checkpoints} where save = ?`, save)
    await this.#db.write(check)(`delete from ${parts} where journal = ? and save = ?`, name, save)
  }
}
