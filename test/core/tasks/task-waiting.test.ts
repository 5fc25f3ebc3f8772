import { type Attempt, type CrewOptions, MemoryStorage, type OnTimeout, openCrew, type WaitReason } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

type Wait = Parameters<Attempt['wait']>[0]

/** Task 'a' was claimed by ana, and waits. */
async function waiting(
  wait: Wait = { for: 'input', of: 'hana' },
  draft: Parameters<typeof named>[1] = {},
): Promise<Board> {
  const board = await openBoard()
  await board.tracker.create(named('a', draft))
  await (await claim(board.tracker, 'ana')).wait(wait)
  return board
}
/** Task 'a' was completed by ana, and waits for rita and rob. */
async function inReview(options: CrewOptions = {}): Promise<Board> {
  const board = await openBoard(options)
  await board.tracker.createMany([named('a', { reviewers: ['rita', 'rob'] }), named('next', { dependsOn: ['a'] })])
  await (await claim(board.tracker, 'ana')).complete({ result: 'draft' })
  return board
}
const mail = ({ crew }: Board, member: string): readonly (readonly unknown[])[] =>
  crew.communications.inbox(member).map(({ kind, sender, content, taskId }) => [kind, sender, content, taskId])

describe('waiting', () => {
  it.each<WaitReason>(['input', 'approval', 'authorization', 'external'])(
    'for %s ends the attempt and its lease, and keeps the question',
    async (reason) => {
      const board = await waiting({ for: reason, question: 'Now?', of: ['hana', 'omar'] })
      const { tracker, environment, events } = board
      expect(tracker.get('a')).toMatchObject({
        status: 'waiting',
        holder: undefined,
        waitingFor: { for: reason, question: 'Now?', of: ['hana', 'omar'], since: environment.now() },
        attempts: [{ outcome: 'waiting', endedAt: environment.now() }],
        counted: { failures: 0, lost: 0, released: 0 },
      })
      expect(tracker.stage('a')).toBe('waiting')
      expect(tracker.workload().find(({ member }) => member === 'ana')).toMatchObject({ inProgress: 0, free: 1 })
      events.clear()
      await environment.advance('30d')
      expect(events.all).toEqual([])
    },
  )

  it('mails the question to those who may answer, and only to them', async () => {
    const board = await waiting({ for: 'approval', question: 'Now?', of: ['hana', 'omar'] })
    const question = ['task.question', 'ana', 'Now?', 'a']
    expect([mail(board, 'hana'), mail(board, 'omar'), mail(board, 'ana')]).toEqual([[question], [question], []])
  })

  it('ends the attempt of the handler without a reason to abort', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    await attempt.wait({ for: 'input' })
    expect([attempt.isOver, attempt.signal.aborted]).toEqual([true, false])
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
  })

  it('is not startable or claimable', async () => {
    const { tracker } = await waiting()
    expect(await tracker.claim('bo')).toBeUndefined()
    expect(await refusal(tracker.start('a', { by: 'bo' }))).toMatchObject({ code: 'invalid_transition' })
  })
})

describe('an answer', () => {
  it('reopens the task, and is kept for the next attempt', async () => {
    const { environment, tracker, events } = await waiting({ for: 'input', question: 'Which port?', of: 'hana' })
    await environment.advance('1m')
    const answer = {
      number: 1,
      for: 'input',
      question: 'Which port?',
      answer: { port: 'Bergen' },
      by: 'hana',
      at: environment.now(),
    }
    const task = await tracker.resume('a', { by: 'hana', answer: { port: 'Bergen' } })
    expect(task).toMatchObject({ status: 'pending', waitingFor: undefined, answers: [answer] })
    expect(events.of('resumed')).toMatchObject([{ answer, by: 'hana' }])
    const next = await claim(tracker, 'ana')
    expect([next.answer, next.number, next.fence]).toEqual([answer, 2, 2])
  })

  it('is by one of those who were asked', async () => {
    const { tracker, events } = await waiting({ for: 'input', of: ['hana', 'omar'] })
    const before = tracker.get('a')
    events.clear()
    expect(await refusal(tracker.resume('a', { by: 'ana', answer: 1 }))).toMatchObject({
      code: 'permission_denied',
      message: 'Task a waits for hana, omar, not for ana',
    })
    expect(await refusal(tracker.resume('a', { answer: 1 }))).toMatchObject({ code: 'invalid_input' })
    expect([tracker.get('a'), events.all]).toEqual([before, []])
    expect(await tracker.resume('a', { by: 'omar', answer: 1 })).toMatchObject({ answers: [{ by: 'omar' }] })
  })

  it('needs no name where one was asked, and takes any where nobody was', async () => {
    const one = await waiting({ for: 'input', of: 'hana' })
    expect(await one.tracker.resume('a', { answer: 1 })).toMatchObject({ answers: [{ by: 'hana' }] })
    const anybody = await waiting({ for: 'input' })
    expect(await refusal(anybody.tracker.resume('a'))).toMatchObject({ code: 'invalid_input' })
    expect(await anybody.tracker.resume('a', { by: 'zoe' })).toMatchObject({ answers: [{ by: 'zoe' }] })
  })

  it('is given once: the second is told that there is no question', async () => {
    const { tracker } = await waiting({ for: 'input', of: ['hana', 'omar'] })
    const [first, second] = await Promise.allSettled([
      tracker.resume('a', { by: 'hana', answer: 1 }),
      tracker.resume('a', { by: 'omar', answer: 2 }),
    ])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect(tracker.get('a')?.answers).toMatchObject([{ by: 'hana', answer: 1 }])
  })

  it('can be null, and the newest 20 are remembered', async () => {
    const { tracker } = await waiting()
    for (let number = 1; number <= 25; number++) {
      await tracker.resume('a', { by: 'hana', answer: number < 25 ? number : null })
      if (number < 25) await (await claim(tracker, 'ana')).wait({ for: 'input', of: 'hana' })
    }
    const { answers } = tracker.get('a')!
    expect(answers.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, at) => at + 6))
    expect(answers.at(-1)?.answer).toBeNull()
  })
})

describe('a wait that nobody ends in time', () => {
  const after = async (onTimeout: OnTimeout | undefined): Promise<Board> => {
    const board = await waiting({
      for: 'approval',
      question: 'Now?',
      of: 'hana',
      withinMs: 60_000,
      ...(onTimeout && { onTimeout }),
    })
    await board.environment.advance(59_999)
    expect(board.tracker.get('a')).toMatchObject({ status: 'waiting', waitingFor: { of: ['hana'] } })
    board.events.clear()
    await board.environment.advance(1)
    return board
  }

  it.each([undefined, 'fail'] as const)('fails the task: %s', async (onTimeout) => {
    const { tracker, events } = await after(onTimeout)
    expect(tracker.get('a')).toMatchObject({
      status: 'failed',
      waitingFor: undefined,
      failure: { code: 'timed_out', message: 'Nobody answered in time' },
      answers: [],
    })
    expect(events.types('task')).toEqual(['failed'])
  })

  it('goes on without an answer: resume', async () => {
    const { tracker, events } = await after('resume')
    expect(tracker.get('a')).toMatchObject({ status: 'pending', waitingFor: undefined, answers: [] })
    expect(events.of('resumed')[0]?.answer).toBeUndefined()
    expect((await claim(tracker, 'ana')).answer).toBeUndefined()
  })

  it('asks others, who have all the time', async () => {
    const board = await after({ ask: ['omar', 'olga'] })
    const { environment, tracker } = board
    expect(tracker.get('a')).toMatchObject({
      status: 'waiting',
      waitingFor: { for: 'approval', question: 'Now?', of: ['omar', 'olga'], since: environment.now() },
    })
    expect(tracker.get('a')?.waitingFor).not.toHaveProperty('until')
    expect(mail(board, 'omar')).toMatchObject([['task.question', 'crew', 'Now?', 'a']])
    await environment.advance('30d')
    expect(await refusal(tracker.resume('a', { by: 'hana', answer: 'late' }))).toMatchObject({
      code: 'permission_denied',
    })
    expect(await tracker.resume('a', { by: 'olga', answer: 'yes' })).toMatchObject({ status: 'pending' })
  })

  it('is over for an answer that comes when the time has passed, though no timer has run', async () => {
    const { environment, tracker } = await waiting({ for: 'input', of: 'hana', withinMs: 60_000 })
    environment.suspend('1m')
    expect(await refusal(tracker.resume('a', { by: 'hana' }))).toMatchObject({ code: 'invalid_transition' })
    expect(tracker.get('a')).toMatchObject({ status: 'failed', failure: { code: 'timed_out' } })
  })

  it.each<readonly [string, object]>([
    ['a reason that is none', { for: 'coffee' }],
    ['no reason', {}],
    ['a negative time', { for: 'input', withinMs: -1 }],
    ['a time without end', { for: 'input', withinMs: Infinity }],
    ['nobody to ask', { for: 'input', onTimeout: {} }],
    ['an unknown way out', { for: 'input', onTimeout: 'shrug' }],
  ])('is not begun with %s', async (_, wait) => {
    const { tracker } = await openBoard()
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'ana')
    expect(await refusal(attempt.wait(wait as Wait))).toMatchObject({ code: 'invalid_input' })
    expect(attempt.isOver).toBe(false)
  })
})

describe('a review', () => {
  it('is waited for when a task with reviewers is completed; they get it by mail', async () => {
    const board = await inReview()
    expect(board.tracker.get('a')).toMatchObject({
      status: 'waiting',
      result: 'draft',
      endedAt: undefined,
      waitingFor: { for: 'review', of: ['rita', 'rob'] },
    })
    expect(board.tracker.stage('next')).toBe('blocked')
    expect(mail(board, 'rita')).toEqual([['task.review', 'ana', 'a', 'a']])
  })

  it('that is passed completes the task, and readies its dependents', async () => {
    const { tracker, events } = await inReview()
    const task = await tracker.review('a', { by: 'rob', passed: true, remarks: 'fine' })
    expect(task).toMatchObject({
      status: 'completed',
      result: 'draft',
      progress: { value: 1 },
      answers: [{ for: 'review', by: 'rob', passed: true, remarks: 'fine' }],
    })
    expect([tracker.stage('next'), events.of('completed')[0]?.by]).toEqual(['new', 'rob'])
    expect(tracker.workload().find(({ member }) => member === 'ana')).toMatchObject({ done: 1 })
  })

  it('that is not passed sends the task back with its remarks', async () => {
    const { tracker } = await inReview()
    expect(await tracker.review('a', { by: 'rita', passed: false, remarks: 'too short' })).toMatchObject({
      status: 'pending',
      counted: { failures: 0 },
    })
    const again = await claim(tracker, 'ana')
    expect(again.answer).toMatchObject({ passed: false, remarks: 'too short', by: 'rita' })
    await again.complete({ result: 'long' })
    expect(await tracker.review('a', { by: 'rita', passed: true })).toMatchObject({
      status: 'completed',
      result: 'long',
    })
  })

  it('leaves no result when the work is completed without one after that, whoever folds it', async () => {
    const storage = new MemoryStorage()
    const { crew, tracker, events, environment } = await inReview({ storage })
    for (const [options, result] of [
      [{}, undefined],
      [{ result: null }, null],
      [{}, undefined],
      [{ result: 'long' }, 'long'],
    ] as const) {
      await tracker.review('a', { by: 'rita', passed: false })
      await (await claim(tracker, 'ana')).complete(options)
      expect(tracker.get('a')?.result).toBe(result)
      expect('result' in (tracker.get('a')!.toJSON() as object)).toBe(result !== undefined)
    }
    expect(events.all.filter(({ changes }) => 'removed' in changes).map(({ changes }) => changes['removed'])).toEqual([
      ['result'],
      ['result'],
    ])
    await tracker.review('a', { by: 'rita', passed: false })
    await (await claim(tracker, 'ana')).complete()
    await crew.close()
    const other = await openCrew({ storage, environment })
    expect(other.tracker.get('a')?.result).toBeUndefined()
    await other.close()
  })

  it('that is not passed for good fails the task', async () => {
    const { tracker } = await inReview()
    expect(await tracker.review('a', { by: 'rita', passed: false, final: true })).toMatchObject({
      status: 'failed',
      failure: { code: 'failed', message: 'Did not pass the review: no remarks' },
      answers: [{ passed: false }],
    })
    expect(tracker.status('next')).toBe('failed')
  })

  it('is not that of the one who did the work, nor of anybody else', async () => {
    const { tracker } = await inReview()
    for (const by of ['ana', 'zoe'])
      expect(await refusal(tracker.review('a', { by, passed: true }))).toMatchObject({ code: 'permission_denied' })
    expect(tracker.status('a')).toBe('waiting')
  })

  it('says whether it is passed', async () => {
    const { tracker } = await inReview()
    const verdict = { by: 'rita' } as { by: string; passed: boolean }
    expect(await refusal(tracker.review('a', verdict))).toMatchObject({ code: 'invalid_input' })
  })
})

describe('a task that was answered', () => {
  it('is kept for its last holder for one lease, then is there for all', async () => {
    const { environment, tracker } = await waiting()
    const { keptFor } = await tracker.resume('a', { by: 'hana' })
    expect(keptFor).toEqual({ members: ['ana'], until: environment.now() + 60_000 })
    expect(await tracker.claim('bo')).toBeUndefined()
    expect(await refusal(tracker.start('a', { by: 'bo' }))).toMatchObject({
      code: 'not_eligible',
      message: 'bo cannot take task a: it is kept for ana',
    })
    await environment.advance(59_999)
    expect(await tracker.claim('bo')).toBeUndefined()
    await environment.advance(1)
    expect((await claim(tracker, 'bo')).task.keptFor).toBeUndefined()
  })

  // Seed 11850 of the simulation.
  it('is kept for its last holder no longer when it is assigned to another, or asks for other skills', async () => {
    const { tracker } = await waiting()
    await tracker.resume('a', { by: 'hana' })
    await tracker.assign('a', 'bo')
    expect(tracker.get('a')?.keptFor).toBeUndefined()
    expect(await tracker.claim('ana')).toBeUndefined()
    expect(await tracker.claim('bo')).toMatchObject({ member: 'bo' })

    const other = await waiting()
    await other.tracker.resume('a', { by: 'hana' })
    await other.tracker.update('a', { requires: { maths: 0.5 } })
    expect(await other.tracker.claim('ana')).toBeUndefined()

    const kept = await waiting()
    await kept.tracker.resume('a', { by: 'hana' })
    await kept.tracker.assign('a', ['bo', 'ana'])
    expect(await kept.tracker.claim('bo')).toBeUndefined()
    expect(await kept.tracker.claim('ana')).toMatchObject({ member: 'ana' })
  })

  it('is kept for as long as its last claim had its lease', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    await (await claim(tracker, 'ana', { leaseMs: 5000 })).wait({ for: 'input', of: 'hana' })
    expect((await tracker.resume('a')).keptFor?.until).toBe(environment.now() + 5000)
  })

  it('is taken by its last holder before what is more urgent', async () => {
    const { tracker } = await waiting()
    await tracker.create(named('urgent', { priority: 9 }))
    await tracker.resume('a', { by: 'hana' })
    expect((await claim(tracker, 'ana')).task.id).toBe('a')
  })

  it.each<readonly [string, (board: Board) => Promise<unknown>]>([
    [
      'busy',
      async ({ tracker }) => {
        await tracker.create(named('other'))
        await claim(tracker, 'ana')
      },
    ],
    ['not available', ({ crew }) => crew.as('ana').setAvailability(false)],
    ['gone', ({ crew }) => crew.leave('ana')],
    ['no assignee any more', ({ tracker }) => tracker.assign('a', ['bo'])],
  ])('is there for all at once when its last holder is %s', async (_, arrange) => {
    const board = await waiting()
    await arrange(board)
    expect((await board.tracker.resume('a', { by: 'hana' })).keptFor).toBeUndefined()
    expect((await claim(board.tracker, 'bo')).task.id).toBe('a')
  })
})

describe('rounds of questions and reviews', () => {
  it('have a bound: a task that comes back more often in a row has failed', async () => {
    const { tracker } = await openBoard({ limits: { rounds: 2 } })
    await tracker.create(named('a', { reviewers: ['rita'] }))
    const send = () => tracker.review('a', { by: 'rita', passed: false, remarks: 'no' })
    await (await claim(tracker, 'ana')).complete()
    expect(await send()).toMatchObject({ status: 'pending', counted: { rounds: 1 } })
    await (await claim(tracker, 'ana')).wait({ for: 'input', of: 'hana' })
    expect(await tracker.resume('a', { by: 'hana' })).toMatchObject({ status: 'pending', counted: { rounds: 2 } })
    await (await claim(tracker, 'ana')).complete()
    expect(await send()).toMatchObject({
      status: 'failed',
      failure: { code: 'failed', message: expect.stringContaining('3 times in a row') as string },
      answers: [{ passed: false }, { for: 'input' }, { passed: false, remarks: 'no' }],
    })
    expect(await tracker.retry('a')).toMatchObject({ counted: { failures: 0, lost: 0, released: 0 } })
    await (await claim(tracker, 'ana')).complete()
    expect(await send()).toMatchObject({ status: 'pending', counted: { rounds: 1 } })
  })

  it('count what goes on by itself when nobody answers, too', async () => {
    const { tracker, environment } = await openBoard({ limits: { rounds: 3 } })
    await tracker.create(named('a'))
    for (let n = 0; n < 4; n++) {
      await (await claim(tracker, 'ana')).wait({ for: 'external', withinMs: 1000, onTimeout: 'resume' })
      await environment.advance('2s')
    }
    expect(tracker.get('a')).toMatchObject({ status: 'failed', attemptCount: 4, counted: { rounds: 4 } })
  })

  it('end at a hundred unless it is said otherwise, so that no loop runs for days', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a', { reviewers: ['rita'] }))
    let rounds = 0
    while (tracker.get('a')!.isOpen && rounds < 1000) {
      await (await claim(tracker, 'ana')).complete()
      await tracker.review('a', { by: 'rita', passed: false })
      rounds++
    }
    expect([rounds, tracker.status('a')]).toEqual([101, 'failed'])
  })
})
