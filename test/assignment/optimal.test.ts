import type { MemberInfo } from 'crewlog'
import { optimal, type OptimalOptions } from 'crewlog/assignment'
import { describe, expect, it } from 'vitest'
import { member, pairs, viewOfReady } from '../support/assignment-view.js'

const COSTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  t1: { ana: 1, bo: 2 },
  t2: { ana: 1, bo: 9 },
  t3: { ana: 5, bo: 4 },
}
const cost: OptimalOptions['cost'] = (task, member) => COSTS[task.id]?.[member.id]

const able = (id: string, capacity = 1): MemberInfo => member(id, { capacity })

describe('optimal', () => {
  it('gives each member one task, at the least total cost, and says that it is the least', async () => {
    const proposal = optimal({ cost })(await viewOfReady(['t1', 't2'], [able('ana'), able('bo')]))

    expect(pairs(proposal)).toEqual(['t1 bo', 't2 ana'])
    expect(proposal.figures).toEqual({ cost: 3, leastCost: 3, leastLeft: 0 })
    expect(proposal.summary).toBe('It costs 3 in all; no plan costs less')
  })

  it('says why a member gets a task that costs less with another', async () => {
    const { assigned } = optimal({ cost })(await viewOfReady(['t1', 't2'], [able('ana'), able('bo')]))

    expect(assigned).toEqual([
      { taskId: 't1', member: 'bo', tieBreak: 'ana costs less here, but it is the whole that is to cost the least' },
      { taskId: 't2', member: 'ana' },
    ])
  })

  it('gives members as many as they may begin', async () => {
    const members = [able('ana', 3), able('bo', 3)]
    const view = await viewOfReady(['t1', 't2', 't3'], members, { load: (id) => (id === 'ana' ? 2 : 0) })

    expect(pairs(optimal({ cost })(view))).toEqual(['t1 bo', 't2 ana', 't3 bo'])
  })

  it('gives nothing to who has more than its capacity, and tells how many are left', async () => {
    const view = await viewOfReady(['t1', 't2'], [able('ana'), able('bo')], { load: (id) => (id === 'ana' ? 4 : 0) })

    expect(optimal({ cost })(view)).toMatchObject({
      assigned: [{ taskId: 't1', member: 'bo' }],
      figures: { cost: 2, leastLeft: 1, leastCost: 2 },
      summary: 'It leaves 1, as every plan must, and costs 2 in all; no such plan costs less',
    })
  })

  it('gives tasks only to who is able, and to whom they have a cost', async () => {
    const [ana, bo, cy] = [able('ana', 9), able('bo', 9), able('cy', 9)]
    const view = await viewOfReady(['t1', 't2', 't9'], [ana, bo, cy], {
      able: ({ id }) => (id === 't1' ? [bo] : [ana, bo, cy]),
    })

    expect(pairs(optimal({ cost })(view))).toEqual(['t1 bo', 't2 ana'])
  })

  it('weighs what tasks need against what members have', async () => {
    const members = [able('ana', 9), able('bo', 9)]
    const strategy = optimal({ cost, need: ({ id }) => (id === 't3' ? 4 : 3), capacity: () => 6 })

    expect(pairs(strategy(await viewOfReady(['t1', 't2', 't3'], members)))).toEqual(['t1 ana', 't2 ana', 't3 bo'])
  })

  it('gives no more tasks than a member may begin, though they need nothing', async () => {
    const strategy = optimal({ cost, need: () => 0, capacity: () => 100 })

    expect(pairs(strategy(await viewOfReady(['t1', 't2', 't3'], [able('ana', 2), able('bo')])))).toEqual([
      't1 ana',
      't2 ana',
      't3 bo',
    ])
  })

  it('scores candidates by what they save against the dearest', async () => {
    const members = [able('ana'), able('bo'), able('cy')]
    const view = await viewOfReady(['t1'], members)
    const { rate } = optimal({ cost })(view)

    expect(members.map((one) => rate?.(view.tasks[0]!, one, 0))).toEqual([{ saving: 1 }, { saving: 0 }, {}])
  })

  it.each([
    ['cost', { cost: () => NaN }, 'cost(t1, ana) must be a finite number, not NaN'],
    ['cost', { cost: () => Infinity }, 'cost(t1, ana) must be a finite number, not Infinity'],
    ['need', { cost, need: () => -1 }, 'need(t1, ana) must be a finite number from 0, not -1'],
    ['capacity', { cost, capacity: () => NaN }, 'capacity(ana) must be a finite number from 0, not NaN'],
  ])('refuses a %s that is no number', async (_, options, message) => {
    const view = await viewOfReady(['t1'], [able('ana')])

    expect(() => optimal(options)(view)).toThrow(message)
  })

  it.each([
    [undefined, 'options must be an object'],
    [{}, 'options.cost is missing'],
    [{ cost: 5 }, 'options.cost must be a function: (task, member) => number, not 5'],
    [{ cost, costs: 1 }, 'options has no field "costs"'],
  ])('refuses options %j', (options, message) => {
    expect(() => optimal(options as unknown as OptimalOptions)).toThrow(message)
  })
})
