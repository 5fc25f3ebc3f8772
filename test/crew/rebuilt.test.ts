import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, type CrewEvents, MemoryStorage, openCrew } from 'crewlog'
import { crash, manualEnvironment, type ManualEnvironment, recordEvents } from 'crewlog/testing'
import { writeCheckpoint } from '../../src/core/journal/checkpoint.js'
import { RewindableStorage } from '../../src/testing/rewindable-storage.js'
import { stateOf } from '../support/crew-state.js'

let environment: ManualEnvironment
let storage: RewindableStorage
/** Whether replicas hear of nothing, as if they slept. */
let isAsleep: boolean
let errors: unknown[]
let crew: Crew
let other: Crew

const open = (): Promise<Crew> => openCrew({ storage, environment, onError: (error) => errors.push(error) })

beforeEach(async () => {
  environment = manualEnvironment()
  const memory = new MemoryStorage()
  isAsleep = false
  storage = RewindableStorage.of(
    Object.assign(memory, {
      watch: (journal: string, wake: () => void) =>
        MemoryStorage.prototype.watch.call(memory, journal, () => {
          if (!isAsleep) wake()
        }),
    }),
  )
  errors = []
  crew = await open()
  other = await open()
  await crew.join('ana', { capacity: 5 })
  await crew.join('bo', { capacity: 5 })
  await other.sync()
})

/** What is told of the gaps, in order. */
function gapsOf(of: Crew): unknown[] {
  const told: unknown[] = []
  of.on('resynced', (gap) => told.push(gap))
  of.on('diverged', (gap) => told.push(gap))
  return told
}

/** Lets the other crew act, and trims what it did, before this one hears of any of it. */
async function behindItsBack(act: () => Promise<unknown>): Promise<void> {
  isAsleep = true
  await act()
  await other.checkpoint()
  await storage.trim('crew', other.journal.head!.seq - 1)
  await other.tracker.create({ description: 'After' })
  isAsleep = false
  await crew.sync()
}

/** Loses the newest commits, of which the crew has been told. */
async function goBack(commits: number): Promise<void> {
  await crew.sync()
  await storage.rewind('crew', commits)
}

const claimed = async (id: string): Promise<Attempt> => {
  await crew.tracker.create({ id, description: id })
  return (await crew.tracker.claim('ana', { taskId: id }))!
}

describe('a replica whose log went back', () => {
  it('saves checkpoints as before', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    await goBack(1)
    await crew.sync()
    await crew.checkpoint()
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(crew.journal.head?.seq)
  })
})

describe('a replica behind a trim', () => {
  it('takes its state up from the checkpoint, says which commits it did not tell, and tells those after', async () => {
    const gaps = gapsOf(crew)
    const from = crew.journal.head!.seq + 1
    const events = recordEvents(crew)
    await behindItsBack(async () => {
      await other.tracker.create({ id: 'a', description: 'A' })
      await other.as('bo').send('ana', 'Hello')
    })
    expect(gaps).toEqual([{ from, to: from + 1 }])
    expect(events.all.map(({ seq }) => seq)).toEqual([from + 2])
    expect(stateOf(crew)).toEqual(stateOf(other))

    await crew.tracker.complete((await crew.tracker.start('a', { by: 'ana' })).id)
    await other.sync()
    expect(stateOf(other)).toEqual(stateOf(crew))
    expect(errors).toEqual([])
  })

  // Found by seed 180 of the world of rules: it said that the journal is damaged, and could only be read from then on.
  it.each<[string, () => Promise<Crew>]>([
    ['it', async () => crew],
    ['who opens', open],
  ])('finds a newer checkpoint when the log is trimmed behind the one that %s has just found', async (_, reader) => {
    isAsleep = true
    const goOn = async (): Promise<void> => {
      await other.tracker.create({ description: 'More' })
      await other.checkpoint()
    }
    await goOn()
    await goOn()
    await storage.trim('crew', other.journal.head!.seq - 1)
    const loadCheckpoint = storage.loadCheckpoint.bind(storage)
    storage.loadCheckpoint = async (...args) => {
      storage.loadCheckpoint = loadCheckpoint
      const found = await loadCheckpoint(...args)
      await goOn()
      await goOn()
      await storage.trim('crew', other.journal.head!.seq - 1)
      return found
    }
    const behind = await reader()
    await behind.sync()
    expect(stateOf(behind)).toEqual(stateOf(other))
    await behind.tracker.create({ id: 'goes on', description: 'A' })
    expect(errors).toEqual([])
  })

  it('goes on with attempts that are still current, and aborts the others with stale_attempt', async () => {
    const [kept, taken] = [await claimed('kept'), await claimed('taken')]
    await behindItsBack(async () => {
      await other.tracker.cancel('taken', { force: true })
      await other.tracker.retry('taken')
      await other.tracker.claim('bo', { taskId: 'taken' })
    })
    expect(taken.signal.aborted).toBe(true)
    expect(kept.signal.aborted).toBe(false)
    await expect(taken.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
    await environment.advance('5m')
    expect(kept.signal.aborted).toBe(false)
    expect(await kept.complete()).toMatchObject({ status: 'completed' })
  })

  it('settles what is waited for, if it happened meanwhile', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    const ended = crew.tracker.whenEnded('a')
    const reply = crew.as('ana').ask('bo', 'Ready?')
    await environment.settle()
    await behindItsBack(async () => {
      await other.sync()
      await other.tracker.cancel('a')
      await other.as('bo').reply(other.as('bo').inbox[0]!, 'Yes')
    })
    expect(await ended).toMatchObject({ status: 'cancelled' })
    expect((await reply).content).toBe('Yes')
  })

  it('shows it in views, to subscribers and to statistics', async () => {
    const view = crew.tracker.view({ status: 'completed' })
    const before = view.getSnapshot()
    let calls = 0
    view.subscribe(() => calls++)
    await behindItsBack(async () => {
      await other.tracker.create({ id: 'a', description: 'A', assignees: 'bo' })
      await other.tracker.start('a')
      await other.tracker.complete('a')
    })
    await environment.advance(0)
    expect(before).toEqual([])
    expect(view.getSnapshot()).toMatchObject([{ id: 'a' }])
    expect(calls).toBe(1)
    expect(crew.reports.generate('summary').data.durations.count).toBe(1)
  })

  it('works and listens on', async () => {
    const done: string[] = []
    crew.as('ana').work((attempt) => done.push(attempt.task.id))
    crew.as('ana').listen((message) => done.push(message.content as string))
    await environment.settle()
    await behindItsBack(async () => {
      await other.tracker.create({ id: 'a', description: 'A' })
      await other.as('bo').send('ana', 'Hello')
    })
    await crew.idle()
    expect(done).toContain('a')
    expect(done).toContain('Hello')
  })
})

describe('a replica behind a trim whose checkpoint cannot be taken up, though it is whole', () => {
  // Guard: the state from before is put back in Replica.#replace.
  it('stays as it was, goes on with its attempts as long as they last, and can only be read', async () => {
    const attempt = await claimed('mine')
    const [before, head] = [stateOf(crew), crew.journal.head]
    const gaps = gapsOf(crew)
    isAsleep = true
    await other.sync()
    for (const id of ['a', 'b']) await other.tracker.create({ id, description: id })
    const { seq } = other.journal.head!
    const strange = { save: () => [['a', 1]], load: () => undefined, clear: () => undefined }
    const turn = async (): Promise<void> => undefined
    await storage.saveCheckpoint(
      'crew',
      writeCheckpoint(other.journal.head!, new Map([['message', strange]]), 9999, turn),
    )
    await storage.trim('crew', seq - 1)
    await expect(crew.sync()).rejects.toMatchObject({ code: 'journal_corrupt' })

    expect([stateOf(crew), crew.journal.head]).toEqual([before, head])
    expect(gaps).toEqual([])
    expect(attempt.signal.aborted).toBe(false)
    await expect(attempt.complete()).rejects.toMatchObject({ code: 'read_only' })
    await environment.advance('2m')
    expect(attempt.signal.reason).toMatchObject({ code: 'stale_attempt' })
  })
})

describe('a replica whose log is another one at every look', () => {
  it('gives up after three, as if the storage were away, and goes on once there is one log', async () => {
    const commits = ['x', 'y'].map((id) => ({ seq: 1, id, prev: '', format: 1, at: 0, events: [] }))
    let looks = 0
    let isStable = true
    class Changing extends MemoryStorage {
      override async read(_journal: string, after: number) {
        return { commits: after > 0 ? [] : [isStable ? commits[0]! : { ...commits[1]!, id: `y${++looks}` }] }
      }
    }
    const replica = await openCrew({ storage: new Changing(), environment, onError: (error) => errors.push(error) })
    const gaps = gapsOf(replica)
    isStable = false
    await expect(replica.sync()).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: 'Journal crew is another one at every look; it is read again soon',
    })
    expect(gaps).toEqual([{ at: 1 }, { at: 1 }, { at: 1 }])
    isStable = true
    await replica.sync()
    expect(replica.journal.head?.id).toBe('x')
  })
})

describe('a replica whose log went back', () => {
  it('says so, and goes on from what the storage has (SA-25)', async () => {
    const gaps = gapsOf(crew)
    await crew.tracker.create({ id: 'a', description: 'A' })
    await crew.tracker.create({ id: 'b', description: 'B' })
    const at = crew.journal.head!.seq
    await goBack(1)
    const events = recordEvents(crew)
    await crew.sync()
    expect(gaps).toEqual([{ at }])
    expect(events.all).toEqual([])
    expect(crew.tracker.get('a')).toBeDefined()
    expect(crew.tracker.get('b')).toBeUndefined()

    await crew.tracker.create({ id: 'c', description: 'C' })
    await other.sync()
    expect(stateOf(other)).toEqual(stateOf(crew))
    expect(stateOf(await open())).toEqual(stateOf(crew))
  })

  it('tells what is added after, once, and not again what was told before', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    await crew.tracker.create({ id: 'b', description: 'B' })
    await goBack(1)
    await other.sync()
    await other.tracker.create({ id: 'c', description: 'C' })
    const events = recordEvents(crew)
    await crew.sync()
    await other.tracker.create({ id: 'd', description: 'D' })
    await crew.sync()
    expect(events.of('created').map(({ task }) => task.id)).toEqual(['d'])
    expect(stateOf(crew)).toEqual(stateOf(other))
  })

  it('aborts all its attempts, and gives up what it held that is still there', async () => {
    const [kept, lost] = [await claimed('kept'), await claimed('lost')]
    await goBack(1)
    await crew.sync()
    expect(kept.signal.reason).toMatchObject({ code: 'stale_attempt' })
    expect(lost.signal.reason).toMatchObject({ code: 'stale_attempt' })
    await environment.advance('1m')
    expect(crew.tracker.get('kept')).toMatchObject({ status: 'pending', attempts: [{ outcome: 'lost' }] })
    expect(crew.tracker.get('lost')).toMatchObject({ status: 'pending', attempts: [] })
  })

  it('lets no attempt of before write in the name of a later one with the same fence (CL-26)', async () => {
    const attempt = await claimed('tides')
    await goBack(1)
    await other.sync()
    const next = await other.tracker.claim('bo', { taskId: 'tides' })
    await crew.sync()
    expect(next!.fence).toBe(attempt.fence)
    // Guards that an attempt which has been ended so writes no more.
    await expect(attempt.complete({ result: 'mine' })).rejects.toMatchObject({ code: 'stale_attempt' })
    expect(await next!.complete({ result: 'theirs' })).toMatchObject({ result: 'theirs' })
  })

  it.each<[string, () => Crew]>([
    ['another process', () => other],
    ['the same process', () => crew],
  ])(
    'tells by session and start that a fence which was written down elsewhere is not that of a later claim by %s (CL-26)',
    async (_, claimer) => {
      await claimed('tides')
      const written = { ...crew.tracker.get('tides')!.attempts.at(-1)! }
      await goBack(1)
      await Promise.all([crew.sync(), other.sync(), environment.advance('1s')])
      const { tracker } = claimer()
      const next = await tracker.claim('bo', { taskId: 'tides' })
      const newest = tracker.get('tides')!.attempts.at(-1)!
      expect([newest.session, newest.startedAt]).not.toEqual([written.session, written.startedAt])
      // The number alone cannot tell.
      expect(written.fence).toBe(next!.fence)
      expect(await tracker.progress('tides', { fence: written.fence, note: 'of before' })).toMatchObject({
        holder: 'bo',
      })
    },
  )

  it('ends the waits for what is gone with not_found, and goes on with the others', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    await crew.tracker.create({ id: 'b', description: 'B' })
    const [a, b] = [crew.tracker.whenEnded('a'), crew.tracker.whenEnded('b')]
    const reply = crew.as('ana').ask('bo', 'Ready?')
    const outcomes = Promise.allSettled([b, reply])
    await environment.settle()
    await goBack(2)
    await crew.sync()
    expect(await outcomes).toMatchObject([{ reason: { code: 'not_found' } }, { reason: { code: 'not_found' } }])
    await crew.tracker.cancel('a')
    expect(await a).toMatchObject({ id: 'a' })
  })

  it('answers commands whose commit was under way with outcome_unknown', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    await goBack(1)
    const late = crew.tracker.create({ id: 'b', description: 'B' })
    await expect(late).rejects.toMatchObject({ code: 'outcome_unknown' })
    expect(((await late.catch((error: unknown) => error)) as Error).cause).toMatchObject({
      code: 'storage_unavailable',
      message: 'The log that it was sent to is gone',
    })
    await crew.tracker.create({ id: 'b', description: 'B' })
    expect(crew.tracker.list()).toMatchObject([{ id: 'b' }])
  })

  it('decides those again that change nothing, though they were decided with it', async () => {
    await crew.tracker.create({ id: 'a', description: 'A' })
    await goBack(1)
    const late = crew.tracker.create({ id: 'b', description: 'B' })
    const [none, again] = [
      crew.tracker.claim('nobody', { taskId: 'a' }),
      crew.tracker.create({ id: 'a', description: 'A' }),
    ]
    none.catch(() => undefined)
    await expect(late).rejects.toMatchObject({ code: 'outcome_unknown' })
    // It was refused as long as there was such a task.
    expect(await again).toMatchObject({ id: 'a' })
    await expect(none).rejects.toMatchObject({ code: 'not_found' })
  })

  it('works on, though the log went back to its beginning', async () => {
    const gaps: CrewEvents['diverged'][0][] = []
    crew.on('diverged', (gap) => gaps.push(gap))
    const at = crew.journal.head!.seq
    await goBack(at)
    await crew.sync()
    expect(gaps).toEqual([{ at }])
    expect(crew.journal.head).toBeUndefined()
    expect(crew.members).toEqual([])
    await crew.join('cy')
    await crash(crew)
    expect((await open()).members).toMatchObject([{ id: 'cy' }])
  })
})
