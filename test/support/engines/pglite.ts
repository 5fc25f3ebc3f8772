import { PGlite } from '@electric-sql/pglite'
import { sqlStorage } from 'crewlog/storage/sql'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { nanoid } from 'nanoid'
import type { Engine } from '../engines.js'

/** One for all places of a test file, as it takes seconds to start; it lives in this process, and ends with it. */
let started: Promise<PGlite> | undefined

export const startedPglite = (): Promise<PGlite> => (started ??= PGlite.create())

/** A place is a schema, for this process alone. */
export const pglite: Engine = {
  name: 'PGlite',
  make: async () => {
    const schema = `test_${nanoid()}`
    await (await startedPglite()).exec(`create schema "${schema}"`)
    return schema
  },
  connect: async (place) => {
    const db = kyselyOf(await startedPglite())
    return { storage: sqlStorage(db, { schema: place }), close: () => db.destroy() }
  },
  remove: async (place) => {
    await (await startedPglite()).exec(`drop schema "${place}" cascade`)
  },
}

export const kyselyOf = (database: PGlite): Kysely<unknown> =>
  new Kysely({ dialect: new PostgresDialect({ pool: poolOf(database) }) })

/** A pool of its one connection, as Kysely knows pools from pg. */
function poolOf(database: PGlite): PostgresPool {
  const client = {
    async query(text: string, parameters: readonly unknown[]) {
      const { rows, affectedRows = 0 } = await database.query(text, [...parameters])
      return { command: 'UPDATE', rowCount: affectedRows, rows }
    },
    release: () => undefined,
  } as unknown as PostgresPoolClient
  return { connect: async () => client, end: async () => undefined }
}
