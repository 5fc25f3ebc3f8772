import { type Commit, Journal, MemoryStorage, type JournalEvent } from 'crewlog'
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
