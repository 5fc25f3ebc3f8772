import { type Crew, CrewError, MemoryStorage, openCrew, ReportGenerator, type Task } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { move, MOVES } from '../support/task-steps.js'

const MEMBERS = ['ana', 'bo']
const TASKS = ['a', 'b', 'c', 'd']
const COMMANDS = ['create', 'claim', ...MOVES, 'retry', 'leave', 'due'] as const

const step = fc.record({
  command: fc.constantFrom(...COMMANDS),
  task: fc.constantFrom(...TASKS),
  other: fc.constantFrom(...TASKS),
  member: fc.constantFrom(...MEMBERS),
  waitMs: fc.constantFrom(0, 10, 1000, 12_345, 90_000),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function run(crew: Crew, { command, task, other, member }: Step): Promise<unknown> {
  const { tracker } = crew
  switch (command) {
    case 'create':
      return tracker.create({
        id: task,
        description: task,
        ...(other !== task && { dependsOn: [{ id: other, onFailure: 'block' as const }] }),
      })
    case 'claim':
      return crew.as(member).claim({ taskId: task })
    case 'retry':
      return tracker.retry(task, { cascade: true })
    case 'due':
      return tracker.update(task, { dueAt: 1 })
    case 'leave':
      await crew.leave(member)
      return crew.join(member, { capacity: 2 })
    default:
      return move(crew, command, { task, member, usage: { tokens: 7, cost: 0.25 } })
  }
}

/** All figures, from the tasks alone. */
function reckon(tasks: readonly Task[], environment: ManualEnvironment) {
  const of = (status: string) => tasks.filter((task) => task.status === status).length
  const completed = tasks.filter(({ status }) => status === 'completed')
  const durations = completed.map(({ durationMs = NaN }) => durationMs).filter((ms) => !Number.isNaN(ms))
  const attempts = tasks.flatMap((task) => task.attempts)
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)
  return {
    totals: {
      tasks: tasks.length,
      pending: of('pending'),
      in_progress: of('in_progress'),
      waiting: of('waiting'),
      completed: of('completed'),
      failed: of('failed'),
      cancelled: of('cancelled'),
      overdue: tasks.filter(({ isOpen, dueAt = Infinity }) => isOpen && dueAt <= environment.now()).length,
    },
    durations: { count: durations.length, meanMs: durations.length ? sum(durations) / durations.length : 0 },
    usage: sum(tasks.map(({ usage: { tokens = 0 } }) => tokens)),
    members: MEMBERS.map((member) => ({
      member,
      inProgress: tasks.filter(({ holder }) => holder === member).length,
      completed: completed.filter((task) => task.attempts.at(-1)?.member === member).length,
      failed: attempts.filter((one) => one.member === member && /^(failed|lost|timed_out|abandoned)$/.test(one.outcome ?? '')).length, // prettier-ignore
    })),
  }
}

function figures(reports: ReportGenerator) {
  const { totals, durations, usage } = reports.generate('summary').data
  const { ready: _ready, blocked: _blocked, ...counts } = totals
  return {
    totals: counts,
    durations: { count: durations.count, meanMs: durations.meanMs },
    usage: usage.tokens ?? 0,
    members: reports
      .generate('workload')
      .data.rows.map(({ member, inProgress, completed, failed }) => ({ member, inProgress, completed, failed }))
      .sort((a, b) => (a.member < b.member ? -1 : 1)),
  }
}

it('counts as a recomputation from the tasks does, after any history, on every replica and after opening again (RP-05)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const environment = manualEnvironment()
      const options = { storage: new MemoryStorage(), environment, onError: () => undefined }
      const crew = await openCrew(options)
      for (const member of MEMBERS) await crew.join(member, { capacity: 2 })
      const replica = await openCrew(options)
      for (const one of steps) {
        await run(crew, one).catch((error: unknown) => {
          if (!CrewError.is(error)) throw error
        })
        if (one.waitMs > 0) await environment.advance(one.waitMs)
      }
      await replica.sync()
      const opened = await openCrew(options)
      const expected = reckon(crew.tracker.list(), environment)
      expect(figures(crew.reports)).toEqual(expected)
      expect(figures(replica.reports)).toEqual(expected)
      expect(figures(opened.reports)).toEqual(expected)
      expect(opened.reports.generate('summary').data).toEqual(crew.reports.generate('summary').data)
      expect(opened.reports.generate('workload').data).toEqual(crew.reports.generate('workload').data)
      expect(figures(new ReportGenerator({ tracker: crew.tracker }))).toEqual(expected)
      await Promise.all([crew, replica, opened].map((each) => each.close()))
    }),
    { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 100) },
  )
})
