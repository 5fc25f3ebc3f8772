import { assert, equal, rejects } from './assert.js'
import { checkpoint, commit, commits } from './samples.js'
import { type Cases, CREW } from './trial.js'

export const open: Cases = {
  'adds nothing to a journal, nor does closing': async (trial) => {
    await trial.open()
    await trial.storage.close?.(CREW)
    await trial.holds([])
    await trial.open()
    await trial.append(commit(1))
    await trial.holds([commit(1)])
  },
  'is refused to a second writer, where there can be only one': async ({ storage, rival = storage }) => {
    if (storage.writers === 'many') return
    await storage.open?.(CREW)
    for (const second of [rival, storage]) {
      const error = await rejects(second.open?.(CREW), 'a second open', 'storage_unavailable')
      assert(error.retryable, 'the refusal is retryable')
    }
    equal(await storage.append(CREW, commit(1)), { appended: true }, 'append by the first')
    await storage.close?.(CREW)
    await rival.open?.(CREW)
    equal(await rival.append(CREW, commit(2)), { appended: true }, 'append by the second, after the first closed')
    await rival.close?.(CREW)
  },
  'one journal leaves the others free': async (trial) => {
    const { storage, rival } = trial
    await storage.open?.(CREW)
    await (rival ?? storage).open?.('other')
    equal(await (rival ?? storage).append('other', commit(1)), { appended: true }, 'append to the other journal')
    await storage.close?.(CREW)
    await (rival ?? storage).close?.('other')
  },
  'is not needed to read': async (trial) => {
    await trial.fill(3)
    await trial.storage.saveCheckpoint(CREW, checkpoint(3))
    for (const writer of trial.writers) await writer.close?.(CREW)
    await trial.holds(commits(1, 3))
    await trial.keeps([3])
  },
  'after a close goes on where it stopped': async (trial) => {
    await trial.fill(3)
    await trial.storage.trim(CREW, 1)
    for (const writer of trial.writers) await writer.close?.(CREW)
    await trial.open()
    await trial.holds(commits(2, 3), 1)
    await trial.refuse(commit(1), 'at a trimmed number')
    await trial.append(commit(4))
  },
  'is undone by close, twice as well as once, and before any open': async ({ storage }) => {
    await storage.close?.(CREW)
    await storage.open?.(CREW)
    await storage.close?.(CREW)
    await storage.close?.(CREW)
    await storage.open?.(CREW)
    await storage.close?.(CREW)
  },
}
