import { checkpoint, commit } from './samples.js'
import type { Cases } from './trial.js'

/** Pairs that some engine or file system takes for one. */
const NAMES = [
  ...['crew', 'Crew', 'CREW', 'crew.', 'crew:', 'crew/', 'crew/a', 'crew@a', 'crew_a', 'crew-a', 'crew a', 'crew.a'],
  ...['.', '..', '/', '//', '../crew', './crew', 'crew.lock', 'crew.jsonl', 'con', 'nul', 'com1', 'aux.a', '-', '_'],
  ...['0', '1', '01', '1e3', 'null', 'undefined', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...['a'.repeat(127), 'a'.repeat(128), `${'a'.repeat(127)}b`, 'A'.repeat(128), `${'@'.repeat(127)}a`, '@'.repeat(128)],
]

export const names: Cases = {
  'are compared character by character, all that an id may be': async (trial) => {
    for (const [index, name] of NAMES.entries()) {
      await trial.open(name)
      await trial.append(commit(1, { id: `first of ${index}` }), name)
      await trial.storage.saveCheckpoint(name, checkpoint(index + 1))
    }
    for (const [index, name] of NAMES.entries()) {
      await trial.holds([commit(1, { id: `first of ${index}` })], 0, name)
      await trial.keeps([index + 1], name)
    }
  },
}
