import { type Crew, CrewError, MemoryStorage, openCrew, type SummaryData } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { move, MOVES } from '../support/task-steps.js'

const MEMBERS = ['ana', 'bo']
const TASKS = ['a', 'b', 'c', 'd', 'e']

const step = fc.record({
  command: fc.constantFrom('create', 'claim', 'claim', 'claim', 'complete', ...MOVES),
  task: fc.constantFrom(...TASKS),
  other: fc.constantFrom(...TASKS),
  member: fc.constantFrom(...MEMBERS),
  waitMs: fc.constantFrom(0, 10, 1000),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function run(crew: Crew, { command, task, other, member }: Step): Promise<unknown> {
  if (command === 'create')
    return crew.tracker.create({ id: task, description: task, ...(other < task && { dependsOn: [other] }) })
  if (command === 'claim') return crew.as(member).claim({ taskId: task, leaseMs: 3_600_000 })
  return move(crew, command, { task, member, usage: { tokens: 7 } })
}

async function history(steps: readonly Step[]) {
  const environment = manualEnvironment()
  const options = { storage: new MemoryStorage(), environment, onError: () => undefined }
  const crew = await openCrew(options)
  for (const member of MEMBERS) await crew.join(member, { capacity: 2 })
  await crew.tracker.createMany(
    TASKS.slice(1).map((id) => ({ id, description: id, ...(id === 'b' && { dependsOn: ['c'] }) })),
  )
  const times = [environment.now()]
  for (const one of steps) {
    await run(crew, one).catch((error: unknown) => {
      if (!CrewError.is(error)) throw error
    })
    if (one.waitMs > 0) await environment.advance(one.waitMs)
    times.push(environment.now())
  }
  return { crew, options, environment, times }
}

const statuses = ({ totals }: SummaryData) => {
  const { ready: _ready, blocked: _blocked, overdue: _overdue, ...rest } = totals
  return rest
}

it('counts in one pass what the counters count, in a window from before the beginning', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
      const { crew } = await history(steps)
      const whole = crew.reports.generate('summary').data
      expect(crew.reports.generate('summary', { from: 0 }).data).toEqual(whole)
      expect(crew.reports.generate('summary', { filter: {} }).data).toEqual(whole)
      const load = crew.reports.generate('workload').data
      expect(crew.reports.generate('workload', { from: 0 }).data).toEqual(load)
      expect(crew.reports.generate('workload', { filter: {} }).data).toEqual(load)
      await crew.close()
    }),
    { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 50) },
  )
})

it('tells of a window that ended what was known at its end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), fc.nat(), async (steps, pick) => {
      const { crew, options, times } = await history(steps)
      const at = times[pick % times.length]!
      const past = await openCrew({ ...options, at: { time: at } })
      const then = past.reports.generate('summary').data
      const window = { from: 0, to: at + 1 }
      const now = crew.reports.generate('summary', window).data
      expect(statuses(now)).toEqual(statuses(then))
      expect(now.durations).toEqual(then.durations)
      const completed = ({ reports }: Crew, options = {}) =>
        reports.generate('workload', options).data.rows.map(({ member, inProgress, completed, failed, share }) => ({ member, inProgress, completed, failed, share })) // prettier-ignore
      expect(completed(crew, window)).toEqual(completed(past))
      await Promise.all([crew.close(), past.close()])
    }),
    { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 50) },
  )
})

it('splits at any moment into windows whose ended tasks and working times add up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), fc.nat(), async (steps, pick) => {
      const { crew, times, environment } = await history(steps)
      await environment.advance(1)
      const at = times[pick % times.length]!
      const [before, after, whole] = [{ to: at }, { from: at }, {}].map((window) => {
        const { totals, durations } = crew.reports.generate('summary', window).data
        const { completed, failed, cancelled } = totals
        const { data } = crew.reports.generate('workload', window)
        return [
          completed,
          failed,
          cancelled,
          durations.count,
          ...data.rows.flatMap((row) => [row.completed, row.failed]),
        ]
      })
      expect(before!.map((figure, index) => figure + after![index]!)).toEqual(whole)
      await crew.close()
    }),
    { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 50) },
  )
})
