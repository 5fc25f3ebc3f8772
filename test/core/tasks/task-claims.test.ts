import type { TaskFilter } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

/** Ids in the order in which a member gets them. */
async function taken({ tracker }: Board, member: string, filter?: TaskFilter): Promise<readonly string[]> {
  const ids: string[] = []
  for (;;) {
    const attempt = await tracker.claim(member, filter ? { filter } : {})
    if (!attempt) return ids
    ids.push(attempt.task.id)
    await attempt.complete()
  }
}

describe('the order of claims', () => {
  it('is own tasks first, then open ones, each by priority, then by age', async () => {
    const board = await openBoard()
    await board.tracker.createMany([
      named('open', { priority: 5 }),
      named('z own', { priority: 1, assignees: 'ana' }),
      named('a own', { priority: 1, assignees: ['bo', 'ana'] }),
      named('own urgent', { priority: 2, assignees: 'ana' }),
      named('of bo', { priority: 9, assignees: 'bo' }),
      named('open urgent', { priority: 7 }),
      named('open and low', { priority: -1 }),
      named('a open', { priority: 5 }),
    ])
    expect(await taken(board, 'ana')).toEqual([
      'own urgent',
      'z own',
      'a own',
      'open urgent',
      'open',
      'a open',
      'open and low',
    ])
  })

  it('is that of creation among equals, whatever the clock said', async () => {
    const board = await openBoard()
    await board.tracker.create(named('first'))
    board.environment.setWallClock('2020-01-01T00:00:00Z')
    await board.tracker.create(named('second'))
    expect(await taken(board, 'ana')).toEqual(['first', 'second'])
  })

  it('follows a priority that changes, and keeps it over a failure (TL-07)', async () => {
    const board = await openBoard({ retry: { backoffMs: { base: 0, cap: 0 } } })
    await board.tracker.createMany([named('low'), named('high', { priority: 3 }), named('late')])
    await board.tracker.update('late', { priority: 2 })
    await (await claim(board.tracker, 'ana')).fail({ error: 'no' })
    expect(await taken(board, 'ana')).toEqual(['high', 'late', 'low'])
  })

  it('leaves out what is not ready', async () => {
    const board = await openBoard()
    const { environment, tracker } = board
    await tracker.createMany([
      named('blocked', { priority: 9, dependsOn: ['last'] }),
      named('scheduled', { priority: 9, notBefore: environment.now() + 1 }),
      named('held', { priority: 9 }),
      named('last'),
    ])
    await claim(tracker, 'bo', { taskId: 'held' })
    expect((await claim(tracker, 'ana')).task.id).toBe('last')
  })
})

describe('who may claim', () => {
  const members = { ana: { skills: { code: 0.9, test: 0.4 } }, bo: { skills: { test: 0.8 } }, cleo: {} }
  const withMembers = async (): Promise<Board> => {
    const board = await openBoard({ strictMembers: true })
    for (const [id, options] of Object.entries(members)) await board.crew.join(id, options)
    return board
  }

  it('is asked for skills: all that are required, each at its level or above', async () => {
    const board = await withMembers()
    await board.tracker.createMany([
      named('code', { requires: { code: 0.9 } }),
      named('expert', { requires: { code: 0.91 } }),
      named('both', { requires: { code: 0.5, test: 0.4 } }),
      named('test', { requires: { test: 0.5 } }),
      named('any'),
      named('toString', { requires: { toString: 0 } }),
    ])
    expect(await taken(board, 'ana')).toEqual(['code', 'both', 'any'])
    expect(await taken(board, 'bo')).toEqual(['test'])
    expect(await taken(board, 'cleo')).toEqual([])
    expect(await refusal(board.tracker.start('expert', { by: 'ana' }))).toMatchObject({
      code: 'not_eligible',
      message: 'ana cannot take task expert: it requires code 0.91',
    })
  })

  it('is not asked for skills when the task was given to it by force', async () => {
    const board = await withMembers()
    await board.tracker.create(named('code', { requires: { code: 0.5 } }))
    expect(await refusal(board.tracker.assign('code', 'cleo'))).toMatchObject({ code: 'not_eligible' })
    await board.tracker.assign('code', 'cleo', { force: true })
    expect(await taken(board, 'ana')).toEqual([])
    expect(await taken(board, 'cleo')).toEqual(['code'])
  })

  it('is never another than an assignee, also after a release (CL-27)', async () => {
    const board = await withMembers()
    await board.tracker.create(named('a', { assignees: 'ana' }))
    expect(await board.tracker.claim('bo')).toBeUndefined()
    expect(await board.tracker.claim('bo', { taskId: 'a' })).toBeUndefined()
    expect(await refusal(board.tracker.start('a', { by: 'bo' }))).toMatchObject({
      code: 'not_eligible',
      message: 'bo cannot take task a: it is assigned to ana',
    })
    await (await claim(board.tracker, 'ana')).release()
    expect(await board.tracker.claim('bo')).toBeUndefined()
    expect(await taken(board, 'ana')).toEqual(['a'])
  })

  it('is held to its capacity, whoever starts its tasks and however many ask at once (CL-18)', async () => {
    const board = await withMembers()
    await board.crew.join('ana', { capacity: 3 })
    await board.tracker.createMany(Array.from({ length: 9 }, (_, at) => named(`t${at}`)))
    await board.tracker.start('t8', { by: 'ana' })
    const attempts = await Promise.all(Array.from({ length: 9 }, () => board.tracker.claim('ana')))
    expect(attempts.filter(Boolean)).toHaveLength(2)
    expect(board.tracker.workload().find(({ member }) => member === 'ana')).toMatchObject({ inProgress: 3, free: 0 })
    expect(await refusal(board.tracker.start('t5', { by: 'ana' }))).toMatchObject({
      code: 'not_eligible',
      message: 'ana cannot take task t5: ana works on 3 of 3 tasks; it must end one first',
    })
    await attempts.find(Boolean)?.complete()
    expect(await board.tracker.claim('ana')).toBeDefined()
  })

  it('is available', async () => {
    const board = await withMembers()
    await board.tracker.create(named('a', { assignees: 'ana' }))
    await board.crew.as('ana').setAvailability(false)
    expect(await board.tracker.claim('ana')).toBeUndefined()
    expect(await refusal(board.tracker.start('a', { by: 'ana' }))).toMatchObject({ code: 'not_eligible' })
    expect(await refusal(board.tracker.create(named('b', { assignees: 'ana' })))).toMatchObject({
      code: 'not_eligible',
    })
    await board.crew.as('ana').setAvailability(true)
    expect(await taken(board, 'ana')).toEqual(['a'])
  })

  it('is a member, where members are strict; elsewhere becomes one, as an event', async () => {
    const strict = await withMembers()
    await strict.tracker.create(named('a'))
    for (const command of [
      strict.tracker.claim('zoe'),
      strict.tracker.start('a', { by: 'zoe' }),
      strict.tracker.assign('a', 'zoe'),
      strict.tracker.create(named('b', { reviewers: ['zoe'] })),
    ])
      expect(await refusal(command)).toMatchObject({
        code: 'not_found',
        message: 'Member not found: zoe; join it first, or mend the id',
      })

    const open = await openBoard()
    await open.tracker.create(named('a'))
    await claim(open.tracker, 'zoe')
    expect(open.events.of('member.joined').map(({ member }) => member.id)).toEqual(['zoe'])
  })
})

describe('a claim with wishes', () => {
  it.each<readonly [string, TaskFilter, readonly string[]]>([
    ['of a kind', { kind: 'test' }, ['own test', 'open test']],
    ['of several kinds', { kind: ['test', 'code'] }, ['own test', 'open test', 'code']],
    ['with a label', { label: 'sea' }, ['code']],
    ['of a priority', { priority: { atLeast: 2 } }, ['open test']],
    ['given to nobody', { assignee: null }, ['open test', 'code']],
    ['of a kind and a priority', { kind: 'test', priority: { atMost: 1 } }, ['own test']],
    ['that nothing meets', { text: 'moon' }, []],
  ])('takes what is %s, in order', async (_, filter, expected) => {
    const board = await openBoard()
    await board.tracker.createMany([
      named('code', { kind: 'code', labels: ['sea'] }),
      named('open test', { kind: 'test', priority: 2 }),
      named('own test', { kind: 'test', assignees: 'ana' }),
    ])
    expect(await taken(board, 'ana', filter)).toEqual(expected)
  })

  it('for one task takes that or nothing', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a', { kind: 'x' }), named('b')])
    expect(await tracker.claim('ana', { taskId: 'a', filter: { kind: 'y' } })).toBeUndefined()
    expect((await claim(tracker, 'ana', { taskId: 'b' })).task.id).toBe('b')
    expect(await tracker.claim('bo', { taskId: 'b' })).toBeUndefined()
  })

  it.each<readonly [string, object]>([
    ['an unknown field', { filters: {} }],
    ['an unknown filter', { filter: { owner: 'ana' } }],
    ['an undefined filter', { filter: { kind: undefined } }],
    ['a lease under a second (TM-06)', { leaseMs: 999 }],
    ['a lease of no time (TM-06)', { leaseMs: 0 }],
    ['a lease without end', { leaseMs: Infinity }],
  ])('is refused with %s', async (_, options) => {
    const { tracker } = await openBoard()
    await tracker.create(named('a'))
    expect(await refusal(tracker.claim('ana', options))).toMatchObject({ code: 'invalid_input' })
  })
})

describe('a claim', () => {
  it('answers an attempt, and does not change who the task is given to', async () => {
    const { tracker, crew } = await openBoard()
    await tracker.create(named('a', { input: { port: 'Bergen' } }))
    const attempt = await claim(tracker, 'ana')
    expect(attempt).toMatchObject({ member: 'ana', number: 1, fence: 1, isOver: false, expiresInMs: 60_000 })
    expect(attempt.task).toMatchObject({
      assignees: [],
      holder: 'ana',
      status: 'in_progress',
      input: { port: 'Bergen' },
    })
    expect(attempt.task.attempts).toEqual([
      {
        number: 1,
        member: 'ana',
        session: crew.journal.session,
        fence: 1,
        startedAt: 1_767_225_600_000,
        leaseMs: 60_000,
        usage: {},
      },
    ])
  })

  it('finds the task as it was at first, when it is not the first (CL-12)', async () => {
    const { environment, tracker } = await openBoard()
    const draft = named('b', { input: [1], priority: 4, metadata: { ticket: 7 }, labels: ['sea'], dependsOn: ['a'] })
    await tracker.createMany([named('a'), draft])
    await (await claim(tracker, 'ana')).complete()
    const first = await claim(tracker, 'ana')
    await first.fail({ error: 'no' })
    await environment.advance('1m')
    const { input, priority, metadata, labels, dependsOn } = (await claim(tracker, 'bo')).task
    expect({ input, priority, metadata, labels, dependsOn }).toEqual({
      input: first.task.input,
      priority: 4,
      metadata: { ticket: 7 },
      labels: ['sea'],
      dependsOn: first.task.dependsOn,
    })
  })

  it('differs from a start by hand: that has no lease, needs no fence, and never ends by itself (CL-15)', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create(named('a'))
    expect(await refusal(tracker.start('a'))).toMatchObject({ code: 'invalid_input' })
    const { attempts } = await tracker.start('a', { by: 'ana' })
    expect(attempts.at(-1)).not.toHaveProperty('leaseMs')
    await environment.advance('30d')
    expect(await tracker.progress('a', { value: 0.5 })).toMatchObject({ status: 'in_progress' })
    expect(await tracker.complete('a')).toMatchObject({ status: 'completed' })
  })

  it('is found by a start that names nobody, when one is assigned', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('one', { assignees: 'ana' }), named('two', { assignees: ['ana', 'bo'] })])
    expect(await tracker.start('one')).toMatchObject({ holder: 'ana' })
    expect(await refusal(tracker.start('two'))).toMatchObject({ code: 'invalid_input' })
  })
})
