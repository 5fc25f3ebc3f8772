import { sqlStorage } from 'crewlog/storage/sql'
import { Kysely, PostgresDialect } from 'kysely'
import { nanoid } from 'nanoid'
import pg from 'pg'
import type { Socket } from 'node:net'
import type { Engine } from '../engines.js'
import { impatientSocket } from '../impatient-socket.js'
import { addressOf } from '../services.js'

/** A place is a schema. */
export const postgres: Engine = {
  name: 'PostgreSQL',
  service: 'PostgreSQL',
  make: async () => {
    const schema = `test_${nanoid()}`
    await inPostgres(`create schema "${schema}"`)
    return schema
  },
  connect: async (place, { address = addressOf('PostgreSQL'), silenceMs } = {}) => {
    const db = postgresAt(address, 4, silenceMs)
    return { storage: sqlStorage(db, { schema: place }), close: () => db.destroy() }
  },
  remove: async (place) => {
    await inPostgres(`drop schema "${place}" cascade`)
  },
}

export function postgresAt(connectionString: string, max = 4, silenceMs = 15_000): Kysely<unknown> {
  const stream = (): Socket => impatientSocket(silenceMs)
  const pool = new pg.Pool({ connectionString, max, connectionTimeoutMillis: 5000, stream })
  // Of connections that nobody uses, and of those in use; without, the process would end.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely({ dialect: new PostgresDialect({ pool }) })
}

/** Runs statements, and answers the rows of the last one. */
export async function inPostgres(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: addressOf('PostgreSQL') })
  await client.connect()
  try {
    let rows: readonly Record<string, unknown>[] = []
    for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}
