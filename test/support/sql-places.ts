import type { JournalStorage } from 'crewlog'
import { sqlStorage, type SqlDialect, type SqlStorageOptions } from 'crewlog/storage/sql'
import type { Kysely } from 'kysely'
import { afterEach } from 'vitest'
import type { Engine } from './engines.js'
import { libsql, openFile, sqliteAt } from './engines/libsql.js'
import { inMariadb, mariadb, mariadbAt } from './engines/mariadb.js'
import { inPostgres, postgres, postgresAt } from './engines/postgres.js'
import { addressOf, isMissing } from './services.js'

/** An engine of SQL, as an administrator knows it. */
export interface SqlEngine {
  readonly engine: Engine
  readonly dialect: SqlDialect
  /** A client of a place, and the options that lead there. */
  connect(place: string): { readonly db: Kysely<unknown>; readonly options: SqlStorageOptions }
  /** Runs statements on a connection of their own, and answers the rows of the last one. */
  run(place: string, ...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>
}

const all: readonly SqlEngine[] = [
  {
    engine: libsql,
    dialect: 'sqlite',
    connect: (place) => ({ db: sqliteAt(place), options: {} }),
    run: async (place, ...statements) => {
      const database = openFile(place)
      let rows: readonly Record<string, unknown>[] = []
      for (const statement of statements) rows = database.prepare(statement).all([]) as typeof rows
      database.close()
      return rows
    },
  },
  {
    engine: postgres,
    dialect: 'postgres',
    connect: (place) => ({ db: postgresAt(addressOf('PostgreSQL')), options: { schema: place } }),
    run: (place, ...statements) => inPostgres(`set search_path to "${place}"`, ...statements),
  },
  {
    engine: mariadb,
    dialect: 'mysql',
    connect: (place) => ({ db: mariadbAt(addressOf('MariaDB')), options: { schema: place } }),
    run: (place, ...statements) => inMariadb(`use \`${place}\``, ...statements),
  },
]

/** Those whose server answers. */
export const sqlEngines: readonly SqlEngine[] = (
  await Promise.all(all.map(async (sql) => ((await isMissing(sql.engine.service)) ? [] : [sql])))
).flat()

let ends: (() => unknown)[] = []

/** When the test is over. */
export const atEnd = (end: () => unknown): void => {
  ends.push(end)
}

/** Lets each test of the file make places and clients, which go with it. */
export function usePlaces(): void {
  afterEach(async () => {
    const all = ends.reverse()
    ends = []
    for (const end of all) await end()
  })
}

export async function placeOf({ engine }: SqlEngine): Promise<string> {
  const place = await engine.make()
  atEnd(() => engine.remove(place))
  return place
}

/** Another process at that place, as it were. */
export function storageAt(sql: SqlEngine, place: string, more: SqlStorageOptions = {}): JournalStorage {
  const { db, options } = sql.connect(place)
  atEnd(() => db.destroy())
  return sqlStorage(db, { ...options, ...more })
}
