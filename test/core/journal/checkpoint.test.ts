import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Checkpoint,
  type Commit,
  Communications,
  type Crew,
  CrewError,
  type CrewOptions,
  Journal,
  MemoryStorage,
  openCrew,
  ReportGenerator,
  TaskTracker,
} from 'crewlog'
import { crash, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { LoadedCheckpoint } from '../../../src/core/journal/checkpoint.js'
import { RewindableStorage } from '../../../src/testing/rewindable-storage.js'
import { utf8Bytes } from '../../../src/core/json.js'
import { stateOf } from '../../support/crew-state.js'

type Kept = Omit<Checkpoint, 'parts'> & { readonly parts: readonly string[] }

/** Hands out checkpoints as `tamper` leaves them; none where it answers undefined. */
class TamperedStorage extends MemoryStorage {
  override readonly maxCommitBytes: number = 4000
  saves: number[] = []
  /** After which commits was read. */
  reads: number[] = []
  /** Whether the next read fails. */
  isAway = false
  tamper: (kept: Kept) => Kept | undefined = (kept) => kept

  override async saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
    this.saves.push(checkpoint.seq)
    await super.saveCheckpoint(journal, checkpoint)
  }

  override async loadCheckpoint(journal: string, before?: number): Promise<Checkpoint | undefined> {
    const kept = await this.kept(journal, before)
    const tampered = kept && this.tamper(kept)
    return tampered && { ...tampered, parts: each(tampered.parts) }
  }

  override async read(journal: string, after: number, limit: number) {
    this.reads.push(after)
    if (!this.isAway) return super.read(journal, after, limit)
    this.isAway = false
    throw new CrewError('storage_unavailable', 'away')
  }

  async kept(journal: string, before?: number): Promise<Kept | undefined> {
    const kept = await super.loadCheckpoint(journal, before)
    if (!kept) return undefined
    const parts: string[] = []
    for await (const part of kept.parts) parts.push(part)
    return { ...kept, parts }
  }

  async commitAfter(seq: number): Promise<Commit> {
    const run = await this.read('crew', seq, 1)
    return ('commits' in run && run.commits[0]) || Promise.reject(new Error(`No commit after ${seq}`))
  }

  async trimmedTo(): Promise<number> {
    const run = await this.read('crew', 0, 1)
    return 'trimmedTo' in run ? run.trimmedTo : 0
  }
}

async function* each(parts: readonly string[]): AsyncGenerator<string> {
  yield* parts
}

let environment: ManualEnvironment
let storage: TamperedStorage
let errors: unknown[]

beforeEach(() => {
  environment = manualEnvironment()
  storage = new TamperedStorage()
  errors = []
})

const open = (options: CrewOptions = {}): Promise<Crew> =>
  openCrew({ storage, environment, onError: (error) => errors.push(error), ...options })

/** A crew with something of everything. */
async function filled(): Promise<Crew> {
  const crew = await open()
  const ana = await crew.join('ana', { skills: { code: 0.5 }, capacity: 3 })
  await crew.tracker.create({ id: 'a', description: 'A', metadata: { text: '\u{1f600}"\\\n\u0000 \ud800' } })
  await crew.tracker.create({ id: 'b', description: 'B', dependsOn: ['a'] })
  await (await ana.claim({ taskId: 'a' }))?.complete({ usage: { tokens: 3, cost: 0.1 } })
  await ana.send('ana', { hello: 'you' })
  await ana.receive()
  return crew
}

describe('a checkpoint', () => {
  it('is what a new replica opens from, reading only what came after', async () => {
    const crew = await filled()
    await crew.checkpoint()
    await crew.as('ana').send('ana', 'After')
    await storage.trim('crew', crew.journal.head!.seq - 2)
    const later = await open()

    expect(stateOf(later)).toEqual(stateOf(crew))
    expect(later.journal.head).toEqual(crew.journal.head)
    await later.tracker.create({ description: 'More' })
    await crew.sync()
    expect(stateOf(later)).toEqual(stateOf(crew))
    expect(errors).toEqual([])
  })

  it('saves who opens what came before, also where the log has it all', async () => {
    const crew = await filled()
    await crew.checkpoint()
    const { seq } = crew.journal.head!
    await crew.as('ana').send('ana', 'After')
    storage.reads = []
    await open()
    expect(Math.min(...storage.reads)).toBe(seq - 1)
  })

  it('is not passed over because the storage is away as it is looked at', async () => {
    const crew = await filled()
    await crew.checkpoint()
    storage.isAway = true
    await expect(open()).rejects.toMatchObject({ code: 'storage_unavailable' })
    storage.reads = []
    await open()
    expect(Math.min(...storage.reads)).toBe(crew.journal.head!.seq - 1)
  })

  it('is gone on from also where it is itself the last commit that was trimmed', async () => {
    const crew = await filled()
    await crew.checkpoint()
    const { seq } = crew.journal.head!
    await crew.as('ana').send('ana', 'After')
    await storage.trim('crew', seq)
    expect(stateOf(await open())).toEqual(stateOf(crew))
    await crew.as('ana').send('ana', 'More')
    await storage.trim('crew', seq + 1)
    await crew.sync()
    expect(errors).toEqual([])
  })

  it('has parts within what the storage takes, also of a task that is larger', async () => {
    const crew = await filled()
    for (let tries = 0; tries < 5; tries++) {
      await crew.tracker.start('b', { by: 'ana' }).catch(() => undefined)
      await crew.tracker.create({
        description: '\u20ac'.repeat(200),
        metadata: { text: '\u{1f600}"\\'.repeat(200), more: `"${'\\'.repeat(300)}` },
      })
    }
    const [{ id } = { id: '' }] = crew.tracker.list({ text: '\u20ac' })
    for (const field of ['title', 'description'] as const)
      await crew.tracker.update(id, { [field]: '\u{1f600}\u20ac'.repeat(400) })
    await crew.tracker.update(id, { input: '"\\'.repeat(600) })
    await crew.checkpoint()
    const { parts = [] } = (await storage.kept('crew')) ?? {}
    for (const part of parts) {
      expect(utf8Bytes(part)).toBeLessThanOrEqual(storage.maxCommitBytes)
      expect(() => JSON.parse(part) as unknown).not.toThrow()
    }
    expect(parts.length).toBeGreaterThan(5)
    await storage.trim('crew', crew.journal.head!.seq)
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  it('is the state at the call, though commands go on while it is written, and timers run in between', async () => {
    const crew = await filled()
    for (let tasks = 0; tasks < 20; tasks++) await crew.tracker.create({ description: 'x'.repeat(500) })
    const { seq } = crew.journal.head!
    let ticks = 0
    const slow = { ...environment, monotonic: () => environment.monotonic() + (ticks += 20) }
    await crash(crew)
    const writer = await open({ environment: slow })
    let isSaved = false
    const saving = writer.checkpoint().then(() => {
      isSaved = true
    })
    await environment.settle()
    await writer.tracker.create({ description: 'Meanwhile' })
    expect(isSaved).toBe(false)
    await environment.advance(100)
    await saving
    const kept = await storage.kept('crew')
    expect(kept?.seq).toBe(seq)
    expect(kept!.parts.length).toBeGreaterThan(5)
    // Nothing of what came later is in it.
    expect(kept!.parts.join()).not.toContain('Meanwhile')
    await crash(writer)
    await storage.trim('crew', seq)
    const later = await open()
    expect(later.tracker.count()).toBe(23)
    expect(later.tracker.list({ text: 'Meanwhile' })).toHaveLength(1)
  })

  it('is not visible, and rejects with closed, when the crew is closed while it is written', async () => {
    const crew = await filled()
    for (let tasks = 0; tasks < 20; tasks++) await crew.tracker.create({ description: 'x'.repeat(500) })
    await crash(crew)
    let ticks = 0
    const writer = await open({
      environment: { ...environment, monotonic: () => environment.monotonic() + (ticks += 20) },
    })
    const saving = expect(writer.checkpoint()).rejects.toMatchObject({ code: 'closed' })
    await environment.settle()
    await writer.close()
    await environment.advance(100)
    await saving
    expect(await storage.kept('crew')).toBeUndefined()
  })

  it('is saved by who folds all of a crew, and by nobody else', async () => {
    const partial = new Journal({ storage, environment })
    const tracker = new TaskTracker({ journal: partial })
    await partial.open()
    await tracker.create({ description: 'Alone' })
    await expect(partial.checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })

    const whole = new Journal({ storage, environment })
    new ReportGenerator({ tracker: new TaskTracker({ journal: whole }), communications: new Communications({ journal: whole }) }) // prettier-ignore
    await expect(whole.checkpoint()).rejects.toMatchObject({ code: 'not_open' })
    await whole.open()
    await whole.checkpoint()
    expect(storage.saves).toEqual([1])
  })

  it('is not saved by who opened from one that has more than it folds', async () => {
    await (await filled()).checkpoint()
    storage.saves = []
    const journal = new Journal({ storage, environment })
    new ReportGenerator({ tracker: new TaskTracker({ journal }), communications: new Communications({ journal }) })
    await journal.open()
    await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })
    expect(storage.saves).toEqual([])
  })

  it('is not saved by who counts only from the middle on, and is by two that count from the start', async () => {
    const journal = new Journal({ storage, environment })
    const parts = { tracker: new TaskTracker({ journal }), communications: new Communications({ journal }) }
    await journal.open()
    await parts.tracker.create({ id: 'a', description: 'A' })
    new ReportGenerator(parts)
    await parts.tracker.create({ id: 'b', description: 'B' })
    await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })

    const crew = await open()
    const second = new ReportGenerator({ tracker: crew.tracker, communications: crew.communications })
    await crew.tracker.create({ id: 'c', description: 'C' })
    expect(second.generate('summary').data).toEqual(crew.reports.generate('summary').data)
    await crew.checkpoint()
    expect(storage.saves).toEqual([3])
  })

  it('is not saved by who meets events that it does not know', async () => {
    const crew = await filled()
    const { seq, id: prev } = crew.journal.head!
    const event = { type: 'zebra.ran', id: 'zoe', at: 0, changes: {} }
    await storage.append('crew', { seq: seq + 1, id: 'z', prev, format: 1, at: 0, events: [event] })
    await crew.sync()
    await expect(crew.checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })
    await expect((await open()).checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })
    expect(storage.saves).toEqual([])
  })

  it('is nothing while nothing is committed, and not saved twice', async () => {
    const crew = await open()
    await crew.checkpoint()
    await crew.join('ana')
    await Promise.all([crew.checkpoint(), crew.checkpoint()])
    await crew.checkpoint()
    expect(storage.saves).toEqual([1])
  })
})

describe('a checkpoint that is damaged', () => {
  it('is known by any character, any part and any number in it', async () => {
    const crew = await filled()
    await crew.checkpoint()
    const kept = (await storage.kept('crew'))!
    const read = (given: Kept): Promise<unknown> =>
      LoadedCheckpoint.read({ ...given, parts: each(given.parts) }, async () => undefined)
    await expect(read(kept)).resolves.toBeDefined()
    const wrong: Kept[] = [
      { ...kept, seq: kept.seq + 1 },
      { ...kept, id: `${kept.id}x` },
      { ...kept, parts: [] },
      { ...kept, parts: kept.parts.slice(0, -1) },
      { ...kept, parts: kept.parts.toReversed() },
      { ...kept, parts: [...kept.parts, ...kept.parts] },
      { ...kept, parts: ['', ...kept.parts] },
      ...kept.parts.map((_, part) => ({ ...kept, parts: kept.parts.toSpliced(part, 1) })),
    ]
    for (const [part, text] of kept.parts.entries()) {
      for (let at = 0; at < text.length; at++) {
        const other = text[at] === '1' ? '2' : '1'
        for (const damaged of [
          text.slice(0, at) + other + text.slice(at + 1),
          text.slice(0, at),
          text.slice(0, at) + text.slice(at + 1),
        ])
          // prettier-ignore
          wrong.push({ ...kept, parts: kept.parts.with(part, damaged) })
      }
    }
    for (const given of wrong) await expect(read(given)).rejects.toMatchObject({ code: 'journal_corrupt' })
  })

  it('is passed over: for the older one, or for the log', async () => {
    const crew = await filled()
    const damaged = (seq: number) => (kept: Kept) => (kept.seq >= seq ? { ...kept, parts: kept.parts.slice(1) } : kept)
    await crew.checkpoint()
    const { seq } = crew.journal.head!
    storage.tamper = damaged(seq)
    expect(stateOf(await open())).toEqual(stateOf(crew))
    await crew.tracker.create({ description: 'More' })
    await crew.checkpoint()
    await storage.trim('crew', seq)
    storage.tamper = damaged(seq + 1)
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  it('and the only one that the storage ever hands out is passed over once', async () => {
    const crew = await filled()
    await crew.checkpoint()
    const kept = (await storage.kept('crew'))!
    let loads = 0
    storage.loadCheckpoint = async () => {
      if (++loads > 10) throw new Error('It is asked for without end')
      return { ...kept, parts: each(kept.parts.slice(1)) }
    }
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  it('is a clear error where nothing else leads to the state', async () => {
    const crew = await filled()
    await crew.checkpoint()
    await storage.trim('crew', crew.journal.head!.seq)
    for (const [tamper, code] of [
      [(kept: Kept) => ({ ...kept, parts: kept.parts.slice(1) }), 'journal_corrupt'],
      [(kept: Kept) => ({ ...kept, id: 'another' }), 'journal_corrupt'],
      [(kept: Kept) => ({ ...kept, format: 99 }), 'unsupported_version'],
      [() => undefined, 'journal_corrupt'],
    ] as const) {
      storage.tamper = tamper
      await expect(open()).rejects.toMatchObject({ code })
    }
  })

  it('leaves a replica that needs it as it is, to be read only', async () => {
    const [crew, other] = [await filled(), await open()]
    Object.assign(storage, { watch: undefined })
    await crew.tracker.create({ description: 'More' })
    await crew.tracker.create({ description: 'More' })
    await crew.checkpoint()
    await storage.trim('crew', crew.journal.head!.seq)
    const before = stateOf(other)
    storage.tamper = (kept) => ({ ...kept, parts: kept.parts.slice(1) })
    if (other.journal.head?.seq === crew.journal.head?.seq) return
    await expect(other.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })
    expect(stateOf(other)).toEqual(before)
    await expect(other.join('bo')).rejects.toMatchObject({ code: 'read_only' })
  })

  // Guard: `has` in #findCheckpoint.
  it('or of a log that is gone is passed over', async () => {
    const lost = await filled()
    await lost.checkpoint()
    const kept = (await storage.kept('crew'))!
    storage = new TamperedStorage()
    const crew = await open()
    for (let capacity = 1; capacity < 10; capacity++) await crew.join('bo', { capacity })
    await storage.saveCheckpoint('crew', { ...kept, parts: each(kept.parts) })
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  // Guard: `catchUp` in Replica.checkpoint.
  it('or of a log that is gone is not saved', async () => {
    const crew = await filled()
    const rewindable = RewindableStorage.of(storage)
    const replica = await open({ storage: rewindable })
    await rewindable.rewind('crew', 2)
    await replica.checkpoint()
    const kept = await rewindable.loadCheckpoint('crew')
    expect(kept?.seq).toBe(crew.journal.head!.seq - 2)
  })
})

describe('checkpointEvery', () => {
  it('has one process of a crew save, every so many commits', async () => {
    const [one, other] = [await open({ checkpointEvery: 10 }), await open({ checkpointEvery: 10 })]
    await one.join('ana')
    for (let tasks = 0; tasks < 45; tasks++) {
      await (tasks % 3 === 0 ? one : other).tracker.create({ description: 'x' })
      await one.sync()
      await other.sync()
    }
    // Of the commit, or of one that came while it was begun.
    expect(storage.saves.map((seq) => Math.floor(seq / 10))).toEqual([1, 2, 3, 4])
    expect(errors).toEqual([])
  })

  it('is made good by the others when the process that wrote the commit did not', async () => {
    const [one, other] = [await open({ checkpointEvery: Infinity }), await open({ checkpointEvery: 10 })]
    await one.join('ana')
    for (let tasks = 0; tasks < 40; tasks++) await one.tracker.create({ description: 'x' })
    await other.tracker.create({ description: 'x' })
    expect(storage.saves).toEqual([])
    for (let tasks = 0; tasks < 20; tasks++) await other.tracker.create({ description: 'x' })
    await environment.settle()
    expect(storage.saves.map((seq) => Math.floor(seq / 10))).toEqual([5, 6])
  })

  it('does not keep an own memory, which nobody can open again', async () => {
    const crew = await openCrew({ environment, checkpointEvery: 1 })
    await crew.join('ana')
    await environment.settle()
    expect(crew.journal.head?.seq).toBe(1)
  })

  it.each([0, -1, 1.5, NaN, '10'])('refuses %s', async (checkpointEvery) => {
    await expect(open({ checkpointEvery: checkpointEvery as number })).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('keepHistory', () => {
  const COMMITS = 2500

  async function aged(options: CrewOptions): Promise<Crew> {
    const crew = await open({ checkpointEvery: Infinity, ...options })
    for (let commits = 0; commits < COMMITS; commits++) {
      await crew.join('ana', { capacity: 1 + (commits % 2) })
      environment.setWallClock(environment.now() + 1000)
    }
    return crew
  }
  const more = async (crew: Crew, checkpoints = 1): Promise<void> => {
    for (let done = 0; done < checkpoints; done++) {
      await crew.checkpoint()
      await crew.join('bo', { capacity: 1 + ((crew.journal.head?.seq ?? 0) % 5) })
    }
  }

  it('leaves all unless something else is said', async () => {
    const crew = await aged({})
    await more(crew, 3)
    expect(await storage.trimmedTo()).toBe(0)
  })

  it('leaves what is younger, and 1,000 commits behind the older checkpoint', async () => {
    const crew = await aged({ keepHistory: { ms: 0 } })
    await more(crew)
    expect(await storage.trimmedTo()).toBe(0)
    await more(crew)
    expect(await storage.trimmedTo()).toBe(COMMITS - 1001)
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  it('leaves what is younger than it says', async () => {
    const crew = await aged({ keepHistory: { ms: 2_000_000 } })
    const start = environment.now() - COMMITS * 1000
    await more(crew, 2)
    const left = await storage.commitAfter(await storage.trimmedTo())
    expect(left.at).toBe(environment.now() - 2_000_000)
    expect(start).toBeLessThan(left.at)
  })

  it('leaves ten minutes behind the older checkpoint', async () => {
    const crew = await open({ checkpointEvery: Infinity, keepHistory: { ms: 0 } })
    for (let commits = 0; commits < 2000; commits++) await crew.join('ana', { capacity: 1 + (commits % 2) })
    environment.setWallClock(environment.now() + 599_000)
    await more(crew, 3)
    expect(await storage.trimmedTo()).toBe(0)
    environment.setWallClock(environment.now() + 2000)
    await more(crew, 3)
    expect(await storage.trimmedTo()).toBeGreaterThan(900)
  })

  it.each(['some', {}, { ms: -1 }, { days: 3 }])('refuses %j', async (keepHistory) => {
    await expect(open({ keepHistory: keepHistory as 'all' })).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
