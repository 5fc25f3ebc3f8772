import { FORMAT, MemoryStorage, type TaskTracker } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { named, openBoard, refusal } from '../../support/board.js'
import { lookups } from '../../support/counted.js'

describe('a cycle', () => {
  const path = async (command: Promise<unknown>): Promise<unknown> => {
    const { code, details } = await refusal(command)
    expect(code).toBe('dependency_cycle')
    return details['path']
  }
  const cycles: readonly (readonly [string, (tracker: TaskTracker) => Promise<unknown>, readonly string[]])[] = [
    ['create, on itself', (tracker) => tracker.create(named('x', { dependsOn: ['x'] })), ['x', 'x']],
    ['create, part of itself', (tracker) => tracker.create(named('x', { parentId: 'x' })), ['x', 'x']],
    [
      'createMany, of two edges',
      (tracker) => tracker.createMany([named('x', { dependsOn: ['y'] }), named('y', { dependsOn: ['x'] })]),
      ['x', 'y', 'x'],
    ],
    [
      'createMany, of two parents (DG-07)',
      (tracker) => tracker.createMany([named('x', { parentId: 'y' }), named('y', { parentId: 'x' })]),
      ['x', 'y', 'x'],
    ],
    ['addDependency, on itself', (tracker) => tracker.addDependency('c', 'c'), ['c', 'c']],
    ['addDependency, over several', (tracker) => tracker.addDependency('a', 'c'), ['a', 'c', 'b', 'a']],
    [
      'addDependency, of a part on its whole (DG-07)',
      (tracker) => tracker.addDependency('part', 'whole'),
      ['part', 'whole', 'part'],
    ],
    [
      'create, of a part on what its whole is waited for by (DG-07)',
      (tracker) => tracker.create(named('x', { parentId: 'a', dependsOn: ['c'] })),
      ['x', 'c', 'b', 'a', 'x'],
    ],
    [
      'createMany, of a whole that waits for a part that waits for the whole (DG-07)',
      (tracker) =>
        tracker.createMany([
          named('x'),
          named('y', { parentId: 'x', dependsOn: ['z'] }),
          named('z', { dependsOn: ['x'] }),
        ]),
      ['y', 'z', 'x', 'y'],
    ],
  ]

  it.each(cycles)('is refused by %s, with its path, and nothing is changed (DG-04)', async (_, command, expected) => {
    const { tracker, events } = await openBoard()
    await tracker.createMany([
      named('a'),
      named('b', { dependsOn: ['a'] }),
      named('c', { dependsOn: ['b'] }),
      named('whole'),
      named('part', { parentId: 'whole' }),
    ])
    const before = tracker.list()
    events.clear()
    expect(await path(command(tracker))).toEqual(expected)
    expect(tracker.list()).toEqual(before)
    expect(events.all).toEqual([])
  })

  // Guard, taken out once: the one walk for all in `refuseCycles`.
  it('at the end of many tasks is refused in one walk', async () => {
    const costOf = async (count: number): Promise<number> => {
      const { tracker } = await openBoard()
      const ids = Array.from({ length: count }, (_, n) => `t${n}`)
      const last = ids.slice(-2)
      const drafts = ids.map((id, n) => named(id, { dependsOn: [ids[n + 1] ?? last[0]!] }))
      return lookups(async () => {
        expect(await path(tracker.createMany(drafts))).toEqual([...last, last[0]])
      })
    }
    expect(await costOf(1000)).toBeLessThan(2.2 * (await costOf(500)))
  })

  // Guard, taken out once: that `cycleThrough` walks both ways in turns.
  it('is not looked for in all that was there before a part of a whole', async () => {
    const costBehind = async (count: number): Promise<number> => {
      const { tracker } = await openBoard()
      const ids = Array.from({ length: count }, (_, n) => `t${n}`)
      await tracker.createMany(ids.map((id, n) => named(id, { dependsOn: ids.slice(Math.max(0, n - 1), n) })))
      await tracker.create(named('whole'))
      return lookups(() => tracker.create(named('part', { parentId: 'whole', dependsOn: ids.slice(-1) })))
    }
    expect(await costBehind(1000)).toBe(await costBehind(10))
  })

  it('is not made by links that nobody waits for (DG-05)', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b', { dependsOn: ['a'] })])
    expect(await tracker.update('a', { supersedes: 'b' })).toMatchObject({ supersedes: 'b' })
    // Two tasks of one whole may wait for each other's dependencies.
    await tracker.createMany([
      named('whole'),
      named('one', { parentId: 'whole' }),
      named('two', { parentId: 'whole', dependsOn: ['one'] }),
      named('after', { dependsOn: ['whole', 'two'] }),
    ])
    expect(tracker.stage('two')).toBe('blocked')
  })

  it('that is in an old journal can be taken apart (DG-06)', async () => {
    const storage = new MemoryStorage()
    const made = (id: string, on: string) => ({
      type: 'task.created',
      id,
      version: 1,
      at: 1,
      changes: {
        description: id,
        createdAt: 1,
        dependsOn: { added: [{ id: on, onFailure: 'fail', onCancel: 'cancel' }] },
      },
    })
    const events = [made('x', 'y'), made('y', 'x'), made('self', 'self')]
    await storage.append('crew', { seq: 1, id: 'c1', prev: '', format: FORMAT, at: 1, events })
    const { tracker } = await openBoard({ storage })
    expect(tracker.ready()).toEqual([])
    await tracker.createMany([named('on', { dependsOn: ['x'] }), named('top', { dependsOn: ['on', 'self'] })])
    expect(
      await path(tracker.createMany([named('a', { dependsOn: ['x', 'b'] }), named('b', { dependsOn: ['a'] })])),
    ).toEqual(['a', 'b', 'a'])
    await tracker.removeDependency('x', 'y')
    await tracker.removeDependency('self', 'self')
    expect(tracker.ready().map(({ id }) => id)).toEqual(['x', 'self'])
  })
})
