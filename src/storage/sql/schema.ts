import type { Check } from '../../core/abortable.js'
import { CrewError } from '../../core/errors.js'
import type { Database } from './database.js'
import { causeOf } from './failures.js'
import { ddl, SCHEMA_VERSION, type Tables } from './tables.js'

/** What a driver, a connection or a server could garble: quotes, backslashes, line ends, what a byte does not hold. */
const TRIAL = '\'"`\\\\u0000\\n%_?$1:x --/*\u00df\u20ac\u{1f600}'
/** Tries to make the tables while others do, too. */
const MOST_TRIES = 20

/** The tables as a whole: whether they are there, of this release, and behind a driver that tells the truth. */
export class Schema {
  readonly #db: Database
  readonly #tables: Tables
  readonly #makesTables: boolean
  readonly #maxCommitBytes: number
  #isThere = false
  #isTried = false

  constructor(db: Database, tables: Tables, makesTables: boolean, maxCommitBytes: number) {
    this.#db = db
    this.#tables = tables
    this.#makesTables = makesTables
    this.#maxCommitBytes = maxCommitBytes
  }

  /** Whether there is something to read. */
  async isThere(check: Check): Promise<boolean> {
    this.#isThere ||= await this.#look(check)
    if (this.#isThere || this.#makesTables) return this.#isThere
    throw missing(this.#tables)
  }

  /** Makes what is missing, and tries the database. */
  async prepare(check: Check): Promise<void> {
    if (this.#isTried) return
    if (this.#db.dialect === 'sqlite') await this.#teachPatience(check)
    if (!(await this.isThere(check))) await this.#make(check)
    await this.#tryTexts(check)
    await this.#tryCounts(check)
    if (this.#db.dialect === 'mysql') await this.#tryRoom(check)
    this.#isTried = true
  }

  /** A connection of SQLite that waits for nobody, as libsql and node:sqlite open it, finds the file busy all the time. */
  async #teachPatience(check: Check): Promise<void> {
    const run = this.#db.read(check)
    try {
      const { rows } = await run('select timeout from pragma_busy_timeout')
      if (Number(rows[0]?.['timeout'] ?? 0) === 0) await run(`pragma busy_timeout = ${BUSY_MS}`)
    } catch (error) {
      // Some builds, and what only speaks like SQLite, have no such thing.
      if (causeOf(error) !== 'missing' && causeOf(error) !== 'unknown') throw error
      check()
    }
  }

  async #look(check: Check): Promise<boolean> {
    try {
      const { rows } = await this.#db.read(check)(`select max(version) as version from ${this.#tables.schema}`)
      const found = rows[0]?.['version'] ?? undefined
      if (found === undefined) return false
      const version = Number(found)
      if (version === SCHEMA_VERSION) return true
      throw new CrewError(
        'unsupported_version',
        `The tables of crewlog have version ${version}, this release knows ${SCHEMA_VERSION}; update crewlog, or use another prefix`,
        { version },
      )
    } catch (error) {
      if (causeOf(error) !== 'missing') throw error
      return false
    }
  }

  /** Others may do so at the same time: engines then complain of what is there already, though asked not to. */
  async #make(check: Check): Promise<void> {
    const run = this.#db.write(check)
    for (const statement of ddl(this.#tables, this.#db.dialect)) {
      for (let tries = 1; ; tries++) {
        try {
          await run(statement)
          break
        } catch (error) {
          if (causeOf(error) !== 'duplicate' || tries >= MOST_TRIES) throw error
        }
      }
    }
    this.#isThere = await this.#look(check)
    if (!this.#isThere) throw missing(this.#tables)
  }

  async #tryTexts(check: Check): Promise<void> {
    const { rows } = await this.#db.read(check)(`select ${TEXT[this.#db.dialect]} as trial`, TRIAL)
    if (rows[0]?.['trial'] === TRIAL) return
    throw unfit('brings texts back as others; let the connection and the database speak UTF-8 (utf8mb4)')
  }

  /** What appends are judged by. */
  async #tryCounts(check: Check): Promise<void> {
    const run = this.#db.write(check)
    const isAsked = this.#db.dialect !== 'mysql'
    const update = `update ${this.#tables.schema} set opened = opened + 1 where version = ?`
    const count = async (version: number): Promise<number> => {
      const { rows, affected } = await run(`${update}${isAsked ? ' returning version' : ''}`, version)
      return isAsked ? rows.length : affected
    }
    const [one, none] = [await count(SCHEMA_VERSION), await count(0)]
    if (one === 1 && none === 0) return
    const what = isAsked ? 'rows of RETURNING' : 'affected rows'
    throw unfit(`miscounts: ${one} ${what} where one row changed, ${none} where none did; use another one`)
  }

  /** Every character of a text may be escaped on the way. */
  async #tryRoom(check: Check): Promise<void> {
    const { rows } = await this.#db.read(check)('select @@max_allowed_packet as most')
    const most = Number(rows[0]?.['most'] ?? 0)
    const wanted = 2 * this.#maxCommitBytes + ROOM_BYTES
    if (most >= wanted) return
    throw unfit(
      `takes statements of ${most} bytes; set max_allowed_packet to ${wanted} or more, or maxCommitBytes to ${Math.max(1, Math.floor((most - ROOM_BYTES) / 2))} or less`,
    )
  }
}

/** As long as better-sqlite3 waits. */
const BUSY_MS = 5000
/** For what is around the text of a commit. */
const ROOM_BYTES = 64 * 1024

const TEXT = { sqlite: '?', postgres: '?::text', mysql: 'cast(? as char)' } as const

const missing = ({ schema }: Tables): CrewError =>
  new CrewError(
    'storage_unavailable',
    `The tables of crewlog are not there (${schema} is missing); run the statements of sqlTables(), or let createTables be true`,
  )

const unfit = (what: string): CrewError => new CrewError('invalid_input', `This database or its driver ${what}`)
