import { type Attempt, type RetryPolicy, TaskTracker } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, openBoards, refusal } from '../../support/board.js'

/** A claimed task 'a'. */
async function held(board: Board, draft: Parameters<typeof named>[1] = {}): Promise<Attempt> {
  await board.tracker.create(named('a', draft))
  const attempt = await claim(board.tracker, 'ana')
  board.events.clear()
  return attempt
}

const writes: Readonly<Record<string, (board: Board, fence: object) => Promise<unknown>>> = {
  progress: ({ tracker }, fence) => tracker.progress('a', { value: 0.1, ...fence }),
  complete: ({ tracker }, fence) => tracker.complete('a', fence),
  fail: ({ tracker }, fence) => tracker.fail('a', { error: 'no', ...fence }),
  release: ({ tracker }, fence) => tracker.release('a', fence),
  wait: ({ tracker }, fence) => tracker.wait('a', { for: 'input', ...fence }),
}

describe.each(Object.entries(writes))('the fence of %s', (name, write) => {
  it('is needed for a claimed task (CL-06)', async () => {
    const board = await openBoard()
    await held(board)
    expect(await refusal(write(board, {}))).toMatchObject({
      code: 'invalid_input',
      message: `Task a is claimed: pass { fence } of the attempt, or call its ${name}()`,
    })
    expect(board.events.all).toEqual([])
  })

  it.each([
    ['text', '1'],
    ['a fraction', 1.5],
    ['zero', 0],
    ['null', null],
  ])('is not %s (CL-28)', async (_, fence) => {
    const board = await openBoard()
    await held(board)
    expect(await refusal(write(board, { fence }))).toMatchObject({ code: 'invalid_input' })
    expect(board.events.all).toEqual([])
  })

  it('is that of the current attempt: an earlier one is stale, though of the same member', async () => {
    const board = await openBoard()
    const old = await held(board)
    await old.release()
    const current = await claim(board.tracker, 'ana')
    expect(current.fence).toBeGreaterThan(old.fence)
    board.events.clear()
    const { code, message } = await refusal(write(board, { fence: old.fence }))
    expect([code, message]).toEqual([
      'stale_attempt',
      'Attempt 1 of task a is released, the task in_progress: stop, and claim another',
    ])
    expect(await refusal(write(board, { fence: current.fence + 1 }))).toMatchObject({ code: 'stale_attempt' })
    expect(board.events.all).toEqual([])
  })
})

describe('an attempt that is over', () => {
  it('tells so, and has no lease left', async () => {
    const board = await openBoard()
    const attempt = await held(board)
    expect([attempt.isOver, attempt.signal.aborted]).toEqual([false, false])
    await attempt.complete()
    // Its own end is no reason to abort.
    expect([attempt.isOver, attempt.signal.aborted, attempt.expiresInMs]).toEqual([true, false, 0])
  })

  it('completes twice when it brings the same result, and is stale with another', async () => {
    const board = await openBoard()
    const attempt = await held(board)
    const done = await attempt.complete({ result: { high: 3, low: 1 } })
    board.events.clear()
    expect(await attempt.complete({ result: { low: 1, high: 3 } })).toBe(done)
    expect(await refusal(attempt.complete({ result: { high: 4 } }))).toMatchObject({ code: 'stale_attempt' })
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
    expect(await refusal(attempt.fail({ error: 'no' }))).toMatchObject({ code: 'stale_attempt' })
    expect(board.events.all).toEqual([])
  })

  it('completes twice into a review, and by hand', async () => {
    const board = await openBoard()
    const attempt = await held(board, { reviewers: ['rita'] })
    const waiting = await attempt.complete({ result: 1 })
    expect(await attempt.complete({ result: 1 })).toBe(waiting)

    await board.tracker.create(named('b'))
    await board.tracker.start('b', { by: 'bo' })
    const done = await board.tracker.complete('b', { result: 1 })
    expect(await board.tracker.complete('b', { result: 1 })).toBe(done)
    expect(await refusal(board.tracker.complete('b', { result: 2 }))).toMatchObject({ code: 'invalid_transition' })
  })

  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  it.each<[string, unknown]>([
    ['a cycle', circular],
    ['a BigInt', { n: 1n }],
    ['a function', () => 1],
    ['NaN', NaN],
    ['an instance of a class', new Map()],
  ])('was not ended by a result with %s: that is refused, and the attempt goes on (TL-11)', async (_, result) => {
    const board = await openBoard()
    const attempt = await held(board)
    expect(await refusal(attempt.complete({ result: result as null }))).toMatchObject({ code: 'invalid_input' })
    expect(board.events.all).toEqual([])
    expect(await attempt.fail({ error: 'bad result', retryable: false })).toMatchObject({ status: 'failed' })
  })
})

describe('usage', () => {
  it('is summed over an attempt, and over all attempts', async () => {
    const { tracker } = await openBoard({ retry: { backoffMs: { base: 0, cap: 0 } } })
    await tracker.create(named('a'))
    const first = await claim(tracker, 'ana')
    await first.progress({ usage: { tokens: 5 } })
    await first.fail({ error: 'no', usage: { tokens: 2, cost: 0.5 } })
    await (await claim(tracker, 'ana')).complete({ usage: { tokens: 10 } })
    const { usage, attempts } = tracker.get('a')!
    expect(usage).toEqual({ tokens: 17, cost: 0.5 })
    expect(attempts.map((attempt) => attempt.usage)).toEqual([{ tokens: 7, cost: 0.5 }, { tokens: 10 }])
  })

  it('of an attempt that is over is not counted', async () => {
    const board = await openBoard()
    const old = await held(board)
    await old.release()
    const usage = { tokens: 5 }
    const late = [
      old.progress({ usage }),
      old.complete({ usage }),
      old.fail({ error: 'x', usage }),
      old.release({ usage }),
    ]
    for (const write of [...late, old.wait({ for: 'input', usage })]) await refusal(write)
    expect(board.tracker.get('a')).toMatchObject({ version: 3, usage: {}, attempts: [{ usage: {} }] })
  })

  it('is told by whatever ends an attempt: a release and a question, too', async () => {
    const { tracker } = await openBoard()
    const usage = { tokens: 1, cost: 0.5 }
    await tracker.createMany([named('a'), named('stopped')])
    for (let at = 1; at <= 11; at++) await (await claim(tracker, 'ana', { taskId: 'a' })).release({ usage })
    expect(tracker.get('a')).toMatchObject({ counted: { failures: 1 }, usage: { tokens: 11, cost: 5.5 } })
    await tracker.update('a', { notBefore: null })
    await (await claim(tracker, 'bo', { taskId: 'a' })).wait({ for: 'input', usage })
    const { usage: all, attempts } = tracker.get('a')!
    expect(all).toEqual({ tokens: 12, cost: 6 })
    expect(attempts.map((attempt) => attempt.usage)).toEqual(Array.from({ length: 12 }, () => usage))

    const stopped = await claim(tracker, 'ana')
    await tracker.cancel('stopped')
    expect(await stopped.wait({ for: 'input', usage })).toMatchObject({ status: 'cancelled', usage })
  })
})

describe('a release', () => {
  it('costs nothing, but the eleventh in a row counts as a failure (TL-20)', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    for (let at = 1; at <= 10; at++) {
      const task = await (await claim(tracker, 'ana')).release()
      expect(task).toMatchObject({ status: 'pending', counted: { failures: 0, released: at } })
      expect(task.notBefore).toBeUndefined()
    }
    const eleventh = await (await claim(tracker, 'ana')).release({ reason: 'busy' })
    expect(eleventh).toMatchObject({ status: 'pending', counted: { failures: 1, released: 0 } })
    expect(eleventh.attempts.at(-1)).toMatchObject({ outcome: 'failed', reason: 'Released 11 times in a row: busy' })
    expect(eleventh.notBefore).toBeGreaterThanOrEqual(environment.now())
  })

  it('in between begins the row anew', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    for (let at = 1; at <= 10; at++) await (await claim(tracker, 'ana')).release()
    await (await claim(tracker, 'ana')).fail({ error: 'no' })
    await environment.advance('1m')
    expect(await (await claim(tracker, 'ana')).release()).toMatchObject({ counted: { failures: 1, released: 1 } })
  })

  it('by a crew that closes is told to the handler, and is not counted (TL-04)', async () => {
    const [a, b] = await openBoards(2)
    const attempt = await held(a!)
    await a!.crew.close()
    expect(attempt.signal.reason).toMatchObject({ code: 'closed' })
    await b!.crew.sync()
    expect(b!.tracker.get('a')).toMatchObject({ status: 'pending', counted: { failures: 0, lost: 0, released: 0 } })
    expect((await claim(b!.tracker, 'bo')).number).toBe(2)
  })
})

describe('a failure', () => {
  /** When the next try may begin, in ms from now, for each failure in turn. */
  async function pauses(chance: number, retry: RetryPolicy | undefined, count: number): Promise<readonly number[]> {
    const environment = { ...manualEnvironment(), random: () => chance }
    const { tracker } = await openBoard({ environment })
    await tracker.create(named('a', { ...(retry && { retry }) }))
    const found: number[] = []
    for (let at = 0; at < count; at++) {
      const { notBefore } = await (await claim(tracker, 'ana')).fail({ error: 'no' })
      found.push(notBefore! - environment.now())
      await environment.advance(found.at(-1)!)
    }
    return found
  }

  it.each<readonly [string, number, RetryPolicy | undefined, readonly number[]]>([
    ['1 s × 2^(n−1) by default (TL-08)', 0.999_999, undefined, [1000, 2000, 4000, 8000]],
    ['a share of it, by chance', 0.25, undefined, [250, 500, 1000, 2000]],
    ['none at all, at the least', 0, undefined, [0, 0, 0, 0]],
    [
      '10 min at the most, by default',
      0.999_999,
      { attempts: 20 },
      [...Array.from({ length: 10 }, (_, n) => 1000 * 2 ** n), 600_000, 600_000],
    ],
    ['as the policy of the task says', 0.5, { attempts: 9, backoffMs: { base: 100, cap: 300 } }, [50, 100, 150, 150]],
  ])('is followed by a pause of %s', async (_, chance, retry, expected) => {
    expect(await pauses(chance, retry, expected.length)).toEqual(expected)
  })

  it.each([
    [0, 0],
    [1, 7],
  ])('is followed by a finite pause for every n, from a base of %d ms', async (base, expected) => {
    const environment = { ...manualEnvironment(), random: () => 0.999_999 }
    const tracker = new TaskTracker({ environment, retry: { attempts: 2000, backoffMs: { base, cap: 7 } } })
    await tracker.create(named('a'))
    for (let n = 1; n <= 1100; n++) {
      await tracker.start('a', { by: 'ana' })
      await tracker.fail('a', { error: 'no' })
      environment.setWallClock(environment.now() + 7)
    }
    expect(tracker.get('a')!.notBefore! - environment.now()).toBe(expected - 7)
  })

  it('uses up one of five attempts, of as many as the policy says; the task says the last error', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b', { retry: { attempts: 2 }, priority: -1 })])
    const failures: Record<string, number> = { a: 0, b: 0 }
    for (let attempt = await tracker.claim('ana'); attempt; attempt = await tracker.claim('ana')) {
      const { id } = attempt.task
      failures[id] = failures[id]! + 1
      await attempt.fail({ error: new Error(`no ${failures[id]}`) })
      await environment.advance('1h')
    }
    expect(failures).toEqual({ a: 5, b: 2 })
    expect(tracker.get('a')).toMatchObject({ status: 'failed', failure: { code: 'failed', message: 'no 5' } })
    expect(tracker.get('a')?.notBefore).toBeUndefined()
  })

  it.each<readonly [string, unknown, object, string, string]>([
    ['an Error', new Error('flood'), {}, 'pending', 'flood'],
    ['a text', 'flood', {}, 'pending', 'flood'],
    ['nothing', null, {}, 'pending', 'threw null'],
    ['an object', { secret: 1 }, {}, 'pending', 'threw a object'],
    ['an error that says it is final', Object.assign(new Error('flood'), { retryable: false }), {}, 'failed', 'flood'],
    [
      'a final error that is retryable all the same',
      { retryable: false },
      { retryable: true },
      'pending',
      'threw a object',
    ],
  ])('takes what was thrown: %s', async (_, error, options, status, reason) => {
    const board = await openBoard()
    const task = await (await held(board)).fail({ error, ...options })
    expect(task).toMatchObject({ status, attempts: [{ outcome: 'failed', reason }] })
  })
})

describe('a lease that is lost three times in a row', () => {
  it('tells that the task is to blame: it is poisoned, whatever attempts are left', async () => {
    const [home, ...away] = await openBoards(4, { retry: { attempts: 50 } })
    const { tracker, environment, events } = home!
    await tracker.create(named('a'))
    for (const [index, board] of away.entries()) {
      await environment.advance('10m')
      await board.crew.sync()
      await claim(board.tracker, `member ${index}`)
      await crash(board.crew)
      await environment.advance('70s')
    }
    expect(tracker.get('a')).toMatchObject({
      status: 'failed',
      failure: { code: 'poisoned', message: expect.stringMatching(/^Lost 3 times in a row.*look at it/) as string },
      counted: { failures: 3, lost: 3 },
      attempts: [{ outcome: 'lost' }, { outcome: 'lost' }, { outcome: 'lost' }],
    })
    expect(events.types('task').slice(-2)).toEqual(['started', 'failed'])
  })

  it('is not in a row with another outcome in between', async () => {
    const [home, ...away] = await openBoards(4)
    const { tracker, environment } = home!
    await tracker.create(named('a'))
    for (const board of away) {
      await environment.advance('10m')
      await (await claim(tracker, 'ana')).release()
      await board.crew.sync()
      await claim(board.tracker, 'bo')
      await crash(board.crew)
      await environment.advance('70s')
    }
    expect(tracker.get('a')).toMatchObject({ status: 'pending', counted: { failures: 3, lost: 1 } })
  })
})

describe('the time limit of an attempt', () => {
  it('is a retryable failure, and cannot be put off by renewals or reports (TM-09)', async () => {
    const board = await openBoard()
    const attempt = await held(board, { timeLimitMs: 300_000 })
    const { signal } = attempt
    for (let minutes = 0; minutes < 4; minutes++) {
      await board.environment.advance('1m')
      await attempt.progress({ note: 'still there' })
    }
    await board.environment.advance(59_999)
    expect([attempt.isOver, signal.aborted]).toEqual([false, false])
    await board.environment.advance(1)
    expect(signal.reason).toMatchObject({ code: 'timed_out' })
    expect(board.tracker.get('a')).toMatchObject({
      status: 'pending',
      holder: undefined,
      counted: { failures: 1, lost: 0 },
      attempts: [{ outcome: 'timed_out', reason: 'Took longer than 300000 ms' }],
    })
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
  })

  it('counts from each start anew, also of one by hand, and the last one fails the task', async () => {
    const { environment, tracker } = await openBoard({ retry: { attempts: 2 } })
    await tracker.create(named('a', { timeLimitMs: 60_000 }))
    await tracker.start('a', { by: 'ana' })
    await environment.advance('2m')
    expect(tracker.status('a')).toBe('pending')
    await tracker.start('a', { by: 'ana' })
    await environment.advance('59s')
    expect(tracker.status('a')).toBe('in_progress')
    await environment.advance('1s')
    expect(tracker.get('a')).toMatchObject({ status: 'failed', failure: { code: 'timed_out' } })
  })
})
