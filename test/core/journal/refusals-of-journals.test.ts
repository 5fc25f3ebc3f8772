import {
  Communications,
  CrewError,
  type CrewErrorCode,
  Journal,
  MemoryStorage,
  openCrew,
  ReportGenerator,
  TaskTracker,
} from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../support/board.js'
import { created, joined, moved, RawJournal, started } from '../../support/raw-journal.js'
import { commands, Registers } from '../../support/registers.js'
import { watch } from '../../support/team.js'

const NOT = Symbol('no options') as never

describe('what is wrong with a call of a journal', () => {
  it('is said of the options by their name', async () => {
    const journal = new Journal({ environment: manualEnvironment() })
    expect(() => new Journal(NOT)).toThrow(/^options must be/)
    expect((await refusal(journal.open(NOT))).message).toMatch(/^options must be/)
    await journal.open()
    expect((await refusal(journal.sync(NOT))).message).toMatch(/^options must be/)
  })

  it('is a second environment, as the journal brings one', () => {
    const environment = manualEnvironment()
    const journal = new Journal({ environment })
    expect(() => new TaskTracker({ journal, environment })).toThrow('A journal brings its environment: pass one')
  })

  it('is what folds it being made twice, or after it was opened and used', async () => {
    const journal = new Journal({ environment: manualEnvironment() })
    const tracker = new TaskTracker({ journal })
    const tooLate = (kind: string) =>
      `This journal has what folds its ${kind} events, or is in use: make all before you open it`
    expect(() => new TaskTracker({ journal })).toThrow(tooLate('task'))
    await journal.open()
    await tracker.create({ id: 'a', description: 'A' })
    expect(() => new Communications({ journal })).toThrow(tooLate('message'))
    expect(tracker.status('a')).toBe('pending')
  })

  it('is that it was not opened, or was closed, by the name of the journal', async () => {
    const journal = new Journal({ environment: manualEnvironment(), name: 'tides' })
    expect((await refusal(journal.sync())).message).toBe('Journal tides is not open; await open() first')
    const opening = journal.open()
    expect((await refusal(journal.sync())).message).toBe('Journal tides is not open; await open() first')
    expect((await refusal(journal.open())).code).toBe('not_open')
    await opening
    // Once more changes nothing.
    await journal.open()
    await journal.sync()
    await journal.close()
    for (const call of [journal.sync(), journal.open()])
      expect((await refusal(call)).message).toBe('Journal tides is closed; open a new one')
  })

  it('is a checkpoint of less than a crew, and says what makes it whole', async () => {
    const environment = manualEnvironment()
    const journal = new Journal({ environment })
    const tracker = new TaskTracker({ journal })
    await journal.open()
    const { code, message } = await refusal(journal.checkpoint())
    expect(code).toBe('invalid_input')
    expect(message).toContain('make a TaskTracker, Communications and a ReportGenerator on this journal before')
    expect(tracker.count()).toBe(0)

    const whole = new Journal({ environment })
    const parts = {
      tracker: new TaskTracker({ journal: whole }),
      communications: new Communications({ journal: whole }),
    }
    new ReportGenerator(parts)
    await whole.open()
    await whole.checkpoint()
  })
})

describe('a log that cannot be read', () => {
  const open = (storage: RawJournal) => openCrew({ storage, environment: manualEnvironment(), at: { seq: 2 } })

  it.each([
    [
      'a commit of a later release',
      { format: 2 },
      'unsupported_version',
      'Commit 2 has format 2, this release reads 1; update crewlog',
      { seq: 2, format: 2 },
    ],
    [
      'a gap in the numbers',
      { seq: 3 },
      'journal_corrupt',
      'Commit 3 does not follow commit 1; restore the journal from a backup',
      { seq: 3 },
    ],
    [
      'a commit that follows another one',
      { prev: 'other' },
      'journal_corrupt',
      'Commit 2 does not follow commit 1; restore the journal from a backup',
      { seq: 2 },
    ],
  ])('has %s: that is said with the number', async (_, wrong, code, message, details) => {
    const storage = new RawJournal().add([joined('ana')]).add([created('a')], wrong)
    expect(await refusal(open(storage))).toMatchObject({ code, message, details })
  })

  it('begins behind a first commit that names one before it', async () => {
    const storage = new RawJournal().add([joined('ana')], { prev: 'before' }).add([created('a')])
    expect((await refusal(open(storage))).message).toContain('Commit 1 does not follow commit 0')
  })

  it('has an event of what is not there: that is said with its type and id', async () => {
    const storage = new RawJournal().add([joined('ana')]).add([created('a'), moved('completed', 'b', 2)])
    const { code, details } = await refusal(open(storage))
    expect([code, details]).toEqual(['journal_corrupt', { type: 'task.completed', id: 'b' }])
  })

  it('has what no fold expects: the reason is kept as the cause', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const event = { type: 'register.written', id: 'a', at: 0, changes: { unfoldable: true } }
    await storage.append('crew', { seq: 1, id: 'x', prev: '', format: 1, at: 0, events: [event] })
    const journal = new Journal({ storage, environment })
    Registers.on(journal)
    expect(await refusal(journal.open())).toMatchObject({
      code: 'journal_corrupt',
      message: 'A commit cannot be folded',
      cause: new Error('unfoldable'),
    })
  })

  it('leaves nothing of the commit that cannot be folded, be its first events what they may', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const errors: unknown[] = []
    const crew = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    await crew.join('ana')
    const { seq, id: prev } = crew.journal.head!
    const events = [created('a'), started('a', 2), moved('completed', 'b', 2)].map((event) => ({ at: 0, ...event }))
    await storage.append('crew', { seq: seq + 1, id: 'x', prev, format: 1, at: 0, events })
    await environment.settle()
    expect(errors).toMatchObject([{ code: 'journal_corrupt' }])
    expect([crew.tracker.get('a'), crew.journal.head?.seq]).toEqual([undefined, seq])
    const readOnly = await refusal(crew.join('bo'))
    expect(readOnly.code).toBe('read_only')
    expect(readOnly.message).toMatch(/^This journal can only be read: Event task\.completed of b cannot be folded/)
  })

  it('is trimmed, and no checkpoint leads on: where to, and what helps', async () => {
    const storage = new RawJournal()
    storage.trimmedTo = 3
    storage.add([joined('bo')])
    const { code, message, details } = await refusal(openCrew({ storage, environment: manualEnvironment() }))
    expect([code, details]).toEqual(['journal_corrupt', { trimmedTo: 3 }])
    expect(message).toBe(
      'Journal crew is trimmed up to commit 3, and no checkpoint leads on from there; restore it from a backup',
    )
    const past = await refusal(openCrew({ storage, environment: manualEnvironment(), at: { seq: 4 } }))
    expect([past.code, past.message]).toEqual([
      'cursor_expired',
      'Journal crew is trimmed up to commit 3, and no checkpoint leads on from there',
    ])
  })
})

describe('a commit whose fate stays open', () => {
  it('says that it may be stored, and why nobody knows', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    await journal.open()
    storage.fail('error', 'append')
    const written = refusal(commands.write(journal, 'a', 'op'))
    await environment.advance('1m')
    expect(await written).toMatchObject({
      code: 'outcome_unknown',
      message: 'The commit was sent and may yet be stored; look at the state before you try again',
      cause: { code: 'storage_unavailable' },
    })
  })

  it('is refused by a storage in which nothing stands in its place: that is told as the storage being wrong', async () => {
    const environment = manualEnvironment()
    const storage = Object.assign(new MemoryStorage(), { append: async () => ({ appended: false }) })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    await journal.open()
    const written = refusal(commands.write(journal, 'a', 'op'))
    await environment.advance('1m')
    const { code, cause } = await written
    expect([code, cause]).toMatchObject([
      'outcome_unknown',
      {
        code: 'storage_unavailable',
        message: 'The storage refused commit 1 though none stands there',
      },
    ])
  })
})

describe('commands that were decided with a commit which fails', () => {
  /** Two that share a commit, of which one changes nothing, and one that waits until that is answered. */
  async function sentThree() {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const append = storage.append.bind(storage)
    let fail: ((error: CrewError) => void) | undefined
    storage.append = (...call) => (fail ? append(...call) : new Promise((_, reject) => (fail = reject)))
    const journal = new Journal({ storage, environment, onError: () => undefined })
    const registers = Registers.on(journal)
    await journal.open()
    const first = [commands.write(journal, 'a', 'first'), commands.take(journal, 'b', 'nothing')]
    await environment.settle()
    const next = commands.write(journal, 'a', 'next')
    const answers = [...first, next].map((answer) => watch<unknown>(answer))
    await environment.settle()
    return {
      environment,
      storage,
      registers,
      answers,
      fail: (code: CrewErrorCode) => fail?.(new CrewError(code, code)),
    }
  }

  it('may have happened if they change something, and have not if they do not, or were not sent', async () => {
    const { environment, storage, answers, fail } = await sentThree()
    storage.append = () => Promise.reject(new CrewError('storage_unavailable', 'away'))
    fail('storage_unavailable')
    await environment.advance('1m')
    expect(answers.map(({ state }) => state)).toEqual(['outcome_unknown', 'storage_unavailable', 'storage_unavailable'])
  })

  it('have not happened if the storage takes no such commit, and those that wait go on', async () => {
    const { environment, registers, answers, fail } = await sentThree()
    fail('limit_exceeded')
    await environment.settle()
    expect(answers.map(({ state }) => state)).toEqual(['limit_exceeded', 'limit_exceeded', undefined])
    expect([...registers.values]).toEqual([['a', ['next']]])
  })
})

describe('an environment that throws', () => {
  it('rejects with its error all that waits, and the next command goes well', async () => {
    const environment = manualEnvironment()
    const broken = new Error('no clock')
    let isBroken = false
    const now = (): number => {
      if (isBroken) throw broken
      return environment.now()
    }
    const journal = new Journal({ environment: { ...environment, now } })
    const registers = Registers.on(journal)
    await journal.open()
    isBroken = true
    const waits = ['a', 'b'].map((id) => watch(commands.write(journal, id, 'op')))
    await environment.settle()
    expect(waits.map(({ state }) => state)).toEqual([String(broken), String(broken)])
    isBroken = false
    await commands.write(journal, 'a', 'op')
    expect([...registers.values]).toEqual([['a', ['op']]])
  })
})
