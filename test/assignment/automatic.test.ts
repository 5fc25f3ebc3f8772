import { type AssignmentOptions, bestFit, type CrewOptions, leastLoaded, type Strategy } from 'crewlog'
import { crash, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { claim, named } from '../support/board.js'
import { openPair, openTeam } from '../support/team.js'

const assignment: AssignmentOptions = { strategy: leastLoaded() }
const openAutomatic = (members: readonly string[] = ['ana', 'bo'], options: CrewOptions = {}) =>
  openTeam(members, { assignment, ...options })
type Team = Awaited<ReturnType<typeof openAutomatic>>

const assignees = ({ tracker }: Pick<Team, 'tracker'>): Readonly<Record<string, string>> =>
  Object.fromEntries(tracker.list().map((task) => [task.id, task.assignees.join()]))

describe('a task that becomes ready', () => {
  it('is assigned in the commit that creates it', async () => {
    const team = await openAutomatic()
    const { seq = 0 } = team.crew.journal.head ?? {}
    const task = await team.tracker.create(named('a'))
    expect(task).toMatchObject({ assignees: ['ana'], autoAssigned: true })
    expect(team.tracker.get('a')).toBe(task)
    expect(team.crew.journal.head?.seq).toBe(seq + 1)
    expect(team.communications.inbox('ana').map(({ taskId }) => taskId)).toEqual(['a'])
  })

  it('is assigned in the commit that completes what it waited for', async () => {
    const team = await openAutomatic()
    await team.tracker.createMany([named('a'), named('b', { dependsOn: ['a'] })])
    expect(assignees(team)).toEqual({ a: 'ana', b: '' })
    const attempt = await claim(team.tracker, 'ana')
    const { seq = 0 } = team.crew.journal.head ?? {}
    await attempt.complete()
    expect(assignees(team)).toEqual({ a: 'ana', b: 'ana' })
    expect(team.crew.journal.head?.seq).toBe(seq + 1)
  })

  it('is assigned when its time has come', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a', { notBefore: team.environment.now() + 60_000 }))
    await team.environment.advance('59s')
    expect(assignees(team)).toEqual({ a: '' })
    await team.environment.advance('1s')
    expect(assignees(team)).toEqual({ a: 'ana' })
  })

  it('is assigned when what it was kept for is over', async () => {
    const team = await openAutomatic([], { leaseMs: 10_000 })
    await team.crew.join('ana')
    await team.tracker.create(named('a'))
    const attempt = await claim(team.tracker, 'ana')
    await attempt.wait({ for: 'input' })
    await team.tracker.unassign('a')
    await team.tracker.resume('a', { by: 'ana' })
    expect(assignees(team)).toEqual({ a: '' })
    await team.environment.advance('10s')
    expect(assignees(team)).toEqual({ a: 'ana' })
  })

  it('sees what the same turn has assigned before it', async () => {
    const team = await openAutomatic()
    await Promise.all(['a', 'b', 'c'].map((id) => team.tracker.create(named(id))))
    expect(assignees(team)).toEqual({ a: 'ana', b: 'bo', c: '' })
  })

  it('stays open to whoever claims it while nobody can be given it', async () => {
    const team = await openAutomatic(['ana'])
    await team.crew.join('bo', { available: false })
    await team.tracker.createMany([named('a'), named('b')])
    expect(assignees(team)).toEqual({ a: 'ana', b: '' })
    expect(team.tracker.explain({ taskId: 'b' }).answer).toMatch(/ana has 1 of at most 1 tasks/)
  })
})

describe('a task that nobody could be given', () => {
  it.each<[string, (team: Team) => Promise<unknown>]>([
    ['joins', ({ crew }) => crew.join('cy', { skills: { sql: 1 } })],
    ['becomes available', ({ crew }) => crew.as('bo').setAvailability(true)],
    ['learns what it takes', ({ crew }) => crew.join('dan', { skills: { sql: 0.5 } })],
    ['gets a higher budget', ({ crew }) => crew.join('eve', { budget: { tokens: 100 } })],
    ['can do more at once', ({ crew }) => crew.join('fay', { capacity: 2 })],
    ['ends another', ({ tracker }) => tracker.complete('of fay')],
    ['gives another back', ({ tracker }) => tracker.cancel('of fay')],
  ])('is assigned in the commit in which somebody %s', async (_, change) => {
    const team = await openAutomatic([])
    const { crew, tracker } = team
    await crew.join('bo', { skills: { sql: 1 }, available: false })
    await crew.join('dan')
    await crew.join('eve', { skills: { sql: 1 }, budget: { tokens: 1 } })
    await tracker.create(named('of eve', { assignees: 'eve' }))
    await (await claim(tracker, 'eve')).complete({ usage: { tokens: 5 } })
    await crew.join('fay', { skills: { sql: 1 } })
    await tracker.create(named('of fay', { assignees: 'fay' }))
    await tracker.start('of fay')
    await tracker.create(named('a', { requires: { sql: 0.3 } }))
    expect(tracker.get('a')?.assignees).toEqual([])
    const { seq = 0 } = crew.journal.head ?? {}
    await change(team)
    expect(tracker.get('a')?.assignees).toHaveLength(1)
    expect(crew.journal.head?.seq).toBe(seq + 1)
  })

  it('is assigned when a crew opens with a strategy, be it kept by others or from before', async () => {
    const { here, reopen, storage, environment } = await openPair(['ana'])
    await here.tracker.create(named('a'))
    await here.close()
    const again = await openTeam([], { storage, environment, assignment })
    await environment.settle()
    expect(again.tracker.get('a')?.assignees).toEqual(['ana'])
    expect((await reopen()).tracker.get('a')?.assignees).toEqual(['ana'])
  })
})

describe('what was assigned automatically and is not started', () => {
  it('is given to another when its member leaves', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a'))
    await team.crew.leave('ana')
    expect(assignees(team)).toEqual({ a: 'bo' })
  })

  it('is given to another when its member becomes unavailable, in the same commit, with a notice', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a'))
    const events = recordEvents(team.crew)
    const { seq = 0 } = team.crew.journal.head ?? {}
    await team.crew.as('ana').setAvailability(false)
    expect(assignees(team)).toEqual({ a: 'bo' })
    expect(team.crew.journal.head?.seq).toBe(seq + 1)
    expect(events.types()).toEqual(['member.updated', 'task.assigned', 'message.sent'])
    expect(team.communications.inbox('bo').map(({ taskId }) => taskId)).toEqual(['a'])
  })

  it('is taken back when nobody else can be given it, and given again to who comes back', async () => {
    const team = await openAutomatic(['ana'])
    await team.tracker.create(named('a'))
    await team.crew.as('ana').setAvailability(false)
    expect(team.tracker.get('a')).toMatchObject({ assignees: [] })
    await team.crew.as('ana').setAvailability(true)
    expect(assignees(team)).toEqual({ a: 'ana' })
  })

  it('is given to another when its member works on something else and has no room for it any more', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a'))
    await team.tracker.create(named('b', { assignees: 'ana', priority: 9 }))
    expect(assignees(team)).toEqual({ a: 'bo', b: 'ana' })
    await team.crew.join('cy', { capacity: 3 })
    await team.tracker.createMany([named('c'), named('d'), named('e')])
    expect(assignees(team)).toMatchObject({ c: 'cy', d: 'cy', e: 'cy' })
    await team.crew.join('dan', { capacity: 2 })
    await team.crew.join('cy', { capacity: 1 })
    expect(assignees(team)).toMatchObject({ c: 'cy', d: 'dan', e: 'dan' })
  })

  it('stays with a member who was given it by hand', async () => {
    const team = await openAutomatic()
    await team.tracker.createMany([named('a'), named('b', { assignees: 'ana' })])
    await team.tracker.assign('a', 'ana')
    await team.crew.as('ana').setAvailability(false)
    expect(assignees(team)).toEqual({ a: 'ana', b: 'ana' })
  })

  it('goes to whoever can, once the hand that gave it to somebody who leaves has nobody left', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a', { assignees: 'ana' }))
    await team.crew.leave('ana')
    expect(assignees(team)).toEqual({ a: 'bo' })
  })

  it('stays with its member once that has started it', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a'))
    await claim(team.tracker, 'ana')
    await team.crew.as('ana').setAvailability(false)
    expect(team.tracker.get('a')).toMatchObject({ status: 'in_progress', assignees: ['ana'], holder: 'ana' })
  })
})

describe('a member whose lease is lost', () => {
  async function dead() {
    const pair = await openPair([], { assignment })
    const { here, there, environment } = pair
    await here.join('ana', { capacity: 2, skills: { sql: 1 } })
    await here.tracker.createMany([named('a'), named('b')])
    await there.join('bo', { capacity: 2 })
    await here.as('ana').claim()
    await crash(here)
    await environment.advance('71s')
    return { ...pair, crew: there, tracker: there.tracker }
  }

  it('is missing: what it had is given to others, and nothing to it (TL-14)', async () => {
    const team = await dead()
    expect(assignees(team)).toEqual({ a: 'bo', b: 'bo' })
    expect(team.crew.members.find(({ id }) => id === 'ana')?.missingSince).toBeGreaterThan(0)
    await team.tracker.create(named('c', { requires: { sql: 1 } }))
    expect(team.tracker.get('c')?.assignees).toEqual([])
    expect(team.tracker.explain({ taskId: 'c' }).answer).toMatch(
      /^Whoever could do it is missing: ana has not been seen/,
    )
  })

  it.each<[string, (team: Awaited<ReturnType<typeof dead>>) => Promise<unknown>]>([
    [
      'claims, though in vain',
      async ({ there }) => expect(await there.as('ana').claim({ taskId: 'a' })).toBeUndefined(),
    ],
    ['joins again', ({ there }) => there.join('ana')],
    ['says that it is available', ({ there }) => there.as('ana').setAvailability(true)],
    ['starts something by hand', ({ tracker }) => tracker.start('hers', { by: 'ana' })],
  ])('is there again when it %s', async (_, act) => {
    const team = await dead()
    await team.tracker.create(named('hers', { assignees: 'ana' }))
    await team.tracker.create(named('c', { requires: { sql: 1 } }))
    expect(team.tracker.get('c')?.assignees).toEqual([])
    await act(team)
    expect(team.crew.members.find(({ id }) => id === 'ana')?.missingSince).toBeUndefined()
    expect(team.tracker.get('c')?.assignees).toEqual(['ana'])
  })

  it('is given work again as soon as its worker is back', async () => {
    const team = await dead()
    const done: string[] = []
    team.there.as('ana').work((attempt) => {
      done.push(attempt.task.id)
    })
    await team.tracker.create(named('c', { requires: { sql: 1 } }))
    await team.environment.advance('1s')
    expect(done).toEqual(['c'])
  })

  it('stays missing for who opens the crew later, from a checkpoint too', async () => {
    const team = await dead()
    await team.crew.checkpoint()
    const again = await team.reopen()
    expect(again.members).toEqual(team.crew.members)
    expect(again.members.find(({ id }) => id === 'ana')?.missingSince).toBeGreaterThan(0)
  })
})

describe('what is not started in time', () => {
  it('is given to another, as nobody seems to work for its member', async () => {
    const team = await openAutomatic()
    await team.tracker.create(named('a'))
    await team.environment.advance('299s')
    expect(assignees(team)).toEqual({ a: 'ana' })
    await team.environment.advance('80s')
    expect(assignees(team)).toEqual({ a: 'bo' })
    expect(team.crew.members[0]?.missingSince).toBeGreaterThan(0)
    await team.environment.advance('10m')
    expect(assignees(team)).toEqual({ a: '' })
    await team.crew.join('ana')
    expect(assignees(team)).toEqual({ a: 'ana' })
  })

  it('is waited for as long as the crew says, and for people without end', async () => {
    const team = await openAutomatic([], { assignment: { ...assignment, startWithinMs: 8000 } })
    await team.crew.join('ana')
    await team.crew.join('bo', { kind: 'human' })
    await team.tracker.createMany([named('a'), named('b')])
    expect(assignees(team)).toEqual({ a: 'ana', b: 'bo' })
    await team.environment.advance('3d')
    expect(assignees(team)).toEqual({ a: '', b: 'bo' })
  })

  it('is not counted while it waits for something else', async () => {
    const team = await openAutomatic(['ana'])
    await team.tracker.create(named('a'))
    await team.environment.advance('4m')
    await team.tracker.create(named('b', { assignees: 'ana', notBefore: team.environment.now() + 3_600_000 }))
    await team.tracker.addDependency('a', 'b')
    await team.environment.advance('30m')
    await team.tracker.removeDependency('a', 'b')
    await team.environment.advance('4m')
    expect(assignees(team)).toMatchObject({ a: 'ana' })
    expect(team.crew.members[0]?.missingSince).toBeUndefined()
  })
})

describe('a strategy that fails while tasks become ready', () => {
  it('refuses no command: the task stays open, onError is told once a commit', async () => {
    const cause = new Error('broken')
    let isBroken = true
    const strategy: Strategy = (view) => {
      if (isBroken) throw cause
      return bestFit()(view)
    }
    const team = await openAutomatic(['ana'], { assignment: { strategy } })
    await team.tracker.create(named('a'))
    await team.environment.settle()
    expect(assignees(team)).toEqual({ a: '' })
    expect(team.errors).toEqual([expect.objectContaining({ code: 'invalid_input', cause })])
    isBroken = false
    await team.tracker.update('a', { priority: 2 })
    expect(assignees(team)).toEqual({ a: 'ana' })
    expect(team.errors).toHaveLength(1)
  })

  it('gives nothing by a plan that is wrong in part', async () => {
    const strategy: Strategy = ({ tasks }) => ({ assigned: tasks.map(({ id: taskId }) => ({ taskId, member: 'ana' })) })
    const team = await openAutomatic(['ana'], { assignment: { strategy } })
    await team.tracker.createMany([named('a'), named('b')])
    await team.environment.settle()
    expect(assignees(team)).toEqual({ a: '', b: '' })
    expect(team.errors).toEqual([expect.objectContaining({ code: 'not_eligible' })])
  })

  it('is told of, too, where the clock made the task ready', async () => {
    const strategy: Strategy = () => {
      throw new Error('broken')
    }
    const team = await openAutomatic(['ana'], { assignment: { strategy } })
    await team.tracker.create(named('a', { notBefore: team.environment.now() + 1000 }))
    await team.environment.advance('1h')
    expect(team.errors).toHaveLength(1)
  })
})

describe('a strategy that leaves what it could give', () => {
  it('is asked again when something changes, and not without end', async () => {
    let asked = 0
    const strategy: Strategy = () => {
      asked++
      return { assigned: [] }
    }
    const { tracker, environment } = await openAutomatic(['ana'], { assignment: { strategy } })
    await tracker.create(named('a'))
    await environment.advance('1h')
    expect(asked).toBe(1)
    await tracker.create(named('b'))
    await environment.advance('1h')
    expect(asked).toBe(2)
  })
})

describe('automatic assignment', () => {
  it('is off unless the crew is opened with it', async () => {
    for (const options of [{}, { assignment: { automatic: false } }]) {
      const team = await openTeam(['ana'], options)
      await team.tracker.create(named('a'))
      await team.environment.advance('1h')
      expect(assignees(team)).toEqual({ a: '' })
    }
  })

  it('is by bestFit unless the crew names another', async () => {
    const team = await openAutomatic([], { assignment: {} })
    await team.crew.join('ana', { skills: { sql: 0.5 } })
    await team.crew.join('bo', { skills: { sql: 0.9 } })
    await team.tracker.create(named('a', { requires: { sql: 0.5 } }))
    expect(assignees(team)).toEqual({ a: 'bo' })
  })

  it('gives ten thousand tasks as members become free, whatever one commit holds', async () => {
    const team = await openAutomatic([])
    const count = 10_000
    await team.tracker.createMany(Array.from({ length: count }, (_, n) => named(`t${String(n)}`)))
    await team.crew.join('ana', { capacity: count })
    await team.environment.settle()
    expect(team.tracker.count({ assignee: 'ana' })).toBe(count)
    expect(team.errors).toEqual([])
  })

  it('gives work to whoever works, until all is done', async () => {
    const team = await openAutomatic(['ana', 'bo', 'cy'])
    await team.tracker.createMany(
      Array.from({ length: 60 }, (_, n) =>
        named(`t${String(n)}`, n % 3 === 2 ? { dependsOn: [`t${String(n - 1)}`] } : {}),
      ),
    )
    for (const { id } of team.crew.members) team.crew.as(id).work(() => undefined)
    await team.crew.idle()
    expect(team.tracker.count({ status: 'completed' })).toBe(60)
    expect(team.tracker.list().every(({ assignees: [given], attempts }) => attempts[0]?.member === given)).toBe(true)
  })

  it('gives nothing in a past, and none while a crew closes', async () => {
    const { here, storage, environment } = await openPair(['ana'])
    await here.tracker.create(named('a'))
    const past = await openTeam([], { storage, environment, assignment, at: { seq: here.journal.head?.seq ?? 0 } })
    await environment.advance('10m')
    expect(past.errors).toEqual([])
    expect(here.tracker.get('a')?.assignees).toEqual([])
  })
})
