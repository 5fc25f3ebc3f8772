// What grows, hangs or stays behind in a long run. `npm run soak`, or `npm run soak -- --short` for half a minute; fails when a bound is broken.
import { getEventListeners } from 'node:events'
import { MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

const isShort = process.argv.includes('--short')
const MB = 1024 * 1024
const gc = (globalThis as { gc?: () => void }).gc ?? (() => undefined)
const heapBytes = (): number => {
  gc()
  return process.memoryUsage().heapUsed
}

interface Row {
  readonly what: string
  readonly figure: number
  readonly bound: number
}

/** Listeners on a signal that many waits share, and the memory that is left of them. */
async function waits(count: number): Promise<readonly Row[]> {
  const crew = await openCrew({ strictMembers: false })
  await crew.tracker.create({ id: 'tides', description: 'Tides' })
  const wave = async (): Promise<number> => {
    const controller = new AbortController()
    const { signal } = controller
    const ended = Array.from({ length: count }, () =>
      crew.tracker.whenEnded('tides', { signal }).catch(() => undefined),
    )
    const listeners = getEventListeners(signal, 'abort').length
    controller.abort()
    await Promise.all(ended)
    return listeners
  }
  const listeners = await wave()
  const before = heapBytes()
  await wave()
  const left = (heapBytes() - before) / MB
  await crew.close()
  return [
    { what: `listeners of ${count} waits on one signal`, figure: listeners, bound: 1 },
    { what: `MB left of them`, figure: left, bound: 5 },
  ]
}

async function subscriptions(count: number): Promise<readonly Row[]> {
  const crew = await openCrew()
  const round = (times: number): void => {
    for (let n = 0; n < times; n++) {
      crew.on('task.created', () => undefined)()
      crew.subscribe(() => undefined)()
    }
  }
  round(10_000)
  const before = heapBytes()
  round(count)
  const left = (heapBytes() - before) / MB
  await crew.close()
  return [{ what: `MB left of ${count} subscriptions`, figure: left, bound: 5 }]
}

/** Commits that a crew keeps which does nothing but renew. */
async function renewals(hours: number): Promise<readonly Row[]> {
  const environment = manualEnvironment()
  const storage = new MemoryStorage()
  const crew = await openCrew({
    storage,
    environment,
    strictMembers: false,
    checkpointEvery: 100,
    keepHistory: { ms: 600_000 },
  })
  await crew.tracker.create({ description: 'Tides' })
  await crew.tracker.claim('ana')
  await environment.advance(`${hours}h`)
  const { seq = 0 } = crew.journal.head ?? {}
  const run = await storage.read('crew', 0, 1)
  const kept = seq - ('trimmedTo' in run ? run.trimmedTo : 0)
  await crew.close()
  return [{ what: `commits kept of ${seq} in ${hours} hours of renewals`, figure: kept, bound: 1300 }]
}

/** Handlers, readers and listeners that never come back. */
async function hung(): Promise<readonly Row[]> {
  const never = new Promise<never>(() => undefined)
  const crew = await openCrew({ onError: () => undefined })
  const ana = await crew.join('ana', { capacity: 100 })
  await crew.tracker.createMany(Array.from({ length: 100 }, (_, n) => ({ description: `Task ${n}` })))
  crew.on('task.started', () => never)
  ana.work(() => never)
  ana.listen(() => never)
  await ana.send('ana', 'hi')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const from = performance.now()
  await crew.close()
  const closeMs = performance.now() - from
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  return [
    { what: 'ms to close with a hundred handlers that hang', figure: closeMs, bound: 10_000 },
    { what: 'timers left that keep the process running', figure: timers, bound: 0 },
  ]
}

const rows = [
  ...(await waits(isShort ? 10_000 : 100_000)),
  ...(await subscriptions(isShort ? 100_000 : 1_000_000)),
  ...(await renewals(24)),
  ...(await hung()),
]
console.table(rows.map((row) => ({ ...row, figure: Math.round(row.figure * 10) / 10, holds: row.figure <= row.bound })))
if (rows.some(({ figure, bound }) => figure > bound)) process.exitCode = 1
