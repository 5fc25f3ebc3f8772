import fc from 'fast-check'
import { bestFit, leastLoaded, MemoryStorage, openCrew, type Plan, roundRobin, type Strategy } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'

const SKILLS = ['sql', 'python', 'prose'] as const
const level = fc.constantFrom(0, 0.2, 0.5, 0.8, 1)
const skills = fc.dictionary(fc.constantFrom(...SKILLS), level, { maxKeys: 3 })
const aMember = fc.record({
  skills,
  capacity: fc.integer({ min: 1, max: 4 }),
  available: fc.boolean(),
  holds: fc.nat({ max: 2 }),
})
const aTask = fc.record({ requires: skills, priority: fc.nat({ max: 2 }), dueInMs: fc.option(fc.nat({ max: 9000 })) })
const aCrew = fc.record({
  members: fc.array(aMember, { maxLength: 6 }),
  tasks: fc.array(aTask, { maxLength: 14 }),
})

/** A crew in which some work on something already, and some have ended attempts. */
async function crewOf({ members, tasks }: typeof aCrew extends fc.Arbitrary<infer C> ? C : never) {
  const environment = manualEnvironment()
  const crew = await openCrew({ storage: new MemoryStorage(), environment })
  for (const [index, { holds, available, ...options }] of members.entries()) {
    const id = `m${String(index)}`
    await crew.join(id, options)
    for (let n = 0; n < Math.min(holds, options.capacity); n++) {
      const { id: task } = await crew.tracker.create({ description: 'held', assignees: id })
      await crew.tracker.start(task)
      if (n === 0 && holds === 2) await crew.tracker.complete(task)
    }
    await crew.as(id).setAvailability(available)
  }
  await crew.tracker.createMany(
    tasks.map(({ dueInMs, ...draft }, index) => ({
      ...draft,
      id: `t${String(index)}`,
      description: 'to be given',
      ...(dueInMs !== null && { dueAt: environment.now() + dueInMs }),
    })),
  )
  return crew
}

const plain = ({ assigned, left }: Plan): unknown => JSON.parse(JSON.stringify({ assigned, left }))

describe.each<[string, () => Strategy]>([
  ['roundRobin', roundRobin],
  ['leastLoaded', leastLoaded],
  ['bestFit', bestFit],
])('%s', (_, make) => {
  it('gives each task once, only what can be done, up to capacity, and leaves only what nobody could be given', async () => {
    await fc.assert(
      fc.asyncProperty(aCrew, async (given) => {
        const crew = await crewOf(given)
        const before = new Map(crew.tracker.workload().map((row) => [row.member, row.inProgress]))
        const dry = await crew.autoAssign({ strategy: make(), dryRun: true })
        const plan = await crew.autoAssign({ strategy: make() })
        // The same state, the same plan.
        expect(plain(plan)).toEqual(plain(dry))
        const named = [...plan.assigned, ...plan.left].map(({ taskId }) => taskId)
        expect(named.toSorted()).toEqual(given.tasks.map((_, index) => `t${String(index)}`).toSorted())
        for (const { id, capacity, available } of crew.members) {
          const got = plan.assigned.filter(({ member }) => member === id).length
          expect(got === 0 || (available && (before.get(id) ?? 0) + got <= capacity)).toBe(true)
        }
        for (const { taskId, member, candidates } of plan.assigned) {
          expect(candidates.map((one) => one.member).toSorted()).toEqual(crew.members.map(({ id }) => id).toSorted())
          expect(candidates.find((one) => one.member === member)?.eligible).toBe(true)
          // These choose one task at a time, so whoever is given it is in the first place.
          expect(candidates[0]?.member).toBe(member)
          for (const { eligible, reasons, score, parts } of candidates) {
            expect(eligible).toBe(reasons.length === 0)
            expect(score).toBe(Object.values(parts).reduce((sum, part) => sum + part, 0))
          }
          const { requires } = crew.tracker.get(taskId)!
          const { skills: has } = crew.members.find(({ id }) => id === member)!
          for (const [skill, least] of Object.entries(requires)) expect(has[skill]).toBeGreaterThanOrEqual(least)
        }
        for (const { candidates, reason, help } of plan.left) {
          expect(candidates.some(({ eligible }) => eligible)).toBe(false)
          expect([reason, help].every((text) => text.length > 0)).toBe(true)
        }
        expect(plan.explain().split('\n').filter(Boolean)).toHaveLength(named.length)
        await crew.close()
      }),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 60) },
    )
  })

  it('spreads what everybody would give to the same member, as far as its capacity', async () => {
    const crew = await openCrew({ environment: manualEnvironment() })
    await crew.join('star', { skills: { sql: 1 }, capacity: 2 })
    for (const id of ['ana', 'bo']) await crew.join(id, { skills: { sql: 0.2 } })
    await crew.tracker.createMany(
      Array.from({ length: 6 }, (_, n) => ({ id: `t${String(n)}`, description: 'sql', requires: { sql: 0.1 } })),
    )
    const plan = await crew.autoAssign({ strategy: make() })
    expect(plan.assigned.map(({ member }) => member).toSorted()).toEqual(['ana', 'bo', 'star', 'star'])
    expect(plan.left).toHaveLength(2)
  })
})
