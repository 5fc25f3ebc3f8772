import { equal } from './assert.js'
import { commit, commits, spoil } from './samples.js'
import { type Cases, CREW } from './trial.js'

export const read: Cases = {
  'answers an unknown journal with an empty run': async (trial) => {
    for (const reader of trial.readers) {
      for (const after of [0, 1, 100])
        equal(await reader.read('nobody', after, 10), { commits: [] }, `read after ${after}`)
    }
  },
  'begins with the commit behind the given number': async (trial) => {
    await trial.fill(5)
    for (const after of [0, 1, 2, 3, 4]) await trial.holds(commits(after + 1, 5), after)
  },
  'is empty at the end and beyond it': async (trial) => {
    await trial.fill(3)
    for (const after of [3, 4, 1000]) await trial.holds([], after)
  },
  'brings no more than the limit, and no fewer while there are more': async (trial) => {
    await trial.fill(120)
    for (const reader of trial.readers) {
      for (const limit of [1, 2, 7, 100, 119, 120, 121, 1000]) {
        const run = await reader.read(CREW, 0, limit)
        equal(run, { commits: commits(1, Math.min(limit, 120)) }, `read of at most ${limit}`)
      }
      equal(await reader.read(CREW, 117, 2), { commits: commits(118, 119) }, 'read of 2 after 117')
    }
  },
  'brings every append acknowledged before the call, to every client': async (trial) => {
    await trial.open()
    for (let seq = 1; seq <= 20; seq++) {
      await trial.append(commit(seq))
      for (const reader of trial.readers)
        equal(await reader.read(CREW, seq - 1, 10), { commits: [commit(seq)] }, `read right after append of ${seq}`)
    }
  },
  'hands out copies: what one reader changes, no other sees': async (trial) => {
    await trial.fill(3)
    for (const reader of trial.readers) {
      const run = await reader.read(CREW, 0, 10)
      if ('commits' in run) run.commits.forEach(spoil)
      await trial.holds(commits(1, 3))
    }
  },
}
