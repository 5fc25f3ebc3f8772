import { equal } from './assert.js'
import { checkpoint, commit, commits } from './samples.js'
import { type Cases, CREW } from './trial.js'

export const trim: Cases = {
  'forgets the commits up to the number, and keeps the others as they were': async (trial) => {
    await trial.fill(6)
    await trial.storage.trim(CREW, 4)
    await trial.holds(commits(5, 6), 4)
    await trial.holds(commits(6, 6), 5)
  },
  'makes a run that begins in what is gone answer with the last number that is gone': async (trial) => {
    await trial.fill(6)
    await trial.storage.trim(CREW, 4)
    for (const reader of trial.readers) {
      for (const after of [0, 1, 2, 3])
        equal(await reader.read(CREW, after, 10), { trimmedTo: 4 }, `read after ${after}, trimmed to 4`)
    }
  },
  'never forgets the newest commit': async (trial) => {
    await trial.fill(3)
    for (const through of [3, 4, 1000, Number.MAX_SAFE_INTEGER]) {
      await trial.storage.trim(CREW, through)
      await trial.holds([commit(3)], 2)
    }
    await trial.append(commit(4))
    await trial.holds(commits(3, 4), 2)
  },
  'changes nothing when there is nothing to forget': async (trial) => {
    await trial.open()
    await trial.storage.trim(CREW, 5)
    await trial.append(commit(1))
    await trial.storage.trim(CREW, 1)
    await trial.holds([commit(1)])
    for (const seq of [2, 3, 4]) await trial.append(commit(seq))
    await trial.storage.trim(CREW, 2)
    for (const through of [0, 1, 2]) await trial.storage.trim(CREW, through)
    await trial.holds(commits(3, 4), 2)
  },
  'lets appends go on, and be trimmed again': async (trial) => {
    await trial.fill(4)
    for (let seq = 5; seq <= 12; seq++) {
      await trial.storage.trim(CREW, seq - 3)
      await trial.append(commit(seq))
      await trial.holds(commits(seq - 2, seq), seq - 3)
    }
  },
  'leaves other journals and the checkpoints alone': async (trial) => {
    await trial.fill(4)
    await trial.fill(4, 'other')
    await trial.storage.saveCheckpoint(CREW, checkpoint(2))
    await trial.storage.trim(CREW, 3)
    await trial.holds(commits(1, 4), 0, 'other')
    await trial.keeps([2])
  },
}
