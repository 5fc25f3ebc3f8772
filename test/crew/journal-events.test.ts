import { describe, expect, it } from 'vitest'
import { type Crew, MemoryStorage, openCrew, type StoredEvent } from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { openPair, openTeam } from '../support/team.js'

/** What a stream hands out, until it ends; `seen` grows as it comes. */
function reading(stream: AsyncIterable<StoredEvent>) {
  const seen: StoredEvent[] = []
  const done = (async () => {
    for await (const event of stream) seen.push(event)
  })()
  return { seen, done }
}

async function storedIn(storage: MemoryStorage): Promise<readonly StoredEvent[]> {
  const run = await storage.read('crew', 0, 10_000)
  return 'commits' in run
    ? run.commits.flatMap(({ seq, events }) => events.map((event, index) => ({ ...event, seq, index })))
    : []
}

const create = (crew: Crew, count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => crew.tracker.create({ description: `Task ${n}` })))

describe('events({ after })', () => {
  it('gives all since a commit, then what comes, in order and once, by every process (EV-12)', async () => {
    const { here, there, storage, environment } = await openPair()
    for (let n = 0; n < 250; n++) await here.tracker.create({ description: 'before' })
    const streams = [here, there].map((crew) => reading(crew.events({ after: 2 })))
    for (let n = 0; n < 5; n++) {
      await Promise.all([create(here, 3), create(there, 3)])
      await environment.settle()
    }
    await Promise.all([here.sync(), there.sync()])
    await environment.settle()
    const stored = (await storedIn(storage)).filter(({ seq }) => seq > 2)
    expect(stored.length).toBe(280)
    for (const { seen } of streams) expect(seen).toEqual(stored)
  })

  it('begins now when no number is given, whatever comes before the first is asked for', async () => {
    const { crew, tracker, environment } = await openTeam()
    await tracker.create({ id: 'before', description: 'x' })
    const stream = crew.events()
    await tracker.create({ id: 'after', description: 'x' })
    const { seen } = reading(stream)
    await environment.settle()
    expect(seen.map(({ id }) => id)).toEqual(['after'])
  })

  it('goes on where a reader left off, in another process too', async () => {
    const { here, reopen, environment } = await openPair()
    for (let n = 0; n < 5; n++) await create(here, 1)
    let cursor = 0
    for await (const { seq } of here.events({ after: 0 })) {
      cursor = seq
      if (seq === 4) break
    }
    await here.close()
    const { seen } = reading((await reopen()).events({ after: cursor }))
    await environment.settle()
    expect(seen.filter(({ type }) => type === 'task.created')).toHaveLength(3)
  })

  it('goes on after any event of a commit, so that a reader that stopped there loses none and sees none twice', async () => {
    const { here, reopen, environment, storage } = await openPair()
    await create(here, 3)
    await create(here, 2)
    const stored = await storedIn(storage)
    expect(stored.filter(({ index }) => index > 0).length).toBeGreaterThan(1)
    const other = await reopen()
    for (const [at, event] of stored.entries()) {
      const { seq, index } = event
      const streams = [event, { seq, index }].map((after) => reading(other.events({ after })))
      await environment.settle()
      for (const { seen } of streams) expect(seen).toEqual(stored.slice(at + 1))
    }
  })

  it('tells the place of an event alike by every way', async () => {
    const { crew, tracker, environment } = await openTeam()
    const heard: StoredEvent[] = []
    crew.on('*', (event) => heard.push(event))
    const { seen } = reading(crew.events())
    const [first, second] = await tracker.createMany([{ description: 'a' }, { description: 'b' }])
    await environment.settle()
    expect(seen.map(({ id, index }) => [id, index])).toEqual([first!.id, second!.id].map((id, index) => [id, index]))
    expect(heard).toEqual(seen)
    expect(await tracker.history(second!.id)).toEqual([seen[1]])
  })

  it('catches up before it says that a commit is not there', async () => {
    const { here, there, environment } = await openPair()
    await here.tracker.create({ id: 'first', description: 'x' })
    const { seq } = here.journal.head!
    const seen = reading(there.events({ after: { seq, index: 0 } }))
    await here.tracker.create({ id: 'second', description: 'x' })
    await there.sync()
    await environment.settle()
    expect(seen.seen.map(({ id }) => id)).toEqual(['second'])
  })

  it.each([100, { seq: 100, index: 0 }, { seq: 1, index: 100 }])(
    'refuses a place that is not in the journal, instead of leaving events out: %o',
    async (after) => {
      const { here } = await openPair()
      await create(here, 1)
      await expect(here.events({ after })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' })
    },
  )

  it('waits for a storage that is away before it says that a commit is not there', async () => {
    const environment = manualEnvironment()
    const real = new MemoryStorage()
    const storage = faultyStorage(real, { environment })
    const [writer, reader] = [
      await openCrew({ storage: real, environment, onError: () => undefined }),
      await openCrew({ storage, environment, onError: () => undefined }),
    ]
    storage.fail('error')
    await writer.tracker.create({ id: 'first', description: 'x' })
    const { seen } = reading(reader.events({ after: 1 }))
    await environment.advance('10s')
    storage.heal()
    await writer.tracker.create({ id: 'second', description: 'x' })
    await environment.advance('10s')
    expect(seen.map(({ id }) => id)).toEqual(['second'])
  })

  it('shows nothing that its own process does not answer yet', async () => {
    const { here, there } = await openPair()
    let isMissing = false
    const done = (async () => {
      for await (const { type, id } of there.events({ after: 0 }))
        if (type === 'task.created') {
          isMissing ||= there.tracker.get(id) === undefined
          if (id === 'last') break
        }
    })()
    await create(here, 20)
    await here.tracker.create({ id: 'last', description: 'x' })
    await there.sync()
    await done
    expect(isMissing).toBe(false)
  })

  it('reads no further ahead than one page, however slow its reader is (EV-17)', async () => {
    const environment = manualEnvironment()
    let pages = 0
    const storage = faultyStorage(new MemoryStorage(), {
      environment,
      plan: (call) => {
        if (call === 'read') pages++
        return undefined
      },
    })
    const crew = await openCrew({ storage, environment })
    for (let n = 0; n < 1000; n++) await crew.tracker.create({ description: 'x' })
    await environment.settle()
    const before = pages
    const stream = crew.events({ after: 0 })[Symbol.asyncIterator]()
    for (let n = 0; n < 100; n++) await stream.next()
    expect(pages - before).toBe(1)
    await stream.next()
    expect(pages - before).toBe(2)
  })

  it('ends when its signal aborts, at once also while it waits, and when the crew closes', async () => {
    const { crew, environment } = await openTeam()
    const abort = new AbortController()
    const aborted = reading(crew.events({ signal: abort.signal }))
    const mid = reading(
      (async function* () {
        for await (const event of crew.events({ after: 0, signal: abort.signal })) {
          yield event
          abort.abort()
        }
      })(),
    )
    const closed = reading(crew.events({ after: 0 }))
    await environment.settle()
    await Promise.all([aborted.done, mid.done])
    expect(mid.seen).toHaveLength(1)
    await crew.close()
    await closed.done
    expect(closed.seen).toHaveLength(2)
    expect(() => crew.events()).toThrow(expect.objectContaining({ code: 'closed' }) as Error)
  })

  it('says that what comes next was trimmed, instead of leaving it out (EV-15)', async () => {
    const { here, storage, environment } = await openPair()
    await create(here, 1)
    for (let n = 0; n < 10; n++) await here.tracker.create({ description: 'x' })
    const slow = here.events({ after: 1 })[Symbol.asyncIterator]()
    await slow.next()
    await storage.trim('crew', 5)
    await expect(here.events({ after: 4 })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'cursor_expired',
      details: { after: 4, trimmedTo: 5 },
    })
    const { seen } = reading(here.events({ after: 5 }))
    await environment.settle()
    expect(seen[0]!.seq).toBe(6)
  })

  it('survives a storage that is away for a while, and tells of it', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const errors: unknown[] = []
    const crew = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    await create(crew, 3)
    storage.fail('error', 'read')
    const { seen } = reading(crew.events({ after: 0 }))
    await environment.advance('2s')
    expect(seen).toEqual([])
    storage.heal()
    await environment.advance('2s')
    expect(seen).toHaveLength(3)
    expect(errors[0]).toMatchObject({ code: 'storage_unavailable' })
  })

  it.each([[{ after: -1 }], [{ after: 1.5 }], [{ signal: {} }], [{ since: 1 }]])('refuses %j', async (options) => {
    const { crew } = await openTeam()
    expect(() => crew.events(options as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }) as Error)
  })
})
