// What grows, hangs or stays behind in a long run. `npm run soak`, or `npm run soak -- --short` for a tenth of it; fails when a bound is broken.
import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { type Ground, inMemory, overFiles, steadyRun } from './steady.js'

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

/** Tasks and messages on and on, with retention: what is left of them when they have ended. */
async function ended(where: string, ground: Ground, count: number): Promise<readonly Row[]> {
  const { samplesMB, kept, seconds } = await steadyRun(count, heapBytes, ground)
  console.log(
    `${count} tasks and messages ${where} in ${Math.round(seconds)} s; MB in between:`,
    samplesMB.map(Math.round).join(' '),
  )
  console.log('Left at the end:', kept)
  return [
    {
      what: `% that memory grows by in the second half of ${count} tasks and messages ${where} with retention`,
      figure: growth(samplesMB.slice(samplesMB.length / 2)) * 100,
      bound: 5,
    },
  ]
}

async function endedOverFiles(count: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'crewlog-soak-'))
  try {
    return await ended('over files', overFiles(folder), count)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** By the straight line that is nearest to the samples, from the first to the last of them. */
function growth(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2
  const mean = samples.reduce((sum, sample) => sum + sample) / samples.length
  let [slope, spread] = [0, 0]
  for (const [at, sample] of samples.entries()) {
    slope += (at - middle) * (sample - mean)
    spread += (at - middle) ** 2
  }
  return ((slope / spread) * middle * 2) / (mean - (slope / spread) * middle)
}

/** A process whose handlers, listeners and readers never come back closes its crew, and ends by itself. */
async function hung(): Promise<readonly Row[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('hung.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  })
  let closedAt = Infinity
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    closedAt = performance.now()
    text += chunk
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return [
    { what: 'ms to close with a hundred handlers that hang', figure: Number(text || NaN), bound: 10_000 },
    {
      what: 'ms until that process has ended by itself',
      figure: code === 0 ? performance.now() - closedAt : Infinity,
      bound: 2000,
    },
  ]
}

const rows = [
  ...(await waits(isShort ? 10_000 : 100_000)),
  ...(await subscriptions(isShort ? 100_000 : 1_000_000)),
  ...(await renewals(24)),
  ...(await hung()),
  ...(await endedOverFiles(isShort ? 20_000 : 200_000)),
  ...(await ended('in memory', inMemory(), isShort ? 100_000 : 1_000_000)),
]
// What is no number breaks its bound, too.
const held = rows.map((row) => ({ ...row, figure: Math.round(row.figure * 10) / 10, holds: row.figure <= row.bound }))
console.table(held)
if (held.some(({ holds }) => !holds)) process.exitCode = 1
