// How many tasks a second, and how many bytes a task, beside a bare loop in the same run. Run it with `npm run bench`.
import { openCrew, TaskTracker } from 'crewlog'
import { BareBoard } from './bare.js'

const TASKS = 100_000
const WAVE = 1000
const ROUNDS = 3

interface Timing {
  create: number
  claim: number
  complete: number
}
const PHASES = ['create', 'claim', 'complete'] as const

const gc = (globalThis as { gc?: () => void }).gc ?? (() => undefined)
const heapBytes = (): number => {
  gc()
  return process.memoryUsage().heapUsed
}

/** Milliseconds for all tasks, in waves of as many commands as a busy crew calls at once. */
async function timed(board: {
  create: (n: number) => Promise<unknown>
  claim: (n: number) => Promise<() => Promise<unknown>>
}): Promise<Timing & { bytes: number }> {
  const before = heapBytes()
  const spent = { create: 0, claim: 0, complete: 0 }
  const wave = async <T>(phase: keyof Timing, start: number, run: (n: number) => Promise<T>): Promise<T[]> => {
    const from = performance.now()
    const done = await Promise.all(Array.from({ length: WAVE }, (_, n) => run(start + n)))
    spent[phase] += performance.now() - from
    return done
  }
  for (let start = 0; start < TASKS; start += WAVE) await wave('create', start, board.create)
  const bytes = (heapBytes() - before) / TASKS
  for (let start = 0; start < TASKS; start += WAVE) {
    const completions = await wave('claim', start, board.claim)
    await wave('complete', 0, (n) => completions[n]!())
  }
  return { ...spent, bytes }
}

const draft = (n: number) => ({ description: 'Implement the feature', priority: n % 5 })

async function crewBoard() {
  const crew = await openCrew()
  const members = await Promise.all(Array.from({ length: WAVE }, (_, n) => crew.join(`member-${String(n)}`)))
  return {
    create: (n: number) => crew.tracker.create(draft(n)),
    claim: async (n: number) => {
      const attempt = await members[n % WAVE]!.claim()
      return () => attempt!.complete({ result: { ok: true } })
    },
  }
}

async function trackerBoard() {
  const tracker = new TaskTracker()
  return {
    create: (n: number) => tracker.create(draft(n)),
    claim: async (n: number) => {
      const attempt = await tracker.claim(`member-${String(n % WAVE)}`)
      return () => attempt!.complete({ result: { ok: true } })
    },
  }
}

async function bareBoard() {
  const board = new BareBoard()
  return {
    create: async (n: number) => board.create(n % 5),
    claim: async () => {
      const id = board.claim()
      return async () => {
        board.complete(id)
      }
    },
  }
}

async function best(make: () => Promise<Parameters<typeof timed>[0]>): Promise<Timing & { bytes: number }> {
  const rounds: (Timing & { bytes: number })[] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await timed(await make()))
  const least = (what: keyof (typeof rounds)[number]): number => Math.min(...rounds.map((round) => round[what]))
  return { create: least('create'), claim: least('claim'), complete: least('complete'), bytes: least('bytes') }
}

const perSecond = (ms: number): string => Math.round((TASKS / ms) * 1000).toLocaleString('en')

const bare = await best(bareBoard)
const rows = [
  { name: 'bare Map and heap', ...bare },
  { name: 'TaskTracker alone', ...(await best(trackerBoard)) },
  { name: 'openCrew in memory', ...(await best(crewBoard)) },
]
console.log(
  `${TASKS.toLocaleString('en')} tasks, waves of ${WAVE.toLocaleString('en')}, best of ${String(ROUNDS)}, Node ${process.versions.node}\n`,
)
console.log('| board | create/s | claim/s | complete/s | bytes per live task |')
console.log('| --- | --- | --- | --- | --- |')
for (const row of rows) {
  const cells = PHASES.map((phase) =>
    row === rows[0] ? perSecond(row[phase]) : `${perSecond(row[phase])} (1/${(row[phase] / bare[phase]).toFixed(0)})`,
  )
  console.log(`| ${[row.name, ...cells, Math.round(row.bytes)].join(' | ')} |`)
}
