import { type Assignment, leastLoaded, MemoryStorage, openCrew, type Strategy } from 'crewlog'
import { recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { claim, named, refusal } from '../support/board.js'
import { openTeam } from '../support/team.js'

const strategy = leastLoaded()
/** A strategy that gives these, whatever it is asked. */
const giving =
  (...assigned: readonly Assignment[]): Strategy =>
  () => ({ assigned })

describe('autoAssign', () => {
  it('assigns what is ready and nobody has, in one commit with its notices', async () => {
    const { crew, tracker, communications } = await openTeam()
    await tracker.createMany([named('a'), named('b'), named('c', { dependsOn: ['a'] })])
    const events = recordEvents(crew)
    const { seq = 0 } = crew.journal.head ?? {}
    const plan = await tracker.autoAssign({ strategy })
    expect(plan.assigned.map(({ taskId, member }) => [taskId, member])).toEqual([
      ['a', 'ana'],
      ['b', 'bo'],
    ])
    expect(plan.left).toEqual([])
    expect(tracker.list().map(({ assignees, autoAssigned }) => [assignees, autoAssigned])).toEqual([
      [['ana'], true],
      [['bo'], true],
      [[], undefined],
    ])
    expect(events.types()).toEqual(['task.assigned', 'message.sent', 'task.assigned', 'message.sent'])
    expect(crew.journal.head?.seq).toBe(seq + 1)
    expect(communications.inbox('bo').map(({ kind, taskId }) => [kind, taskId])).toEqual([['task.assigned', 'b']])
  })

  it('gives in the order of claiming: by priority, then age', async () => {
    const { tracker } = await openTeam(['ana'])
    await tracker.createMany([named('old'), named('urgent', { priority: 5 }), named('young')])
    const { assigned, left } = await tracker.autoAssign({ strategy })
    expect(assigned.map(({ taskId }) => taskId)).toEqual(['urgent'])
    expect(left.map(({ taskId }) => taskId)).toEqual(['old', 'young'])
  })

  it('only plans with dryRun, and writes nothing', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create(named('a'))
    const { head } = crew.journal
    const plan = await tracker.autoAssign({ strategy, dryRun: true })
    expect(plan.assigned.map(({ taskId, member }) => [taskId, member])).toEqual([['a', 'ana']])
    expect(tracker.get('a')?.assignees).toEqual([])
    expect(crew.journal.head).toEqual(head)
  })

  it('gives of named tasks those that it can, and says of the others why not', async () => {
    const { tracker } = await openTeam(['ana', 'bo', 'cy'])
    await tracker.createMany([
      named('a'),
      named('b', { dependsOn: ['a'] }),
      named('c', { assignees: 'bo' }),
      named('d'),
      named('e'),
    ])
    await tracker.start('d', { by: 'cy' })
    const plan = await tracker.autoAssign({ strategy, tasks: ['d', 'c', 'b', 'a', 'a'] })
    expect(plan.assigned.map(({ taskId }) => taskId)).toEqual(['a'])
    expect(plan.left.map(({ taskId, reason }) => [taskId, reason])).toEqual([
      ['d', expect.stringMatching(/^cy has been working on it since /)],
      ['c', 'It is assigned to bo, who could start it now'],
      ['b', 'It waits for a (pending)'],
    ])
    expect(plan.left[0]?.candidates.map(({ member, eligible }) => [member, eligible])).toEqual([
      ['ana', false],
      ['bo', false],
      ['cy', false],
    ])
    expect(tracker.get('e')?.assignees).toEqual([])
  })

  it('gives nobody more than its capacity: what it works on and what it was given count', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    await crew.join('bo', { capacity: 3 })
    await tracker.createMany(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => named(id)))
    await claim(tracker, 'bo')
    await tracker.assign('b', 'bo')
    const plan = await tracker.autoAssign({ strategy })
    expect(plan.assigned.map(({ taskId, member }) => [taskId, member])).toEqual([
      ['c', 'ana'],
      ['d', 'bo'],
    ])
    expect(plan.left.map(({ reason }) => reason)).toEqual(
      Array(2).fill('Whoever could do it has enough to do: ana has 1 of at most 1 tasks; bo has 3 of at most 3 tasks'),
    )
  })

  it('does not count what waits for other tasks or for a time: nobody could start it', async () => {
    const { tracker, environment } = await openTeam(['ana'])
    await tracker.createMany([
      named('a'),
      named('b', { dependsOn: ['a'], assignees: 'ana' }),
      named('c', { notBefore: environment.now() + 60_000, assignees: 'ana' }),
    ])
    expect((await tracker.autoAssign({ strategy })).assigned.map(({ taskId }) => taskId)).toEqual(['a'])
  })

  it('leaves alone what is kept for its last holder after an answer', async () => {
    const { tracker, environment } = await openTeam()
    await tracker.create(named('a'))
    const attempt = await claim(tracker, 'bo')
    await attempt.wait({ for: 'input', of: 'ana' })
    await tracker.resume('a')
    expect((await tracker.autoAssign({ strategy, tasks: ['a'] })).left[0]?.reason).toMatch(/^It is kept for bo until /)
    await environment.advance('61s')
    expect((await tracker.autoAssign({ strategy })).assigned).toHaveLength(1)
  })

  it('gives nothing to who is unavailable, past its budget, not seen, or may not', async () => {
    const { crew, tracker } = await openTeam([], {
      policy: (member, command) => member !== 'dan' || command !== 'claim' || 'dan only watches',
      canSee: (member) => member !== 'eve',
    })
    for (const id of ['bo', 'cy', 'dan', 'eve']) await crew.join(id, { budget: { tokens: 10 } })
    await tracker.create(named('spent'))
    const attempt = await claim(tracker, 'cy')
    await attempt.complete({ usage: { tokens: 11 } })
    await crew.as('bo').setAvailability(false)
    await tracker.create(named('a'))
    const [left] = (await tracker.autoAssign({ strategy })).left
    expect(left?.reason).toBe(
      'Whoever could do it is away: bo is not available; cy is past its budget; let it join again with a higher one',
    )
    expect(left?.candidates.map(({ member, reasons }) => [member, ...reasons])).toEqual([
      ['bo', 'bo is not available'],
      ['cy', 'cy is past its budget; let it join again with a higher one'],
      ['dan', 'dan may not claim: dan only watches'],
      ['eve', 'eve cannot see it'],
    ])
  })

  it('does not give what has passed its limit and is about to fail', async () => {
    const { tracker, environment } = await openTeam()
    await tracker.create(named('a', { failAt: environment.now() + 1000 }))
    environment.setWallClock(environment.now() + 2000)
    const plan = await tracker.autoAssign({ strategy, tasks: ['a'] })
    expect(plan.assigned).toEqual([])
    expect(plan.left[0]?.reason).toMatch(/^It was to be done by /)
  })

  it('carries a plan that is more than one commit holds on in further ones, and answers the whole', async () => {
    const { crew, tracker } = await openTeam([])
    await Promise.all(Array.from({ length: 30 }, (_, index) => crew.join(`m${String(index)}`, { capacity: 100 })))
    await tracker.createMany(Array.from({ length: 2500 }, (_, index) => named(`t${String(index)}`)))
    const { seq = 0 } = crew.journal.head ?? {}
    const plan = await tracker.autoAssign({ strategy })
    expect(plan.assigned).toHaveLength(2500)
    expect(new Set(plan.assigned.map(({ taskId }) => taskId)).size).toBe(2500)
    expect(tracker.count({ stage: 'assigned' })).toBe(2500)
    expect((crew.journal.head?.seq ?? 0) - seq).toBeGreaterThan(1)
  })

  it('plans anew what others have changed between the commits of one plan', async () => {
    const { crew, tracker } = await openTeam([])
    await crew.join('ana', { capacity: 5000 })
    await tracker.createMany(Array.from({ length: 2000 }, (_, index) => named(`t${String(index)}`)))
    let asked = 0
    const counting: Strategy = (view) => {
      asked++
      return strategy(view)
    }
    const off = crew.on('task.assigned', ({ task }) => {
      if (task.id !== 't0') return
      off()
      void tracker.cancel('t1999')
      void tracker.assign('t1998', 'ana')
    })
    const plan = await tracker.autoAssign({ strategy: counting })
    expect(asked).toBeGreaterThan(1)
    expect(plan.assigned.map(({ taskId }) => taskId)).toEqual(Array.from({ length: 1998 }, (_, n) => `t${String(n)}`))
    expect(tracker.get('t1998')?.autoAssigned).toBeUndefined()
  })

  it('fits its commits into what the storage takes at once', async () => {
    class SmallStorage extends MemoryStorage {
      override readonly maxCommitBytes = 20_000
    }
    const crew = await openCrew({ storage: new SmallStorage() })
    await crew.join('ana', { capacity: 1000 })
    for (let n = 0; n < 10; n++)
      await crew.tracker.createMany(Array.from({ length: 30 }, (_, index) => named(`t${String(n * 30 + index)}`)))
    expect((await crew.autoAssign()).assigned).toHaveLength(300)
    expect(crew.tracker.count({ assignee: 'ana' })).toBe(300)
    await crew.close()
  })

  it('is by bestFit on a crew that names no strategy, else by that', async () => {
    const { crew, tracker } = await openTeam()
    await crew.join('cy', { skills: { sql: 1 } })
    await crew.join('ada', { skills: { sql: 0.5 } })
    await tracker.create(named('a', { requires: { sql: 0.2 } }))
    expect((await crew.autoAssign({ dryRun: true })).assigned[0]?.member).toBe('cy')
    expect((await crew.autoAssign({ strategy, dryRun: true })).assigned[0]?.member).toBe('ada')
    const other = await openTeam([], { assignment: { strategy, automatic: false } })
    await other.crew.join('cy', { skills: { sql: 1 } })
    await other.crew.join('ada', { skills: { sql: 0.5 } })
    await other.tracker.create(named('a', { requires: { sql: 0.2 } }))
    expect((await other.crew.autoAssign()).assigned[0]?.member).toBe('ada')
  })

  it('has an assignment by hand stay by hand', async () => {
    const { tracker } = await openTeam()
    await tracker.create(named('a'))
    await tracker.autoAssign({ strategy })
    const pinned = await tracker.assign('a', 'ana')
    expect([pinned.assignees, pinned.autoAssigned]).toEqual([['ana'], undefined])
    expect((await tracker.unassign('a')).autoAssigned).toBeUndefined()
  })
})

describe('what a strategy answers', () => {
  const wrongs: readonly (readonly [string, Strategy, string, RegExp])[] = [
    ['nothing', (() => undefined) as never, 'invalid_input', /^plan must be an object/],
    ['no list', (() => ({ assigned: 1 })) as never, 'invalid_input', /^plan\.assigned must be a list/],
    ['no object in the list', giving('a' as never), 'invalid_input', /^plan\.assigned\[0\] must be an object/],
    ['no member', giving({ taskId: 'a' } as never), 'invalid_input', /^plan\.assigned\[0\]\.member must be an id/],
    ['a rate that is none', (() => ({ assigned: [], rate: 1 })) as never, 'invalid_input', /^plan\.rate must be a func/],
    ['a time that is none', giving({ taskId: 'a', member: 'ana', startAt: NaN }), 'invalid_input', /startAt must be/],
    ['a getter that throws', (() => ({ get assigned() { throw new Error('no') } })) as never, 'invalid_input', /cannot be read/],
    ['an unknown task', giving({ taskId: 'x', member: 'ana' }), 'not_found', /^Task not found: x/],
    ['a task that somebody has', giving({ taskId: 'b', member: 'ana' }), 'invalid_input', /gives task b, which is not in/],
    ['a task twice', giving({ taskId: 'a', member: 'ana' }, { taskId: 'a', member: 'bo' }), 'invalid_input', /a twice/],
    ['an unknown member', giving({ taskId: 'a', member: 'zoe' }), 'not_found', /^Member not found: zoe/],
    ['who is unfit', giving({ taskId: 'sql', member: 'ana' }), 'not_eligible', /gives task sql to ana: ana has no sql/],
    ['who is full', giving({ taskId: 'a', member: 'ana' }, { taskId: 'c', member: 'ana' }), 'not_eligible', /c to ana: ana has 1 of/],
    ['a promise', (async () => ({ assigned: [] })) as never, 'invalid_input', /at once, not a promise/],
    ['a rejected promise', (async () => Promise.reject(new Error('late'))) as never, 'invalid_input', /not a promise/],
    ['an error', () => { throw new Error('broken') }, 'invalid_input', /^The strategy failed/],
  ] // prettier-ignore

  it.each(wrongs)('is refused when it is %s, and nothing is written', async (_, wrong, code, message) => {
    const { crew, tracker, errors } = await openTeam()
    await tracker.createMany([
      named('a'),
      named('b', { assignees: 'bo' }),
      named('c'),
      named('sql', { requires: { sql: 1 } }),
    ])
    const { head } = crew.journal
    const error = await refusal(tracker.autoAssign({ strategy: wrong }))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(crew.journal.head).toEqual(head)
    // What nobody waits for is told.
    expect(errors.map(String)).toEqual(String(wrong).includes('Promise.reject') ? ['Error: late'] : [])
  })

  it('is checked also where nothing is written', async () => {
    const { tracker } = await openTeam()
    expect(
      (await refusal(tracker.autoAssign({ strategy: giving({ taskId: 'x', member: 'ana' }), dryRun: true }))).code,
    ).toBe('not_found')
  })

  it('says with its cause what failed', async () => {
    const { tracker } = await openTeam()
    const cause = new Error('broken')
    const failing: Strategy = () => {
      throw cause
    }
    expect((await refusal(tracker.autoAssign({ strategy: failing }))).cause).toBe(cause)
  })
})

describe('what autoAssign is given', () => {
  it.each([
    [{}, /strategy is missing/],
    [{ strategy: {} }, /strategy must be a function/],
    [{ strategy, tasks: 'a' }, /tasks must be a list/],
    [{ strategy, tasks: [''] }, /tasks\[0\] must be an id/],
    [{ strategy, dryRun: 1 }, /dryRun must be true or false/],
    [{ strategy, dry: true }, /no field "dry"/],
  ])('is checked: %j', async (options, message) => {
    const { tracker } = await openTeam()
    const error = await refusal(tracker.autoAssign(options as never))
    expect([error.code, error.message]).toEqual(['invalid_input', expect.stringMatching(message)])
  })

  it('names tasks that there are', async () => {
    const { tracker } = await openTeam()
    expect((await refusal(tracker.autoAssign({ strategy, tasks: ['x'] }))).code).toBe('not_found')
  })

  it('is checked when a crew opens, too', async () => {
    for (const assignment of [{ strategy: 1 }, { automatic: 1 }, { startWithinMs: 0 }, { every: 1 }])
      expect((await refusal(openCrew({ assignment } as never))).code).toBe('invalid_input')
  })
})
