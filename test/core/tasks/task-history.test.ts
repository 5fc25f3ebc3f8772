import { describe, expect, it } from 'vitest'
import { Journal, MemoryStorage, TaskTracker } from 'crewlog'
import { openPair } from '../../support/team.js'

describe('history', () => {
  it('is every stored event of a task, oldest first, and of no other', async () => {
    const { here, there } = await openPair()
    const { id } = await here.tracker.create({ description: 'Tides' })
    await here.tracker.createMany(Array.from({ length: 300 }, () => ({ description: 'other' })))
    for (let n = 0; n < 250; n++) await here.tracker.create({ description: 'other' })
    await here.tracker.update(id, { priority: 3 }, { by: 'bo' })
    await here.tracker.start(id, { by: 'ana' })
    await here.tracker.comment(id, 'halfway', { by: 'ana' })
    const done = await here.tracker.complete(id, { result: 3 })
    await there.sync()
    const history = await there.tracker.history(id)
    expect(history.map(({ type, version, by }) => [type, version, by])).toEqual([
      ['task.created', 1, undefined],
      ['task.updated', 2, 'bo'],
      ['task.started', 3, 'ana'],
      ['task.commented', 4, 'ana'],
      ['task.completed', 5, 'ana'],
    ])
    expect(history.at(-1)).toMatchObject({ id, changes: { result: 3 }, at: done.endedAt })
    expect(history.map(({ seq }) => seq)).toEqual([3, 255, 256, 257, 258])
    expect(Object.isFrozen(history[0]!.changes)).toBe(true)
  })

  it('of a task that another process has just made is there', async () => {
    const { here, there } = await openPair()
    await here.tracker.create({ id: 'tides', description: 'Tides' })
    await expect(there.tracker.history('tides')).resolves.toHaveLength(1)
  })

  it('of an unknown task is not_found', async () => {
    const { here } = await openPair()
    await expect(here.tracker.history('tides')).rejects.toMatchObject({ code: 'not_found' })
    await expect(here.tracker.history('')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('that the log no longer reaches back to is cursor_expired, and says how far it reaches', async () => {
    const { here, storage } = await openPair()
    await here.tracker.create({ id: 'old', description: 'x' })
    await here.tracker.create({ id: 'new', description: 'x' })
    await here.tracker.update('old', { priority: 3 })
    await storage.trim('crew', 3)
    await expect(here.tracker.history('new')).resolves.toMatchObject([{ type: 'task.created' }])
    await expect(here.tracker.history('old')).rejects.toMatchObject({
      code: 'cursor_expired',
      details: { id: 'old', trimmedTo: 3 },
    })
  })

  it('of a tracker without a journal is kept by nobody, and says so', async () => {
    const alone = new TaskTracker()
    await alone.create({ id: 'tides', description: 'Tides' })
    await expect(alone.history('tides')).rejects.toMatchObject({ code: 'cursor_expired' })
    const journal = new Journal({ storage: new MemoryStorage() })
    const kept = new TaskTracker({ journal })
    await journal.open()
    await kept.create({ id: 'tides', description: 'Tides' })
    await expect(kept.history('tides')).resolves.toHaveLength(1)
  })
})
