import type { Check } from '../../core/abortable.js'
import { CrewError } from '../../core/errors.js'
import { utf8Bytes } from '../../core/json.js'
import { type Commit, commitText, parseCommit } from '../../core/journal/journal-storage.js'
import type { Appended, Run as Commits } from '../../core/journal/journal-storage.js'
import type { Answer, Database, Run } from './database.js'
import { Courtesy } from './courtesy.js'
import { causeOf } from './failures.js'
import { keptName } from './names.js'
import type { Tables } from './tables.js'

/** Most commits that a refusal hands over. */
const MISSED_COMMITS = 100
/** Commits that one statement forgets. */
const TRIM_COMMITS = 1000

/** The commits of all journals. */
export class SqlLog {
  readonly #db: Database
  readonly #tables: Tables
  readonly #maxCommitBytes: number
  readonly #courtesy = new Courtesy()

  constructor(db: Database, tables: Tables, maxCommitBytes: number) {
    this.#db = db
    this.#tables = tables
    this.#maxCommitBytes = maxCommitBytes
  }

  async append(journal: string, commit: Commit, check: Check): Promise<Appended> {
    const { seq, prev } = commit
    // Before the first one there is none.
    const isPossible = seq === 1 ? prev === '' : seq > 1
    if (isPossible && (await this.#isTaken(journal, commit, check))) return { appended: true }
    const run = await this.read(journal, Math.max(0, seq - 1), MISSED_COMMITS, check)
    return 'commits' in run && run.commits.length > 0 ? { appended: false, missed: run.commits } : { appended: false }
  }

  async read(journal: string, after: number, limit: number, check: Check): Promise<Commits> {
    const { commits } = this.#tables
    const { rows } = await this.#db.read(check)(
      `select body from ${commits} where journal = ? and seq > ? order by seq limit ?`,
      keptName(journal, 'The name of a journal'),
      after,
      Math.min(limit, Number.MAX_SAFE_INTEGER),
    )
    const found = rows.map(({ body }) => parseCommit(String(body), `A row of table ${commits} after ${after}`))
    // The newest is never forgotten, and the others from the oldest on: what is there shows what is gone.
    const [first] = found
    return first && first.seq > after + 1 ? { trimmedTo: first.seq - 1 } : { commits: found }
  }

  /** A piece at a time, the oldest first, so that what is left is a run at any time. */
  async trim(journal: string, through: number, check: Check): Promise<void> {
    const { commits } = this.#tables
    const name = keptName(journal, 'The name of a journal')
    const range = `select min(seq) as first, max(seq) as last from ${commits} where journal = ?`
    const [{ first, last } = {}] = (await this.#db.read(check)(range, name)).rows
    const end = Math.min(through, Number(last ?? 0) - 1)
    for (let piece = Number(first ?? 1) - 1; piece < end;) {
      piece = Math.min(piece + TRIM_COMMITS, end)
      await this.#db.write(check)(`delete from ${commits} where journal = ? and seq <= ?`, name, piece)
    }
  }

  /** Nothing more is appended to it, for now. */
  leave(journal: string): void {
    this.#courtesy.forget(keptName(journal, 'The name of a journal'))
  }

  /** The number of the last commit of each of these journals that has one. */
  async heads(journals: readonly string[], check: Check): Promise<ReadonlyMap<string, number>> {
    const { heads, commits } = this.#tables
    const marks = journals.map(() => '?')
    const statement =
      this.#db.dialect === 'sqlite'
        ? `with watched (journal) as (values ${marks.map((mark) => `(${mark})`).join()}) select journal,` +
          ` (select max(seq) from ${commits} where ${commits}.journal = watched.journal) as seq from watched`
        : `select journal, seq from ${heads} where journal in (${marks.join()})`
    const names = new Map(journals.map((journal) => [keptName(journal, 'The name of a journal'), journal]))
    const { rows } = await this.#db.read(check)(statement, ...names.keys())
    return new Map(rows.map(({ journal, seq }) => [names.get(String(journal)) ?? '', Number(seq ?? 0)]))
  }

  async #isTaken(journal: string, commit: Commit, check: Check): Promise<boolean> {
    const body = commitText(commit)
    const most = this.#maxCommitBytes
    if (body.length * 3 > most && utf8Bytes(body) > most) throw tooLarge(`Commit ${commit.seq} is over ${most} bytes`)
    const given: Given = {
      name: keptName(journal, 'The name of a journal'),
      seq: commit.seq,
      id: keptName(commit.id, 'The id of a commit'),
      prev: keptName(commit.prev, 'The id of a commit'),
      body,
    }
    try {
      return await this.#insert(given, check)
    } catch (error) {
      if (causeOf(error) !== 'too large') throw error
      throw tooLarge(`The database takes no commit of ${body.length} characters, raise its limit`, error)
    }
  }

  #insert(given: Given, check: Check): Promise<boolean> {
    switch (this.#db.dialect) {
      case 'sqlite':
        return this.#courtesy.serve(given.name, given, () => this.#insertAlone(given, this.#db.write(check)))
      case 'postgres':
        return this.#insertAtOnce(given, this.#db.write(check))
      case 'mysql':
        return this.#insertInTwo(given, check)
    }
  }

  /** SQLite lets in one writer at a time, so the last commit cannot change in a statement. */
  async #insertAlone({ name, seq, id, prev, body }: Given, run: Run): Promise<boolean> {
    const { commits } = this.#tables
    const last = `from ${commits} where journal = ? order by seq desc limit 1`
    const answer = await run(
      `insert into ${commits} (journal, seq, id, body) select ?, ?, ?, ?` +
        ` where coalesce((select seq ${last}), 0) = ? and coalesce((select id ${last}), '') = ? returning seq`,
      ...[name, seq, id, body, name, seq - 1, name, prev],
    )
    return hasOne(answer)
  }

  /** Postgres moves the head and adds the commit in one statement: one way there and back, and one transaction. */
  async #insertAtOnce({ name, seq, id, prev, body }: Given, run: Run): Promise<boolean> {
    const { heads, commits } = this.#tables
    const insert = `insert into ${commits} (journal, seq, body) select journal, seq, ?::text from moved returning seq`
    const answer =
      seq === 1
        ? await run(
            `with moved as (insert into ${heads} (journal, seq, id) values (?, 1, ?) on conflict do nothing` +
              ` returning journal, seq) ${insert}`,
            ...[name, id, body],
          )
        : await run(
            `with moved as (update ${heads} set seq = ?, id = ? where journal = ? and seq = ? and id = ?` +
              ` returning journal, seq) ${insert}`,
            ...[seq, id, name, seq - 1, prev, body],
          )
    return hasOne(answer)
  }

  /** MySQL says how many rows it changed, or found: these are the same, as a head is another one each time. */
  #insertInTwo({ name, seq, id, prev, body }: Given, check: Check): Promise<boolean> {
    const { heads, commits } = this.#tables
    return this.#db.transaction(check, async (run) => {
      const { affected } =
        seq === 1
          ? await run(`insert ignore into ${heads} (journal, seq, id) values (?, 1, ?)`, name, id)
          : await run(
              `update ${heads} set seq = ?, id = ? where journal = ? and seq = ? and id = ?`,
              ...[seq, id, name, seq - 1, prev],
            )
      if (affected === 0) return false
      await run(`insert into ${commits} (journal, seq, body) values (?, ?, ?)`, name, seq, body)
      return true
    })
  }
}

interface Given {
  readonly name: string
  readonly seq: number
  readonly id: string
  readonly prev: string
  readonly body: string
}

const tooLarge = (what: string, cause?: unknown): CrewError =>
  new CrewError('limit_exceeded', `${what}; split the command, or pass a lower maxCommitBytes`, {}, cause)

const hasOne = ({ rows }: Answer): boolean => rows.length === 1
