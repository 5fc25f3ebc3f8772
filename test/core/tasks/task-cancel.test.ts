import type { Attempt, Task } from 'crewlog'
import { MemoryStorage } from 'crewlog'
import { crash } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, openBoards, refusal } from '../../support/board.js'

/** Task 'a' is claimed by ana, and asked to be cancelled by omar. */
async function asked(draft: Parameters<typeof named>[1] = {}): Promise<Board & { readonly attempt: Attempt }> {
  const board = await openBoard()
  await board.tracker.create(named('a', draft))
  const attempt = await claim(board.tracker, 'ana')
  await board.tracker.cancel('a', { by: 'omar', reason: 'not needed' })
  return { ...board, attempt }
}

describe('a cancel of a claimed task', () => {
  it('asks the holder, whose signal aborts while the attempt goes on', async () => {
    const { tracker, events, attempt } = await asked()
    expect(tracker.get('a')).toMatchObject({ status: 'in_progress', cancelRequested: true, holder: 'ana' })
    expect(attempt.signal.reason).toMatchObject({ code: 'cancelled' })
    expect(attempt.isOver).toBe(false)
    expect(events.of('cancelRequested')).toMatchObject([{ by: 'omar', task: { id: 'a' } }])
  })

  it('asked for twice is asked for once', async () => {
    const { tracker, events } = await asked()
    const before = tracker.get('a')
    events.clear()
    expect(await tracker.cancel('a', { reason: 'again' })).toBe(before)
    expect(events.all).toEqual([])
  })

  const outcomes: readonly (readonly [string, (attempt: Attempt, board: Board) => Promise<unknown>, string])[] = [
    ['fails, though it could be tried again (TL-05)', (attempt) => attempt.fail({ error: 'aborted' }), 'failed'],
    ['releases it', (attempt) => attempt.release(), 'released'],
    ['wants to wait', (attempt) => attempt.wait({ for: 'input' }), 'waiting'],
    ['runs out of time', (_, { environment }) => environment.advance('10m'), 'timed_out'],
  ]
  it.each(outcomes)('is carried out when the holder %s', async (_, stop, outcome) => {
    const board = await asked({ timeLimitMs: 600_000 })
    board.events.clear()
    await stop(board.attempt, board)
    const task = board.tracker.get('a')
    expect(task).toMatchObject({
      status: 'cancelled',
      cancelRequested: false,
      holder: undefined,
      failure: { code: 'cancelled', message: 'not needed' },
      attempts: [{ outcome }],
    })
    expect(board.events.types('task')).toEqual(['cancelled'])
    await board.environment.advance('1h')
    expect(board.tracker.get('a')).toBe(task)
  })

  it('is carried out when the holder is lost', async () => {
    const [a, b] = await openBoards(2)
    await a!.tracker.create(named('a'))
    await claim(a!.tracker, 'ana')
    await a!.tracker.cancel('a')
    await crash(a!.crew)
    await b!.environment.advance('70s')
    expect(b!.tracker.get('a')).toMatchObject({ status: 'cancelled', attempts: [{ outcome: 'lost' }] })
  })

  it('is beaten by a completion', async () => {
    const { tracker, attempt } = await asked()
    expect(await attempt.complete({ result: 7 })).toMatchObject({
      status: 'completed',
      result: 7,
      cancelRequested: false,
      failure: undefined,
    })
    expect(await refusal(tracker.cancel('a'))).toMatchObject({ code: 'invalid_transition' })
  })

  it('is beaten by a completion that needs a review', async () => {
    const { attempt } = await asked({ reviewers: ['rita'] })
    expect(await attempt.complete()).toMatchObject({ status: 'waiting', cancelRequested: false, failure: undefined })
  })

  it('does not keep the holder from telling how far it is', async () => {
    const { attempt } = await asked()
    expect(await attempt.progress({ value: 0.9 })).toMatchObject({ cancelRequested: true, progress: { value: 0.9 } })
  })

  it('by force takes it away at once, and moves the fence', async () => {
    const { tracker, attempt } = await asked()
    const task = await tracker.cancel('a', { force: true, reason: 'now' })
    expect(task).toMatchObject({ status: 'cancelled', fence: attempt.fence + 1, failure: { message: 'now' } })
    expect(attempt.isOver).toBe(true)
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
    await tracker.retry('a')
    expect((await claim(tracker, 'bo')).fence).toBe(attempt.fence + 2)
  })
})

describe('a cancel of a task that is not claimed', () => {
  it.each<readonly [string, (board: Board) => Promise<unknown>]>([
    ['pending', async () => undefined],
    ['started by hand', ({ tracker }) => tracker.start('a', { by: 'ana' })],
    ['waiting', async ({ tracker }) => (await claim(tracker, 'ana')).wait({ for: 'input' })],
  ])('is immediate: %s', async (_, arrange) => {
    const board = await openBoard()
    await board.tracker.create(named('a'))
    await arrange(board)
    expect(await board.tracker.cancel('a')).toMatchObject({ status: 'cancelled', failure: { code: 'cancelled' } })
    expect(board.tracker.get('a')).toMatchObject({ holder: undefined, waitingFor: undefined })
  })
})

describe('a cancel by another process', () => {
  const cancelAcross = async (
    storage: MemoryStorage,
  ): Promise<{ attempt: Attempt; board: Board; task: () => Task }> => {
    const [a, b] = await openBoards(2, { storage })
    await a!.tracker.create(named('a'))
    const attempt = await claim(a!.tracker, 'ana')
    await b!.crew.sync()
    await b!.tracker.cancel('a')
    return { attempt, board: a!, task: () => b!.tracker.get('a')! }
  }

  it('aborts the signal of the holder as soon as it is heard of there (TL-02)', async () => {
    const { attempt, board, task } = await cancelAcross(new MemoryStorage())
    await board.environment.settle()
    expect(attempt.signal.reason).toMatchObject({ code: 'cancelled' })
    await attempt.fail({ error: attempt.signal.reason })
    await board.environment.settle()
    expect(task()).toMatchObject({ status: 'cancelled', counted: { failures: 0 } })
  })

  it('arrives by polling where the storage does not tell of changes (TL-03)', async () => {
    const { attempt, board } = await cancelAcross(Object.assign(new MemoryStorage(), { watch: undefined }))
    await board.environment.settle()
    expect(attempt.signal.aborted).toBe(false)
    await board.environment.advance('5s')
    expect(attempt.signal.reason).toMatchObject({ code: 'cancelled' })
  })
})
