import { type AssignmentView, type MemberInfo, roundRobin } from 'crewlog'
import { greedy } from 'crewlog/assignment'
import { describe, expect, it } from 'vitest'
import { member, pairs, viewOfReady } from '../support/assignment-view.js'

const able = (id: string, capacity = 1): MemberInfo => member(id, { capacity })
/** On so many tasks that all of these members can do. */
const viewOf = (members: readonly MemberInfo[], count: number, more?: Partial<AssignmentView>) =>
  viewOfReady(
    Array.from({ length: count }, (_, index) => `t${index}`),
    members,
    more,
  )

describe('greedy', () => {
  it('gives each task to whoever rates highest and is below its capacity', async () => {
    const view = await viewOf([able('ana'), able('bo', 2)], 4)
    const proposal = greedy(view, (_task, { id }) => ({ letter: id === 'bo' ? 1 : 0 }))
    expect(pairs(proposal)).toEqual(['t0 bo', 't1 bo', 't2 ana'])
  })

  it('counts what it has given as load', async () => {
    const view = await viewOf([able('ana', 3), able('bo', 3)], 4)
    expect(pairs(greedy(view, (_task, _member, load) => ({ load: -load })))).toEqual([
      't0 ana',
      't1 bo',
      't2 ana',
      't3 bo',
    ])
  })

  it('looks no further once nobody has room, however many tasks wait', async () => {
    const [ana, bo] = [member('ana'), member('bo')]
    let asked = 0
    const able = () => {
      asked++
      return [ana, bo]
    }
    const view = await viewOf([ana, bo, member('cy', { capacity: 9, available: false })], 50, { able })
    expect(greedy(view, () => ({})).assigned).toHaveLength(2)
    expect(asked).toBe(2)
    expect(roundRobin()(view).assigned).toHaveLength(2)
    expect(asked).toBe(4)
  })

  it('breaks ties by load, then by id, and says so', async () => {
    const view = await viewOf([able('bo', 3), able('ana', 3)], 2)
    expect(greedy(view, () => ({})).assigned).toEqual([
      { taskId: 't0', member: 'ana', tieBreak: 'by id, as bo is as good and as loaded' },
      { taskId: 't1', member: 'bo', tieBreak: 'less load than ana, who is as good' },
    ])
  })
})

describe('roundRobin', () => {
  it('goes on after whoever was given a task last, though that one has left', async () => {
    const view = await viewOf([able('ana', 2), able('dan', 2)], 3, { lastGiven: 'bo' })
    expect(pairs(roundRobin()(view))).toEqual(['t0 dan', 't1 ana', 't2 dan'])
  })

  it('passes over who is full', async () => {
    const view = await viewOf([able('ana'), able('bo', 2), able('cy', 2)], 5)
    expect(pairs(roundRobin()(view))).toEqual(['t0 ana', 't1 bo', 't2 cy', 't3 bo', 't4 cy'])
  })
})
