import { bestFit, type Crew, leastLoaded, openCrew } from 'crewlog'
import { crash } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { named } from '../support/board.js'
import { openPair } from '../support/team.js'

const strategy = leastLoaded()
const loads = (crew: Crew): Readonly<Record<string, number>> =>
  Object.fromEntries(
    crew.members.map(({ id }) => [id, crew.tracker.count({ assignee: id, status: ['pending', 'in_progress'] })]),
  )

async function expectAgreement(here: Crew, there: Crew): Promise<void> {
  await Promise.all([here.sync(), there.sync()])
  expect(here.journal.head).toEqual(there.journal.head)
  expect(JSON.stringify(here.tracker.list())).toBe(JSON.stringify(there.tracker.list()))
}

// Where a race names its guard, the guard was taken away once to see the test fail.

describe('two processes', () => {
  it('plan at once: each task is given once, and nobody more than its capacity', async () => {
    // Guard: assigning.ts, begin: the plan is made within the decision, anew for each state that is decided on.
    const { here, there } = await openPair([])
    for (const id of ['ana', 'bo']) await here.join(id, { capacity: 3 })
    await here.tracker.createMany(Array.from({ length: 10 }, (_, n) => named(`t${String(n)}`)))
    await there.sync()
    const plans = await Promise.all([here.tracker.autoAssign({ strategy }), there.tracker.autoAssign({ strategy })])
    const given = plans.flatMap(({ assigned }) => assigned.map(({ taskId }) => taskId))
    expect(given).toHaveLength(6)
    expect(new Set(given).size).toBe(6)
    await expectAgreement(here, there)
    expect(loads(here)).toEqual({ ana: 3, bo: 3 })
  })

  it('plan and claim at once: who has claimed meanwhile is given nothing', async () => {
    // Guard: the same.
    const { here, there } = await openPair(['ana', 'bo'])
    await here.tracker.createMany([named('a'), named('b'), named('c')])
    await there.sync()
    const [attempt, plan] = await Promise.all([
      there.tracker.claim('ana', { taskId: 'c' }),
      here.tracker.autoAssign({ strategy }),
    ])
    expect(attempt?.task.id).toBe('c')
    expect(plan.assigned.map(({ taskId, member }) => [taskId, member])).toEqual([['a', 'bo']])
    await expectAgreement(here, there)
    expect(here.tracker.get('b')?.assignees).toEqual([])
  })

  it('assign automatically at once: each task once, in one commit, and neither undoes what the other did', async () => {
    const { here, there, environment, errors } = await openPair([], { assignment: { strategy: bestFit() } })
    for (const id of ['ana', 'bo', 'cy']) await here.join(id, { capacity: 2 })
    await there.sync()
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? here : there).tracker.create(named(`t${String(n)}`))),
    )
    await environment.advance('1m')
    await expectAgreement(here, there)
    expect(loads(here)).toEqual({ ana: 2, bo: 2, cy: 2 })
    // Created and given: no task changed hands.
    expect(
      here.tracker
        .list()
        .map(({ version }) => version)
        .toSorted(),
    ).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    expect(errors).toEqual([])
  })

  it('assign what the clock makes ready once, whoever notices first', async () => {
    const { here, there, environment, errors } = await openPair(['ana', 'bo'], { assignment: { strategy } })
    const notBefore = environment.now() + 5000
    await here.tracker.createMany([named('a', { notBefore }), named('b', { notBefore }), named('c', { notBefore })])
    await environment.advance('1m')
    await expectAgreement(here, there)
    expect(here.tracker.list().map(({ version }) => version)).toEqual([2, 2, 1])
    expect(errors).toEqual([])
  })

  it('give what a process without a strategy makes ready', async () => {
    const { here, there, environment, storage } = await openPair(['ana'])
    const giving = await openCrew({ storage, environment, assignment: { strategy } })
    await there.tracker.create(named('a'))
    await environment.advance('1m')
    expect(giving.tracker.get('a')?.assignees).toEqual(['ana'])
    await expectAgreement(here, giving)
  })

  it('give anew what the dead one was given, and never to it (TL-14)', async () => {
    // Guard: obstacles.ts, isThere: `member.missingSince === undefined`
    const { here, there, environment } = await openPair(['ana', 'bo'], { assignment: { strategy } })
    await here.tracker.createMany([named('a'), named('b'), named('c')])
    const attempt = await here.as('ana').claim()
    expect(attempt?.task.id).toBe('a')
    await crash(here)
    await there.as('bo').setAvailability(false)
    await environment.advance('5m')
    expect(there.tracker.list().map(({ assignees }) => assignees)).toEqual([[], [], []])
    await there.as('bo').setAvailability(true)
    expect(there.tracker.list().flatMap(({ assignees }) => assignees)).toEqual(['bo'])
  })

  it.each<[string, (there: Crew) => Promise<unknown>]>([
    ['leaves', (there) => there.leave('ana')],
    ['becomes unavailable', (there) => there.as('ana').setAvailability(false)],
  ])('give anew what a member was given and has not started, when it %s in the other process', async (_, happens) => {
    const { here, there, environment } = await openPair([], { assignment: { strategy } })
    await here.join('ana', { capacity: 2 })
    await here.tracker.createMany([named('a'), named('b')])
    await here.as('ana').claim()
    await there.join('bo', { capacity: 2 })
    await happens(there)
    await environment.advance('1m')
    await expectAgreement(here, there)
    expect(here.tracker.get('b')?.assignees).toEqual(['bo'])
  })
})
