import { bestFit, type BestFitWeights, type TaskDraft } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { claim, named, refusal } from '../support/board.js'
import { openTeam } from '../support/team.js'

const MINUTE = 60_000
const only = (weight: keyof BestFitWeights): Required<BestFitWeights> => ({
  expertise: 0,
  load: 0,
  trackRecord: 0,
  deadline: 0,
  [weight]: 1,
})

/**
 * Each of four is the best in one respect: ana knows most, bo has most room, cy has never failed, dan is the fastest. By
 * id, the first would be ana.
 */
async function openFour() {
  const team = await openTeam([])
  const { crew, tracker, environment } = team
  const skilled = (sql: number, capacity: number) => ({ skills: { sql }, capacity })
  await crew.join('ana', skilled(1, 2))
  await crew.join('bo', skilled(0.5, 2))
  await crew.join('cy', skilled(0.5, 2))
  await crew.join('dan', skilled(0.5, 2))
  const work = async (member: string, minutes: number, isWell: boolean): Promise<void> => {
    const { id } = await tracker.create({ description: 'before', requires: { sql: 0.1 }, retry: { attempts: 1 } })
    const attempt = await claim(tracker, member, { taskId: id })
    await environment.advance(minutes * MINUTE)
    await (isWell ? attempt.complete() : attempt.fail({ error: 'no' }))
  }
  for (const member of ['ana', 'bo']) {
    await work(member, 4, true)
    await work(member, 4, false)
  }
  for (let n = 0; n < 2; n++) await work('cy', 4, true)
  await work('dan', 1, true)
  await work('dan', 1, false)
  for (const member of ['ana', 'cy', 'dan']) {
    const { id } = await tracker.create({ description: 'now', assignees: member })
    await tracker.start(id)
  }
  return team
}

/** Who is given such a task. */
async function chosen(
  weights: BestFitWeights | undefined,
  draft: Partial<TaskDraft> = {},
): Promise<string | undefined> {
  const { tracker, environment } = await openFour()
  const dueAt = environment.now() + 2 * MINUTE
  await tracker.create(named('a', { requires: { sql: 0.5 }, dueAt, ...draft }))
  const { assigned } = await tracker.autoAssign({ strategy: bestFit(weights ? { weights } : {}) })
  return assigned[0]?.member
}

describe('bestFit', () => {
  it.each<[keyof BestFitWeights, string]>([
    ['expertise', 'ana'],
    ['load', 'bo'],
    ['trackRecord', 'cy'],
    ['deadline', 'dan'],
  ])('chooses by %s alone, when that alone counts', async (weight, member) => {
    expect(await chosen(only(weight))).toBe(member)
  })

  it.each<[keyof BestFitWeights, string]>([
    ['expertise', 'ana'],
    ['load', 'bo'],
    ['trackRecord', 'cy'],
    ['deadline', 'dan'],
  ])('is turned by much more weight on %s, the others as by default', async (weight, member) => {
    expect(await chosen({ [weight]: 1000 })).toBe(member)
  })

  it('scores from 0 to 1, by parts that are shares of the weights', async () => {
    const { tracker, environment } = await openFour()
    await tracker.create(named('a', { requires: { sql: 0.5 }, dueAt: environment.now() + 2 * MINUTE }))
    const [assigned] = (await tracker.autoAssign({ strategy: bestFit() })).assigned
    const parts = new Map(assigned?.candidates.map((one) => [one.member, one.parts]))
    // Of 10 in all: expertise 4, load 3, track record 2, deadline 1.
    expect(parts.get('ana')).toEqual({ expertise: 0.4, load: 0.15, trackRecord: 0.1, deadline: 0.05 })
    expect(parts.get('bo')).toEqual({ expertise: 0.2, load: 0.3, trackRecord: 0.1, deadline: 0.05 })
    expect(parts.get('cy')).toEqual({ expertise: 0.2, load: 0.15, trackRecord: 0.2 * 0.75, deadline: 0.05 })
    expect(parts.get('dan')).toEqual({ expertise: 0.2, load: 0.15, trackRecord: 0.1, deadline: 0.1 })
  })

  it('counts what a task does not ask for as good in everybody', async () => {
    const { tracker } = await openTeam(['ana'])
    await tracker.create(named('a'))
    const [assigned] = (await tracker.autoAssign({ strategy: bestFit() })).assigned
    expect(assigned?.candidates[0]?.parts).toEqual({ expertise: 0.4, load: 0.3, trackRecord: 0.1, deadline: 0.1 })
  })

  it('goes by the estimate where nobody has done such a task, and gives late tasks nothing for speed', async () => {
    const speed = async (dueInMs: number): Promise<number | undefined> => {
      const { tracker, environment } = await openTeam(['ana'])
      const dueAt = environment.now() + dueInMs
      await tracker.create(named('a', { estimateMs: 2 * MINUTE, dueAt }))
      const [assigned] = (await tracker.autoAssign({ strategy: bestFit({ weights: only('deadline') }) })).assigned
      return assigned?.candidates[0]?.parts['deadline']
    }
    expect([await speed(3 * MINUTE), await speed(MINUTE), await speed(-MINUTE)]).toEqual([1, 0.5, 0])
  })

  it('gives to whoever comes first when nothing counts', async () => {
    const weights = { expertise: 0, load: 0, trackRecord: 0, deadline: 0 }
    expect(await chosen(weights)).toBe('bo')
  })

  it('divides what everybody would give to the same member, so far as it has room', async () => {
    const { crew, tracker } = await openTeam([])
    await crew.join('star', { skills: { sql: 1 }, capacity: 2 })
    for (const id of ['ana', 'bo']) await crew.join(id, { skills: { sql: 0.1 } })
    await tracker.createMany(['a', 'b', 'c', 'd', 'e'].map((id) => named(id, { requires: { sql: 0.1 } })))
    const plan = await tracker.autoAssign({ strategy: bestFit({ weights: only('expertise') }) })
    expect(plan.assigned.map(({ taskId, member }) => `${taskId} ${member}`)).toEqual([
      'a star',
      'b star',
      'c ana',
      'd bo',
    ])
    expect(plan.left[0]?.reason).toMatch(/^Whoever could do it has enough to do/)
  })

  it.each([
    [1, /^options must be an object/],
    [{ weight: {} }, /no field "weight"/],
    [{ weights: { skill: 1 } }, /no field "skill"/],
    [{ weights: { load: -1 } }, /weights\.load must be a finite number from 0/],
    [{ weights: { load: '3' } }, /weights\.load must be/],
    [{ weights: { load: NaN } }, /weights\.load must be/],
  ])('refuses options %j', async (options, message) => {
    const error = await refusal(Promise.resolve().then(() => bestFit(options as never)))
    expect([error.code, error.message]).toEqual(['invalid_input', expect.stringMatching(message)])
  })
})
