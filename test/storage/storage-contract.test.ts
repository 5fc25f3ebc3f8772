import type { JournalStorage } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { faultyStorage, type StorageBackend, storageContract } from 'crewlog/testing'
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

function casesFor(open: () => StorageBackend | Promise<StorageBackend>): readonly Case[] {
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

  it.each(WRONG)('is broken by one that %s (SA-31)', async (_, sentence, open) => {
    const broken = casesFor(open).find((each) => each.sentence === sentence)
    await expect(broken?.run()).rejects.toThrow(/./)
  })

  const said = async (Client: new () => JournalStorage): Promise<ReadonlySet<string>> => {
    const messages = new Set<string>()
    for (const { run } of casesFor(alone(Client))) {
      await run().catch((error: unknown) => messages.add((error as Error).message))
    }
    return messages
  }

  it('says which call of a storage that hangs did not settle', async () => {
    class Hanging extends Plain {
      override read(): Promise<never> {
        return new Promise(() => undefined)
      }
    }
    const messages = await said(Hanging)
    expect(messages).toContain('read(crew, 0, 13) did not settle within 100 ms')
    for (const message of messages) expect(message).toMatch(/^read\(.* did not settle within|^Not so: the watcher/)
  }, 30_000)

  it('says what a wrong answer should have been', async () => {
    class Silent extends Plain {
      override async append(): Promise<never> {
        return undefined as never
      }
    }
    const messages = await said(Silent)
    expect(messages).toContain(
      'append(crew, commit 1) answered undefined, must be { appended: true } or { appended: false }',
    )
    for (const message of messages) expect(message).toContain(' answered undefined, must be ')
    class Odd extends Plain {
      override async read(): Promise<never> {
        return [] as never
      }
      override async loadCheckpoint(): Promise<never> {
        return { seq: 1 } as never
      }
    }
    const odd = [...(await said(Odd))].join('\n')
    expect(odd).toContain('answered [], must be { commits } or { trimmedTo }')
    expect(odd).toContain('answered {"seq":1}, must be { seq, id, format, parts }')
  })

  it('asks a storage in which a method is missing for it', async () => {
    const { run } = casesFor(() => ({ storage: { writers: 'many' } as never }))[0]!
    await expect(run()).rejects.toThrow('an object with the methods append, read')
  })

  it('is kept by a storage that went back in time', async () => {
    const rewound = async (): Promise<StorageBackend> => {
      const memory = new Plain()
      const storage = faultyStorage(memory)
      const lost = { format: 1, at: 0, events: [] }
      await storage.append('crew', { seq: 1, id: 'lost', prev: '', ...lost })
      await storage.append('crew', { seq: 2, id: 'lost too', prev: 'lost', ...lost })
      storage.fail({ fault: 'regress', commits: 2 }, 'read')
      await storage.read('crew', 0, 1)
      storage.heal()
      return { storage, rival: faultyStorage(memory) }
    }
    for (const { run } of casesFor(rewound)) await run()
  })

  it.each<[string, object]>([
    ['without a name', { name: undefined }],
    ['without a describe', { describe: 'describe' }],
    ['without a way to open', { open: undefined }],
    ['with a negative patience', { patienceMs: -1 }],
    ['with what it does not know', { only: 'append' }],
  ])('is not checked %s', (_, wrong) => {
    const none = (): undefined => undefined
    const options = { name: 'it', describe: none, it: none, open: alone(Plain), ...wrong }
    expect(() => storageContract(options)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('has no sentence that is never broken', () => {
    const sentences = casesFor(alone(Plain)).map(({ sentence }) => sentence)
    expect(new Set(WRONG.map(([, sentence]) => sentence))).toEqual(new Set(sentences))
  })
})
