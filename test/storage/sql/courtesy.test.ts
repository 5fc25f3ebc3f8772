import type { JournalStorage } from 'crewlog'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commit } from '../../../src/testing/storage-contract/samples.js'
import { placeOf, sqlEngines, storageAt, usePlaces } from '../../support/sql-places.js'

usePlaces()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  // Of the 15 ms that it may be.
  vi.spyOn(Math, 'random').mockReturnValue(0.8)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const PAUSE_MS = 12

/** What has to pass on the clock until it is done. */
async function timeOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  const isOver = work.then(() => true)
  // Whatever can be done without time passing is done first.
  while (!(await Promise.race([isOver, vi.advanceTimersByTimeAsync(0).then(() => false)])))
    await vi.advanceTimersToNextTimerAsync()
  return performance.now() - start
}

// Guards: in Courtesy.serve, the pause, and the look at what the commit follows.
describe('a writer of a file of SQLite', () => {
  const sqlite = sqlEngines.find(({ dialect }) => dialect === 'sqlite')!

  const writers = async (): Promise<readonly [JournalStorage, JournalStorage]> => {
    const place = await placeOf(sqlite)
    const both = [storageAt(sqlite, place), storageAt(sqlite, place)] as const
    for (const each of both) await each.open!('crew')
    return both
  }

  const append = async (storage: JournalStorage, ...seqs: readonly number[]): Promise<void> => {
    for (const seq of seqs) expect(await storage.append('crew', commit(seq))).toEqual({ appended: true })
  }

  it('waits for nobody while it is alone, whoever wrote before', async () => {
    const [mine, rival] = await writers()
    await append(rival, 1, 2)
    expect(await timeOf(append(mine, 3, 4, 5, 6))).toBe(0)
  })

  it('leaves the file to others after each commit, when its own was refused', async () => {
    const [mine, rival] = await writers()
    await append(rival, 1)
    expect((await mine.append('crew', commit(1, { id: 'lost' }))).appended).toBe(false)
    expect(await timeOf(append(mine, 2))).toBe(0)
    expect(await timeOf(append(mine, 3))).toBe(PAUSE_MS)
    expect(await timeOf(append(mine, 4, 5))).toBe(2 * PAUSE_MS)
  })

  it('does so too when it has seen the commits of others in time, and none was refused', async () => {
    const [mine, rival] = await writers()
    await append(mine, 1)
    await append(rival, 2)
    expect(await timeOf(append(mine, 3))).toBe(0)
    expect(await timeOf(append(mine, 4))).toBe(PAUSE_MS)
  })

  it('lets the others write in its pauses', async () => {
    const [mine, rival] = await writers()
    await append(mine, 1)
    await append(rival, 2)
    await append(mine, 3)
    const next = mine.append('crew', commit(4, { id: 'late' }))
    await append(rival, 4)
    await timeOf(next)
    expect(await next).toEqual({ appended: false, missed: [commit(4)] })
  })

  it('goes on at once when there was none of others for a second', async () => {
    const [mine, rival] = await writers()
    await append(mine, 1)
    await append(rival, 2)
    await append(mine, 3)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await timeOf(append(mine, 4, 5, 6))).toBe(0)
  })

  it('does not take itself for another when it sends a commit again', async () => {
    const [mine] = await writers()
    await append(mine, 1, 2)
    expect((await mine.append('crew', commit(2))).appended).toBe(false)
    expect(await timeOf(append(mine, 3, 4))).toBe(0)
  })

  it('knows nothing of what was before it was closed', async () => {
    const [mine, rival] = await writers()
    await append(mine, 1)
    await mine.close!('crew')
    await append(rival, 2)
    expect(await timeOf(append(mine, 3, 4))).toBe(0)
  })
})
