import { type Commit, CrewError, Journal, MemoryStorage, type JournalEvent } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import type { CommitInfo, Observer } from '../../../src/core/journal/projection.js'
import { RewindableStorage } from '../../../src/testing/rewindable-storage.js'
import { commands, Registers } from '../../support/registers.js'

/** Writes down what it is told, and fails at all of it if it is asked to. */
class Listening implements Observer {
  readonly told: unknown[][] = []

  constructor(readonly fails: boolean) {}

  replayed(event: JournalEvent): void {
    this.#tell('replayed', event.changes['op'])
  }
  heard(event: JournalEvent, commit: CommitInfo, _change: unknown, index: number): void {
    this.#tell('heard', event.changes['op'], commit.seq, index)
  }
  settled(): void {
    this.#tell('settled')
  }
  rested(): void {
    this.#tell('rested')
  }
  rebuilding(): void {
    this.#tell('rebuilding')
  }
  rebuilt(gap: unknown): void {
    this.#tell('rebuilt', gap)
  }
  broke({ code }: { readonly code: string }): void {
    this.#tell('broke', code)
  }

  take(): readonly unknown[][] {
    return this.told.splice(0)
  }

  #tell(...what: unknown[]): void {
    this.told.push(what)
    if (this.fails) throw new Error(`${String(what[0])} failed`)
  }
}

/** A journal that has two observers, of which the first fails at all it hears. */
async function observed(storage: RewindableStorage) {
  const environment = manualEnvironment()
  const errors: unknown[] = []
  const journal = new Journal({ storage, environment, onError: (error) => errors.push(error) })
  const registers = Registers.on(journal)
  const [failing, listening] = [new Listening(true), new Listening(false)]
  journal.observe(failing)
  journal.observe(listening)
  await journal.open()
  return { environment, journal, registers, failing, listening, errors }
}

/** Two commits, of one event and of two. */
async function written(): Promise<RewindableStorage> {
  const storage = RewindableStorage.of(new MemoryStorage())
  const writer = new Journal({ storage, environment: manualEnvironment({ seed: 2 }), onError: () => undefined })
  Registers.on(writer)
  await writer.open()
  await commands.write(writer, 'a', 'one')
  await Promise.all([commands.write(writer, 'a', 'two'), commands.write(writer, 'b', 'three')])
  await writer.crash()
  return storage
}

describe('who observes a journal', () => {
  it('hears of what was there, of what comes, and when all is settled and at rest, in order', async () => {
    const storage = await written()
    const { journal, listening, environment } = await observed(storage)
    expect(listening.take()).toEqual([
      ['replayed', 'one'],
      ['replayed', 'two'],
      ['replayed', 'three'],
    ])
    await Promise.all([commands.write(journal, 'a', 'four'), commands.write(journal, 'b', 'five')])
    await environment.settle()
    expect(listening.take()).toEqual([['heard', 'four', 3, 0], ['heard', 'five', 3, 1], ['settled'], ['rested']])
    // What changes nothing is no news, but somebody may have waited for it.
    await commands.take(journal, 'c', 'nothing')
    await environment.settle()
    expect(listening.take()).toEqual([['rested']])
  })

  it('hears of a log that went back as one gap, and of its commits as no news', async () => {
    const storage = await written()
    const { journal, registers, listening } = await observed(storage)
    listening.take()
    await storage.rewind('crew', 1)
    await journal.sync()
    expect(listening.take()).toEqual([
      ['rebuilding'],
      ['replayed', 'one'],
      ['rebuilt', { from: 3, to: 1, hasDiverged: true }],
      ['settled'],
    ])
    expect([...registers.values]).toEqual([['a', ['one']]])
  })

  it('hears of a commit that cannot be folded, once', async () => {
    const storage = await written()
    const { journal, listening, errors, environment } = await observed(storage)
    listening.take()
    errors.length = 0
    const { seq, id: prev } = journal.head!
    const events = [{ type: 'register.written', id: 'a', at: 0, changes: { unfoldable: true } }]
    const strange: Commit = { seq: seq + 1, id: 'x', prev, format: 1, at: 0, events }
    await storage.append('crew', strange)
    await environment.settle()
    await expect(journal.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    await environment.advance('1m')
    expect(listening.take()).toEqual([['broke', 'read_only']])
    expect(errors).toMatchObject([new Error('broke failed'), { code: 'journal_corrupt' }])
  })

  it('and fails takes nothing from the others, nor from what is committed, and its error is told', async () => {
    const storage = await written()
    const { journal, registers, failing, listening, errors, environment } = await observed(storage)
    await commands.write(journal, 'a', 'four')
    await storage.rewind('crew', 1)
    await journal.sync()
    await environment.settle()
    expect(failing.told).toEqual(listening.told)
    expect(errors).toEqual(failing.told.map(([what]) => new Error(`${String(what)} failed`)))
    expect(new Set(failing.told.map(([what]) => what))).toEqual(
      new Set(['replayed', 'heard', 'settled', 'rested', 'rebuilding', 'rebuilt']),
    )
    expect(registers.values.get('a')).toEqual(['one', 'two'])
  })
})

describe('who observes a journal whose log went back', () => {
  /** It was told of all, and the storage has lost the second commit. */
  async function wentBack(storage?: RewindableStorage) {
    const used = storage ?? (await written())
    const all = await observed(used)
    await used.rewind('crew', 1)
    all.listening.take()
    all.errors.length = 0
    const { commits } = (await used.read('crew', 0, 1000)) as { readonly commits: readonly Commit[] }
    const last = commits.at(-1)!
    const next = (wrong: Partial<Commit>): Commit => {
      const event = { type: 'register.written', id: 'a', at: 0, changes: { op: 'next' } }
      return { seq: last.seq + 1, id: 'x', prev: last.id, format: 1, at: 0, events: [event], ...wrong }
    }
    return { ...all, storage: used, next }
  }

  it('hears of none of its commits as news, however many', async () => {
    const storage = await written()
    const writer = await observed(storage)
    for (let n = 0; n < 200; n++) await commands.write(writer.journal, 'a', String(n))
    await writer.journal.crash()
    const { journal, listening, registers } = await wentBack(storage)
    await journal.sync()
    const told = listening.take().map(([what]) => what)
    expect(told).toEqual(['rebuilding', ...Array<string>(202).fill('replayed'), 'rebuilt', 'settled'])
    expect(registers.values.get('a')).toHaveLength(201)
  })

  it('sees all before the first commit that does not follow, and it can only be read from then on', async () => {
    const { journal, registers, listening, storage, next } = await wentBack()
    await storage.append('crew', next({}))
    const read = storage.read.bind(storage)
    storage.read = async (...call) => {
      const run = await read(...call)
      if ('trimmedTo' in run) return run
      return { commits: run.commits.map((commit) => (commit.id === 'x' ? { ...commit, prev: 'other' } : commit)) }
    }
    await expect(journal.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    expect([...registers.values]).toEqual([['a', ['one']]])
    expect(listening.take().at(-1)).toEqual(['broke', 'read_only'])
  })

  it('sees all before the first commit that cannot be folded, and nothing of what was lost', async () => {
    const { journal, registers, storage, next } = await wentBack()
    const event = { type: 'register.written', id: 'a', at: 0, changes: { unfoldable: true } }
    await storage.append('crew', next({ events: [event] }))
    await expect(journal.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    expect([...registers.values]).toEqual([['a', ['one']]])
  })

  it('finds it as it was when the log is trimmed as it is read, and the new state at the next look', async () => {
    const { journal, registers, storage } = await wentBack()
    const read = storage.read.bind(storage)
    storage.read = async (journal, after, limit) => {
      if (after > 0 || limit === 1) return read(journal, after, limit)
      storage.read = read
      return { trimmedTo: 1 }
    }
    await expect(journal.sync()).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect([...registers.values.keys()]).toEqual(['a', 'b'])
    await journal.sync()
    expect([...registers.values]).toEqual([['a', ['one']]])
  })
})

describe('who observes a journal whose log is answered wrongly', () => {
  /** The next page has a wrong commit behind the head, and no other page has. */
  async function mistaken(wrong: (head: CommitInfo) => Partial<Commit>, isLasting = false) {
    const storage = await written()
    const all = await observed(storage)
    all.listening.take()
    all.errors.length = 0
    const head = all.journal.head!
    const read = storage.read.bind(storage)
    let reads = 0
    storage.read = async (...call) => {
      reads++
      if (!isLasting) storage.read = read
      const run = await read(...call)
      const commit = {
        seq: head.seq + 1,
        id: 'x',
        prev: head.id,
        format: 1 as const,
        at: 0,
        events: [],
        ...wrong(head),
      }
      return 'commits' in run ? { commits: [...run.commits, commit] } : run
    }
    return { ...all, reads: () => reads }
  }

  it('hears of a rebuild when the next commit follows another one, and it goes on', async () => {
    const { journal, listening, registers } = await mistaken(() => ({ prev: 'other' }))
    await journal.sync()
    expect(listening.take().filter(([what]) => what !== 'replayed')).toEqual([
      ['rebuilding'],
      ['rebuilt', { from: 3, to: 2, hasDiverged: true }],
      ['settled'],
    ])
    await commands.write(journal, 'a', 'four')
    expect(registers.values.get('a')).toEqual(['one', 'two', 'four'])
  })

  it('hears of no rebuild when a commit is missing: it is told as damage, and nothing is read any more', async () => {
    const lasting = await mistaken(({ seq }) => ({ seq: seq + 2, prev: 'missing' }), true)
    const { journal, listening, environment, errors, reads } = lasting
    await expect(journal.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    expect(reads()).toBe(1)
    await expect(journal.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    await environment.advance('1m')
    expect(reads()).toBe(1)
    expect(listening.take()).toEqual([['broke', 'read_only']])
    expect(errors.filter((error) => CrewError.is(error))).toMatchObject([{ code: 'journal_corrupt' }])
  })
})

describe('who observes a journal that cannot be opened', () => {
  it('hears of what was folded and of nothing else: who opens it is told why', async () => {
    const storage = await written()
    const { seq, id: prev } = (await observed(storage)).journal.head!
    await storage.append('crew', { seq: seq + 1, id: 'x', prev, format: 2, at: 0, events: [] })
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const journal = new Journal({ storage, environment: manualEnvironment(), onError })
    Registers.on(journal)
    const listening = new Listening(false)
    journal.observe(listening)
    await expect(journal.open()).rejects.toMatchObject({ code: 'unsupported_version' })
    expect(listening.take().map(([what]) => what)).toEqual(['replayed', 'replayed', 'replayed'])
    expect(errors).toEqual([])
  })
})
