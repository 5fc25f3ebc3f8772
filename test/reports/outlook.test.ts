import { type Crew, type MemberOptions, MemoryStorage, openCrew, type TaskDraft } from 'crewlog'
import { criticalPath, forecast, type ForecastSettings } from 'crewlog/reports'
import type { ManualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const MINUTE = 60_000

/** By hand, and by the wall clock alone, so that nothing is renewed meanwhile. */
async function done({ tracker }: Crew, environment: ManualEnvironment, draft: Partial<TaskDraft>, minutes: number) {
  const { id } = await tracker.create({ description: 'Done', assignees: 'ana', ...draft })
  await tracker.start(id)
  environment.suspend(minutes * MINUTE)
  await tracker.complete(id)
}

const given = (minutes: Readonly<Record<string, number>>) => ({
  duration: ({ id }: { readonly id: string }) => (minutes[id] === undefined ? undefined : minutes[id] * MINUTE),
})

describe('criticalPath', () => {
  const chainOf = (crew: Crew, settings = {}, options = {}) => {
    const { chain } = crew.reports.generate(criticalPath(settings), options).data
    return chain.map(({ taskId, durationMs, basis }) => [taskId, durationMs / MINUTE, basis])
  }

  it('names the chain that decides when all is done', async () => {
    const { crew, environment, tracker } = await openTeam()
    await tracker.createMany([
      { id: 'a', title: 'Begin', description: 'a', assignees: 'bo' },
      { id: 'b', description: 'b', dependsOn: ['a'] },
      { id: 'c', description: 'c', dependsOn: ['a'] },
      { id: 'd', description: 'd', dependsOn: ['b', 'c'] },
    ])
    const report = crew.reports.generate(criticalPath(given({ a: 10, b: 5, c: 20, d: 1 })))
    const now = environment.now()
    expect(report.data).toMatchObject({ endsAt: now + 31 * MINUTE, totalMs: 31 * MINUTE, open: 4, hindered: 0, unknown: 0 }) // prettier-ignore
    expect(report.data.chain).toEqual([
      { taskId: 'a', name: 'Begin', stage: 'assigned', members: ['bo'], from: now, to: now + 10 * MINUTE, durationMs: 10 * MINUTE, basis: 'given' }, // prettier-ignore
      { taskId: 'c', name: 'c', stage: 'blocked', members: [], from: now + 10 * MINUTE, to: now + 30 * MINUTE, durationMs: 20 * MINUTE, basis: 'given' }, // prettier-ignore
      { taskId: 'd', name: 'd', stage: 'blocked', members: [], from: now + 30 * MINUTE, to: now + 31 * MINUTE, durationMs: MINUTE, basis: 'given' }, // prettier-ignore
    ])
    expect(report.toMarkdown()).toContain('| c | c | blocked |  | 2026-01-01 00:10 | 20 min | given |')
    expect(report.toMermaid()).toContain('crit')
    expect(report.toSVG()).toMatch(/^<svg/)
  })

  it('goes by five tasks of the kind on record, else by an estimate, else by all on record', async () => {
    const { crew, environment, tracker } = await openTeam()
    const duration = (id: string, draft: Partial<TaskDraft>) => tracker.create({ id, description: 'x', ...draft })
    await duration('unknown', {})
    expect(chainOf(crew)).toEqual([['unknown', 0, 'none']])
    await duration('estimated', { estimateMs: 7 * MINUTE })
    expect(chainOf(crew)).toEqual([['estimated', 7, 'estimate']])
    for (const minutes of [10, 20, 30, 40]) await done(crew, environment, { kind: 'write' }, minutes)
    await duration('written', { kind: 'write', estimateMs: 90 * MINUTE })
    // Four are not enough; the median of all is at nearest rank.
    expect(chainOf(crew)).toEqual([['written', 90, 'estimate']])
    await tracker.cancel('written')
    expect(chainOf(crew)).toEqual([['unknown', 20, 'all']])
    await done(crew, environment, { kind: 'write' }, 50)
    await tracker.create({ id: 'next', description: 'x', kind: 'write', estimateMs: 90 * MINUTE })
    expect(chainOf(crew, {}, { filter: { kind: 'write' } })).toEqual([['next', 30, 'kind']])
    // The record can be that of a time: the last three took 30 minutes and more.
    const from = environment.now() - 119 * MINUTE
    expect(chainOf(crew, {}, { from, filter: { kind: 'write' } })).toEqual([['next', 90, 'estimate']])
    await tracker.cancel('next')
    await tracker.cancel('estimated')
    expect(chainOf(crew, {}, { from })).toEqual([['unknown', 40, 'all']])
  })

  it('counts what is left of what is begun, and what people take', async () => {
    const { crew, environment, tracker } = await openTeam()
    await tracker.create({ id: 'begun', description: 'x', assignees: 'ana' })
    await tracker.create({ id: 'later', description: 'x', notBefore: environment.now() + 100 * MINUTE })
    await tracker.start('begun')
    await environment.advance('10m')
    expect(chainOf(crew, given({ begun: 30, later: 5 }))).toEqual([['later', 5, 'given']])
    expect(chainOf(crew, given({ begun: 200, later: 5 }))).toEqual([['begun', 190, 'given']])
    // Longer than it should: it may end any moment.
    expect(chainOf(crew, given({ begun: 3, later: 5 }), { filter: { assignee: 'ana' } })).toEqual([['begun', 0, 'given']]) // prettier-ignore
  })

  it('leaves out what cannot end as things are, and says so', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.createMany([
      { id: 'gone', description: 'x' },
      { id: 'stuck', description: 'x', dependsOn: [{ id: 'gone', onCancel: 'block' }] },
      { id: 'behind', description: 'x', dependsOn: ['stuck'] },
      { id: 'free', description: 'x' },
    ])
    await tracker.cancel('gone')
    const report = crew.reports.generate(criticalPath(given({ stuck: 100, free: 1, behind: 100 })))
    expect(report.data).toMatchObject({ open: 3, hindered: 2, totalMs: MINUTE })
    expect(report.toMarkdown()).toContain('Not in it: 2 tasks that wait for what failed or was cancelled.')
  })

  it('of nothing is empty, and refuses what is no duration', async () => {
    const { crew, tracker } = await openTeam()
    expect(crew.reports.generate(criticalPath()).toMarkdown()).toContain('Nothing is open.')
    await tracker.create({ description: 'x' })
    for (const answer of [-1, NaN, 'long', null])
      expect(() => crew.reports.generate(criticalPath({ duration: () => answer as never }))).toThrow(
        expect.objectContaining({ code: 'invalid_input' }),
      )
    expect(() => criticalPath({ duration: 5 } as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

describe('forecast', () => {
  const open = async (members: Readonly<Record<string, MemberOptions>> = { ana: {} }) => {
    const storage = new MemoryStorage()
    const team = await openTeam([], { storage })
    for (const [id, options] of Object.entries(members)) await team.crew.join(id, options)
    return { ...team, storage }
  }
  /** In minutes from now. */
  const ends = (crew: Crew, environment: ManualEnvironment, settings: ForecastSettings = {}, options = {}) => {
    const { endsAt } = crew.reports.generate(forecast(settings), options).data
    return Object.values(endsAt).map((at) => (at - environment.now()) / MINUTE)
  }

  it('plays through how members work the graph off', async () => {
    const { crew, environment, tracker } = await open({ ana: {}, bo: { capacity: 2 } })
    await tracker.createMany([
      { id: 'a', description: 'a' },
      { id: 'b', description: 'b' },
      { id: 'c', description: 'c' },
      { id: 'd', description: 'd', dependsOn: ['a'], assignees: 'ana' },
      { id: 'e', description: 'e', assignees: 'ana' },
    ])
    // ana: e at once, then d; bo: a, b and then c.
    const settings = given({ a: 10, b: 20, c: 30, d: 4, e: 50 })
    expect(ends(crew, environment, settings)).toEqual([54, 54, 54])
    expect(ends(crew, environment, settings, { filter: { assignee: null } })).toEqual([40, 40, 40])
    await crew.leave('bo')
    expect(ends(crew, environment, settings)).toEqual([114, 114, 114])
  })

  it('draws durations from those of the kind on record', async () => {
    const { crew, environment, tracker } = await open()
    for (let minutes = 1; minutes <= 100; minutes++) await done(crew, environment, { kind: 'write' }, minutes)
    await done(crew, environment, {}, 10_000)
    await tracker.create({ id: 'next', description: 'x', kind: 'write' })
    const { data } = crew.reports.generate(forecast())
    const [p50, p85, p95] = ends(crew, environment) as [number, number, number]
    // Five standard deviations of a share in a thousand runs are 0.08, 0.056 and 0.034.
    expect(Math.abs(p50 - 50)).toBeLessThan(8)
    expect(Math.abs(p85 - 85)).toBeLessThan(6)
    expect(Math.abs(p95 - 95)).toBeLessThan(4)
    expect(data).toMatchObject({
      open: 1,
      method: 'simulation',
      runs: 1000,
      seed: 1,
      percentile: 'nearest-rank',
      rests: { records: 101, on: { given: 0, kind: 1, estimate: 0, all: 0, none: 0 } },
      left: { nobody: 0, unknown: 0, hindered: 0 },
    })
    expect(data.chances).toHaveLength(19)
    expect(data.chances.every(({ at }, index) => at >= (data.chances[index - 1]?.at ?? 0))).toBe(true)
    expect(data.chances[9]).toEqual({ share: 0.5, at: data.endsAt.p50 })
  })

  it('is the same for a seed, and another for another', async () => {
    const { crew, environment, tracker } = await open()
    for (let minutes = 1; minutes <= 20; minutes++) await done(crew, environment, {}, minutes)
    for (let n = 0; n < 5; n++) await tracker.create({ description: 'x' })
    const made = (settings: ForecastSettings) => crew.reports.generate(forecast(settings)).data
    expect(made({ seed: 7 })).toEqual(made({ seed: 7 }))
    expect(made({ seed: 7 }).chances).not.toEqual(made({ seed: 8 }).chances)
    expect(made({ runs: 3 }).runs).toBe(3)
  })

  it('draws for what runs only what takes longer than it has', async () => {
    const { crew, environment, tracker } = await open()
    for (let minutes = 1; minutes <= 100; minutes++) await done(crew, environment, {}, minutes)
    const { id } = await tracker.create({ description: 'x', assignees: 'ana' })
    await tracker.start(id)
    environment.suspend('60m')
    const left = ends(crew, environment, { runs: 200 })
    expect(left.every((minutes) => minutes >= 1 && minutes <= 40)).toBe(true)
    // Longer than all of them: as if it were begun.
    environment.suspend('50m')
    expect(ends(crew, environment, { runs: 200 })[2]).toBeGreaterThan(60)
  })

  it('waits for people as long as they took before, and lets members do something else meanwhile', async () => {
    const { crew, environment, tracker } = await open({ ana: {}, bo: {} })
    const reviewed = { description: 'x', assignees: 'ana', reviewers: 'bo', kind: 'write' } as const
    for (let n = 0; n < 5; n++) {
      const { id } = await tracker.create({ ...reviewed, reviewers: ['bo'] })
      await tracker.start(id)
      await environment.advance('10m')
      await tracker.complete(id)
      await environment.advance('30m')
      await tracker.review(id, { by: 'bo', passed: true })
    }
    await tracker.create({ ...reviewed, reviewers: ['bo'] })
    await tracker.create({ ...reviewed, reviewers: ['bo'] })
    expect(ends(crew, environment, { runs: 10 })).toEqual([50, 50, 50])
    const [first] = tracker.ready()
    await tracker.start(first!.id)
    await environment.advance('10m')
    await tracker.complete(first!.id)
    await environment.advance('12m')
    expect(ends(crew, environment, { runs: 10 }, { filter: { status: 'waiting' } })).toEqual([18, 18, 18])
  })

  it('says what is not in it', async () => {
    const { crew, environment, tracker } = await open({ ana: { skills: { write: 0.5 } }, off: { available: false } })
    await tracker.createMany([
      { id: 'fine', description: 'x', estimateMs: 5 * MINUTE },
      { id: 'too hard', description: 'x', requires: { write: 0.9 }, estimateMs: MINUTE },
      { id: 'after', description: 'x', dependsOn: ['too hard'], estimateMs: MINUTE },
      { id: 'nobody knows', description: 'x' },
    ])
    const report = crew.reports.generate(forecast({ runs: 10 }))
    expect(report.data).toMatchObject({ open: 4, left: { nobody: 1, unknown: 1, hindered: 1 } })
    expect(ends(crew, environment)).toEqual([5, 5, 5])
    expect(report.toMarkdown()).toContain('Not in it: 3 of 4 open tasks. For 1 there is nobody, of 1 nothing tells how long they take, 1 wait for what cannot end.') // prettier-ignore
    expect(report.toMarkdown()).toContain('No completed task is on record.')
  })

  it('says nothing where nothing is known, or nothing is open', async () => {
    const { crew, tracker } = await open()
    const none = crew.reports.generate(forecast())
    expect(none.data).toMatchObject({ open: 0, method: 'none', endsAt: {}, chances: [], runs: 0 })
    expect(none.toMarkdown()).toContain('Nothing is open.')
    expect(none.toSVG()).toMatch(/^<svg/)
    await tracker.create({ description: 'x' })
    const unknown = crew.reports.generate(forecast())
    expect(unknown.data).toMatchObject({ open: 1, method: 'none', endsAt: {}, left: { unknown: 1 } })
    expect(unknown.toMarkdown()).toContain('Nothing is known that a forecast could rest on.')
  })

  it('tells on how much it rests', async () => {
    const { crew, environment, tracker } = await open()
    const from = environment.now()
    for (let n = 0; n < 10; n++) await done(crew, environment, {}, 10)
    await tracker.create({ description: 'x' })
    const report = () => crew.reports.generate(forecast({ runs: 10 })).toMarkdown()
    expect(report()).toContain(
      'It rests on 10 completed tasks, from 2026-01-01 00:10 to 2026-01-01 01:40; that is few.',
    )
    await done(crew, environment, {}, 10)
    expect(report()).toContain('It rests on 11 completed tasks, from 2026-01-01 00:10 to 2026-01-01 01:50.')
    const { rests } = crew.reports.generate(forecast(), { from: from + 60 * MINUTE }).data
    expect(rests).toMatchObject({ records: 6, from: from + 60 * MINUTE, to: from + 110 * MINUTE })
  })

  it('plays fewer runs of many tasks', async () => {
    const { crew, tracker } = await open({ ana: { capacity: 1000 } })
    await tracker.createMany(Array.from({ length: 4000 }, () => ({ description: 'x', estimateMs: MINUTE })))
    expect(crew.reports.generate(forecast()).data).toMatchObject({ method: 'simulation', runs: 250 })
    expect(crew.reports.generate(forecast({ runs: 20 })).data.runs).toBe(20)
  })

  it('goes by throughput when over ten thousand are open', async () => {
    const { crew, environment, tracker } = await open()
    for (let n = 0; n < 200; n++) await done(crew, environment, {}, 1)
    await tracker.createMany(Array.from({ length: 10_001 }, () => ({ description: 'x' })))
    const { data } = crew.reports.generate(forecast())
    expect(data).toMatchObject({ open: 10_001, method: 'throughput', runs: 1000 })
    // One a minute, more or less: 199 of them in the time since the first.
    const [p50, p85, p95] = ends(crew, environment) as [number, number, number]
    expect(p50).toBeGreaterThan(9900)
    expect(p50).toBeLessThan(10_050)
    expect(p85).toBeGreaterThanOrEqual(p50)
    expect(p95).toBeGreaterThanOrEqual(p85)
  })

  it('of a past crew is what was to be expected then', async () => {
    const { crew, environment, tracker, storage } = await open()
    await tracker.create({ id: 'x', description: 'x', estimateMs: 60 * MINUTE, assignees: 'ana' })
    await tracker.start('x')
    await environment.advance('10m')
    const then = environment.now()
    await environment.advance('5m')
    await tracker.complete('x')
    const past = await openCrew({ storage, environment, at: { time: then } })
    expect(past.reports.generate(forecast()).data.endsAt.p50).toBe(then + 50 * MINUTE)
    expect(crew.reports.generate(forecast()).data.open).toBe(0)
    await past.close()
  })

  it.each([{ runs: 0 }, { runs: 10_001 }, { seed: -1 }, { seed: 0.5 }, { sed: 1 }])('refuses %j', (settings) => {
    expect(() => forecast(settings as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})
