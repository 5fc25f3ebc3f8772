import { type Explanation, leastLoaded } from 'crewlog'
import { crash } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { claim, named } from '../support/board.js'
import { openPair, openTeam } from '../support/team.js'

type Team = Awaited<ReturnType<typeof openTeam>>
type Told = readonly [answer: string | RegExp, help: string]

function expectTold({ answer, help }: Explanation, [expected, helps]: Told): void {
  expect([answer, help]).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected), helps])
}

describe('why nobody is working on a task', () => {
  const cases: readonly (readonly [string, (team: Team) => Promise<unknown>, ...Told])[] = [
    [
      'is done',
      async ({ tracker }) => (await claim(tracker, 'ana')).complete(),
      'It is completed by ana',
      'Create a new task',
    ],
    [
      'failed',
      async ({ tracker }) => (await claim(tracker, 'ana')).fail({ error: 'no paper', retryable: false }),
      'It is failed: no paper',
      'Open it again with retry',
    ],
    [
      'was cancelled',
      ({ tracker }) => tracker.cancel('a', { reason: 'not needed' }),
      'It is cancelled: not needed',
      'Open it again with retry',
    ],
    [
      'is worked on',
      ({ tracker }) => claim(tracker, 'ana'),
      'ana has been working on it since 2026-01-01T00:00:00.000Z',
      'Wait for the end of that attempt, or cancel the task',
    ],
    [
      'waits for an answer',
      async ({ tracker }) => (await claim(tracker, 'ana')).wait({ for: 'input', question: 'Which?', of: 'bo' }),
      'It waits for input from bo: Which?',
      'Answer, which resumes it',
    ],
    [
      'waits for whoever answers',
      async ({ tracker }) => (await claim(tracker, 'ana')).wait({ for: 'external' }),
      'It waits for external',
      'Answer, which resumes it',
    ],
    [
      'waits for a review',
      async ({ tracker }) => {
        await tracker.update('a', { reviewers: ['bo'] })
        await (await claim(tracker, 'ana')).complete()
      },
      'It waits for review from bo',
      'Review it',
    ],
    [
      'waits for other tasks',
      async ({ tracker }) => {
        await tracker.createMany([named('b'), named('c')])
        await tracker.addDependency('a', 'b')
        await tracker.addDependency('a', 'c')
        await tracker.start('c', { by: 'bo' })
      },
      'It waits for b (pending), c (in_progress)',
      'Complete what it waits for, or remove the dependency',
    ],
    [
      'is scheduled',
      ({ tracker, environment }) => tracker.update('a', { notBefore: environment.now() + 1000 }),
      'It is scheduled for 2026-01-01T00:00:01.000Z',
      'Wait until then',
    ],
    [
      'is tried again after a pause',
      async ({ tracker }) => (await claim(tracker, 'ana')).fail({ error: 'no paper' }),
      /^It is scheduled for 2026-01-01T00:00:0.*Z, after an attempt that ended as failed$/,
      'Wait until then',
    ],
    [
      'is over its limit of time',
      async ({ tracker, environment }) => {
        await tracker.update('a', { failAt: environment.now() + 1000 })
        environment.setWallClock(environment.now() + 2000)
      },
      'It was to be done by 2026-01-01T00:00:01.000Z',
      'Create a new task',
    ],
    [
      'is assigned to somebody who could start it',
      ({ tracker }) => tracker.assign('a', 'bo'),
      'It is assigned to bo, who could start it now',
      'Let them claim or start it, or assign it to others',
    ],
    [
      'is assigned by hand to somebody who is away',
      async ({ crew, tracker }) => {
        await tracker.assign('a', 'bo')
        await crew.as('bo').setAvailability(false)
      },
      'It is assigned to bo: bo is not available',
      'Assign it to others',
    ],
    [
      'was assigned by a strategy to somebody who is away',
      async ({ crew, tracker }) => {
        await tracker.autoAssign({ strategy: leastLoaded() })
        await crew.as('ana').setAvailability(false)
      },
      'It is assigned to ana: ana is not available',
      'Assign it anew, by hand or with autoAssign',
    ],
    [
      'is kept for its last holder',
      async ({ tracker }) => {
        await (await claim(tracker, 'ana')).wait({ for: 'input' })
        await tracker.resume('a', { by: 'bo' })
      },
      /^It is kept for ana until 2026-01-01T00:01:0/,
      'Wait until then',
    ],
    [
      'is ready',
      () => Promise.resolve(),
      'It is ready, and nobody has taken it; it could be given to ana, bo',
      'Let one of them claim it, or give it to one with assign or autoAssign',
    ],
    [
      'needs what nobody can do',
      ({ tracker }) => tracker.update('a', { requires: { sql: 0.5 } }),
      'Nobody has the skills: ana has no sql; bo has no sql',
      'Let somebody join with sql 0.5, or lower what the task requires',
    ],
    [
      'is for people who are away',
      async ({ crew }) => {
        for (const id of ['ana', 'bo']) await crew.as(id).setAvailability(false)
      },
      'Whoever could do it is away: ana is not available; bo is not available',
      'Make one of them available, or let another join',
    ],
  ]

  it.each(cases)('is told when it %s', async (_, happens, ...told) => {
    const team = await openTeam()
    await team.tracker.create(named('a'))
    await happens(team)
    expectTold(team.tracker.explain({ taskId: 'a' }), told)
  })

  it('names three, and how many more there are', async () => {
    const { tracker } = await openTeam(['ana', 'bo', 'cy', 'dan', 'eve'])
    await tracker.create(named('a'))
    expect(tracker.explain({ taskId: 'a' }).answer).toMatch(/could be given to ana, bo, cy, and 2 more$/)
  })

  it('has every member with the reasons why not', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    await crew.join('bo', { skills: { sql: 0.2 }, available: false })
    await tracker.create(named('a', { requires: { sql: 0.5 } }))
    const { candidates = [] } = tracker.explain({ taskId: 'a' })
    expect(candidates.map(({ member, eligible, reasons }) => [member, eligible, reasons])).toEqual([
      ['ana', false, ['ana has no sql']],
      ['bo', false, ['bo has sql 0.2, of 0.5 required', 'bo is not available']],
    ])
  })
})

describe('why a member gets nothing', () => {
  const cases: readonly (readonly [string, (team: Team) => Promise<unknown>, ...Told])[] = [
    [
      'it is not available',
      ({ crew }) => crew.as('ana').setAvailability(false),
      'ana is not available',
      'Make ana available',
    ],
    [
      'it is past its budget',
      async ({ crew, tracker }) => {
        await crew.join('ana', { budget: { tokens: 10 } })
        await tracker.create(named('a'))
        await (await claim(tracker, 'ana')).complete({ usage: { tokens: 11 } })
      },
      'ana is past its budget; let it join again with a higher one',
      'Let ana join again with a higher budget',
    ],
    [
      'it is busy',
      async ({ tracker }) => {
        await tracker.createMany([named('a'), named('b')])
        await claim(tracker, 'ana')
      },
      'ana works on 1 of 1 tasks; it must end one first: a',
      'Wait for the end of one, or raise the capacity of ana',
    ],
    [
      'it has not started its own',
      ({ tracker }) => tracker.create(named('a', { assignees: 'ana' })),
      'ana has a, and has not started',
      'Let ana claim, or start it by hand',
    ],
    [
      'nothing is ready',
      async ({ tracker, environment }) => {
        await tracker.createMany([named('a'), named('b', { dependsOn: ['a'] })])
        await tracker.create(named('c', { notBefore: environment.now() + 1000 }))
        await claim(tracker, 'bo')
      },
      'Nothing is ready; 1 blocked, 1 scheduled, 0 waiting, 1 in_progress',
      'explain({ taskId }) says what a task waits for',
    ],
    [
      'it has not claimed',
      ({ tracker }) => tracker.createMany([named('a'), named('b')]),
      'ana could take a, b, and has not',
      'Let ana claim',
    ],
    [
      'all of it is for others',
      async ({ tracker }) => {
        await tracker.createMany([
          named('a', { assignees: 'bo' }),
          named('b', { requires: { sql: 1 } }),
          named('c', { requires: { sql: 0.5 } }),
          named('d', { priority: 9 }),
        ])
        await (await claim(tracker, 'bo', { taskId: 'd' })).wait({ for: 'input' })
        await tracker.resume('d', { by: 'ana' })
      },
      'Of 4 ready tasks none is for ana: 1 assigned to others, 2 that require skills which it lacks, 1 kept for others',
      'Assign one to ana, or let it join again with more skills',
    ],
  ]

  it.each(cases)('is told when %s', async (_, happens, ...told) => {
    const team = await openTeam()
    await happens(team)
    expectTold(team.tracker.explain({ member: 'ana' }), told)
  })

  it('is told when it cannot see what there is', async () => {
    const { tracker } = await openTeam(['ana'], { canSee: (member) => member !== 'ana' })
    await tracker.create(named('a'))
    expect(tracker.explain({ member: 'ana' }).answer).toBe('Of 1 ready tasks none is for ana: 1 that it cannot see')
  })

  it('is told when it has not been seen since its lease was lost', async () => {
    const { here, there, environment } = await openPair()
    await here.tracker.create(named('a'))
    await here.as('ana').claim()
    await crash(here)
    await environment.advance('71s')
    expectTold(there.tracker.explain({ member: 'ana' }), [
      /^ana has not been seen since 2026-01-01T00:01:.*: strategies give it nothing$/,
      'Let ana claim or join again',
    ])
  })
})

describe('explain', () => {
  it.each([
    [{}, 'invalid_input', /^Explain one: pass \{ taskId \} or \{ member \}/],
    [{ taskId: 'a', member: 'ana' }, 'invalid_input', /^Explain one/],
    [{ task: 'a' }, 'invalid_input', /no field "task"/],
    [{ taskId: '' }, 'invalid_input', /taskId must be an id/],
    [undefined, 'invalid_input', /must be an object/],
    [{ taskId: 'x' }, 'not_found', /^Task not found: x/],
    [{ member: 'zoe' }, 'not_found', /^Member not found: zoe/],
  ])('refuses %j', async (of, code, message) => {
    const { tracker } = await openTeam()
    expect(() => tracker.explain(of as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error,
    )
  })
})
