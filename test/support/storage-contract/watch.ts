import { assert, equal } from './assert.js'
import { checkpoint, commit } from './samples.js'
import { type Cases, CREW, gate } from './trial.js'

export const watch: Cases = {
  'wakes whoever watches, after an append by any client': async (trial) => {
    await trial.open()
    for (const [index, watcher] of trial.readers.entries()) {
      const woken = gate<true>()
      const off = watcher.watch?.(CREW, () => {
        woken.resolve(true)
      })
      if (!off) continue
      const writer = trial.writers.at(-1 - index) ?? trial.storage
      // One wake may be lost, hardly three.
      for (const seq of [1, 2, 3]) await writer.append(CREW, commit(index * 3 + seq))
      assert(await trial.soon(woken.promise), 'the watcher was woken')
      off()
    }
  },
  'ends when told so, for that watcher alone': async (trial) => {
    await trial.open()
    const wakes = [0, 0]
    let woken = (): void => undefined
    const wake = (index: number) => () => {
      wakes[index] = (wakes[index] ?? 0) + 1
      if (index === 1) woken()
    }
    const offs = wakes.map((_, index) => trial.storage.watch?.(CREW, wake(index)))
    if (!offs[0] || !offs[1]) return
    offs[0]()
    offs[0]()
    const before = wakes[0]
    const second = new Promise<void>((resolve) => {
      woken = resolve
    })
    for (const seq of [1, 2, 3]) await trial.append(commit(seq))
    await trial.soon(second)
    offs[1]()
    equal(wakes[0], before, 'wakes after the end of watching')
    assert((wakes[1] ?? 0) > 0, 'the other watcher is still woken')
  },
}

export const signals: Cases = {
  'a call whose signal has aborted ends it, and leaves the storage as usable as before': async (trial) => {
    await trial.fill(2)
    await trial.storage.saveCheckpoint(CREW, checkpoint(1))
    const options = { signal: AbortSignal.abort() }
    const { storage } = trial
    const ends = await trial.soon(
      Promise.allSettled([
        storage.read(CREW, 0, 10, options),
        storage.loadCheckpoint(CREW, undefined, options),
        storage.append(CREW, commit(3), options),
        storage.saveCheckpoint(CREW, checkpoint(2), options),
        storage.trim(CREW, 1, options),
        storage.open?.('other', options),
      ]),
    )
    assert(ends, 'all calls have ended')
    const run = await storage.read(CREW, 2, 10)
    const stored = 'commits' in run ? run.commits.length : 0
    if (ends[2].status === 'fulfilled') equal(ends[2].value.appended, stored === 1, 'the answer to the append')
    if (stored === 0) await trial.append(commit(3))
    await trial.holds([commit(3)], 2)
    await storage.close?.('other')
    await trial.open('other')
    await trial.append(commit(1), 'other')
  },
}
