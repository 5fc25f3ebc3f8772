import { equal, rejects } from './assert.js'
import { checkpoint, commit, commits, partsAt, partsOf } from './samples.js'
import { type Cases, CREW, gate, pause } from './trial.js'

export const checkpoints: Cases = {
  'has none until one is saved': async (trial) => {
    await trial.keeps([])
    await trial.fill(2)
    await trial.keeps([])
  },
  'brings back number, id, format and the parts in their order': async (trial) => {
    await trial.open()
    const parts = [
      '{"b":1,"a":"\\u0000 \\ud800 \u2028 \u{1f600}"}',
      '"x"',
      'null',
      '[]',
      '{\n  "lines": [1,\r\n2]\t}',
      '-0',
    ]
    await trial.storage.saveCheckpoint(CREW, checkpoint(7, parts, { id: 'seven', format: 3 }))
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      equal([kept?.seq, kept?.id, kept?.format], [7, 'seven', 3], 'head of the checkpoint')
      equal(await partsOf(kept), parts, 'parts of the checkpoint')
    }
  },
  'keeps one without parts, and one with many': async (trial) => {
    await trial.open()
    const many = Array.from({ length: 500 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(index) }))
    await trial.storage.saveCheckpoint(CREW, checkpoint(1, []))
    await trial.storage.saveCheckpoint(CREW, checkpoint(2, many))
    for (const reader of trial.readers) {
      equal(await partsOf(await reader.loadCheckpoint(CREW)), many, 'many parts')
      equal(await partsOf(await reader.loadCheckpoint(CREW, 2)), [], 'no parts')
    }
  },
  'keeps the newest two': async (trial) => {
    await trial.open()
    for (const [seq, kept] of [
      [10, [10]],
      [20, [20, 10]],
      [30, [30, 20]],
      [41, [41, 30]],
    ] as const) {
      await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
      await trial.keeps(kept)
    }
  },
  'keeps the parts of both': async (trial) => {
    await trial.open()
    for (const seq of [10, 20, 30]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const reader of trial.readers) {
      equal(await partsOf(await reader.loadCheckpoint(CREW)), partsAt(30), 'parts of the newest')
      equal(await partsOf(await reader.loadCheckpoint(CREW, 30)), partsAt(20), 'parts of the one before')
    }
  },
  'answers `before` with a number strictly below': async (trial) => {
    await trial.open()
    for (const seq of [10, 20]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const reader of trial.readers) {
      for (const [before, seq] of [
        [Infinity, 20],
        [21, 20],
        [20, 10],
        [11, 10],
        [10, undefined],
        [1, undefined],
      ] as const)
        equal((await reader.loadCheckpoint(CREW, before))?.seq, seq, `checkpoint before ${before}`)
    }
  },
  'takes one that is older than the newest, or of the same number, as no change': async (trial) => {
    await trial.open()
    for (const seq of [10, 20]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const seq of [5, 10, 15, 20]) {
      await trial.storage.saveCheckpoint(CREW, checkpoint(seq, ['"late"'], { id: 'late' }))
      await trial.keeps([20, 10])
    }
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      equal([kept?.id, await partsOf(kept)], ['c20', partsAt(20)], 'the newest checkpoint')
    }
  },
  'shows one only when all of its parts are there': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    const second = gate<string>()
    async function* parts(): AsyncGenerator<string> {
      yield '"first"'
      yield await second.promise
    }
    const saving = trial.storage.saveCheckpoint(CREW, { ...checkpoint(20), parts: parts() })
    saving.catch(() => undefined)
    await pause(20)
    await trial.keeps([10])
    second.resolve('"second"')
    await saving
    await trial.keeps([20, 10])
  },
  'keeps nothing of one whose parts fail, and rejects': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    async function* parts(): AsyncGenerator<string> {
      yield* partsAt(20)
      throw new Error('no more')
    }
    await rejects(trial.storage.saveCheckpoint(CREW, { ...checkpoint(20), parts: parts() }), 'a checkpoint that fails')
    await trial.keeps([10])
    await trial.storage.saveCheckpoint(CREW, checkpoint(20))
    await trial.keeps([20, 10])
  },
  'can be read on while the next one is saved': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      await trial.storage.saveCheckpoint(CREW, checkpoint(20))
      equal(await partsOf(kept), partsAt(kept?.seq ?? 0), 'parts of the checkpoint loaded before')
    }
  },
  'belong to their journal': async (trial) => {
    await trial.open()
    await trial.open('other')
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    await trial.keeps([], 'other')
    await trial.storage.saveCheckpoint('other', checkpoint(5))
    await trial.keeps([5], 'other')
    await trial.keeps([10])
  },
  'are no commits': async (trial) => {
    await trial.fill(2)
    await trial.storage.saveCheckpoint(CREW, checkpoint(2))
    await trial.holds(commits(1, 2))
    await trial.append(commit(3))
  },
}
