import { type Attempt, type Environment, Journal, MemoryStorage } from 'crewlog'
import { crash, faultyStorage, type FaultyStorage, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, openBoards, refusal } from '../../support/board.js'
import { stalling } from '../../support/stall.js'

/** A storage in which ana's process has died, with what it held. */
async function afterDeath(leaseMs = 60_000): Promise<{ storage: MemoryStorage; environment: ManualEnvironment }> {
  const storage = new MemoryStorage()
  const environment = manualEnvironment()
  const a = await openBoard({ storage, environment, leaseMs })
  await a.tracker.create(named('a'))
  await a.crew.communications.send({ sender: 'bo', recipient: 'ana', content: 'hi' })
  await claim(a.tracker, 'ana')
  await a.crew.communications.receive('ana', { leaseMs })
  await crash(a.crew)
  return { storage, environment }
}

/** With two tasks, over a storage that can fail. */
async function boardOverFaults() {
  const environment = manualEnvironment()
  const storage = faultyStorage(new MemoryStorage(), { environment })
  const board = await openBoard({ storage, environment })
  await board.tracker.createMany([named('a'), named('b')])
  return { ...board, environment, storage }
}

/** A command is stored, and whoever called it is never told. */
async function untold(
  storage: FaultyStorage,
  environment: ManualEnvironment,
  command: () => Promise<unknown>,
): Promise<void> {
  storage.fail('lost answer')
  const lost = refusal(command())
  await environment.advance('1s')
  storage.fail('error')
  await environment.advance('40s')
  expect(await lost).toMatchObject({ code: 'outcome_unknown' })
  storage.heal()
}

describe('a process that opens late', () => {
  it('frees at once what was not renewed for its lease and five minutes, so that none need live for a lease', async () => {
    const { storage, environment } = await afterDeath()
    await environment.advance('6m')
    const { crew, tracker } = await openBoard({ storage, environment })
    expect(tracker.get('a')).toMatchObject({ status: 'pending', counted: { lost: 1 }, holder: undefined })
    await environment.advance('1s')
    expect(await tracker.claim('bo')).toBeDefined()
    expect(await crew.communications.receive('ana')).toMatchObject([{ count: 2 }])
    await crew.close()
  })

  it('leaves what may have been renewed just now, were its clock five minutes ahead', async () => {
    const { storage, environment } = await afterDeath()
    await environment.advance(359_999)
    const { tracker } = await openBoard({ storage, environment })
    expect(tracker.status('a')).toBe('in_progress')
    // Its stopwatch began when that was certain, not when it opened; and observers wait up to a tenth longer.
    await environment.advance('6s')
    expect(tracker.status('a')).toBe('pending')
  })

  it.each([
    [0, 60_000],
    [30_000, 90_000],
  ])('takes clocks to differ by %d ms when told so', async (clockSkewMs, afterMs) => {
    const { storage, environment } = await afterDeath()
    await environment.advance(afterMs - 1)
    const early = await openBoard({ storage, environment, clockSkewMs })
    expect(early.tracker.status('a')).toBe('in_progress')
    await crash(early.crew)
    await environment.advance(1)
    expect((await openBoard({ storage, environment, clockSkewMs })).tracker.status('a')).toBe('pending')
  })

  it('counts from the last renewal, not from the claim', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const a = await openBoard({ storage, environment })
    await a.tracker.create(named('a'))
    await claim(a.tracker, 'ana')
    await environment.advance('1h')
    await crash(a.crew)
    await environment.advance('5m')
    const { tracker } = await openBoard({ storage, environment })
    expect(tracker.status('a')).toBe('in_progress')
    await environment.advance('66s')
    expect(tracker.status('a')).toBe('pending')
  })

  it('believes its own stopwatch, and no clock, of whom it has heard since', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const b = await openBoard({ storage, environment })
    // Guards that wall clocks are compared at the opening only.
    const wrong: Environment = { ...environment, now: () => environment.now() - 3_600_000 }
    const a = await openBoard({ storage, environment: wrong })
    await a.tracker.create(named('a'))
    const attempt = await claim(a.tracker, 'ana')
    await environment.advance('10m')
    expect([attempt.isOver, b.tracker.status('a')]).toEqual([false, 'in_progress'])
  })

  it('frees nothing in the past, which stays as it was', async () => {
    const { storage, environment } = await afterDeath()
    await environment.advance('1h')
    const { tracker } = await openBoard({ storage, environment, at: { time: environment.now() } })
    expect(tracker.get('a')).toMatchObject({ status: 'in_progress', holder: 'ana' })
  })

  it.each([-1, NaN, '5m'])('refuses clocks that differ by %s', async (clockSkewMs) => {
    expect(await refusal(openBoard({ clockSkewMs: clockSkewMs as number }))).toMatchObject({ code: 'invalid_input' })
  })
})

/** Two processes on one machine; task 'a' is ana's, in the first. */
async function onOneMachine(): Promise<{ a: Board; b: Board; attempt: Attempt; environment: ManualEnvironment }> {
  const [a, b] = (await openBoards(2)) as [Board, Board]
  await a.tracker.create(named('a'))
  const attempt = await claim(a.tracker, 'ana')
  await b.crew.sync()
  return { a, b, attempt, environment: a.environment }
}

describe('a machine that slept', () => {
  it('goes on where it was: who holds something renews it, who watches waits for that, and nobody is blamed (TM-10)', async () => {
    const { a, b, attempt, environment } = await onOneMachine()
    await environment.advance('30s')
    environment.suspend('8h')
    await environment.advance('10m')
    // Guards `missed` of both kinds of session: without it the one lapses, or the other releases.
    expect([attempt.isOver, attempt.signal.aborted]).toEqual([false, false])
    expect(b.tracker.get('a')).toMatchObject({ status: 'in_progress', fence: 1, counted: { failures: 0, lost: 0 } })
    expect(await attempt.complete()).toMatchObject({ status: 'completed', attemptCount: 1 })
    expect([...a.errors, ...b.errors]).toEqual([])
  })

  it('takes nothing from who has no rival (TM-10)', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    environment.suspend('8h')
    await environment.advance('5m')
    expect(attempt.isOver).toBe(false)
    expect(await attempt.complete()).toMatchObject({ status: 'completed', attemptCount: 1 })
  })

  it('ends, once it wakes, what others took over meanwhile (TM-10)', async () => {
    const storage = Object.assign(new MemoryStorage(), { watch: undefined })
    const [here, elsewhere] = [manualEnvironment(), manualEnvironment()]
    const a = await openBoard({ storage, environment: here })
    const b = await openBoard({ storage, environment: { ...elsewhere, id: () => `b-${elsewhere.id()}` } })
    await a.tracker.create(named('a'))
    const attempt = await claim(a.tracker, 'ana')
    const { signal } = attempt
    await b.crew.sync()
    await elsewhere.advance('2m')
    const next = await claim(b.tracker, 'bo')
    here.suspend('2m')
    await here.advance('20s')
    expect(signal.reason).toMatchObject({ code: 'stale_attempt' })
    await next.complete()
    expect(b.tracker.get('a')).toMatchObject({ status: 'completed', counted: { lost: 1 } })
  })

  it('lets go by itself of what it cannot renew within a third of a lease (TM-10)', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const { tracker } = await openBoard({ storage, environment })
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    const { signal } = attempt
    environment.suspend('8h')
    storage.fail('error')
    // The first timer that runs is that of the renewal, 20 s after the claim.
    await environment.advance(39_999)
    expect(attempt.isOver).toBe(false)
    await environment.advance(2)
    expect(signal.reason).toMatchObject({ code: 'stale_attempt' })
  })

  it('watches whoever died while it slept for one lease more, and then frees what they held', async () => {
    const { a, b, environment } = await onOneMachine()
    await crash(a.crew)
    environment.suspend('8h')
    await environment.advance('66s')
    expect(b.tracker.status('a')).toBe('in_progress')
    await environment.advance('67s')
    expect(b.tracker.get('a')).toMatchObject({ status: 'pending', counted: { lost: 1 } })
  })
})

describe('processes that stood still together', () => {
  it('lose nothing to each other, whichever runs first (TM-10) (MP-03)', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const [first, second] = [stalling(environment), stalling(environment)]
    const a = await openBoard({ storage, environment: first })
    const b = await openBoard({ storage, environment: second })
    await a.tracker.createMany([named('a'), named('b')])
    const attempts = [await claim(a.tracker, 'ana'), await claim(b.tracker, 'bo')]
    await a.crew.sync()
    first.stall()
    second.stall()
    await environment.advance('10m')
    // Timers ran late, which is a gap like sleep: guards the other half of `#gapMs`.
    first.resume()
    await environment.settle()
    second.resume()
    await environment.advance('10m')
    expect(attempts.map(({ isOver }) => isOver)).toEqual([false, false])
    for (const { counted, fence } of a.tracker.list()) expect([counted.lost, fence]).toEqual([0, 1])
  })
})

describe('the end of a session', () => {
  it('is told when it closes, once it has held something, and not of one that never did', async () => {
    const [a, b, c] = (await openBoards(3)) as [Board, Board, Board]
    await a.tracker.create(named('a'))
    await (await claim(a.tracker, 'ana')).complete()
    c.events.clear()
    await b.crew.close()
    await a.crew.close()
    await c.crew.sync()
    expect(c.events.types('session')).toEqual(['ended'])
    expect(c.events.of('session.ended')).toMatchObject([{ session: a.crew.journal.session }])
  })

  it('is told with the last that it loses, in the same commit, by one only', async () => {
    const boards = await openBoards(4)
    const [a, b] = boards as [Board, Board]
    await a.crew.join('ana', { capacity: 2 })
    await a.tracker.createMany([named('a'), named('b')])
    await claim(a.tracker, 'ana')
    await claim(a.tracker, 'ana', { leaseMs: 300_000 })
    await b.crew.sync()
    await crash(a.crew)
    b.events.clear()
    await b.environment.advance('2m')
    expect(b.events.types('session')).toEqual([])
    await b.environment.advance('5m')
    const [ended, ...more] = b.events.of('session.ended')
    expect(ended?.session).toBe(a.crew.journal.session)
    expect(more).toEqual([])
    expect(b.events.of('released').at(-1)?.commit.seq).toBe(ended?.commit.seq)
  })

  it('is no end for one that still lives, and claims anew', async () => {
    const { a, b, attempt, environment } = await onOneMachine()
    const gone = a.crew.journal.session
    await a.crew.journal.decide((turn) => turn.emit('session.ended', gone, {}))
    await environment.advance('10m')
    expect([attempt.isOver, b.tracker.status('a')]).toEqual([false, 'in_progress'])
  })
})

describe('a command that was given up, and found in the journal later', () => {
  it('proves nothing of now: a late look at an old renewal lengthens no lease', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const { tracker, errors } = await openBoard({ storage, environment })
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    await environment.advance('19s')
    storage.fail('lost answer', 'append')
    storage.fail('lost answer')
    await environment.advance('2s')
    storage.fail('error')
    // The renewal of 0:20 is stored, not answered, and given up at about 0:50.
    await environment.advance('34s')
    expect(errors).toContainEqual(expect.objectContaining({ code: 'outcome_unknown' }))
    storage.fail('error', 'append')
    await environment.advance('4s')
    // It is folded by now; others heard of it 35 s ago.
    expect(attempt.isOver).toBe(false)
    await environment.advance('2s')
    // Guards `decidedAt` of what is folded: were it now, the holder would trust its lease until 1:55.
    expect(attempt.isOver).toBe(true)
  })

  it('holds nothing for ever: a claim that nobody was told of ends after its lease, unblamed (TL-12) (RL-07)', async () => {
    const { environment, storage, tracker } = await boardOverFaults()
    await untold(storage, environment, () => tracker.claim('ana'))
    await environment.advance('10s')
    expect(tracker.get('a')).toMatchObject({ status: 'in_progress', holder: 'ana' })
    expect(await tracker.claim('ana')).toBeUndefined()
    // Guards `untold`: otherwise this session renews it for as long as it lives.
    await environment.advance('60s')
    expect(tracker.get('a')).toMatchObject({
      status: 'pending',
      counted: { failures: 0, lost: 0 },
      attempts: [{ outcome: 'released', reason: 'nobody was told of the claim' }],
    })
    const attempt = await claim(tracker, 'ana')
    await environment.advance('1h')
    expect(await attempt.complete()).toMatchObject({ status: 'completed' })
  })

  it('is taken up when it is called again with its idempotency key, and then held like any (CL-21)', async () => {
    const { environment, storage, tracker } = await boardOverFaults()
    await untold(storage, environment, () => tracker.claim('ana', { idempotencyKey: 'k' }))
    const attempt = await claim(tracker, 'ana', { idempotencyKey: 'k' })
    expect([attempt.task.id, attempt.fence]).toEqual(['a', 1])
    // Guards `takeUp`.
    await environment.advance('1h')
    expect(await attempt.complete()).toMatchObject({ status: 'completed', attemptCount: 1 })
  })

  it('delays no message for ever: a delivery that nobody was told of is handed out again, uncounted', async () => {
    const { environment, storage, crew } = await boardOverFaults()
    await crew.communications.send({ sender: 'bo', recipient: 'ana', content: 'hi' })
    await untold(storage, environment, () => crew.communications.receive('ana'))
    await environment.advance('70s')
    expect(await crew.communications.receive('ana')).toMatchObject([{ count: 1 }])
  })
})

describe('sessions of one process', () => {
  it('are told apart by ids of chance, with nothing shared between them (MP-12)', async () => {
    const journals = Array.from({ length: 1000 }, () => new Journal())
    const ids = new Set(journals.map(({ session }) => session))
    expect(ids.size).toBe(1000)
    for (const id of ids) expect(id.length).toBeGreaterThanOrEqual(21)
  })
})
