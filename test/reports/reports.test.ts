import { ReportGenerator, TaskTracker } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../support/team.js'

/** A board whose every figure can be reckoned by hand. */
async function board() {
  const team = await openTeam([])
  const { crew, tracker, environment } = team
  await crew.join('ana', { capacity: 2 })
  await crew.join('bo')
  await crew.join('cy')
  const work = async (id: string, by: string, seconds: number, usage = {}) => {
    const attempt = await crew.as(by).claim({ taskId: id })
    await environment.advance(seconds * 1000)
    return attempt!.complete({ usage })
  }
  await tracker.createMany([
    { id: 'one', description: 'One' },
    { id: 'two', description: 'Two' },
    { id: 'three', description: 'Three' },
    { id: 'failing', description: 'Failing' },
    { id: 'after', description: 'After', dependsOn: ['failing'] },
    { id: 'kept', description: 'Kept', dependsOn: [{ id: 'failing', onFailure: 'block' }] },
    { id: 'given', description: 'Given', assignees: ['ana', 'bo'], dueAt: environment.now() + 20_000 },
    { id: 'later', description: 'Later', notBefore: environment.now() + 86_400_000 },
    { id: 'open', description: 'Open' },
    { id: 'gone', description: 'Gone' },
    { id: 'asked', description: 'Asked', assignees: 'cy' },
  ])
  await work('one', 'ana', 10, { tokens: 100, cost: 0.5 })
  await work('two', 'ana', 20, { tokens: 50 })
  await work('three', 'bo', 60)
  const failing = await crew.as('bo').claim({ taskId: 'failing' })
  await environment.advance('10s')
  await failing!.fail({ error: 'no', retryable: false, usage: { tokens: 1 } })
  await tracker.cancel('gone')
  const asking = await crew.as('cy').claim({ taskId: 'asked' })
  await asking!.wait({ for: 'approval', question: 'Go?', of: 'ana' })
  await crew.as('ana').claim({ taskId: 'given' })
  await environment.advance('20s')
  return team
}

describe('summary', () => {
  it('counts what stands where, how long it took, and what it cost', async () => {
    const { reports, environment, crew } = await board()
    const report = reports.generate('summary')
    expect(report).toMatchObject({ name: 'summary', at: environment.now(), seq: crew.journal.head?.seq })
    expect(report.data).toEqual({
      totals: {
        tasks: 11,
        pending: 3,
        in_progress: 1,
        waiting: 1,
        completed: 3,
        failed: 2,
        cancelled: 1,
        ready: 1,
        blocked: 1,
        overdue: 1,
      },
      durations: {
        count: 3,
        meanMs: 30_000,
        p50Ms: 20_000,
        p90Ms: 60_000,
        p95Ms: 60_000,
        p99Ms: 60_000,
        minMs: 10_000,
        maxMs: 60_000,
        percentile: 'nearest-rank',
      },
      usage: { tokens: 151, cost: 0.5 },
      uncounted: 0,
    })
  })

  it('of nothing is all zeros', async () => {
    const { reports } = await openTeam([])
    const { data, seq } = reports.generate('summary')
    expect(seq).toBe(0)
    const { percentile, ...durations } = data.durations
    expect(percentile).toBe('nearest-rank')
    const figures = Object.values<number>({ ...data.totals, ...durations })
    expect(figures.every((figure) => figure === 0)).toBe(true)
    expect(data.usage).toEqual({})
  })

  it('is itself as JSON and a table as Markdown', async () => {
    const { reports } = await board()
    const report = reports.generate('summary')
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      name: 'summary',
      at: report.at,
      seq: report.seq,
      data: report.data,
    })
    const lines = report.toMarkdown().split('\n')
    expect(lines.slice(0, 5)).toEqual(['## Summary', '', '| Tasks | Number |', '| --- | --- |', '| tasks | 11 |'])
    expect(lines).toContain('| in_progress | 1 |')
    expect(report.toMarkdown()).toContain('took 30 s on average, half of them at most 20 s, nine in ten at most 1 min')
  })

  it('is of its moment, however the board goes on (RP-09)', async () => {
    const { reports, tracker } = await board()
    const report = reports.generate('summary')
    const before = JSON.stringify(report)
    await tracker.create({ description: 'New' })
    expect(JSON.stringify(report)).toBe(before)
    expect(Object.isFrozen(report)).toBe(true)
  })

  it.each<[string, readonly number[], object]>([
    ['one', [7], { meanMs: 7, p50Ms: 7, p90Ms: 7, p99Ms: 7, minMs: 7, maxMs: 7 }],
    ['an even number: the lower of the middle two', [40, 10, 30, 20], { meanMs: 25, p50Ms: 20, p90Ms: 40 }],
    [
      'ten: the ninth is at nine in ten',
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 100],
      { meanMs: 14.5, p50Ms: 5, p90Ms: 9, p95Ms: 100 },
    ],
    ['equal ones', [3, 3, 3], { meanMs: 3, p50Ms: 3, p99Ms: 3, minMs: 3, maxMs: 3 }],
    ['none at all', [0], { count: 1, meanMs: 0, p50Ms: 0, maxMs: 0 }],
    ['over four digits: rounded, but not in the mean', [123_456], { meanMs: 123_456, p50Ms: 123_500, maxMs: 123_500 }],
  ])('takes percentiles by nearest rank, of %s', async (_, durations, expected) => {
    const environment = manualEnvironment()
    const tracker = new TaskTracker({ environment })
    const reports = new ReportGenerator({ tracker })
    for (const ms of durations) {
      const { id } = await tracker.create({ description: 'x', assignees: 'ana' })
      await tracker.start(id)
      await environment.advance(ms)
      await tracker.complete(id)
    }
    expect(reports.generate('summary').data.durations).toMatchObject(expected)
  })

  it('is never negative, though the wall clock is set back (TM-04)', async () => {
    const { crew, tracker, reports, environment } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    const attempt = await crew.as('ana').claim()
    environment.setWallClock(environment.now() - 3_600_000)
    await attempt!.complete()
    expect(tracker.get(task.id)?.durationMs).toBe(0)
    expect(reports.generate('summary').data.durations).toMatchObject({ count: 1, meanMs: 0, minMs: 0 })
    for (const { share, utilisation } of reports.generate('workload').data.rows)
      for (const part of [share, utilisation]) expect(part >= 0 && part <= 1).toBe(true)
  })
})

describe('workload', () => {
  it('tells who does how much', async () => {
    const { reports } = await board()
    // All joined 120 s ago. ana: 10 + 20 s of work, and 20 s of `given` so far, with a capacity of 2.
    expect(reports.generate('workload').data.rows).toEqual([
      { member: 'ana', assigned: 1, inProgress: 1, completed: 2, failed: 0, share: 2 / 3, utilisation: 50 / 240 },
      { member: 'bo', assigned: 1, inProgress: 0, completed: 1, failed: 1, share: 1 / 3, utilisation: 70 / 120 },
      { member: 'cy', assigned: 1, inProgress: 0, completed: 0, failed: 0, share: 0, utilisation: 0 },
    ])
  })

  it('agrees with the workload of the tracker', async () => {
    const { reports, tracker } = await board()
    expect(
      reports.generate('workload').data.rows.map(({ member, assigned, inProgress, completed }) => ({
        member,
        assigned,
        inProgress,
        done: completed,
      })),
    ).toEqual(
      tracker.workload().map(({ member, assigned, inProgress, done }) => ({ member, assigned, inProgress, done })),
    )
  })

  it('is a table as Markdown', async () => {
    const { reports } = await board()
    expect(reports.generate('workload').toMarkdown().split('\n')).toEqual([
      '## Workload',
      '',
      '| Member | Assigned | In progress | Completed | Failed | Share | Utilisation |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| ana | 1 | 1 | 2 | 0 | 67 % | 21 % |',
      '| bo | 1 | 0 | 1 | 1 | 33 % | 58 % |',
      '| cy | 1 | 0 | 0 | 0 | 0 % | 0 % |',
    ])
  })
})

describe('a report', () => {
  it('is known by name', async () => {
    const { reports } = await openTeam([])
    expect(reports.names()).toEqual(['summary', 'workload', 'health'])
    expect(() => reports.generate('gantt' as 'summary')).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    expect(() => new ReportGenerator({} as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('shows a completion with its result, in the commit that completes (RP-02)', async () => {
    const { here, there, environment } = await openPair()
    const task = await here.tracker.create({ description: 'Tides' })
    const seen: unknown[] = []
    there.tracker.on('completed', ({ task: { id } }) => {
      seen.push(there.tracker.get(id)?.result, there.reports.generate('summary').data.totals.completed)
    })
    const attempt = await here.as('ana').claim()
    await attempt!.complete({ result: { words: 600 } })
    await environment.settle()
    expect(seen).toEqual([{ words: 600 }, 1])
    expect(there.tracker.get(task.id)?.result).toEqual({ words: 600 })
  })

  it('reaches 100 % or says why: the statuses add up to the tasks (RP-05)', async () => {
    const { reports, tracker } = await board()
    const sum = () => {
      const {
        tasks,
        ready: _ready,
        blocked: _blocked,
        overdue: _overdue,
        ...statuses
      } = reports.generate('summary').data.totals
      expect(Object.values(statuses).reduce((all, one) => all + one, 0)).toBe(tasks)
    }
    sum()
    await tracker.retry('failing', { cascade: true })
    sum()
    await tracker.cancel('failing')
    sum()
    await tracker.retry('gone')
    sum()
  })

  it('of ten thousand tasks in one chain is made at once (RP-06)', async () => {
    const { tracker, reports } = await openTeam()
    await Promise.all(
      Array.from({ length: 10_000 }, (_, n) =>
        tracker.create({ id: `t${n}`, description: 'x', dependsOn: n > 0 ? [`t${n - 1}`] : [] }),
      ),
    )
    expect(reports.generate('summary').data.totals).toMatchObject({ tasks: 10_000, ready: 1, blocked: 9999 })
    expect(reports.generate('health').data.findings).toEqual([])
    expect(reports.generate('workload').data.rows).toHaveLength(2)
  })
})
