import { type JournalStorage, openCrew } from 'crewlog'
import { sqlStorage } from 'crewlog/storage/sql'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgresClient from 'postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Listening, type ListeningConnection, type ListeningPool } from '../../../src/storage/sql/listening.js'
import { Notices } from '../../../src/storage/sql/notices.js'
import { commit } from '../../../src/testing/storage-contract/samples.js'
import { libsql, sqliteAt } from '../../support/engines/libsql.js'
import { kyselyOf, startedPglite } from '../../support/engines/pglite.js'
import { inPostgres, postgres, postgresAt } from '../../support/engines/postgres.js'
import { addressOf, isMissing } from '../../support/services.js'

const address = addressOf('PostgreSQL')
const CHANNEL = 'crewlog_commits'
const PATIENT = { timeout: 20_000 }
/** Before any test, as it takes seconds. */
const database = await startedPglite()

let ends: (() => unknown)[] = []

/** A pool with a wrong port. */
const nowhere = (): pg.Pool => {
  const pool = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })
  ends.push(() => pool.end())
  return pool
}

/** Who listens, as the server knows it. */
let name: string
let place: string

afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
})

describe.skipIf(await isMissing('PostgreSQL'))('with LISTEN, a watcher', () => {
  beforeEach(async () => {
    place = await postgres.make()
    name = `hears ${place}`
    ends.push(() => postgres.remove(place))
  })

  const poolOfPg = (): pg.Pool => {
    const pool = new pg.Pool({ connectionString: address, application_name: name, max: 2 })
    pool.on('error', () => undefined)
    ends.push(() => pool.end())
    return pool
  }

  const storageWith = (listen: NonNullable<Parameters<typeof sqlStorage>[1]>['listen']): JournalStorage => {
    const db = postgresAt(address)
    ends.push(() => db.destroy())
    return sqlStorage(db, { schema: place, ...(listen && { listen }) })
  }

  /** Watches, and answers when the server has it as a listener. */
  const watched = async (storage: JournalStorage) => {
    let count = 0
    let tell = (): void => undefined
    const off = storage.watch!('crew', () => {
      count++
      tell()
    })
    ends.push(off)
    await listeners(1)
    return {
      off,
      woken: () => count,
      wake: () =>
        new Promise<void>((resolve) => {
          tell = resolve
        }),
    }
  }

  /** Waits until so many connections have said LISTEN last. */
  const listeners = async (count: number): Promise<readonly number[]> => {
    for (;;) {
      const rows = await inPostgres(
        `select pid from pg_stat_activity where application_name = '${name}' and query ilike 'listen %' and state = 'idle'`,
      )
      if (rows.length === count) return rows.map(({ pid }) => Number(pid))
    }
  }

  /** As a commit is told, but there is none: nobody finds it by looking. */
  const notify = (journal: string, schema = place): Promise<unknown> =>
    inPostgres(`select pg_notify('${CHANNEL}', '${schema}/${journal}')`)

  it.each([
    ['a pool of pg', poolOfPg],
    [
      'a client of postgres',
      () => {
        const client = postgresClient(address, { max: 1, connection: { application_name: name } })
        ends.push(() => client.end())
        return client
      },
    ],
  ])('hears through %s what is told, of its journal alone', async (_, client) => {
    const { wake, woken } = await watched(storageWith(client()))
    const heard = wake()
    await notify('other')
    await notify('crew', 'another')
    await notify('crew')
    await heard
    expect(woken()).toBe(1)
  })

  it('is told of a commit after it is there, by whoever committed it', async () => {
    const reader = storageWith(poolOfPg())
    const writer = storageWith(poolOfPg())
    const { wake } = await watched(reader)
    await writer.open?.('crew')
    for (const seq of [1, 2, 3]) {
      const heard = wake()
      await writer.append('crew', commit(seq))
      await heard
      expect(await reader.read('crew', seq - 1, 1)).toEqual({ commits: [commit(seq)] })
    }
  })

  it('hears again when its connection was cut, and what came meanwhile (SA-18)', async () => {
    const writer = storageWith(undefined)
    await writer.append('crew', commit(1))
    const { wake } = await watched(storageWith(poolOfPg()))
    const [pid] = await listeners(1)
    await inPostgres(`select pg_terminate_backend(${pid})`)
    await writer.append('crew', commit(2))
    const meanwhile = wake()
    const [again] = await listeners(1)
    expect(again).not.toBe(pid)
    await meanwhile
    const heard = wake()
    await notify('crew')
    await heard
  })

  it('gives its connection back when it watches no more', async () => {
    const pool = poolOfPg()
    const { off } = await watched(storageWith(pool))
    expect(pool.totalCount).toBe(1)
    off()
    await listeners(0)
    expect(pool.totalCount).toBe(0)
  })

  it('still finds by looking what nobody told (EV-18)', async () => {
    const reader = storageWith(poolOfPg())
    await storageWith(undefined).append('crew', commit(1))
    const { wake } = await watched(reader)
    const found = wake()
    await storageWith(undefined).append('crew', commit(2))
    await found
  })

  /** A pool that leads nowhere while it is down, and counts how often it was asked. */
  const wavering = () => {
    const right = poolOfPg()
    const wrong = nowhere()
    const pool = {
      isDown: true,
      tries: 0,
      totalCount: 0,
      connect: () => {
        pool.tries++
        return (pool.isDown ? wrong : right).connect()
      },
    }
    return pool
  }

  // Guards: Wakes.#isTold, and its end in Wakes.#changed.
  it('is told once that it cannot connect, and again only after it could', async () => {
    const pool = wavering()
    const warnings: string[] = []
    const db = postgresAt(address)
    ends.push(() => db.destroy())
    const storage = sqlStorage(db, { schema: place, listen: pool, onWarning: (warning) => warnings.push(warning) })
    await storage.open?.('crew')
    ends.push(storage.watch!('crew', () => undefined))
    await expect.poll(() => pool.tries, PATIENT).toBeGreaterThan(4)
    expect(warnings).toEqual(['LISTEN fails; check options.listen (connect ECONNREFUSED 127.0.0.1:1)'])
    pool.isDown = false
    const [pid] = await listeners(1)
    expect(warnings.length).toBe(1)
    pool.isDown = true
    await inPostgres(`select pg_terminate_backend(${pid})`)
    await expect.poll(() => warnings.length, PATIENT).toBe(2)
  })

  it('is told so through a client of postgres', async () => {
    const client = postgresClient('postgres://nobody@127.0.0.1:1/none', { max: 1 })
    ends.push(() => client.end())
    const db = postgresAt(address)
    ends.push(() => db.destroy())
    const warnings: string[] = []
    const storage = sqlStorage(db, { schema: place, listen: client, onWarning: (warning) => warnings.push(warning) })
    await storage.open?.('crew')
    ends.push(storage.watch!('crew', () => undefined))
    await expect.poll(() => warnings[0], PATIENT).toContain('LISTEN fails')
  })

  // Guard: Wakes.#failed compares with the looks that were answered.
  it('is told nothing of that while the database is away, too', async () => {
    const pool = wavering()
    const warnings: string[] = []
    const db = postgresAt('postgres://nobody@127.0.0.1:1/none')
    ends.push(() => db.destroy())
    const storage = sqlStorage(db, { listen: pool, onWarning: (warning) => warnings.push(warning) })
    ends.push(storage.watch!('crew', () => undefined))
    await expect.poll(() => pool.tries, PATIENT).toBeGreaterThan(4)
    expect(warnings).toEqual([])
  })

  // Guard: the first lines of begin in Listening.#hearPool.
  it('does not take the only connection of the pool that Kysely uses, and says so', async () => {
    const pool = new pg.Pool({ connectionString: address, max: 1 })
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    ends.push(() => db.destroy())
    const warned = new Promise<string>((resolve) => {
      const storage = sqlStorage(db, { schema: place, listen: pool, onWarning: resolve })
      openCrew({ storage, onError: () => undefined }).then(async (crew) => {
        ends.push(() => crew.close())
        await crew.join('ana')
      }, resolve)
    })
    expect(await warned).toContain('others use its one connection; raise max')
    expect(pool.waitingCount).toBe(0)
  })

  it('listens through a pool of one connection that is its own', async () => {
    const pool = new pg.Pool({ connectionString: address, application_name: name, max: 1 })
    ends.push(() => pool.end())
    const storage = storageWith(pool)
    await storage.open?.('crew')
    const { wake } = await watched(storage)
    const heard = wake()
    await notify('crew')
    await heard
  })

  it('does not take a client that cannot connect again', () => {
    expect(() => storageWith(new pg.Client() as unknown as pg.Pool)).toThrow('a pg.Client cannot connect again')
  })
})

// Guard: a connection that has failed is followed by one other, in Listening.#hearPool.
it('takes one connection again for one that breaks while it is told to listen', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  ends.push(() => vi.useRealTimers())
  const pool = new BreakingPool()
  const heard: boolean[] = []
  const listening = new Listening(
    pool,
    CHANNEL,
    () => undefined,
    (isHearing) => heard.push(isHearing),
    () => undefined,
  )
  listening.start()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(pool.totalCount).toBe(1)
  expect(heard).toEqual([false, true])
  listening.stop()
  expect(pool.totalCount).toBe(0)
})

it('is heard in PGlite as in Postgres', async () => {
  const storage = sqlStorage(kyselyOf(database), { listen: database })
  let off = (): void => undefined
  const heard = new Promise<void>((resolve) => {
    off = storage.watch!('crew', resolve)
  })
  for (let isHeard = false; !isHeard;) {
    await database.query(`select pg_notify('${CHANNEL}', '/crew')`)
    isHeard = await Promise.race([heard.then(() => true), new Promise<boolean>((r) => setImmediate(() => r(false)))])
  }
  off()
})

it('is refused where there is none', async () => {
  const file = await libsql.make()
  ends.push(() => libsql.remove(file))
  const db = sqliteAt(file)
  ends.push(() => db.destroy())
  expect(() => sqlStorage(db, { listen: new pg.Pool() })).toThrow(
    'options.listen is for Postgres; this database is sqlite',
  )
})

it('is told once of commits that come while others are told of (SA-19)', async () => {
  const told: (readonly string[])[] = []
  let arrive = (): void => undefined
  const notices = new Notices((journals) => {
    told.push(journals)
    return new Promise<void>((resolve) => {
      arrive = resolve
    })
  })
  notices.tell('crew')
  for (let count = 0; count < 100; count++) for (const journal of ['crew', 'other']) notices.tell(journal)
  expect(told).toEqual([['crew']])
  arrive()
  await expect.poll(() => told.length).toBe(2)
  expect(told[1]).toEqual(['crew', 'other'])
  arrive()
  await notices.settled()
  expect(told.length).toBe(2)
})

/** Its first connection breaks at what it is asked first, and tells both who listens and who asked, as those of pg do. */
class BreakingPool implements ListeningPool {
  totalCount = 0
  #isBroken = false

  async connect(): Promise<ListeningConnection> {
    this.totalCount++
    let end = (): void => undefined
    return {
      on: (event: string, listener: (told: never) => void) => {
        if (event === 'end') end = listener as () => void
      },
      query: async () => {
        if (this.#isBroken) return
        this.#isBroken = true
        end()
        throw new Error('Connection terminated unexpectedly')
      },
      release: () => {
        this.totalCount--
      },
    }
  }
}
