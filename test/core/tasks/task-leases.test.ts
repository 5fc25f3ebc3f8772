import { type Attempt, type Commit, MemoryStorage } from 'crewlog'
import { crash, type Fault, faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, openBoards, refusal } from '../../support/board.js'
import { type Stalling, stalling } from '../../support/stall.js'

/** Events of all commits in a storage. */
async function stored(storage: MemoryStorage): Promise<readonly Commit['events'][number][]> {
  const run = await storage.read('crew', 0, Infinity)
  return 'commits' in run ? run.commits.flatMap(({ events }) => events) : []
}

describe('a session', () => {
  it('renews all its leases by one event every third of the shortest, and nothing when it holds none', async () => {
    const { environment, tracker, events } = await openBoard()
    await tracker.createMany([named('a'), named('b'), named('c')])
    await environment.advance('10m')
    expect(events.types('session')).toEqual([])
    const attempts = await Promise.all(['ana', 'bo', 'cleo'].map((member) => claim(tracker, member)))
    events.clear()
    await environment.advance('1m')
    expect(events.types()).toEqual(['session.renewed', 'session.renewed', 'session.renewed'])
    for (const attempt of attempts) await attempt.complete()
    events.clear()
    await environment.advance('10m')
    expect(events.types()).toEqual([])
  })

  it('keeps an attempt for as long as it lives', async () => {
    const [a, b] = await openBoards(2)
    await a!.tracker.create(named('a'))
    const attempt = await claim(a!.tracker, 'ana')
    await a!.environment.advance('3h')
    expect(attempt.expiresInMs).toBeGreaterThan(30_000)
    expect(b!.tracker.get('a')).toMatchObject({ status: 'in_progress', fence: 1 })
    expect(await attempt.complete()).toMatchObject({ status: 'completed' })
  })

  it.each([
    ['of the crew', { leaseMs: 6000 }, {}],
    ['of the claim', {}, { leaseMs: 6000 }],
  ])('renews by the lease %s', async (_, ofCrew, ofClaim) => {
    const { environment, tracker, events } = await openBoard(ofCrew)
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana', ofClaim)
    expect(attempt.expiresInMs).toBe(6000)
    await environment.advance('6s')
    expect(events.types('session')).toHaveLength(3)
  })
})

describe('a lease that is shorter than others of its session', () => {
  it('is safe from the start, though the session has renewed nothing for longer', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b')])
    await claim(tracker, 'ana')
    await environment.advance('15s')
    const short = await claim(tracker, 'bo', { leaseMs: 1000 })
    expect(short.expiresInMs).toBe(1000)
    await environment.advance('1m')
    expect(short.isOver).toBe(false)
    await short.complete()
  })
})

/** What ana holds in a process that dies, as bo's process sees it. */
async function died(leases: readonly (number | undefined)[] = [undefined]): Promise<Board> {
  const [a, b] = await openBoards(2)
  await a!.crew.join('ana', { capacity: leases.length })
  await a!.tracker.createMany(leases.map((_, at) => named(`t${at}`)))
  for (const leaseMs of leases) await claim(a!.tracker, 'ana', leaseMs === undefined ? {} : { leaseMs })
  await b!.crew.sync()
  await crash(a!.crew)
  b!.events.clear()
  return b!
}

describe('a process that dies', () => {
  it('loses its attempts when its lease has passed by the stopwatch of another, not before (TL-12) (CL-11)', async () => {
    const { environment, tracker, events } = await died()
    await environment.advance(59_999)
    expect(tracker.get('t0')).toMatchObject({ status: 'in_progress', holder: 'ana' })
    // Observers wait up to a tenth longer, so that they do not all come at once.
    await environment.advance(6001)
    expect(tracker.get('t0')).toMatchObject({
      status: 'pending',
      holder: undefined,
      counted: { failures: 1, lost: 1 },
      attempts: [{ outcome: 'lost', reason: 'Its lease was lost' }],
    })
    expect(events.of('released')).toMatchObject([{ reason: 'Its lease was lost' }])
    await environment.advance('1s')
    expect((await claim(tracker, 'bo')).fence).toBe(2)
  })

  it('loses each by the lease of its own (CL-13)', async () => {
    const { environment, tracker } = await died([undefined, 300_000])
    await environment.advance('70s')
    expect([tracker.status('t0'), tracker.status('t1')]).toEqual(['pending', 'in_progress'])
    await environment.advance('229s')
    expect(tracker.status('t1')).toBe('in_progress')
    await environment.advance('100s')
    expect(tracker.status('t1')).toBe('pending')
  })

  it('loses all of many, and is not held up by one that has ended already (CL-14)', async () => {
    const { environment, tracker } = await died(Array.from({ length: 1500 }, () => undefined))
    await tracker.cancel('t0', { force: true })
    await environment.advance('70s')
    expect(tracker.count({ status: 'in_progress' })).toBe(0)
    expect(tracker.count({ status: 'pending' })).toBe(1499)
  })

  it('loses nothing to one that only has not heard of its renewals yet', async () => {
    const storage = new MemoryStorage()
    const shared = { storage: Object.assign(storage, { watch: undefined }), environment: manualEnvironment() }
    const [a, b] = [await openBoard(shared), await openBoard(shared)]
    await a.tracker.create(named('a'))
    // Shorter than the pauses between two looks at the storage.
    const attempt = await claim(a.tracker, 'ana', { leaseMs: 1000 })
    await b.crew.sync()
    await shared.environment.advance('1m')
    expect([attempt.isOver, b.tracker.get('a')?.version]).toEqual([false, 2])
  })

  it('is counted once, however many see it (CL-23)', async () => {
    const storage = new MemoryStorage()
    const [a, ...others] = await openBoards(5, { storage })
    await a!.tracker.create(named('a'))
    await claim(a!.tracker, 'ana')
    await crash(a!.crew)
    await others[0]!.environment.advance('5m')
    const released = (await stored(storage)).filter(({ type }) => type === 'task.released')
    expect(released).toHaveLength(1)
    for (const { tracker } of others) expect(tracker.get('a')).toMatchObject({ counted: { lost: 1 }, version: 3 })
  })

  it('started again does not take its attempts up: it needs a new claim, with a new fence (TL-15) (CL-25)', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const before = await openBoard({ storage, environment })
    await before.tracker.create(named('a'))
    const old = await claim(before.tracker, 'ana')
    // The old instance still runs.
    const after = await openBoard({ storage, environment })
    expect(await after.tracker.claim('ana')).toBeUndefined()
    await before.crew.close()
    await after.crew.sync()
    const fresh = await claim(after.tracker, 'ana')
    expect(fresh.fence).toBeGreaterThan(old.fence)
    expect(await refusal(after.tracker.complete('a', { fence: old.fence }))).toMatchObject({ code: 'stale_attempt' })
    expect(await refusal(old.complete())).toMatchObject({ code: 'closed' })
    expect(after.tracker.list({ status: 'in_progress' }).map(({ fence }) => fence)).toEqual([fresh.fence])
  })
})

/** Ana works in a process that can be stalled, bo in another; task 'a' is ana's. */
async function twoProcesses(): Promise<{ process: Stalling; a: Board; b: Board; attempt: Attempt }> {
  const storage = new MemoryStorage()
  const environment = manualEnvironment()
  const process = stalling(environment)
  const a = await openBoard({ storage, environment: process })
  const b = await openBoard({ storage, environment })
  await a.tracker.create(named('a'))
  const attempt = await claim(a.tracker, 'ana')
  await b.crew.sync()
  return { process, a, b, attempt }
}

describe('a process that stalls', () => {
  it('finds out that it lost its attempt before it writes, and ends it (CL-09) (MP-03) (MP-11)', async () => {
    const { process, a, b, attempt } = await twoProcesses()
    process.stall()
    await b.environment.advance('2m')
    const next = await claim(b.tracker, 'bo')
    process.resume()
    const late = attempt.complete({ result: 'late' })
    expect(await refusal(late)).toMatchObject({ code: 'stale_attempt' })
    expect(attempt.signal.reason).toMatchObject({ code: 'stale_attempt' })
    expect(attempt.isOver).toBe(true)
    expect(b.tracker.get('a')).toMatchObject({ status: 'in_progress', holder: 'bo', fence: next.fence })
    await next.complete({ result: 'in time' })
    await a.crew.sync()
    expect(a.tracker.get('a')?.result).toBe('in time')
  })

  it('may still write when nobody took over: only the fence decides (CL-22)', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    environment.suspend('1h')
    expect(await attempt.complete()).toMatchObject({ status: 'completed' })
  })

  it('holds nothing against others for what it did not hear of while it was stalled', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const process = stalling(environment)
    const a = await openBoard({ storage, environment })
    const b = await openBoard({ storage: Object.assign(storage, { watch: undefined }), environment: process })
    await a.tracker.create(named('a'))
    const attempt = await claim(a.tracker, 'ana')
    await b.crew.sync()
    process.stall()
    await environment.advance('2m')
    process.resume()
    await environment.settle()
    expect(attempt.isOver).toBe(false)
    expect(await attempt.complete()).toMatchObject({ status: 'completed' })
  })
})

describe('a process that cannot reach the storage', () => {
  async function cutOff(
    fault: Fault,
  ): Promise<{ a: Board; b: Board; attempt: Attempt; calls: () => number; mend: () => void }> {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    let open = 0
    let most = 0
    const bad = faultyStorage(storage, { environment })
    const append = bad.append.bind(bad)
    const counted: typeof append = async (journal, commit) => {
      most = Math.max(most, ++open)
      try {
        return await append(journal, commit)
      } finally {
        open--
      }
    }
    const a = await openBoard({ storage: Object.assign(bad, { append: counted }), environment })
    const b = await openBoard({ storage, environment })
    await a.tracker.create(named('a'))
    const attempt = await claim(a.tracker, 'ana')
    await b.crew.sync()
    bad.fail(fault)
    most = open = 0
    return {
      a,
      b,
      attempt,
      calls: () => most,
      mend: () => {
        bad.heal()
      },
    }
  }

  it.each(['error', 'late'] as const)(
    'ends its attempts before others can take them over: %s (CL-08)',
    async (fault) => {
      const { b, attempt, mend } = await cutOff(fault)
      const { signal } = attempt
      const order: string[] = []
      signal.addEventListener('abort', () => order.push('aborted'))
      b.tracker.on('released', () => order.push('released'))
      await b.environment.advance('110s')
      expect(signal.reason).toMatchObject({ code: 'stale_attempt' })
      expect(order).toEqual(['aborted', 'released'])
      mend()
      await b.environment.advance('2m')
      expect(b.tracker.get('a')).toMatchObject({ status: 'pending', counted: { failures: 1, lost: 1 } })
    },
  )

  it('does not pile renewals up (CL-08)', async () => {
    const { b, calls } = await cutOff('error')
    await b.environment.advance('5m')
    expect(calls()).toBe(1)
  })

  it('goes on when it can renew in time', async () => {
    const { b, attempt, mend } = await cutOff('error')
    await b.environment.advance('40s')
    mend()
    await b.environment.advance('1h')
    expect(attempt.isOver).toBe(false)
    expect(await attempt.complete()).toMatchObject({ status: 'completed' })
  })
})
