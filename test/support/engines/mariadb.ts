import { sqlStorage } from 'crewlog/storage/sql'
import { Kysely, MysqlDialect } from 'kysely'
import { createPool, type PoolOptions } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import { nanoid } from 'nanoid'
import type { Socket } from 'node:net'
import type { Engine } from '../engines.js'
import { impatientSocket } from '../impatient-socket.js'
import { addressOf } from '../services.js'

/** A place is a database. */
export const mariadb: Engine = {
  name: 'MariaDB',
  service: 'MariaDB',
  make: async () => {
    const database = `test_${nanoid()}`
    await inMariadb(`create database \`${database}\``)
    return database
  },
  connect: async (place, { address = addressOf('MariaDB'), silenceMs = 15_000 } = {}) => {
    const { hostname, port } = new URL(address)
    const stream = (): Socket => impatientSocket(silenceMs).connect(Number(port), hostname)
    const db = mariadbAt(address, { stream })
    // mysql2 answers the end of a pool with the error of a connection that was just being made.
    return { storage: sqlStorage(db, { schema: place }), close: () => db.destroy().catch(() => undefined) }
  },
  remove: async (place) => {
    await inMariadb(`drop database \`${place}\``)
  },
}

export const mariadbAt = (uri: string, options: PoolOptions = {}): Kysely<unknown> =>
  new Kysely({
    dialect: new MysqlDialect({ pool: createPool({ uri, connectionLimit: 4, connectTimeout: 5000, ...options }) }),
  })

/** Runs statements, and answers the rows of the last one. */
export async function inMariadb(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const connection = await createConnection(addressOf('MariaDB'))
  try {
    let rows: unknown = []
    for (const statement of statements) [rows] = await connection.query(statement)
    return Array.isArray(rows) ? (rows as readonly Record<string, unknown>[]) : []
  } finally {
    await connection.end()
  }
}
