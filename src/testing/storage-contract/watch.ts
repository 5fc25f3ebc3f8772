import { assert, equal } from './assert.js'
import { commit } from './samples.js'
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
