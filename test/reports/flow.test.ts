import { type Crew, MemoryStorage, openCrew } from 'crewlog'
import { burndown, cumulativeFlow, cycleTime, throughput } from 'crewlog/reports'
import type { ManualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Where the time of tests begins: a Thursday. */
const START = Date.UTC(2026, 0, 1)

const NONE = { created: 0, completed: 0, failed: 0, cancelled: 0 }
const noTime = { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p95Ms: 0, p99Ms: 0, minMs: 0, maxMs: 0, percentile: 'nearest-rank' } // prettier-ignore
const one = (ms: number) => ({ ...noTime, count: 1, meanMs: ms, p50Ms: ms, p90Ms: ms, p95Ms: ms, p99Ms: ms, minMs: ms, maxMs: ms }) // prettier-ignore

/**
 * `first` is made at 0 h, begun at 2 h and asks at 3 h; answered at 5 h, done from 6 h to 8 h. `second` waits for it, and is
 * done from 30 h to 31 h, with a review until 33 h. `third` is made at 26 h and cancelled at 34 h; `fourth` is made at 34 h.
 */
async function story(): Promise<{ crew: Crew; environment: ManualEnvironment; storage: MemoryStorage }> {
  const storage = new MemoryStorage()
  const { crew, environment } = await openTeam(['ana', 'bo'], { storage, leaseMs: 10 * DAY })
  const { tracker } = crew
  const ana = crew.as('ana')
  await tracker.create({ id: 'first', description: 'First', estimateMs: 5 * HOUR, labels: ['a'] })
  await tracker.create({ id: 'second', description: 'Second', dependsOn: ['first'], reviewers: ['bo'] })
  await environment.advance(2 * HOUR)
  const asking = await ana.claim({ taskId: 'first' })
  await environment.advance(HOUR)
  await asking!.wait({ for: 'input', of: 'bo', question: 'Which?' })
  await environment.advance(2 * HOUR)
  await crew.as('bo').answer('first', 'This')
  await environment.advance(HOUR)
  const again = await ana.claim({ taskId: 'first' })
  await environment.advance(2 * HOUR)
  await again!.complete()
  await environment.advance(18 * HOUR)
  await tracker.create({ id: 'third', description: 'Third', estimateMs: HOUR })
  await environment.advance(4 * HOUR)
  const reviewed = await ana.claim({ taskId: 'second' })
  await environment.advance(HOUR)
  await reviewed!.complete()
  await environment.advance(2 * HOUR)
  await crew.as('bo').review('second', { passed: true })
  await environment.advance(HOUR)
  await tracker.cancel('third')
  await tracker.create({ id: 'fourth', description: 'Fourth', estimateMs: 2 * HOUR })
  await environment.advance(2 * HOUR)
  return { crew, environment, storage }
}

const { crew, environment, storage } = await story()

describe('throughput', () => {
  it('counts what came and went in each day', async () => {
    const { data } = crew.reports.generate(throughput())
    expect(data).toEqual({
      per: 'day',
      timeZone: 'UTC',
      rows: [
        { name: '2026-01-01', from: START, to: START + DAY, created: 2, completed: 1, failed: 0, cancelled: 0 },
        { name: '2026-01-02', from: START + DAY, to: START + 36 * HOUR + 1, created: 2, completed: 1, failed: 0, cancelled: 1 }, // prettier-ignore
      ],
      totals: { created: 4, completed: 2, failed: 0, cancelled: 1 },
      mean: 2 / 1.5,
      uncounted: 0,
    })
  })

  it('counts by hours, weeks, and the days of a time zone', async () => {
    const hours = crew.reports.generate(throughput({ per: 'hour' })).data.rows
    // The last one has just begun.
    expect(hours).toHaveLength(37)
    expect(hours[8]).toEqual({ ...NONE, name: '2026-01-01 08:00', from: START + 8 * HOUR, to: START + 9 * HOUR, completed: 1 }) // prettier-ignore
    const weeks = crew.reports.generate(throughput({ per: 'week' })).data.rows
    expect(weeks.map(({ name, created }) => [name, created])).toEqual([['2025-12-29', 4]])
    // In Kiritimati it is 14 h on: the second of January begins there at 10 o'clock UTC on the first.
    const days = crew.reports.generate(throughput({ timeZone: 'Pacific/Kiritimati' })).data.rows
    expect(days.map(({ name, created }) => [name, created])).toEqual([
      ['2026-01-01', 2],
      ['2026-01-02', 1],
      ['2026-01-03', 1],
    ])
  })

  it('is of a window, and of what a filter lets pass', async () => {
    const window = { from: START + 8 * HOUR, to: START + 26 * HOUR }
    const { totals, rows } = crew.reports.generate(throughput(), window).data
    // What happens as a window ends is not in it, what happens as it begins is.
    expect(totals).toEqual({ ...NONE, completed: 1 })
    expect(rows.map(({ from, to }) => [from, to])).toEqual([
      [START + 8 * HOUR, START + DAY],
      [START + DAY, START + 26 * HOUR],
    ])
    const labelled = crew.reports.generate(throughput(), { filter: { label: 'a' } })
    expect(labelled.data.totals).toEqual({ ...NONE, created: 1, completed: 1 })
  })

  it('is a table and a picture', async () => {
    const report = crew.reports.generate(throughput())
    expect(report.toMarkdown().split('\n')).toEqual([
      '## Throughput per day',
      '',
      '| Day | Created | Completed | Failed | Cancelled |',
      '| --- | --- | --- | --- | --- |',
      '| 2026-01-01 | 2 | 1 | 0 | 0 |',
      '| 2026-01-02 | 2 | 1 | 0 | 1 |',
      '',
      'Completed: 2 in all, 1.33 per day.',
    ])
    expect(report.toMermaid()).toContain('ompleted" [1, 1]')
    expect(report.toSVG()).toMatch(/^<svg/)
  })

  it('of nothing says so', async () => {
    const { reports } = await openTeam()
    const report = reports.generate(throughput())
    expect(report.data).toMatchObject({ rows: [], totals: NONE, mean: 0 })
    expect(report.toMarkdown()).toContain('There were no tasks in that time.')
    expect(report.toSVG()).toMatch(/^<svg/)
    expect(report.toMermaid()).toMatch(/^xychart/)
  })

  it.each([{ per: 'month' }, { timeZone: 'Middle/Earth' }, { timeZone: '' }, { days: 3 }])('refuses %j', (settings) => {
    for (const report of [throughput, cumulativeFlow, burndown])
      expect(() => report(settings as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

describe('cycleTime', () => {
  it('says what completed tasks spent their time with', async () => {
    const { data } = crew.reports.generate(cycleTime())
    const of = (...hours: readonly number[]) => [hours.length, ...hours.map((one) => one * HOUR)]
    const told = ({ count, minMs, maxMs }: { count: number; minMs: number; maxMs: number }) =>
      count === 1 ? [count, minMs] : [count, minMs, maxMs]
    expect(Object.fromEntries(Object.entries(data.phases).map(([phase, stats]) => [phase, told(stats)]))).toEqual({
      waiting: of(3, 22), // first: 0–2 and 5–6; second: 8–30
      blocked: of(8), // second: 0–8
      working: of(1, 3), // first: 2–3 and 6–8; second: 30–31
      asking: of(2), // first: 3–5
      review: of(2), // second: 31–33
    })
    expect(told(data.total)).toEqual(of(8, 33))
    expect(told(data.active)).toEqual(of(3, 6))
    const shares = Object.values(data.phases).map(({ share }) => share)
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1)
    expect(data.phases.working.share).toBeCloseTo(4 / 41)
  })

  it('is of those that were completed in the window', async () => {
    const { data } = crew.reports.generate(cycleTime(), { from: START, to: START + 33 * HOUR })
    expect(data.total).toEqual(one(8 * HOUR))
    expect(crew.reports.generate(cycleTime(), { from: START + 33 * HOUR }).data.total).toEqual(one(33 * HOUR))
    expect(crew.reports.generate(cycleTime(), { filter: { label: 'none' } }).data.total).toEqual(noTime)
  })

  it('says by which rule its percentiles are', async () => {
    const linear = crew.reports.generate(cycleTime(), { percentile: 'linear' })
    expect(linear.data.total.p50Ms).toBe(20.5 * HOUR)
    expect(linear.data.phases.working.percentile).toBe('linear')
    expect(linear.toMarkdown()).toContain('Percentiles by linear interpolation.')
    expect(crew.reports.generate(cycleTime()).toMarkdown()).toContain('Percentiles by nearest rank.')
  })

  it('is a table with a line for each phase', async () => {
    const lines = crew.reports.generate(cycleTime()).toMarkdown().split('\n')
    expect(lines).toContain('| blocked | 1 | 20 % | 8 h 0 min | 8 h 0 min | 8 h 0 min | 8 h 0 min | 8 h 0 min |')
    expect(lines).toContain(
      '| creation to end | 2 |  | 20 h 30 min | 8 h 0 min | 33 h 0 min | 33 h 0 min | 33 h 0 min |',
    )
  })
})

describe('cumulativeFlow', () => {
  const states = { ready: 0, blocked: 0, inProgress: 0, waiting: 0, completed: 0, failed: 0, cancelled: 0 }

  it('says where tasks stood at each edge', async () => {
    const { rows } = crew.reports.generate(cumulativeFlow({ per: 'hour' })).data
    const at = (hour: number) => rows.find((row) => row.at === START + hour * HOUR)
    expect(rows).toHaveLength(37)
    expect(at(0)).toEqual({ ...states, at: START, name: '2026-01-01 00:00', ready: 1, blocked: 1 })
    expect(at(2)).toMatchObject({ inProgress: 1, blocked: 1, ready: 0 })
    expect(at(3)).toMatchObject({ waiting: 1, blocked: 1 })
    expect(at(5)).toMatchObject({ ready: 1, blocked: 1, waiting: 0 })
    expect(at(8)).toMatchObject({ ready: 1, blocked: 0, completed: 1 })
    expect(at(26)).toMatchObject({ ready: 2, completed: 1 })
    expect(at(31)).toMatchObject({ ready: 1, waiting: 1, completed: 1 })
    expect(at(34)).toMatchObject({ ready: 1, completed: 2, cancelled: 1 })
    // The last edge is now.
    expect(at(36)).toEqual({ ...states, at: START + 36 * HOUR, name: '2026-01-02 12:00', ready: 1, completed: 2, cancelled: 1 }) // prettier-ignore
  })

  it('agrees with the crew as it was then', async () => {
    for (const row of crew.reports.generate(cumulativeFlow({ per: 'hour' })).data.rows) {
      const past = await openCrew({ storage, environment, at: { time: row.at } })
      const { ready, blocked, in_progress, waiting, completed, failed, cancelled } =
        past.reports.generate('summary').data.totals
      const { at: _at, name: _name, ...counts } = row
      expect(counts).toEqual({ ready, blocked, inProgress: in_progress, waiting, completed, failed, cancelled })
      await past.close()
    }
  })
})

describe('burndown', () => {
  it('says what was left to do at each edge', async () => {
    const { rows } = crew.reports.generate(burndown()).data
    expect(rows).toEqual([
      { at: START, name: '2026-01-01', open: 2, completed: 0, dropped: 0 },
      { at: START + DAY, name: '2026-01-02', open: 1, completed: 1, dropped: 0 },
      { at: START + 36 * HOUR, name: '2026-01-02', open: 1, completed: 2, dropped: 1 },
    ])
  })

  it('counts estimates, and what has none', async () => {
    const report = crew.reports.generate(burndown({ of: 'estimates' }))
    expect(report.data.rows.map(({ open }) => open)).toEqual([5 * HOUR, 0, 2 * HOUR])
    expect(report.data.withoutEstimate).toBe(1)
    expect(report.toMarkdown()).toContain('Not counted: 1 tasks without an estimate.')
  })

  it('has an ideal line to the end of a window, which may be yet to come', async () => {
    const { rows } = crew.reports.generate(burndown(), { from: START, to: START + 4 * DAY }).data
    expect(rows.map(({ open, ideal }) => [open, ideal])).toEqual([
      [2, 2],
      [1, 1.5],
      [undefined, 1],
      [undefined, 0.5],
      [undefined, 0],
    ])
  })
})

describe('Series of a past crew', () => {
  it('are what they were at that time', async () => {
    const past = await openCrew({ storage, environment, at: { time: START + 8 * HOUR } })
    expect(past.reports.generate(throughput()).data.totals).toEqual({ ...NONE, created: 2, completed: 1 })
    expect(past.reports.generate(cycleTime()).data.total).toEqual(one(8 * HOUR))
    expect(past.reports.generate(burndown()).data.rows.at(-1)).toMatchObject({ at: START + 8 * HOUR, open: 1 })
    await past.close()
  })

  it('say how many tasks are forgotten', async () => {
    const team = await openTeam(['ana'], { retention: { afterMs: HOUR } })
    await team.tracker.create({ description: 'Old' })
    const attempt = await team.crew.as('ana').claim()
    await attempt!.complete()
    await team.environment.advance('2h')
    for (const report of [throughput(), cycleTime(), cumulativeFlow(), burndown()]) {
      const made = team.reports.generate<{ readonly uncounted: number }>(report as never)
      expect(made.data.uncounted).toBe(1)
      expect(made.toMarkdown()).toContain('Without 1 tasks that are forgotten.')
    }
  })
})
