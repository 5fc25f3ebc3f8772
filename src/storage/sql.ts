import type { Kysely } from 'kysely'
import type { Abortable, Check } from '../core/abortable.js'
import type { Off } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { filledText, flag, matching, object, oneOf, type Reader, read, whole } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { warn, warningListener } from '../core/warnings.js'
import { SqlCheckpoints } from './sql/checkpoints.js'
import { Database } from './sql/database.js'
import { dialectOf, DIALECTS, type SqlDialect } from './sql/dialect.js'
import { SqlLog } from './sql/log.js'
import { keptName } from './sql/names.js'
import { listener, type ListeningClient, type ListeningPool } from './sql/listening.js'
import { Schema } from './sql/schema.js'
import { type Hearing, Wakes } from './sql/wakes.js'
import { ddl, type Tables, tablesOf } from './sql/tables.js'

export type { SqlDialect } from './sql/dialect.js'
export type { ListeningClient, ListeningConnection, ListeningPool } from './sql/listening.js'

export interface SqlTableOptions {
  /** Begins the names of the tables; a–z, 0–9 and _, at most 40; default `crewlog_`. */
  readonly prefix?: string
  /** The schema of Postgres, or the database of MySQL, that the tables are in; default: that of the connection. */
  readonly schema?: string
}

export interface SqlStorageOptions extends SqlTableOptions {
  /** What the database speaks; default: found out from Kysely's adapter. `postgres` for PGlite, `mysql` for MariaDB. */
  readonly dialect?: SqlDialect
  /** Whether missing tables are made; default true. Without, run the statements of `sqlTables` yourself. */
  readonly createTables?: boolean
  /**
   * Largest commit, in bytes of UTF-8, at least 1,024; default 16 MiB, with MySQL 4 MiB, whose `max_allowed_packet` must
   * be more than twice as much.
   */
  readonly maxCommitBytes?: number
  /**
   * Postgres: where to hear at once of what other processes commit, by LISTEN and NOTIFY: a pool of `pg` (one connection
   * of it is held while a crew is open), a client of `postgres`, or PGlite. It must lead to the server itself, not to a
   * pooler. Default: commits are looked for, every 20 ms while something happens, every second else.
   */
  readonly listen?: ListeningClient | ListeningPool
  /** Told that `listen` cannot connect though the database answers; again only after it could. Default `console.warn`. */
  readonly onWarning?: (warning: string) => void
}

/**
 * Keeps journals in tables of a database, through your own Kysely instance: SQLite (libsql, better-sqlite3, node:sqlite),
 * PGlite, Postgres, MySQL, MariaDB. Any number of processes write. Missing tables are made when a crew is opened. It
 * never closes `db`. Throws `invalid_input`; opening rejects with `invalid_input` for a driver that miscounts or garbles
 * texts, `unsupported_version` for tables of a newer release, `storage_unavailable` for what else keeps it from working.
 */
export function sqlStorage<DB>(db: Kysely<DB>, options: SqlStorageOptions = {}): JournalStorage {
  const kysely = read(kyselyInstance, db, 'db')
  const { dialect = dialectOf(kysely.getExecutor().adapter), ...given } = read(storageOptions, options, 'options')
  const {
    maxCommitBytes = DEFAULT_BYTES[dialect],
    createTables = true,
    prefix = PREFIX,
    schema,
    listen,
    onWarning = warn,
  } = given
  if (listen && dialect !== 'postgres') throw invalid(`options.listen is for Postgres; this database is ${dialect}`)
  const tables = tablesOf(prefix, schema, dialect)
  const database = new Database(kysely, dialect)
  const hearing = listen && {
    source: listen,
    channel: `${prefix}commits`,
    scope: schema ?? '',
    warn: onWarning,
  }
  return new SqlStorage({
    database,
    tables,
    schema: new Schema(database, tables, createTables, maxCommitBytes),
    maxCommitBytes,
    hearing,
  })
}

/**
 * The statements that make the tables, for a database whose user may make none: run them once, in this order, and pass
 * `createTables: false`. Running them again changes nothing. Throws `invalid_input`.
 */
export function sqlTables(dialect: SqlDialect, options: SqlTableOptions = {}): readonly string[] {
  const spoken = read(oneOf(...DIALECTS), dialect, 'dialect')
  const { prefix = PREFIX, schema } = read(object(tableFields), options, 'options')
  return ddl(tablesOf(prefix, schema, spoken), spoken)
}

const PREFIX = 'crewlog_'
const MIB = 1024 * 1024
const DEFAULT_BYTES = { sqlite: 16 * MIB, postgres: 16 * MIB, mysql: 4 * MIB } as const

const prefixText = matching(/^[a-z_][a-z0-9_]{0,39}$/, '1–40 characters of a–z 0–9 _, not beginning with a digit')

const tableFields = { prefix: prefixText, schema: filledText }
const storageOptions = object({
  ...tableFields,
  dialect: oneOf(...DIALECTS),
  createTables: flag,
  maxCommitBytes: whole(1024, 512 * MIB),
  listen: listener,
  onWarning: warningListener,
})

const kyselyInstance: Reader<Kysely<unknown>> = (value, name) => {
  const db = value as Partial<Kysely<unknown>> | null
  if (typeof db !== 'object' || typeof db?.getExecutor !== 'function' || typeof db.connection !== 'function')
    throw invalid(`${name} must be an instance of Kysely: new Kysely({ dialect })`)
  if (db.isTransaction === true)
    throw invalid(`${name} is a transaction, whose end would undo commits; pass the Kysely instance itself`)
  return db as Kysely<unknown>
}

class SqlStorage implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes: number

  readonly #db: Database
  readonly #schema: Schema
  readonly #log: SqlLog
  readonly #checkpoints: SqlCheckpoints
  readonly #wakes: Wakes

  constructor({ database: db, tables, schema, maxCommitBytes, hearing }: Parts) {
    this.maxCommitBytes = maxCommitBytes
    this.#db = db
    this.#schema = schema
    this.#log = new SqlLog(db, tables, maxCommitBytes)
    this.#checkpoints = new SqlCheckpoints(db, tables)
    this.#wakes = new Wakes(db, this.#log, hearing)
  }

  async open(journal: string, options: Abortable = {}): Promise<void> {
    keptName(read(filledText, journal, 'journal'), 'The name of a journal')
    await this.#db.call(options, (check) => this.#schema.prepare(check))
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    return await this.#write(options, async (check) => {
      const answer = await this.#log.append(journal, commit, check)
      if (answer.appended) this.#wakes.grew(journal)
      return answer
    })
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    return await this.#read(options, (check) => this.#log.read(journal, after, limit, check), { commits: [] })
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    await this.#write(options, (check) => this.#checkpoints.save(journal, checkpoint, check))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    return await this.#read(options, (check) => this.#checkpoints.load(journal, before, check), undefined)
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    await this.#write(options, (check) => this.#log.trim(journal, through, check))
  }

  watch(journal: string, wake: () => void): Off {
    return this.#wakes.watch(journal, wake)
  }

  async close(journal: string): Promise<void> {
    this.#log.leave(journal)
    await this.#wakes.settled()
  }

  #write<T>(options: Abortable, work: (check: Check) => Promise<T>): Promise<T> {
    return this.#db.call(options, async (check) => {
      await this.#schema.prepare(check)
      return await work(check)
    })
  }

  #read<T>(options: Abortable, work: (check: Check) => Promise<T>, nothing: T): Promise<T> {
    return this.#db.call(options, async (check) => ((await this.#schema.isThere(check)) ? work(check) : nothing))
  }
}

interface Parts {
  readonly database: Database
  readonly tables: Tables
  readonly schema: Schema
  readonly maxCommitBytes: number
  readonly hearing: Hearing | undefined
}
