import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

const START = Date.parse('2026-01-01T00:00:00Z')

/** The ways in which a task can stand; `reach` makes task 'tides' stand so. */
const STANDINGS = {
  pending: { status: 'pending', reach: async () => undefined },
  claimed: { status: 'in_progress', reach: ({ tracker }: Board) => claim(tracker, 'ana', { taskId: 'tides' }) },
  'started by hand': {
    status: 'in_progress',
    reach: async ({ tracker }: Board) => {
      await tracker.start('tides', { by: 'ana' })
    },
  },
  waiting: {
    status: 'waiting',
    reach: async ({ tracker }: Board) => {
      await (await claim(tracker, 'ana', { taskId: 'tides' })).wait({ for: 'input', of: 'hana' })
    },
  },
  'in review': {
    status: 'waiting',
    reach: async ({ tracker }: Board) => {
      await tracker.update('tides', { reviewers: ['rita'] })
      await (await claim(tracker, 'ana', { taskId: 'tides' })).complete({ result: 'low' })
    },
  },
  completed: {
    status: 'completed',
    reach: async ({ tracker }: Board) => {
      await (await claim(tracker, 'ana', { taskId: 'tides' })).complete({ result: 'low' })
    },
  },
  failed: {
    status: 'failed',
    reach: async ({ tracker }: Board) => {
      await (await claim(tracker, 'ana', { taskId: 'tides' })).fail({ error: 'flood', retryable: false })
    },
  },
  cancelled: {
    status: 'cancelled',
    reach: async ({ tracker }: Board) => {
      await tracker.cancel('tides')
    },
  },
} as const
type Standing = keyof typeof STANDINGS

/** Every command on a task; the fenced ones get the fence of the attempt that runs, if one does. */
const COMMANDS = {
  start: ({ tracker }: Board) => tracker.start('tides', { by: 'bo' }),
  progress: ({ tracker }: Board, fence: object) => tracker.progress('tides', { value: 0.5, note: 'half', ...fence }),
  complete: ({ tracker }: Board, fence: object) => tracker.complete('tides', { result: 'high', ...fence }),
  fail: ({ tracker }: Board, fence: object) => tracker.fail('tides', { error: 'storm', ...fence }),
  release: ({ tracker }: Board, fence: object) => tracker.release('tides', { reason: 'busy', ...fence }),
  wait: ({ tracker }: Board, fence: object) => tracker.wait('tides', { for: 'approval', question: 'Now?', ...fence }),
  resume: ({ tracker }: Board) => tracker.resume('tides', { by: 'hana', answer: 'Bergen' }),
  review: ({ tracker }: Board) => tracker.review('tides', { by: 'rita', passed: true }),
  cancel: ({ tracker }: Board) => tracker.cancel('tides', { reason: 'no sea' }),
  retry: ({ tracker }: Board) => tracker.retry('tides'),
  assign: ({ tracker }: Board) => tracker.assign('tides', 'cleo'),
  unassign: ({ tracker }: Board) => tracker.unassign('tides'),
  addDependency: ({ tracker }: Board) => tracker.addDependency('tides', 'sun'),
  removeDependency: ({ tracker }: Board) => tracker.removeDependency('tides', 'moon'),
  update: ({ tracker }: Board) => tracker.update('tides', { labels: ['sea'] }),
}
type Command = keyof typeof COMMANDS

type Effect = readonly [event: string, after: Readonly<Record<string, unknown>>]
const updated: Effect = ['updated', { labels: ['sea'] }]
const cancelled: Effect = ['cancelled', { status: 'cancelled', failure: { code: 'cancelled', message: 'no sea' } }]
const running: Readonly<Partial<Record<Command, Effect>>> = {
  progress: ['progressed', { status: 'in_progress', progress: { value: 0.5, note: 'half' } }],
  complete: ['completed', { status: 'completed', result: 'high', holder: undefined, progress: { value: 1 } }],
  fail: ['released', { status: 'pending', holder: undefined, counted: { failures: 1, lost: 0, released: 0 } }],
  release: ['released', { status: 'pending', holder: undefined, counted: { failures: 0, lost: 0, released: 1 } }],
  wait: [
    'waiting',
    { status: 'waiting', holder: undefined, waitingFor: { for: 'approval', question: 'Now?', of: [] } },
  ],
  cancel: ['cancelRequested', { status: 'in_progress', cancelRequested: true, holder: 'ana' }],
  update: updated,
}
const retried: Effect = [
  'retried',
  { status: 'pending', failure: undefined, endedAt: undefined, counted: { failures: 0, lost: 0, released: 0 } },
]
const movable: Readonly<Partial<Record<Command, Effect>>> = {
  assign: ['assigned', { assignees: ['cleo'], assignedAt: START }],
  unassign: ['unassigned', { assignees: [] }],
  cancel: cancelled,
  update: updated,
}

/** The table of legal moves: what each does, and the event that tells of it. */
const MOVES: Readonly<Record<Standing, Readonly<Partial<Record<Command, Effect>>>>> = {
  pending: {
    ...movable,
    start: ['started', { status: 'in_progress', holder: 'bo', fence: 1, attemptCount: 1, startedAt: START }],
    addDependency: ['dependencyAdded', { dependsOn: [{ id: 'moon' }, { id: 'sun' }] }],
    removeDependency: ['dependencyRemoved', { dependsOn: [] }],
  },
  claimed: running,
  'started by hand': { ...running, cancel: cancelled },
  waiting: { ...movable, resume: ['resumed', { status: 'pending', waitingFor: undefined }] },
  'in review': { ...movable, review: ['completed', { status: 'completed', result: 'low' }] },
  completed: { update: updated },
  failed: { retry: retried, update: updated },
  cancelled: { retry: retried, update: updated },
}
const cases = Object.keys(STANDINGS).flatMap((standing) =>
  Object.keys(COMMANDS).map((command) => ({ standing: standing as Standing, command: command as Command })),
)
const isLegal = ({ standing, command }: (typeof cases)[number]): boolean => MOVES[standing][command] !== undefined
/** Told in words of its own. */
const isClaimedAlready = ({ standing, command }: (typeof cases)[number]): boolean =>
  STANDINGS[standing].status === 'in_progress' && command === 'start'

async function reach(standing: Standing): Promise<{ board: Board; fence: object }> {
  const board = await openBoard()
  await board.tracker.createMany([
    { id: 'moon', description: 'Moon' },
    { id: 'sun', description: 'Sun' },
  ])
  await board.tracker.start('moon', { by: 'dan' })
  await board.tracker.complete('moon')
  await board.tracker.create({ id: 'tides', description: 'Tides', dependsOn: ['moon'], assignees: ['ana', 'bo'] })
  const attempt = await STANDINGS[standing].reach(board)
  board.events.clear()
  return { board, fence: attempt ? { fence: attempt.fence } : {} }
}

describe('the table of moves', () => {
  it.each(cases.filter(isLegal))('$command is legal for a $standing task, as one event', async (given) => {
    const { board, fence } = await reach(given.standing)
    const [event, after] = MOVES[given.standing][given.command]!
    const before = board.tracker.get('tides')!
    const task = await COMMANDS[given.command](board, fence)

    expect(task).toMatchObject(after)
    expect(task.version).toBe(before.version + 1)
    expect(board.tracker.get('tides')).toBe(task)
    expect(board.events.types('task')).toEqual([event])
    expect(task.isOpen).toBe(!['completed', 'failed', 'cancelled'].includes(task.status))
    expect(task.endedAt !== undefined).toBe(!task.isOpen)
  })

  it.each(cases.filter((given) => !isLegal(given) && !isClaimedAlready(given)))(
    '$command is refused for a $standing task, which stays as it is',
    async (given) => {
      const { board, fence } = await reach(given.standing)
      const before = board.tracker.get('tides')
      const { code, message, details } = await refusal(COMMANDS[given.command](board, fence))

      expect(code).toBe('invalid_transition')
      expect(details['id']).toBe('tides')
      const isOtherAnswer = ['resume', 'review'].includes(given.command) && before?.status === 'waiting'
      if (isOtherAnswer) expect(message).toContain(given.command === 'resume' ? 'review()' : 'resume()')
      else
        for (const word of [STANDINGS[given.standing].status, ...Object.keys(MOVES[given.standing])])
          expect(message).toContain(word)
      expect(board.tracker.get('tides')).toBe(before)
      expect(board.events.all).toEqual([])
    },
  )

  it.each(['claimed', 'started by hand'] as const)('start of a %s task names its holder', async (standing) => {
    const { board } = await reach(standing)
    expect(await refusal(COMMANDS.start(board))).toMatchObject({
      code: 'already_claimed',
      retryable: true,
      details: { id: 'tides', holder: 'ana' },
    })
    expect(board.events.types('task')).toEqual([])
  })

  it.each(Object.keys(STANDINGS) as Standing[])('claim takes a task only when pending: %s', async (standing) => {
    const { board } = await reach(standing)
    const attempt = await board.tracker.claim('bo', { taskId: 'tides' })
    if (standing === 'pending') {
      expect(attempt).toMatchObject({ member: 'bo', number: 1, fence: 1 })
      expect(board.tracker.get('tides')).toMatchObject({ status: 'in_progress', assignees: ['ana', 'bo'] })
      expect(attempt?.task.attempts.at(-1)).toMatchObject({ member: 'bo', leaseMs: 60_000 })
    } else expect([attempt, board.events.types('task')]).toEqual([undefined, []])
  })

  it('a retry keeps a limit that is still ahead, and drops one that has passed', async () => {
    const { environment, tracker } = await openBoard()
    const failAt = environment.now() + 60_000
    await tracker.create(named('tides', { failAt }))
    await tracker.cancel('tides')
    expect(await tracker.retry('tides')).toMatchObject({ failAt })
    await environment.advance('2m')
    expect(tracker.get('tides')).toMatchObject({ failure: { code: 'deadline' } })
    expect((await tracker.retry('tides')).failAt).toBeUndefined()
  })

  it('fails for good with an error that is not retryable', async () => {
    const { board, fence } = await reach('claimed')
    const error = Object.assign(new Error('flood'), { retryable: false })
    const task = await board.tracker.fail('tides', { error, ...fence })
    expect(task).toMatchObject({ status: 'failed', failure: { code: 'failed', message: 'flood' }, holder: undefined })
    expect(task.attempts.at(-1)).toMatchObject({ outcome: 'failed', reason: 'flood', endedAt: START })
  })

  it.each(['completed', 'failed', 'cancelled'] as const)(
    'only labels and metadata of a %s task change',
    async (end) => {
      const { board } = await reach(end)
      for (const change of [{ description: 'y' }, { priority: 2 }, { failAt: START + 1 }, { reviewers: ['rita'] }])
        expect(await refusal(board.tracker.update('tides', change))).toMatchObject({ code: 'invalid_transition' })
      expect(await board.tracker.update('tides', { metadata: { seen: true } })).toMatchObject({
        metadata: { seen: true },
      })
    },
  )

  it.each(['status', 'holder', 'fence', 'result', 'assignees', 'dependsOn', 'parentId', 'id', 'attempts'])(
    'update does not reach %s (TL-22)',
    async (field) => {
      const { board } = await reach('pending')
      const change = { [field]: 'completed' } as object
      expect(await refusal(board.tracker.update('tides', change))).toMatchObject({ code: 'invalid_input' })
      expect(board.events.all).toEqual([])
    },
  )

  it('tells an unknown task from everything else', async () => {
    const { tracker } = await openBoard()
    expect(await refusal(tracker.start('2', { by: 'ana' }))).toMatchObject({
      code: 'not_found',
      message: 'Task not found: 2',
    })
    expect(await refusal(tracker.claim('ana', { taskId: '2' }))).toMatchObject({ code: 'not_found' })
    expect([tracker.get('2'), tracker.status('2'), tracker.stage('2')]).toEqual([undefined, undefined, undefined])
  })
})
