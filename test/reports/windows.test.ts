import { MemoryStorage, openCrew, ReportGenerator, TaskTracker } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const MINUTE = 60_000

/** Of two hours, by the minute: `old` 0–30, `across` 30–90 by two attempts, `late` from 90 on. */
async function morning() {
  const team = await openTeam([])
  const { crew, tracker, environment } = team
  const start = environment.now()
  await crew.join('ana', { capacity: 2 })
  await crew.join('bo')
  const minutes = (count: number) => environment.advance(count * MINUTE)
  await tracker.create({ id: 'old', description: 'Old', labels: ['sea'] })
  await tracker.create({ id: 'across', description: 'Across', dueAt: start + 45 * MINUTE })
  await tracker.create({ id: 'after', description: 'After', dependsOn: ['across'] })
  const old = (await crew.as('ana').claim({ taskId: 'old' }))!
  await minutes(30)
  await old.complete({ usage: { tokens: 1 } })
  const first = (await crew.as('bo').claim({ taskId: 'across' }))!
  await minutes(15)
  await first.fail({ error: 'no', usage: { tokens: 10 } })
  await minutes(15)
  const second = (await crew.as('ana').claim({ taskId: 'across' }))!
  await minutes(30)
  await second.complete({ usage: { tokens: 100 } })
  await tracker.create({ id: 'late', description: 'Late', assignees: 'bo' })
  const late = (await crew.as('bo').claim({ taskId: 'late' }))!
  await late.progress({ value: 0.5, usage: { tokens: 1000 } })
  await minutes(30)
  const window = (from?: number, to?: number) => ({
    ...(from !== undefined && { from: start + from * MINUTE }),
    ...(to !== undefined && { to: start + to * MINUTE }),
  })
  return { ...team, window, start, late }
}

describe('summary in a window', () => {
  it('counts what was open in it, by its end', async () => {
    const { reports, window } = await morning()
    const totals = (from?: number, to?: number) => reports.generate('summary', window(from, to)).data.totals
    expect(totals(0, 40)).toEqual({
      tasks: 3,
      pending: 1,
      in_progress: 1,
      waiting: 0,
      completed: 1,
      failed: 0,
      cancelled: 0,
      ready: 0,
      blocked: 1,
      overdue: 0,
    })
    expect(totals(40, 50)).toMatchObject({ tasks: 2, pending: 2, completed: 0, ready: 1, blocked: 1, overdue: 1 })
    expect(totals(50, 100)).toMatchObject({ tasks: 3, completed: 1, in_progress: 1, pending: 1, ready: 1, blocked: 0 })
    expect(totals(90.1)).toMatchObject({ tasks: 2, completed: 0, in_progress: 1, ready: 1, overdue: 0 })
    expect(totals(undefined, 0)).toMatchObject({ tasks: 0 })
  })

  it('takes times of what was completed in it, and usage of attempts that ended in it or still run', async () => {
    const { reports, window } = await morning()
    const of = (from?: number, to?: number) => {
      const { durations, usage } = reports.generate('summary', window(from, to)).data
      return [durations.count, durations.meanMs / MINUTE, usage.tokens]
    }
    expect(of()).toEqual([2, 45, 1111])
    expect(of(0, 31)).toEqual([1, 30, 1])
    expect(of(31, 60)).toEqual([0, 0, 10])
    expect(of(31, 91)).toEqual([1, 60, 110])
    expect(of(91)).toEqual([0, 0, 1000])
    // One that is not over yet is as one that is open.
    expect(of(91, 1000)).toEqual([0, 0, 1000])
  })

  it('counts through a filter', async () => {
    const { reports } = await morning()
    const { totals, durations, usage } = reports.generate('summary', { filter: { label: 'sea' } }).data
    expect(totals).toMatchObject({ tasks: 1, completed: 1 })
    expect([durations.count, usage.tokens]).toEqual([1, 1])
  })

  it('takes percentiles between two values, if asked to', async () => {
    const { reports, window } = await morning()
    for (const options of [{}, window(0)]) {
      const { durations } = reports.generate('summary', { ...options, percentile: 'linear' }).data
      expect(durations).toMatchObject({ p50Ms: 45 * MINUTE, p90Ms: 57 * MINUTE, percentile: 'linear' })
      expect(reports.generate('summary', options).data.durations).toMatchObject({
        p50Ms: 30 * MINUTE,
        p90Ms: 60 * MINUTE,
        percentile: 'nearest-rank',
      })
    }
  })
})

describe('workload in a window', () => {
  it('is of the time, the attempts and the ends in it', async () => {
    const { reports, window } = await morning()
    const rows = (from?: number, to?: number) => reports.generate('workload', window(from, to)).data.rows
    expect(rows(15, 60)).toEqual([
      // 15 of 45 minutes, with a capacity of 2.
      { member: 'ana', assigned: 0, inProgress: 0, completed: 1, failed: 0, share: 1, utilisation: 15 / 90 },
      { member: 'bo', assigned: 0, inProgress: 0, completed: 0, failed: 1, share: 0, utilisation: 15 / 45 },
    ])
    expect(rows(60)).toEqual([
      { member: 'ana', assigned: 0, inProgress: 0, completed: 1, failed: 0, share: 1, utilisation: 30 / 120 },
      { member: 'bo', assigned: 1, inProgress: 1, completed: 0, failed: 0, share: 0, utilisation: 30 / 60 },
    ])
  })

  it('is of nobody longer than since they joined', async () => {
    const { reports, crew, environment, window } = await morning()
    await crew.join('cy')
    await crew.tracker.create({ id: 'last', description: 'Last' })
    const attempt = (await crew.as('cy').claim({ taskId: 'last' }))!
    await environment.advance(MINUTE)
    await attempt.complete()
    for (const options of [{}, window(0), window(100, 121)])
      expect(reports.generate('workload', options).data.rows.at(-1)).toMatchObject({ member: 'cy', utilisation: 1 })
  })
})

describe('health in a window', () => {
  it('finds what has needed somebody since some time in it, of the tasks that a filter lets pass', async () => {
    const { reports, tracker, environment, window, start } = await morning()
    await tracker.update('late', { dueAt: start + 100 * MINUTE })
    await tracker.create({ id: 'due', description: 'Due', dueAt: start + 125 * MINUTE, labels: ['sea'] })
    await environment.advance(10 * MINUTE)
    const found = (options: object) => reports.generate('health', options).data.findings.map(({ taskId }) => taskId)
    // `after` is left lying though somebody is free.
    expect(found({})).toEqual(['after', 'late', 'due'])
    expect(found(window(100, 110))).toEqual(['late'])
    expect(found(window(124))).toEqual(['due'])
    expect(found({ filter: { label: 'sea' } })).toContain('due')
    expect(found({ filter: { label: 'sea' } })).not.toContain('late')
  })
})

describe('what is forgotten', () => {
  it('is in the whole, and said to be missing in windows and through filters', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment, retention: { afterMs: 1000 } })
    await crew.join('ana')
    await crew.tracker.create({ id: 'old', description: 'Old' })
    await (await crew.as('ana').claim())!.complete()
    await environment.advance('1h')
    expect(crew.tracker.get('old')).toBeUndefined()
    const whole = crew.reports.generate('summary').data
    expect(whole).toMatchObject({ totals: { tasks: 1, completed: 1 }, uncounted: 0 })
    for (const options of [{ from: 0 }, { filter: { kind: 'x' } }]) {
      const { data, ...report } = crew.reports.generate('summary', options)
      expect(data).toMatchObject({ totals: { tasks: 0, completed: 0 }, uncounted: 1 })
      expect(report.toMarkdown()).toContain('Without 1 that are forgotten.')
      expect(crew.reports.generate('workload', options).data).toMatchObject({
        rows: [{ member: 'ana', completed: 0, share: 0 }],
        uncounted: 1,
      })
    }
    expect(crew.reports.generate('workload').data).toMatchObject({ rows: [{ completed: 1 }], uncounted: 0 })
  })
})

describe('a past moment', () => {
  it('has its reports from the crew as it was then', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const crew = await openCrew({ environment, storage })
    await crew.join('ana')
    await crew.tracker.create({ id: 'one', description: 'One' })
    const attempt = (await crew.as('ana').claim())!
    const then = environment.now()
    const [before, load] = [crew.reports.generate('summary').data, crew.reports.generate('workload').data]
    await environment.advance('1h')
    await attempt.complete()
    const past = await openCrew({ environment, storage, at: { time: then } })
    const report = past.reports.generate('summary')
    expect(report.at).toBe(then)
    expect(report.data).toEqual(before)
    expect(report.data.totals).toMatchObject({ in_progress: 1, completed: 0 })
    expect(past.reports.generate('workload').data).toEqual(load)
    expect(past.reports.generate('summary', { from: then - 1 }).data.totals).toEqual(before.totals)
    await past.close()
  })
})

it('counts running work by members without looking at tasks', async () => {
  const environment = manualEnvironment()
  const tracker = new TaskTracker({ environment })
  const reports = new ReportGenerator({ tracker })
  await tracker.createMany(Array.from({ length: 3 }, (_, index) => ({ id: `t${index}`, description: 'x' })))
  await tracker.start('t0', { by: 'ana' })
  await environment.advance(1000)
  await tracker.complete('t0')
  await tracker.start('t1', { by: 'ana' })
  await environment.advance(1000)
  expect(reports.generate('workload').data.rows[0]).toMatchObject({ utilisation: 1, inProgress: 1 })
  await tracker.release('t1')
  await environment.advance(2000)
  expect(reports.generate('workload').data.rows[0]).toMatchObject({ utilisation: 0.5, inProgress: 0 })
})
