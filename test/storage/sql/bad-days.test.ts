import { CrewError, type JournalStorage, openCrew } from 'crewlog'
import { sqlStorage } from 'crewlog/storage/sql'
import { CompiledQuery, type DatabaseConnection, type Dialect, Kysely, SqliteDialect } from 'kysely'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { checkpoint, commit, commits, partsAt, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { openFile } from '../../support/engines/libsql.js'
import { mariadbAt } from '../../support/engines/mariadb.js'
import { postgresAt } from '../../support/engines/postgres.js'
import { refusalOf, refusing } from '../../support/refusing.js'
import { atEnd, placeOf, type SqlEngine, sqlEngines, storageAt, usePlaces } from '../../support/sql-places.js'

usePlaces()

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Makes the database itself fail at commits. */
const FAULTS = {
  sqlite: (how: string) =>
    `create trigger fault before insert on crewlog_commits begin select raise(abort, '${how}'); end`,
  postgres: (how: string) =>
    `create function fault() returns trigger language plpgsql as $$ begin ${how}; return new; end $$;
     create trigger fault before insert on crewlog_commits for each row execute function fault()`,
  mysql: (how: string) => `create trigger fault before insert on crewlog_commits for each row begin ${how}; end`,
} as const

const named = (dialect: string): SqlEngine[] => sqlEngines.filter((sql) => sql.dialect === dialect)
const [postgres] = named('postgres')
const [mariadb] = named('mysql')

async function filled(sql: SqlEngine): Promise<{ place: string; storage: JournalStorage }> {
  const place = await placeOf(sql)
  const storage = storageAt(sql, place)
  await storage.open?.('crew')
  await storage.append('crew', commit(1))
  return { place, storage }
}

/** To be given other methods. */
const forwarding = (storage: JournalStorage): JournalStorage => ({
  writers: storage.writers,
  maxCommitBytes: storage.maxCommitBytes,
  append: storage.append.bind(storage),
  read: storage.read.bind(storage),
  saveCheckpoint: storage.saveCheckpoint.bind(storage),
  loadCheckpoint: storage.loadCheckpoint.bind(storage),
  trim: storage.trim.bind(storage),
})

/** What commits meet, and what the user is told. */
const signal = (number: number, state = 'HY000'): string =>
  `signal sqlstate '${state}' set mysql_errno = ${number}, message_text = 'as a test has it'`
const raise = (code: string): string => `raise exception 'as a test has it' using errcode = '${code}'`

describe.runIf(postgres && mariadb)('a server', () => {
  it.each([
    ['that has no room left', postgres, raise('53100'), /^The database has no room left; make room on its disk \(as a/],
    ['that is read-only', postgres, raise('25006'), /^The database is read-only; connect to the primary server/],
    ['that shuts down', postgres, raise('57P01'), /^The database cannot be reached; check that it runs/],
    ['that has no room left', mariadb, signal(1114), /^The database has no room left; make room on its disk \(as a/],
    ['that is read-only', mariadb, signal(1290), /^The database is read-only; connect to the primary server/],
    ['that loses connections', mariadb, signal(1927), /^The database cannot be reached; check that it runs/],
  ])('%s is an error that says so, and nothing is stored', async (_, sql, fault, told) => {
    const { place, storage } = await filled(sql!)
    await sql!.run(place, FAULTS[sql!.dialect](fault))
    const error = await refusalOf(storage.append('crew', commit(2)))
    expect([error.code, error.retryable]).toEqual(['storage_unavailable', true])
    expect(error.message).toMatch(told)
    await sql!.run(place, 'drop trigger fault' + (sql === postgres ? ' on crewlog_commits' : ''))
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 2) })
  })

  it.each([
    ['40001', postgres, `if nextval(quote_ident(tg_table_schema) || '.tries') < 5 then ${raise('40001')}; end if`],
    ['40P01', postgres, `if nextval(quote_ident(tg_table_schema) || '.tries') < 5 then ${raise('40P01')}; end if`],
    ['1213', mariadb, `if nextval(tries) < 5 then ${signal(1213, '40001')}; end if`],
    ['1205', mariadb, `if nextval(tries) < 5 then ${signal(1205)}; end if`],
  ])('that ends a transaction with %s is tried again (SA-06, SA-07)', async (_, sql, fault) => {
    const { place, storage } = await filled(sql!)
    await sql!.run(place, 'create sequence tries', FAULTS[sql!.dialect](fault))
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 2) })
    const [row] = await sql!.run(
      place,
      sql === postgres ? "select nextval('tries') as n" : 'select nextval(tries) as n',
    )
    expect(Number(row?.['n'])).toBe(6)
  })

  it('that goes on so is left when the caller leaves', async () => {
    const { place, storage } = await filled(postgres!)
    await postgres!.run(place, FAULTS.postgres(raise('40001')))
    const error = await refusalOf(storage.append('crew', commit(2), { timeoutMs: 300 }))
    expect(error.code).toBe('timed_out')
  })

  it('that cuts the connection in the middle of an append has stored nothing, and the next one is', async () => {
    const { place, storage } = await filled(postgres!)
    await postgres!.run(place, FAULTS.postgres('perform pg_terminate_backend(pg_backend_pid())'))
    expect((await refusalOf(storage.append('crew', commit(2)))).code).toBe('storage_unavailable')
    await postgres!.run(place, 'drop trigger fault on crewlog_commits')
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
  })

  it.each([
    ['Postgres', postgres, postgresAt('postgres://nobody@127.0.0.1:1/none')],
    ['MariaDB', mariadb, mariadbAt('mysql://nobody@127.0.0.1:1/none')],
  ])('of %s that cannot be reached is an error that says so', async (_, __, db) => {
    const storage = sqlStorage(db)
    for (const call of [
      () => storage.open?.('crew'),
      () => storage.append('crew', commit(1)),
      () => storage.read('crew', 0, 10),
      () => openCrew({ storage }),
    ]) {
      const error = await refusalOf(call())
      expect([error.code, error.retryable]).toEqual(['storage_unavailable', true])
      expect(error.message).toMatch(/^The database cannot be reached; check that it runs.*\(.*ECONNREFUSED/)
    }
    await db.destroy()
  })

  it('whose pool was ended under a crew is an error, and the crew can be closed', async () => {
    const place = await placeOf(postgres!)
    const { db, options } = postgres!.connect(place)
    const crew = await openCrew({ storage: sqlStorage(db, options), onError: () => undefined })
    await db.destroy()
    const off = crew.close()
    await expect(crew.join('ana')).rejects.toMatchObject({ code: 'closed' })
    await off
  })

  it.each([
    ['Postgres', postgres],
    ['MariaDB', mariadb],
  ])('of %s whose Kysely was destroyed before the crew refuses at once, and says so', async (_, sql) => {
    const { db, options } = sql!.connect(await placeOf(sql!))
    const told: unknown[] = []
    const crew = await openCrew({ storage: sqlStorage(db, options), onError: (error) => told.push(error) })
    await crew.join('ana')
    await db.destroy()
    const remedy = 'close the crew before you destroy Kysely'
    await expect(sqlStorage(db, options).append('crew', commit(9))).rejects.toEqual(refusing('closed', remedy))
    const error = await refusalOf(crew.join('ben'))
    // A look at what others do may have found it out before.
    expect(['closed', 'read_only']).toContain(error.code)
    expect(error.message).toContain(remedy)
    await crew.close()
    for (const each of told) expect(each).toMatchObject({ message: expect.stringContaining(remedy) as unknown })
  })

  it('whose schema is missing is an error that says how to make it', async () => {
    for (const [sql, schema] of [
      [postgres!, 'crewlog_is_not_there'],
      [mariadb!, 'crewlog_is_not_there'],
    ] as const) {
      const { db } = sql.connect(await placeOf(sql))
      atEnd(() => db.destroy())
      const error = await refusalOf(sqlStorage(db, { schema }).open?.('crew'))
      expect(error.message).toMatch(
        /^A table of crewlog is missing, or its schema; check prefix and schema, create schema, or run/,
      )
    }
  })

  // Guard: a commit that was sent before, and not answered, is not known to be lost.
  it('that is closed after a commit was sent leaves its fate open', async () => {
    const { db, options } = postgres!.connect(await placeOf(postgres!))
    const kept = sqlStorage(db, options)
    let isLost = false
    const storage: JournalStorage = {
      ...forwarding(kept),
      append: async (...call) => {
        const answer = await kept.append(...call)
        if (!isLost) return answer
        await db.destroy()
        throw new CrewError('storage_unavailable', 'the answer is lost')
      },
      read: async (...call) => {
        if (isLost) throw new CrewError('storage_unavailable', 'it is away')
        return kept.read(...call)
      },
    }
    const crew = await openCrew({ storage, onError: () => undefined })
    await crew.join('ana')
    isLost = true
    await expect(crew.join('ben')).rejects.toMatchObject({ code: 'outcome_unknown' })
    await crew.close()
  })

  it('that takes calls and never answers holds nobody', async () => {
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const db = postgresAt(`postgres://nobody@127.0.0.1:${(silent.address() as AddressInfo).port}/none`)
    atEnd(() => db.destroy().catch(() => undefined))
    atEnd(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const storage = sqlStorage(db)
    const controller = new AbortController()
    const calls = [
      storage.open?.('crew', { signal: controller.signal }),
      storage.append('crew', commit(1), { signal: controller.signal }),
      storage.read('crew', 0, 10, { signal: controller.signal }),
      storage.saveCheckpoint('crew', checkpoint(1), { signal: controller.signal }),
      storage.loadCheckpoint('crew', 1, { signal: controller.signal }),
      storage.trim('crew', 1, { signal: controller.signal }),
    ].map(refusalOf)
    controller.abort()
    for (const error of await Promise.all(calls)) expect(error.code).toBe('cancelled')
  })

  it('that is locked by somebody holds nobody, and stores nothing after the caller left', async () => {
    for (const sql of [postgres!, mariadb!]) {
      const { place, storage } = await filled(sql)
      const { db, options } = sql.connect(place)
      atEnd(() => db.destroy())
      const { schema } = options
      const table = sql === postgres ? `"${schema}".crewlog_heads` : `\`${schema}\`.crewlog_heads`
      let left: CrewError | undefined
      await db.transaction().execute(async (transaction) => {
        await transaction.executeQuery(CompiledQuery.raw(`select * from ${table} for update`))
        left = await refusalOf(storage.append('crew', commit(2), { timeoutMs: 200 }))
      })
      expect(left?.code).toBe('timed_out')
      // It was sent, so it may be stored: as itself, and once.
      await storage.append('crew', commit(2))
      expect(await storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 2) })
    }
  })
})

/** A storage over a connection of its own to that file, which is set as `pragma` says. */
async function openedAt(place: string, pragma?: string) {
  const database = openFile(place)
  if (pragma !== undefined) database.pragma(pragma)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  atEnd(() => db.destroy())
  const storage = sqlStorage(db)
  await storage.open?.('crew')
  return { storage, database, db }
}

describe('a file of SQLite', () => {
  const [sqlite] = named('sqlite')

  // Guard: the empty transaction in Database.#writeAlone.
  it('has what was acknowledged after it was busy, for all, though libsql-client-ts#352', async () => {
    const { place } = await filled(sqlite!)
    const rival = openFile(place)
    atEnd(() => rival.close())
    const { storage } = await openedAt(place, 'busy_timeout = 1')
    rival.exec('begin immediate')
    const busy = storage.append('crew', commit(2), { timeoutMs: 20 })
    expect((await refusalOf(busy)).code).toBe('timed_out')
    rival.exec('commit')
    const isStored = (): boolean => rival.prepare('select 1 from crewlog_commits where seq = 2').all([]).length > 0
    // What libsql left behind is collected some time.
    for (let isThere = false; !isThere;) {
      collectGarbage()
      const answer = await storage.append('crew', commit(2), { timeoutMs: 20 }).catch(() => undefined)
      isThere = isStored()
      if (answer?.appended) expect(isThere).toBe(true)
    }
  })

  it('is waited for, where the connection was opened to wait for nobody', async () => {
    const { place } = await filled(sqlite!)
    for (const [set, kept] of [
      [0, 5000],
      [1, 1],
    ]) {
      const { database } = await openedAt(place, `busy_timeout = ${set}`)
      expect(database.pragma('busy_timeout')).toEqual([{ timeout: kept }])
    }
  })

  // Guard: Database.#rollBack, and that it is tried again.
  it('is not left in a transaction that could neither be committed nor rolled back, and says why', async () => {
    const { place } = await filled(sqlite!)
    const faults = ['commit', 'rollback']
    const fail = (statement: string): void => {
      if (statement !== faults[0]) return
      faults.shift()
      throw new Error(`the ${statement} failed`)
    }
    const database = openFile(place)
    const dialect = untrue(new SqliteDialect({ database }), (answer) => answer, /^/, fail)
    const db = new Kysely<unknown>({ dialect })
    atEnd(() => db.destroy())
    const storage = sqlStorage(db)
    expect((await refusalOf(storage.append('crew', commit(2)))).message).toContain('the commit failed')
    expect(faults).toEqual([])
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await sqlite!.run(place, 'select seq from crewlog_commits')).toHaveLength(2)
    expect(database.inTransaction).toBe(false)
  })

  it('does not take part in a transaction of somebody else on its connection (SA-02)', async () => {
    const { place } = await filled(sqlite!)
    const { storage, database, db } = await openedAt(place)
    database.exec('begin')
    expect((await refusalOf(storage.append('crew', commit(2)))).message).toContain('within a transaction')
    database.exec('rollback')
    // A transaction of Kysely's own is waited for.
    const append = db.transaction().execute(async (transaction) => {
      await transaction.executeQuery(CompiledQuery.raw('create table t (a)'))
      return { append: storage.append('crew', commit(2)) }
    })
    expect(await (await append).append).toEqual({ appended: true })
  })

  it('takes more writers at once than there are processors (SA-04)', async () => {
    const place = await placeOf(sqlite!)
    const storages = Array.from({ length: 8 }, () => storageAt(sqlite!, place))
    await Promise.all(
      storages.map(async (storage, at) => {
        for (let seq = 1; seq <= 20; seq++)
          expect(await storage.append(`crew ${at}`, commit(seq))).toEqual({ appended: true })
      }),
    )
    for (const at of storages.keys())
      expect(await storages[0]!.read(`crew ${at}`, 0, 100)).toEqual({ commits: commits(1, 20) })
  })

  it.each([
    ['has no room left', 'max_page_count = 1', /^The database has no room left/],
    ['is read-only', 'query_only = on', /^The database is read-only/],
  ])('that %s is an error that says so', async (_, pragma, told) => {
    const { place } = await filled(sqlite!)
    const { storage, database } = await openedAt(place)
    database.pragma(pragma)
    const large = commit(2, { events: [{ type: 'note.written', id: 'n', at: 0, changes: { text: 'x'.repeat(1e6) } }] })
    const error = await refusalOf(storage.append('crew', large))
    expect([error.code, error.retryable]).toEqual(['storage_unavailable', true])
    expect(error.message).toMatch(told)
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
  })
})

/** A dialect whose driver tells something else than the truth of such statements. */
function untrue(
  dialect: Dialect,
  change: (answer: Awaited<ReturnType<DatabaseConnection['executeQuery']>>) => object,
  which = /^update/,
  before: (statement: string) => void = () => undefined,
): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createDriver: () => {
      const driver = dialect.createDriver()
      const acquire = driver.acquireConnection.bind(driver)
      let real: DatabaseConnection | undefined
      driver.acquireConnection = async () => {
        real = await acquire()
        return new Proxy(real, {
          get: (target, key) =>
            key === 'executeQuery'
              ? async (query: CompiledQuery) => {
                  before(query.sql)
                  const answer = await target.executeQuery(query)
                  return which.test(query.sql) ? change(answer) : answer
                }
              : (Reflect.get(target, key) as unknown),
        })
      }
      const release = driver.releaseConnection.bind(driver)
      driver.releaseConnection = async () => release(real!)
      return driver
    },
  }
}

describe('a driver that miscounts', () => {
  it.each([
    [
      'nothing',
      () => ({ rows: [], numAffectedRows: 0n }),
      '0 rows of RETURNING where one row changed, 0 where none did',
    ],
    [
      'always one',
      () => ({ rows: [{}], numAffectedRows: 1n }),
      '1 rows of RETURNING where one row changed, 1 where none did',
    ],
  ])('as %s is refused', async (_, change, told) => {
    const [sqlite] = named('sqlite')
    const place = await placeOf(sqlite!)
    const db = new Kysely<unknown>({ dialect: untrue(new SqliteDialect({ database: openFile(place) }), change) })
    const error = await refusalOf(openCrew({ storage: sqlStorage(db) }))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toBe(`This database or its driver miscounts: ${told}; use another one`)
  })
})

describe('sqlStorage', () => {
  it('refuses what is no instance of Kysely, transactions, and options that it does not know', async () => {
    const [sqlite] = named('sqlite')
    const { db } = sqlite!.connect(await placeOf(sqlite!))
    atEnd(() => db.destroy())
    for (const [wrong, told] of [
      [() => sqlStorage({} as never), 'db must be an instance of Kysely'],
      [() => sqlStorage(null as never), 'db must be an instance of Kysely'],
      [() => sqlStorage(db, { prefix: 'a-b' }), 'options.prefix must be 1–40 characters'],
      [() => sqlStorage(db, { schema: '' }), 'options.schema must be a text that is not empty'],
      [() => sqlStorage(db, { dialect: 'mssql' as never }), 'options.dialect must be one of sqlite, postgres, mysql'],
      [() => sqlStorage(db, { maxCommitBytes: 10 }), 'options.maxCommitBytes must be a whole number from 1024'],
      [() => sqlStorage(db, { tables: 'x' } as never), 'options has no field "tables"'],
      [() => sqlStorage(db, { listen: {} as never }), 'options.listen must be a pool of pg'],
    ] as const)
      expect(wrong).toThrow(told)
    await db.transaction().execute(async (transaction) => {
      expect(() => sqlStorage(transaction)).toThrow('db is a transaction, whose end would undo commits')
    })
  })

  // Guard: SqlCheckpoints.save drops nothing once it has told the database to keep it.
  it('keeps a checkpoint of which it was not told that it is kept', async () => {
    const [sqlite] = named('sqlite')
    const { place, storage } = await filled(sqlite!)
    const lost = (): never => {
      throw Object.assign(new Error('the answer is lost'), { code: 'ECONNRESET' })
    }
    const dialect = untrue(new SqliteDialect({ database: openFile(place) }), lost, /^update .*kept/)
    const db = new Kysely<unknown>({ dialect })
    atEnd(() => db.destroy())
    const error = await refusalOf(sqlStorage(db).saveCheckpoint('crew', checkpoint(1)))
    expect(error.code).toBe('storage_unavailable')
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toEqual(partsAt(1))
  })

  it('ends a save whose caller left, and keeps nothing of it', async () => {
    const [sqlite] = named('sqlite')
    const { place, storage } = await filled(sqlite!)
    const controller = new AbortController()
    async function* parts(): AsyncGenerator<string> {
      for (let count = 0; count < 200; count++) {
        if (count === 150) controller.abort()
        yield '"part"'
      }
    }
    const saving = storage.saveCheckpoint('crew', { ...checkpoint(1), parts: parts() }, { signal: controller.signal })
    expect((await refusalOf(saving)).code).toBe('cancelled')
    await expect.poll(() => sqlite!.run(place, 'select 1 from crewlog_parts')).toEqual([])
    expect(await sqlite!.run(place, 'select 1 from crewlog_checkpoints')).toEqual([])
    await storage.saveCheckpoint('crew', checkpoint(1, partsAt(1)))
    expect(await storage.loadCheckpoint('crew')).toMatchObject({ seq: 1 })
  })
})
