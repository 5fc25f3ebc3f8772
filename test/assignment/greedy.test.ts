import { type AssignmentView, type MemberInfo, roundRobin, Task, TaskTracker } from 'crewlog'
import { greedy } from 'crewlog/assignment'
import { describe, expect, it } from 'vitest'

const member = (id: string, capacity = 1): MemberInfo => ({
  id,
  kind: 'llm',
  skills: {},
  capacity,
  available: true,
  usage: {},
  joinedAt: 0,
})

/** A view on tasks that all of these members can do. */
async function viewOf(members: readonly MemberInfo[], count: number, more: Partial<AssignmentView> = {}) {
  const tracker = new TaskTracker()
  const drafts = Array.from({ length: count }, (_, index) => ({ id: `t${index}`, description: 'A task' }))
  const tasks: readonly Task[] = await tracker.createMany(drafts)
  const view: AssignmentView = {
    now: 0,
    tasks,
    members,
    load: () => 0,
    able: () => members,
    trackRecord: () => ({ finished: 0, successRate: 0, meanMs: 0 }),
    task: (id) => tracker.get(id),
    open: tasks,
    dependents: () => [],
    lastGiven: undefined,
    ...more,
  }
  return view
}
const pairs = ({ assigned }: ReturnType<typeof greedy>) => assigned.map(({ taskId, member }) => `${taskId} ${member}`)

describe('greedy', () => {
  it('gives each task to whoever rates highest and is below its capacity', async () => {
    const view = await viewOf([member('ana'), member('bo', 2)], 4)
    const proposal = greedy(view, (_task, { id }) => ({ letter: id === 'bo' ? 1 : 0 }))
    expect(pairs(proposal)).toEqual(['t0 bo', 't1 bo', 't2 ana'])
  })

  it('counts what it has given as load', async () => {
    const view = await viewOf([member('ana', 3), member('bo', 3)], 4)
    expect(pairs(greedy(view, (_task, _member, load) => ({ load: -load })))).toEqual([
      't0 ana',
      't1 bo',
      't2 ana',
      't3 bo',
    ])
  })

  it('breaks ties by load, then by id, and says so', async () => {
    const view = await viewOf([member('bo', 3), member('ana', 3)], 2)
    expect(greedy(view, () => ({})).assigned).toEqual([
      { taskId: 't0', member: 'ana', tieBreak: 'by id, as bo is as good and as loaded' },
      { taskId: 't1', member: 'bo', tieBreak: 'less load than ana, who is as good' },
    ])
  })
})

describe('roundRobin', () => {
  it('goes on after whoever was given a task last, though that one has left', async () => {
    const view = await viewOf([member('ana', 2), member('dan', 2)], 3, { lastGiven: 'bo' })
    expect(pairs(roundRobin()(view))).toEqual(['t0 dan', 't1 ana', 't2 dan'])
  })

  it('passes over who is full', async () => {
    const view = await viewOf([member('ana'), member('bo', 2), member('cy', 2)], 5)
    expect(pairs(roundRobin()(view))).toEqual(['t0 ana', 't1 bo', 't2 cy', 't3 bo', 't4 cy'])
  })
})
