import { equal } from './assert.js'
import { Unsettled } from './patient-storage.js'
import { checkpoint, commit } from './samples.js'
import { type Cases, CREW, type Trial } from './trial.js'

export const signals: Cases = {
  'a call whose signal has aborted ends it, and leaves the storage as usable as before': (trial) =>
    abort(trial, (controller) => controller.abort()),
  'a call whose signal aborts on the way ends it, and leaves the storage as usable as before': (trial) =>
    abort(trial, (controller) => queueMicrotask(() => controller.abort())),
}

async function abort(trial: Trial, when: (controller: AbortController) => void): Promise<void> {
  await trial.fill(2)
  await trial.storage.saveCheckpoint(CREW, checkpoint(1))
  const { storage } = trial
  const controller = new AbortController()
  const options = { signal: controller.signal }
  when(controller)
  const ends = await Promise.allSettled([
    storage.read(CREW, 0, 10, options),
    storage.loadCheckpoint(CREW, undefined, options),
    storage.append(CREW, commit(3), options),
    storage.saveCheckpoint(CREW, checkpoint(2), options),
    storage.trim(CREW, 1, options),
    storage.open?.('other', options),
  ])
  for (const end of ends) if (end.status === 'rejected' && end.reason instanceof Unsettled) throw end.reason
  const run = await storage.read(CREW, 2, 10)
  const stored = 'commits' in run ? run.commits.length : 0
  if (ends[2].status === 'fulfilled') equal(ends[2].value.appended, stored === 1, 'the answer to the append')
  if (stored === 0) await trial.append(commit(3))
  await trial.holds([commit(3)], 2)
  await storage.close?.('other')
  await trial.open('other')
  await trial.append(commit(1), 'other')
}
