// What reports over single tasks cost on a board of a year: npm run bench:reports -- [tasks] [folder] [report …]
// The board is made by commands, in waves. With a folder it is kept there, with a checkpoint, and the next run opens it
// from that in a fraction of the time.
import { type Crew, openCrew, systemEnvironment, type TaskDraft } from 'crewlog'
import * as reports from 'crewlog/reports'
import { fileStorage } from 'crewlog/storage/file'
import { existsSync } from 'node:fs'
import { randomFrom } from '../src/core/random.js'

const TASKS = Number(process.argv[2] ?? 1_000_000)
const folder = process.argv[3]
const wanted = process.argv.slice(4)
const MEMBERS = 100
const WAVE = 1000
/** In which a wave is worked off, one part after the other. */
const PARTS = 20
/** Of the last waves: so many tasks stay open. */
const OPEN = Math.ceil(TASKS / 50 / WAVE) * WAVE
const YEAR_MS = 365 * 86_400_000
const KINDS = ['write', 'review', 'build', 'test', 'deploy']

const random = randomFrom(1)
const start = Date.UTC(2026, 0, 1)
const end = start + YEAR_MS
const waves = TASKS / WAVE
const stepMs = YEAR_MS / waves / (PARTS + 2)
let now = start
const member = (n: number): string => `member-${String(n % MEMBERS)}`

/** In each wave some wait for others of it, are due, are reviewed or ask. */
function draft(n: number): TaskDraft {
  const before = n - 1 - Math.floor(random() * 20)
  const isInWave = Math.floor(before / WAVE) === Math.floor(n / WAVE) && before >= 0
  return {
    id: `t${String(n)}`,
    description: 'Implement the feature',
    kind: KINDS[n % KINDS.length]!,
    labels: [`area-${String(n % 30)}`],
    assignees: n % 3 === 0 ? [member(n)] : [],
    ...(isInWave && n % 4 === 0 && { dependsOn: [`t${String(before)}`] }),
    ...(n % 10 === 0 && { dueAt: now + stepMs * PARTS * random() }),
    ...(n % 25 === 0 && { reviewers: [member(n + 1)], selfReview: true }),
    ...(n % 7 === 0 && { estimateMs: stepMs }),
  }
}

async function finish({ tracker }: Crew, id: string, n: number): Promise<void> {
  const usage = { tokens: 1000 + (n % 500), cost: 0.01 }
  if (n % 50 === 1) await tracker.fail(id, { error: 'no', retryable: false, usage })
  else {
    const { status } = await tracker.complete(id, { usage })
    if (status === 'waiting') await tracker.review(id, { by: member(n + 1), passed: true })
  }
}

/** Works a wave off, a part at a time; the next part begins when the one before is over. */
async function wave(crew: Crew, first: number): Promise<void> {
  await crew.tracker.createMany(Array.from({ length: WAVE }, (_, index) => draft(first + index)))
  now += stepMs
  if (first >= TASKS - OPEN) return
  for (let part = 0; part < PARTS; part++) {
    const tasks = crew.tracker.ready({ limit: WAVE / PARTS })
    await Promise.all(tasks.map(({ id, assignees: [by] }, n) => crew.tracker.start(id, { by: by ?? member(n) })))
    now += stepMs * (0.1 + 0.9 * random())
    await Promise.all(tasks.map(({ id }) => finish(crew, id, Number(id.slice(1)))))
    const letters = Array.from({ length: 10 }, (_, index) => [member(index), member(index + part + 1)] as const)
    await Promise.all(letters.map(([from, to]) => crew.as(from).send(to, 'How far is it?')))
  }
  now = start + stepMs * (PARTS + 2) * (first / WAVE + 1)
}

async function work(crew: Crew): Promise<void> {
  for (let n = 0; n < MEMBERS; n++) await crew.join(member(n), { capacity: WAVE })
  for (let first = 0; first < TASKS; first += WAVE) await wave(crew, first)
}

const open = (): Promise<Crew> =>
  openCrew({
    ...(folder !== undefined && { storage: fileStorage(folder, { fsync: false }) }),
    environment: { ...systemEnvironment, now: () => Math.floor(now) },
    limits: { pairRate: 1_000_000_000, mailbox: 1_000_000_000 },
    checkpointEvery: Infinity,
  })

const seconds = (from: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1e6
}
const heapGiB = (): string => {
  globalThis.gc?.()
  return (process.memoryUsage().heapUsed / 2 ** 30).toFixed(2)
}

/** The board at the end of the year. */
async function board(): Promise<Crew> {
  const began = process.cpuUsage()
  const isThere = folder !== undefined && existsSync(folder)
  if (isThere) now = end
  const crew = await open()
  if (!isThere) await work(crew)
  now = end
  console.log(
    `${isThere ? 'Opened from its checkpoint' : 'Made by commands'} in ${seconds(began).toFixed(0)} s of CPU time.`,
  )
  if (isThere || folder === undefined) return crew
  await crew.journal.checkpoint()
  await crew.close()
  return board()
}

const crew = await board()
const { totals } = crew.reports.generate('summary').data
console.log(
  `${totals.tasks.toLocaleString('en')} tasks, ${totals.completed.toLocaleString('en')} completed, ` +
    `${crew.communications.messages().length.toLocaleString('en')} messages, heap ${heapGiB()} GiB, Node ${process.versions.node}\n`,
)

const window = { from: now - 30 * 86_400_000 }
const byLabel = reports.defineReport({
  name: 'defineReport: tasks',
  of: 'tasks',
  groupBy: 'labels',
  measures: { count: 'count', took: { percentile: 'durationMs', p: 0.9 } },
})
const byMember = reports.defineReport({
  name: 'defineReport: attempts',
  of: 'attempts',
  groupBy: 'member',
  measures: { count: 'count', mean: { mean: 'durationMs' }, failed: { share: ({ outcome }) => outcome === 'failed' } },
})
const all = [
  'summary',
  'workload',
  'health',
  reports.throughput(),
  reports.throughput({ per: 'hour', timeZone: 'Europe/Berlin' }),
  reports.cycleTime(),
  reports.overdue(),
  reports.blocked(),
  reports.criticalPath(),
  reports.conversations(),
  reports.cost(),
  reports.burndown(),
  reports.cumulativeFlow(),
  reports.members(),
  reports.forecast(),
  byLabel,
  byMember,
] as readonly (string | reports.ReportDefinition<unknown>)[]

console.log('| report (seconds of CPU time) | all | the last 30 days | of one kind |\n| --- | --- | --- | --- |')
for (const report of all) {
  const name = typeof report === 'string' ? report : report.name
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const times = [{}, window, { filter: { kind: 'write' } }].map((options) => {
    // What the report before has left behind is not this one's.
    globalThis.gc?.()
    const began = process.cpuUsage()
    crew.reports.generate(report as reports.ReportDefinition<unknown>, options)
    return seconds(began).toFixed(2)
  })
  console.log(`| ${name} | ${times.join(' | ')} |`)
}
console.log(`\nHeap afterwards: ${heapGiB()} GiB`)
await crew.close()
