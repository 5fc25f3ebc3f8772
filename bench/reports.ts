// How long reports over single tasks take on a board of a year: npm run bench:reports [tasks]
import { type Crew, openCrew, systemEnvironment, type TaskDraft } from '../src/index.js'
import * as reports from '../src/reports/index.js'
import { randomFrom } from '../src/core/random.js'

const TASKS = Number(process.argv[2] ?? 1_000_000)
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
    ...(n % 25 === 0 && { reviewers: [member(n + 1)] }),
    ...(n % 7 === 0 && { estimateMs: stepMs }),
  }
}

async function end({ tracker }: Crew, id: string, n: number): Promise<void> {
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
    await Promise.all(tasks.map(({ id }) => end(crew, id, Number(id.slice(1)))))
    const letters = Array.from({ length: 10 }, (_, index) => [member(index), member(index + part + 1)] as const)
    await Promise.all(letters.map(([from, to]) => crew.as(from).send(to, 'How far is it?')))
  }
  now = start + stepMs * (PARTS + 2) * (first / WAVE + 1)
}

const opened = performance.now()
const crew = await openCrew({
  environment: { ...systemEnvironment, now: () => Math.floor(now) },
  limits: { pairRate: 1_000_000_000, mailbox: 1_000_000_000 },
})
for (let n = 0; n < MEMBERS; n++) await crew.join(member(n), { capacity: WAVE })
for (let first = 0; first < TASKS; first += WAVE) await wave(crew, first)
const { totals } = crew.reports.generate('summary').data
console.log(
  `${totals.tasks.toLocaleString('en')} tasks, ${totals.completed.toLocaleString('en')} completed, ` +
    `${crew.communications.messages().length.toLocaleString('en')} messages, made in ${((performance.now() - opened) / 1000).toFixed(0)} s, ` +
    `${(process.memoryUsage().heapUsed / 2 ** 30).toFixed(1)} GiB, Node ${process.versions.node}\n`,
)

const month = { from: now - 30 * 86_400_000 }
console.log('| report | a year (ms) | the last 30 days (ms) | of one kind (ms) |\n| --- | --- | --- | --- |')
for (const report of [
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
  reports.forecast(),
]) {
  const times = [{}, month, { filter: { kind: 'write' } }].map((options) => {
    const from = process.cpuUsage()
    crew.reports.generate(report as reports.ReportDefinition<unknown>, options)
    const { user, system } = process.cpuUsage(from)
    return ((user + system) / 1000).toFixed(0)
  })
  console.log(`| ${report.name} | ${times.join(' | ')} |`)
}
await crew.close()
