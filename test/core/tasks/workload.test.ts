import { TaskTracker } from 'crewlog'
import { expect, it } from 'vitest'

it('counts what each member is given, works on and has completed', async () => {
  const tracker = new TaskTracker()
  await tracker.createMany([
    { id: 'given', description: 'Given', assignees: ['ana'] },
    { id: 'held', description: 'Held', priority: 2 },
    { id: 'done', description: 'Done', priority: 3 },
  ])
  const done = await tracker.claim('bo')
  await done?.complete()
  await tracker.claim('bo')

  expect(tracker.workload()).toEqual([
    { member: 'ana', assigned: 1, inProgress: 0, done: 0, free: 1 },
    { member: 'bo', assigned: 0, inProgress: 1, done: 1, free: 0 },
  ])
})
