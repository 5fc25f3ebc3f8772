import { MemoryStorage, openCrew, systemEnvironment, TaskTracker } from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stalling } from '../../support/stall.js'
import { type Board, claim, named, openBoard, openBoards, refusal } from '../../support/board.js'

const MINUTE = 60_000
const DAY = 86_400_000

/** Ids that were told, in order. */
const told = ({ events }: Board, name: 'ready' | 'overdue'): readonly string[] =>
  events.of(name).map(({ task }) => task.id)

describe('notBefore', () => {
  it('keeps a task scheduled until its time, which makes it ready without an event of the journal', async () => {
    const board = await openBoard()
    const { environment, tracker, events } = board
    await tracker.create(named('a', { notBefore: environment.now() + MINUTE }))
    expect(tracker.stage('a')).toBe('scheduled')
    expect(await tracker.claim('ana', { taskId: 'a' })).toBeUndefined()
    expect(await refusal(tracker.start('a', { by: 'ana' }))).toMatchObject({
      code: 'not_eligible',
      message: 'ana cannot take task a: it is scheduled for 2026-01-01T00:01:00.000Z',
    })
    events.clear()
    await environment.advance(MINUTE - 1)
    expect([tracker.stage('a'), told(board, 'ready')]).toEqual(['scheduled', []])
    await environment.advance(1)
    expect([tracker.stage('a'), told(board, 'ready'), events.all]).toEqual(['new', ['a'], []])
  })

  it('that has passed changes nothing', async () => {
    const board = await openBoard()
    await board.tracker.create(named('a', { notBefore: board.environment.now() }))
    expect([board.tracker.stage('a'), told(board, 'ready')]).toEqual(['new', []])
  })

  it('can be moved, and taken away', async () => {
    const board = await openBoard()
    const { environment, tracker } = board
    await tracker.create(named('a', { notBefore: environment.now() + MINUTE }))
    await tracker.update('a', { notBefore: environment.now() + 2 * MINUTE })
    await environment.advance('1m')
    expect(tracker.stage('a')).toBe('scheduled')
    await tracker.update('a', { notBefore: null })
    expect(tracker.stage('a')).toBe('new')
    await environment.advance('1h')
    expect(told(board, 'ready')).toEqual([])
  })

  it('holds a blocked task up beyond its dependency', async () => {
    const board = await openBoard()
    const { environment, tracker } = board
    await tracker.createMany([
      named('root'),
      named('a', { dependsOn: ['root'], notBefore: environment.now() + MINUTE }),
    ])
    expect(tracker.stage('a')).toBe('blocked')
    await tracker.start('root', { by: 'ana' })
    await tracker.complete('root')
    expect([tracker.stage('a'), told(board, 'ready')]).toEqual(['scheduled', []])
    await environment.advance('1m')
    expect(told(board, 'ready')).toEqual(['a'])
  })

  it('is asked anew when the wall clock goes back', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a', { notBefore: environment.now() + MINUTE }))
    await environment.advance('1m')
    environment.setWallClock('2025-12-31T23:00:00Z')
    expect(await tracker.claim('ana')).toBeUndefined()
    expect(tracker.stage('a')).toBe('scheduled')
    environment.setWallClock('2026-01-01T00:01:00Z')
    expect(await tracker.claim('ana')).toBeDefined()
  })

  it('is the same in each process: the task is done once (TL-19)', async () => {
    const boards = await openBoards(3)
    const { environment, tracker } = boards[0]!
    await tracker.create(named('a', { notBefore: environment.now() + 10 * MINUTE }))
    const done: string[] = []
    for (const [index, { crew }] of boards.entries()) {
      await crew.join(`member ${index}`)
      crew.as(`member ${index}`).work((attempt) => done.push(attempt.member))
    }
    await environment.advance('1h')
    expect(done).toHaveLength(1)
    expect(tracker.get('a')).toMatchObject({ status: 'completed', attemptCount: 1 })
  })
})

describe('dueAt', () => {
  it('is a wish: after it the task is overdue, which is told once and changes nothing', async () => {
    const board = await openBoard()
    const { environment, tracker, events } = board
    await tracker.createMany([
      named('late', { dueAt: environment.now() + 2 * MINUTE }),
      named('soon', { dueAt: environment.now() + MINUTE }),
      named('done', { dueAt: environment.now() + MINUTE }),
      named('never'),
    ])
    await tracker.start('done', { by: 'ana' })
    await tracker.complete('done')
    events.clear()
    await environment.advance(MINUTE - 1)
    expect(tracker.overdue()).toEqual([])
    await environment.advance(1)
    expect(tracker.overdue().map(({ id }) => id)).toEqual(['soon'])
    await environment.advance('1d')
    expect(tracker.overdue().map(({ id }) => id)).toEqual(['soon', 'late'])
    expect([told(board, 'overdue'), events.all]).toEqual([['soon', 'late'], []])
    expect(await claim(tracker, 'ana')).toBeDefined()
  })

  it('holds while a task is worked on and while it waits, until it ends', async () => {
    const board = await openBoard()
    const { environment, tracker } = board
    await tracker.create(named('a', { dueAt: environment.now() + MINUTE }))
    const attempt = await claim(tracker, 'ana')
    await environment.advance('1m')
    await attempt.wait({ for: 'input' })
    expect(tracker.count({ overdue: true })).toBe(1)
    await tracker.cancel('a')
    expect(tracker.overdue()).toEqual([])
  })

  it('that is put off is told again when it passes', async () => {
    const board = await openBoard()
    const { environment, tracker } = board
    await tracker.create(named('a', { dueAt: environment.now() + MINUTE }))
    await environment.advance('1m')
    await tracker.update('a', { dueAt: environment.now() + MINUTE })
    expect(tracker.overdue()).toEqual([])
    await environment.advance('1m')
    expect(told(board, 'overdue')).toEqual(['a', 'a'])
  })

  it('before the crew was opened is no news, and neither is what was ready', async () => {
    const shared = { storage: new MemoryStorage(), environment: manualEnvironment() }
    const { tracker } = await openBoard(shared)
    await tracker.createMany([
      named('due', { dueAt: shared.environment.now() + MINUTE }),
      named('scheduled', { notBefore: shared.environment.now() + MINUTE }),
    ])
    await shared.environment.advance('1h')
    const late = await openBoard(shared)
    await shared.environment.advance('1h')
    expect([told(late, 'overdue'), told(late, 'ready')]).toEqual([[], []])
    expect(late.tracker.overdue().map(({ id }) => id)).toEqual(['due'])
  })
})

describe('failAt', () => {
  const reached: readonly (readonly [string, (board: Board) => Promise<unknown>])[] = [
    ['ready', async () => undefined],
    ['blocked', ({ tracker }) => tracker.addDependency('a', 'other')],
    ['started by hand', ({ tracker }) => tracker.start('a', { by: 'ana' })],
    ['claimed', ({ tracker }) => claim(tracker, 'ana')],
    ['waiting', async ({ tracker }) => (await claim(tracker, 'ana')).wait({ for: 'input' })],
  ]
  it.each(reached)('fails a task that is %s, with its dependents', async (_, arrange) => {
    const board = await openBoard()
    const { environment, tracker, events } = board
    await tracker.create(named('a', { failAt: environment.now() + MINUTE, priority: 2 }))
    await tracker.createMany([named('other'), named('next', { dependsOn: ['a'] })])
    await arrange(board)
    events.clear()
    await environment.advance(MINUTE - 1)
    expect(tracker.get('a')?.isOpen).toBe(true)
    await environment.advance(1)
    expect(tracker.get('a')).toMatchObject({
      status: 'failed',
      failure: { code: 'deadline', message: 'Not done by 2026-01-01T00:01:00.000Z' },
      endedAt: environment.now(),
      holder: undefined,
    })
    expect(tracker.get('next')?.failure).toMatchObject({ code: 'dependency', rootId: 'a' })
    expect(events.of('failed').map(({ task }) => task.id)).toEqual(['a', 'next'])
  })

  it('of two at once is settled once each, also when one falls with the other', async () => {
    const { environment, tracker, events } = await openBoard()
    const failAt = environment.now() + MINUTE
    await tracker.createMany([named('a', { failAt }), named('b', { failAt, dependsOn: ['a'] })])
    await environment.advance('1m')
    expect(events.of('failed').map(({ task }) => task.id)).toEqual(['a', 'b'])
    expect(tracker.get('b')).toMatchObject({ version: 2, failure: { code: 'dependency', rootId: 'a' } })
  })

  it('aborts the attempt that runs', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a', { failAt: environment.now() + MINUTE }))
    const attempt = await claim(tracker, 'ana')
    const { signal } = attempt
    await environment.advance('1m')
    expect(signal.reason).toMatchObject({ code: 'timed_out' })
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
  })

  it('that passed unnoticed is settled before the task is handed out, or anything else is done with it (TL-18)', async () => {
    for (const command of ['claim', 'claim by id', 'start', 'cancel', 'update'] as const) {
      const { environment, tracker } = await openBoard()
      await tracker.create(named('a', { failAt: environment.now() + MINUTE }))
      // No timer has run yet.
      environment.suspend('2m')
      if (command === 'claim') expect(await tracker.claim('ana')).toBeUndefined()
      else if (command === 'claim by id') expect(await tracker.claim('ana', { taskId: 'a' })).toBeUndefined()
      else {
        const refused =
          command === 'start'
            ? tracker.start('a', { by: 'ana' })
            : command === 'cancel'
              ? tracker.cancel('a')
              : tracker.update('a', { priority: 2 })
        expect(await refusal(refused)).toMatchObject({ code: 'invalid_transition' })
      }
      expect(tracker.get('a')).toMatchObject({ status: 'failed', failure: { code: 'deadline' }, attemptCount: 0 })
    }
  })

  it('is settled once by several processes', async () => {
    const boards = await openBoards(3)
    const { environment, tracker } = boards[0]!
    await tracker.create(named('a', { failAt: environment.now() + MINUTE }))
    await environment.advance('2m')
    for (const board of boards) {
      expect(board.events.of('failed')).toHaveLength(1)
      expect(board.tracker.get('a')?.version).toBe(2)
    }
  })

  it('is dropped by a retry after it', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a', { failAt: environment.now() + MINUTE }))
    await environment.advance('1m')
    expect(await tracker.retry('a')).toMatchObject({ status: 'pending', failAt: undefined })
    await environment.advance('1h')
    expect(tracker.status('a')).toBe('pending')
  })

  it('fails all of many at once', async () => {
    const { environment, tracker } = await openBoard()
    const failAt = environment.now() + MINUTE
    await tracker.createMany(Array.from({ length: 1200 }, (_, at) => named(`t${at}`, { failAt })))
    await environment.advance('1m')
    expect(tracker.count({ status: 'failed' })).toBe(1200)
  })
})

describe('a time far ahead', () => {
  it.each([
    ['beyond what a timer can hold', 2 ** 31 + 1000],
    ['in ninety years', 90 * 365 * DAY],
  ])('is kept: %s', async (_, ms) => {
    const board = await openBoard()
    const { environment, tracker } = board
    const at = environment.now() + ms
    await tracker.createMany([
      named('later', { notBefore: at }),
      named('due', { dueAt: at }),
      named('limit', { failAt: at }),
    ])
    await environment.advance(ms - 1)
    expect(['later', 'due', 'limit'].map((id) => tracker.stage(id))).toEqual(['scheduled', 'new', 'new'])
    expect(tracker.overdue()).toEqual([])
    await environment.advance(1)
    expect([told(board, 'ready'), told(board, 'overdue')]).toEqual([['later'], ['due']])
    expect(tracker.status('limit')).toBe('failed')
  })

  it('in the year 9999, as for never, is no more than that', async () => {
    const { environment, tracker, errors } = await openBoard()
    await tracker.create(named('a', { notBefore: '9999-12-31T23:59:59Z' }))
    await environment.advance('3d')
    expect([tracker.stage('a'), errors]).toEqual(['scheduled', []])
    expect(await tracker.create(named('b'))).toMatchObject({ status: 'pending' })
  })

  describe('by the timers of the platform', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: 0 })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('does not come at once, as a delay over 2^31 ms would', async () => {
      const tracker = new TaskTracker({ environment: systemEnvironment })
      const ready: string[] = []
      tracker.on('ready', ({ task }) => ready.push(task.id))
      await tracker.create(named('a', { notBefore: 60 * DAY }))
      await vi.advanceTimersByTimeAsync(60 * DAY - 1)
      expect(ready).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(ready).toEqual(['a'])
    })
  })
})

describe('what the clock has turned', () => {
  it('is told though a change of another process was heard of first', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const process = stalling(environment)
    const here = await openBoard({ environment, storage })
    const events: string[] = []
    const there = await openCrew({ environment: process, storage })
    there.on('task.ready', ({ task }) => events.push(`ready ${task.id}`))
    there.on('task.overdue', ({ task }) => events.push(`overdue ${task.id}`))
    await here.tracker.create(named('later', { notBefore: environment.now() + MINUTE }))
    await here.tracker.create(named('due', { dueAt: environment.now() + MINUTE }))
    await there.sync()
    process.stall()
    await environment.advance('1m')
    await here.tracker.update('later', { title: 'Later' })
    await here.tracker.update('due', { title: 'Due' })
    await there.sync()
    process.resume()
    await environment.settle()
    expect(events).toEqual(['ready later', 'overdue due'])
  })

  it('is not told of a task that was only tried', async () => {
    const environment = manualEnvironment()
    let ahead = 0
    let step = 0
    const running = { ...environment, now: () => environment.now() + (ahead += step) }
    const memory = new MemoryStorage()
    const storage = faultyStorage(memory, { environment })
    const crew = await openCrew({
      environment: running,
      storage,
      strictMembers: false,
      onError: () => undefined,
    })
    const ready: string[] = []
    crew.on('task.ready', ({ task }) => ready.push(task.id))
    await crew.tracker.create(named('real', { notBefore: running.now() + MINUTE }))
    storage.fail('error')
    step = 1
    const tried = [20, 30, 40].map((look) =>
      crew.tracker.create(named(`t${look}`, { notBefore: running.now() + look })),
    )
    const claims = Array.from({ length: 20 }, () => crew.tracker.claim('ana'))
    const answers = Promise.allSettled([...tried, ...claims])
    await environment.settle()
    step = 0
    await environment.advance('1m')
    expect(ready).toEqual(['real'])
    for (const { status } of await answers) expect(status).toBe('rejected')
  })
})
