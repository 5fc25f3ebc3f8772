import { describe, expect, it } from 'vitest'
import { storageContract } from '../support/storage-contract.js'
import type { Backend } from '../support/storage-contract/trial.js'
import { append } from '../support/wrong-storages/append.js'
import { bytes } from '../support/wrong-storages/bytes.js'
import { checkpoints } from '../support/wrong-storages/checkpoints.js'
import { open } from '../support/wrong-storages/open.js'
import { read } from '../support/wrong-storages/read.js'
import { alone, Checkpointing, OneWriter, oneWriter, Plain } from '../support/wrong-storages/right.js'
import { trim } from '../support/wrong-storages/trim.js'
import { watch } from '../support/wrong-storages/watch.js'

const WRONG = [...append, ...read, ...trim, ...checkpoints, ...bytes, ...open, ...watch]

interface Case {
  readonly sentence: string
  readonly run: () => Promise<void>
}

function casesFor(open: () => Backend): readonly Case[] {
  const cases: Case[] = []
  let concern = ''
  storageContract({
    name: 'it',
    describe: (name, body) => {
      concern = name
      body()
    },
    it: (name, run) => cases.push({ sentence: `${concern} ${name}`, run }),
    open,
    patienceMs: 100,
  })
  return cases
}

describe('the contract of storages', () => {
  it.each([
    ['memory', alone(Plain)],
    ['memory with checkpoints done by hand', alone(Checkpointing)],
    ['memory for one writer', oneWriter(OneWriter)],
  ])('is kept by %s', async (_, open) => {
    for (const { run } of casesFor(open)) await run()
  })

  it.each(WRONG)('is broken by one that %s', async (_, sentence, open) => {
    const broken = casesFor(open).find((each) => each.sentence === sentence)
    await expect(broken?.run()).rejects.toThrow(/./)
  })

  it('has no sentence that is never broken', () => {
    const sentences = casesFor(alone(Plain)).map(({ sentence }) => sentence)
    expect(new Set(WRONG.map(([, sentence]) => sentence))).toEqual(new Set(sentences))
  })
})
