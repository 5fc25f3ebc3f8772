// One command, four processes on one crew; one is killed at work: prints `what ana began is done by another process`.
import { type Crew, type JournalStorage, openCrew } from 'crewlog'
import { redisStorage } from 'crewlog/storage/redis'
import { sqlStorage } from 'crewlog/storage/sql'
import { Redis } from 'ioredis'
import { Kysely, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const REDIS = process.env.CREWLOG_REDIS ?? 'redis://127.0.0.1:6379'
const MEMBERS = { north: ['ana', 'bo'], south: ['cy', 'di'], west: ['ed', 'flo'] } as const
const TASKS = 12

interface Store {
  readonly storage: JournalStorage
  close(): Promise<unknown>
}

/** The same for every process: where the crew is kept. */
async function connect(place: string): Promise<Store> {
  if (place.startsWith('redis:')) {
    const client = new Redis(REDIS, { socketTimeout: 15_000 })
    const subscriber = client.duplicate()
    const prefix = place.slice(6)
    // Of a crew that lives for seconds it does not matter whether the server keeps it.
    const onWarning = (): void => undefined
    const storage = redisStorage((...command) => client.call(...command), { prefix, subscriber, onWarning })
    return { storage, close: async () => [client, subscriber].forEach((each) => each.disconnect()) }
  }
  // Without a time-out, who finds the file busy fails at once.
  const database = new Libsql(place, { timeout: 5000 })
  database.pragma('journal_mode = wal')
  const db = new Kysely({ dialect: new SqliteDialect({ database }) })
  return { storage: sqlStorage(db), close: () => db.destroy() }
}

const open = ({ storage }: Store): Promise<Crew> =>
  openCrew({ storage, leaseMs: 2000, retry: { backoffMs: { base: 100, cap: 100 } } })

/** One process: its members work until it is told to stop. */
async function work(office: keyof typeof MEMBERS, place: string): Promise<void> {
  const store = await connect(place)
  const crew = await open(store)
  for (const id of MEMBERS[office])
    crew.as(id).work(async ({ task, number, signal }) => {
      console.log(`${office}: ${id} begins ${task.description}${number > 1 ? `, attempt ${number}` : ''}`)
      // The first in the north is slow, and does not live to see the end of it.
      await pause(id === 'ana' ? 60_000 : 200, undefined, { signal })
      return `by ${id}`
    })
  if (process.connected) await once(process, 'disconnect')
  await crew.close()
  await store.close()
}

async function lead(): Promise<void> {
  const { place, remove } = await findPlace()
  const store = await connect(place)
  const crew = await open(store)
  const children: ChildProcess[] = []
  try {
    await watch(crew, place, children)
  } finally {
    // Also when it went wrong; removed last, as whoever still writes would bring it back.
    await Promise.all(children.map(stop))
    await crew.close()
    await store.close()
    await remove()
  }
}

async function watch(crew: Crew, place: string, children: ChildProcess[]): Promise<void> {
  for (const id of Object.values(MEMBERS).flat()) await crew.join(id)
  const tasks = await crew.tracker.createMany(
    Array.from({ length: TASKS }, (_, index) => ({ description: `task ${index + 1}` })),
  )

  for (const office of Object.keys(MEMBERS)) children.push(fork(import.meta.filename, [office, place]))
  const [north] = children
  crew.on('task.started', ({ task, attempt }) => {
    if (attempt.member !== 'ana') return
    north?.kill('SIGKILL')
    console.log(`north is killed while ana is at ${task.description}`)
  })
  const done = await Promise.all(tasks.map(({ id }) => crew.tracker.whenEnded(id)))
  for (const { description, attempts } of done)
    if (attempts.length > 1)
      console.log(`${description}: ${attempts.map(({ member, outcome }) => `${member} ${outcome ?? ''}`).join(', ')}`)
  if (done.every(({ status }) => status === 'completed')) console.log('what ana began is done by another process')
}

/** In Redis, where one answers; else in a file that all processes of this machine can open. */
async function findPlace(): Promise<{ place: string; remove: () => Promise<unknown> }> {
  const client = new Redis(REDIS, { lazyConnect: true, connectTimeout: 2000, retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const prefix = `example-${process.pid}-${Date.now()}`
    const remove = async (): Promise<void> => {
      const keys = await client.keys(`${prefix}:*`)
      if (keys.length > 0) await client.unlink(keys)
      client.disconnect()
    }
    console.log(`The crew is kept in Redis at ${REDIS}`)
    return { place: `redis:${prefix}`, remove }
  } catch {
    console.log(`No Redis at ${REDIS} (docker run -p 6379:6379 redis brings one), so a file of SQLite does`)
    const folder = await mkdtemp(join(tmpdir(), 'crew-'))
    return { place: join(folder, 'crew.db'), remove: () => rm(folder, { recursive: true }) }
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  await ended
}

const [office, place] = process.argv.slice(2)
if (office !== undefined && place !== undefined) await work(office as keyof typeof MEMBERS, place)
else await lead()
