import { type Crew, CrewError, MemoryStorage, openCrew, type Task, type TaskDraft } from 'crewlog'
import { burndown, cost, cumulativeFlow, cycleTime, members, throughput } from 'crewlog/reports'
import { manualEnvironment } from 'crewlog/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const HOUR = 3_600_000
const MEMBERS = ['ana', 'bo']
const TASKS = ['a', 'b', 'c', 'd', 'e']

const REQUIRED = [{}, { sql: 0.5 }, { sql: 0.5, ops: 0.5 }]

const reviewed = (choice: number): Pick<TaskDraft, 'reviewers' | 'quorum'> =>
  choice % 2 > 0 ? {} : choice % 4 > 0 ? { reviewers: ['bo'] } : { reviewers: ['ana', 'hana', 'hugo'], quorum: 2 }

const step = fc.record({
  task: fc.constantFrom(...TASKS),
  other: fc.constantFrom(...TASKS),
  member: fc.constantFrom(...MEMBERS),
  choice: fc.nat(100),
  waitMs: fc.constantFrom(0, 1000, HOUR / 3, HOUR, 2 * HOUR),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/**
 * What can be done with a task in each status: all but `retry`, which makes a task forget when it had ended, and edges that
 * come later, for which see decision 0030.
 */
async function run({ tracker, as }: Pick<Crew, 'tracker' | 'as'>, { task: id, other, member, choice }: Step) {
  const task = tracker.get(id)
  const pick = (...moves: readonly (() => Promise<unknown>)[]): Promise<unknown> => moves[choice % moves.length]!()
  if (!task) {
    const dependsOn = tracker.get(other) ? [{ id: other, onFailure: 'block' as const, onCancel: 'block' as const }] : []
    return tracker.create({
      id,
      description: id,
      dependsOn,
      requires: REQUIRED[choice % 3] ?? {},
      ...reviewed(choice),
    })
  }
  const claim = () => as(member).claim({ taskId: id })
  const cancel = () => tracker.cancel(id, { force: true })
  const { status, fence, waitingFor } = task
  if (status === 'pending') return pick(claim, claim, claim, claim, cancel)
  const usage = { tokens: 7, cost: 0.25 }
  const complete = () => tracker.complete(id, { fence, usage })
  if (status === 'in_progress')
    return pick(
      complete,
      complete,
      () => tracker.fail(id, { fence, error: 'oops', usage }),
      () => tracker.fail(id, { fence, error: 'no', retryable: false }),
      () => tracker.release(id, { fence }),
      () => tracker.wait(id, { fence, for: 'approval' }),
      cancel,
    )
  if (status !== 'waiting') return undefined
  const { of = [] } = waitingFor ?? {}
  const review = (passed: boolean) => tracker.review(id, { by: of[choice % Math.max(1, of.length)] ?? 'bo', passed })
  if (waitingFor?.for === 'review') return pick(() => review(true), () => review(false), cancel) // prettier-ignore
  return pick(() => tracker.resume(id, { by: member, answer: 'yes' }), cancel)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/** What each hour counts, by looking at all tasks for each. */
function counted(tasks: readonly Task[], from: number, to: number) {
  const isIn = (at: number | undefined): boolean => at !== undefined && from <= at && at < to
  const ended = (status: string) => tasks.filter((task) => task.status === status && isIn(task.endedAt)).length
  return {
    created: tasks.filter(({ createdAt }) => isIn(createdAt)).length,
    completed: ended('completed'),
    failed: ended('failed'),
    cancelled: ended('cancelled'),
  }
}

it('tells of every hour what the crew was then, after any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      const environment = manualEnvironment()
      const options = { storage: new MemoryStorage(), environment, onError: () => undefined }
      const crew = await openCrew(options)
      for (const member of MEMBERS) await crew.join(member, { capacity: 2, skills: { sql: 0.9, ops: 0.6 } })
      for (const person of ['hana', 'hugo']) await crew.join(person, { kind: 'human', available: false })
      for (const one of steps) {
        await run({ tracker: crew.tracker, as: (id) => crew.as(id) }, one).catch((error: unknown) => {
          if (!CrewError.is(error)) throw error
        })
        environment.suspend(one.waitMs)
      }
      const { reports, tracker } = crew
      const tasks = tracker.list()
      const settings = { per: 'hour' } as const

      const { rows, totals } = reports.generate(throughput(settings)).data
      for (const { name: _name, from, to, ...counts } of rows) expect(counts).toEqual(counted(tasks, from, to))
      expect(sum(rows.map(({ completed }) => completed))).toBe(totals.completed)
      expect(totals).toEqual(counted(tasks, -Infinity, Infinity))

      for (const { at, name: _name, ...flow } of reports.generate(cumulativeFlow(settings)).data.rows) {
        const past = await openCrew({ ...options, at: { time: at } })
        const { totals: then } = past.reports.generate('summary').data
        expect({ at, ...flow }).toEqual({
          at,
          ready: then.pending - then.blocked,
          blocked: then.blocked,
          inProgress: then.in_progress,
          waiting: then.waiting,
          completed: then.completed,
          failed: then.failed,
          cancelled: then.cancelled,
        })
        await past.close()
      }

      for (const { at, open } of reports.generate(burndown(settings)).data.rows)
        expect(open).toBe(tasks.filter(({ createdAt, endedAt = Infinity }) => createdAt <= at && endedAt > at).length)

      const { total, phases } = reports.generate(cycleTime()).data
      const spent = tasks
        .filter(({ status }) => status === 'completed')
        .map(({ createdAt, endedAt = 0 }) => endedAt - createdAt)
      expect(total.count).toBe(spent.length)
      expect(total.meanMs * total.count).toBeCloseTo(sum(spent))
      expect(sum(Object.values(phases).map(({ count, meanMs }) => count * meanMs))).toBeCloseTo(sum(spent))

      // Kept as the journal is folded, and counted over what tasks remember.
      const { members: kept, skills } = reports.generate(members()).data
      const seen = reports.generate(members(), { from: 0 }).data
      for (const [place, { durations, ...row }] of [...kept, ...skills].entries()) {
        const { durations: same, ...other } = [...seen.members, ...seen.skills][place]!
        expect({ ...other, meanMs: Math.round(other.meanMs) }).toEqual({ ...row, meanMs: Math.round(row.meanMs) })
        expect(durations).toEqual(same)
      }
      expect(seen.skills).toHaveLength(skills.length)
      const hours = rows.map(({ from, to }) => reports.generate(members(), { from, to }).data.members)
      for (const [place, { attempts, completed }] of kept.entries()) {
        expect(sum(hours.map((one) => one[place]!.attempts))).toBe(attempts)
        expect(sum(hours.map((one) => one[place]!.completed))).toBe(completed)
      }

      const money = reports.generate(cost()).data
      expect(money.total.tokens).toBe(sum(tasks.map(({ usage }) => usage.tokens ?? 0)))
      expect(sum(money.byMember.map(({ tokens }) => tokens))).toBe(money.total.tokens)
      await crew.close()
    }),
    { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 30) },
  )
})
