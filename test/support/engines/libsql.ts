import { sqlStorage } from 'crewlog/storage/sql'
import { Kysely, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Engine } from '../engines.js'

/** A place is a file of SQLite. */
export const libsql: Engine = {
  name: 'libsql',
  make: async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'crewlog-')), 'crew.db')
    const database = openFile(file)
    database.pragma('journal_mode = wal')
    database.close()
    return file
  },
  connect: async (place) => {
    const db = sqliteAt(place)
    return { storage: sqlStorage(db), close: () => db.destroy() }
  },
  remove: (place) => rm(dirname(place), { recursive: true }),
}

/** Who waits for none of the others' writes finds the file busy, and libsql stumbles over that. */
export const openFile = (file: string): Libsql.Database => new Libsql(file, { timeout: 5000 })

export const sqliteAt = (file: string): Kysely<unknown> =>
  new Kysely({ dialect: new SqliteDialect({ database: openFile(file) }) })
