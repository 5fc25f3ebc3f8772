import { type Commit, type Crew, MemoryStorage, openCrew } from 'crewlog'
import { crash, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../support/team.js'

async function commitsOf(storage: MemoryStorage): Promise<readonly Commit[]> {
  const run = await storage.read('crew', 0, 10_000)
  return 'commits' in run ? run.commits : []
}

describe('opening', () => {
  it('gives a crew in memory, with nobody in it and nothing to do', async () => {
    const crew = await openCrew({ environment: manualEnvironment() })
    expect([crew.name, crew.members, crew.tracker.list(), crew.communications.messages()]).toEqual(['crew', [], [], []])
    expect(crew.journal.head).toBeUndefined()
  })

  it.each<[string, object]>([
    ['an unknown option', { store: new MemoryStorage() }],
    ['what is no storage', { storage: {} }],
    ['what is no environment', { environment: { now: () => 0 } }],
    ['a name that is no id', { name: 'a\nb' }],
    ['a lease under a second (TM-06)', { leaseMs: 999 }],
    ['an infinite lease (TM-06)', { leaseMs: Infinity }],
    ['an unknown limit', { limits: { tasks: 3 } }],
    ['a limit of 0', { limits: { recipients: 0 } }],
    ['no attempts', { retry: { attempts: 0 } }],
    ['what is no listener', { onError: 'log' }],
  ])('refuses %s', async (_, options) => {
    await expect(openCrew(options)).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('finds all that was committed before, and tells nothing of it (EV-13)', async () => {
    const { here, reopen } = await openPair()
    await here.tracker.create({ id: 'tides', description: 'Tides', assignees: 'bo' })
    await here.as('ana').claim({ taskId: 'tides' })
    await here.as('bo').claim()
    const again = await reopen()
    const events = recordEvents(again)
    expect(again.members).toEqual(here.members)
    expect(again.tracker.list()).toEqual(here.tracker.list())
    expect(again.communications.messages()).toEqual(here.communications.messages())
    expect(again.journal.head).toEqual(here.journal.head)
    expect(events.all).toEqual([])
  })
})

describe('two crews over one storage', () => {
  it('are one: what one commits, the other has after sync', async () => {
    const { here, there } = await openPair()
    const [task, message] = await Promise.all([
      here.tracker.create({ description: 'Tides' }),
      there.as('ana').send('bo', 'hi'),
    ])
    await Promise.all([here.sync(), there.sync()])
    expect(there.tracker.get(task.id)).toEqual(task)
    expect(here.communications.get(message.id!)).toEqual(message)
  })

  it('hear of each other without sync, by the hint of the storage', async () => {
    const { here, there, environment } = await openPair()
    const task = await here.tracker.create({ description: 'Tides' })
    await environment.settle()
    expect(there.tracker.get(task.id)).toEqual(task)
  })

  it('hear of each other within five seconds when no hint comes (EV-18)', async () => {
    const storage: MemoryStorage = Object.assign(new MemoryStorage(), { watch: undefined })
    const { here, there, environment } = await openPair(['ana'], { storage })
    const task = await here.tracker.create({ description: 'Tides' })
    await environment.settle()
    expect(there.tracker.get(task.id)).toBeUndefined()
    await environment.advance('5s')
    expect(there.tracker.get(task.id)).toEqual(task)
  })

  it('cannot both claim the last task', async () => {
    const { here, there } = await openPair()
    await here.tracker.create({ description: 'Tides' })
    await there.sync()
    const attempts = await Promise.all([here.as('ana').claim(), there.as('bo').claim()])
    expect(attempts.filter(Boolean)).toHaveLength(1)
  })

  it('have nothing to do with one of another name (RL-11)', async () => {
    const { here, environment, storage } = await openPair()
    const other = await openCrew({ name: 'other', storage, environment })
    await here.tracker.create({ description: 'Tides' })
    await other.sync()
    expect([other.members, other.tracker.list()]).toEqual([[], []])
  })
})

describe('members', () => {
  it('join with a kind, skills, a capacity and availability, or the defaults', async () => {
    const { crew, environment } = await openTeam([])
    const ana = await crew.join('ana')
    const bo = await crew.join('bo', { kind: 'human', skills: { test: 0.8 }, capacity: 3, available: false })
    const joinedAt = environment.now()
    expect(ana.info).toEqual({ id: 'ana', kind: 'llm', skills: {}, usage: {}, capacity: 1, available: true, joinedAt })
    expect(bo.info).toEqual({
      id: 'bo',
      kind: 'human',
      skills: { test: 0.8 },
      usage: {},
      capacity: 3,
      available: false,
      joinedAt,
    })
    expect(crew.members).toEqual([ana.info, bo.info])
  })

  it('change by joining again, of what is given; an update that changes nothing is no event', async () => {
    const { crew, environment } = await openTeam([])
    await crew.join('ana', { skills: { code: 0.9 }, capacity: 2 })
    const events = recordEvents(crew)
    await environment.advance('1m')
    const ana = await crew.join('ana', { capacity: 3 })
    await crew.join('ana', { capacity: 3, skills: { code: 0.9 } })
    expect(ana.info).toMatchObject({ capacity: 3, skills: { code: 0.9 } })
    expect(events.types()).toEqual(['member.updated'])
    await ana.setAvailability(false)
    expect(events.of('member.updated').map(({ member }) => member.available)).toEqual([true, false])
  })

  it.each<[string, object, string]>([
    ['a skill over 1', { skills: { code: 1.1 } }, 'invalid_input'],
    ['no capacity', { capacity: 0 }, 'invalid_input'],
    ['half a capacity', { capacity: 1.5 }, 'invalid_input'],
    ['an unknown kind', { kind: 'cat' }, 'invalid_input'],
    ['a skill named __proto__', { skills: JSON.parse('{"__proto__":1}') as object }, 'invalid_input'],
  ])('cannot join with %s', async (_, options, code) => {
    const { crew } = await openTeam([])
    await expect(crew.join('ana', options)).rejects.toMatchObject({ code })
    expect(crew.members).toEqual([])
  })

  it('cannot join as the crew itself, or under what is no id', async () => {
    const { crew } = await openTeam([])
    await expect(crew.join('crew')).rejects.toMatchObject({ code: 'already_exists' })
    await expect(crew.join(' ana')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('who are unknown are not_found, wherever they are named', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    const task = await tracker.create({ description: 'Tides' })
    const refused = { code: 'not_found', message: 'Member not found: zoe; join it first, or mend the id' }
    expect(() => crew.as('zoe')).toThrow(expect.objectContaining(refused))
    await expect(crew.leave('zoe')).rejects.toMatchObject(refused)
    await expect(tracker.assign(task.id, ['ana', 'zoe'])).rejects.toMatchObject(refused)
    await expect(tracker.claim('zoe')).rejects.toMatchObject(refused)
    await expect(tracker.create({ description: 'x', watchers: ['zoe'] })).rejects.toMatchObject(refused)
    await expect(crew.communications.receive('zoe')).rejects.toMatchObject(refused)
    const by = { by: 'zoe' }
    const asked = [
      tracker.create({ description: 'x' }, by),
      tracker.createMany([{ description: 'x' }], by),
      tracker.start(task.id, by),
      tracker.update(task.id, { priority: 2 }, by),
      tracker.assign(task.id, 'ana', by),
      tracker.unassign(task.id, by),
      tracker.addDependency(task.id, 'x', by),
      tracker.comment(task.id, 'x', by),
      tracker.cancel(task.id, by),
    ]
    for (const command of asked) await expect(command).rejects.toMatchObject(refused)
    expect(tracker.list()).toEqual([task])
  })

  it('who have left are no longer heard of through a handle that was kept', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    const ana = crew.as('ana')
    await tracker.create({ id: 'a', description: 'Tides', reviewers: ['ana'] })
    await crew.leave('ana')
    const before = tracker.get('a')
    for (const command of [ana.comment('a', 'x'), ana.answer('a', 1), ana.send('ana', 'x'), ana.claim()])
      await expect(command).rejects.toMatchObject({ code: 'not_found' })
    expect(tracker.get('a')).toBe(before)
  })

  it('need not join where they are not strict: an id becomes a member at its first use', async () => {
    const { crew, tracker } = await openTeam([], { strictMembers: false })
    const events = recordEvents(crew)
    await tracker.create({ description: 'Tides', assignees: 'zoe' })
    await tracker.claim('zoe')
    expect(crew.members.map(({ id }) => id)).toEqual(['zoe'])
    expect(events.types('member')).toEqual(['joined'])
  })

  it('stay in the order of joining while one of them leaves', async () => {
    const { crew } = await openTeam(['ana', 'bo', 'cy'])
    const seen = new Set<string>()
    const look = () => seen.add(crew.members.map(({ id }) => id).join())
    const left = crew.leave('ana')
    for (let n = 0; n < 20; n++) await Promise.resolve(look())
    await left
    look()
    expect([...seen]).toEqual(['ana,bo,cy', 'bo,cy'])
  })
})

describe('leaving', () => {
  it('releases what the member works on, unassigns it, and keeps its mail for its return', async () => {
    const { crew, tracker, environment } = await openTeam()
    const bo = crew.as('bo')
    await tracker.create({ id: 'held', description: 'Held' })
    await tracker.create({ id: 'given', description: 'Given', assignees: ['ana', 'bo'], priority: 0 })
    await tracker.create({ id: 'over', description: 'Over', assignees: 'bo', priority: 0 })
    await tracker.cancel('over')
    const attempt = await bo.claim({ taskId: 'held' })
    const { signal } = attempt!
    await crew.as('ana').send('bo', 'for your return')
    const seq = crew.journal.head!.seq

    await crew.leave('bo')
    expect(crew.journal.head!.seq).toBe(seq + 1)
    expect(tracker.get('held')).toMatchObject({ status: 'pending', attempts: [{ outcome: 'released' }] })
    expect(tracker.get('held')?.counted).toEqual({ failures: 0, lost: 0, released: 0 })
    expect(tracker.get('given')?.assignees).toEqual(['ana'])
    expect(tracker.get('over')?.assignees).toEqual(['bo'])
    expect(crew.members.map(({ id }) => id)).toEqual(['ana'])
    await expect(attempt!.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
    expect(attempt!.isOver).toBe(true)
    expect(signal.aborted).toBe(false)
    expect(() => bo.info).toThrow(expect.objectContaining({ code: 'not_found' }))
    await expect(crew.as('ana').send('bo', 'hi')).rejects.toMatchObject({ code: 'not_found' })

    await environment.advance('1m')
    const again = await crew.join('bo')
    expect(again.inbox.map(({ content }) => content)).toContain('for your return')
    expect(again.info.joinedAt).toBe(environment.now())
  })
})

describe('a handle', () => {
  it('acts only as its member: no option names another', async () => {
    const { crew, tracker } = await openTeam(['ana', 'bo', 'eve'])
    const eve = crew.as('eve')
    const task = await tracker.create({ description: 'Tides' })
    await expect(eve.send('bo', 'hi', { sender: 'ana' } as object)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(eve.ask('bo', 'hi', { sender: 'ana' } as object)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(eve.claim({ taskId: task.id, by: 'ana' } as object)).rejects.toMatchObject({ code: 'invalid_input' })
    await tracker.start(task.id, { by: 'ana' })
    await tracker.wait(task.id, { for: 'approval', of: ['ana', 'bo'] })
    await expect(eve.answer(task.id, 'yes')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(crew.communications.messages({ sender: 'ana', text: 'hi' })).toEqual([])
    expect((await eve.comment(task.id, 'mine')).sender).toBe('eve')
  })

  it('knows the open tasks that its member is assigned or works on', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ id: 'held', description: 'Held', priority: 2 })
    await tracker.create({ id: 'given', description: 'Given', assignees: 'bo' })
    await tracker.create({ id: 'over', description: 'Over', assignees: 'bo' })
    await tracker.create({ id: 'other', description: 'Other', assignees: 'ana' })
    await tracker.cancel('over')
    await crew.as('bo').claim({ taskId: 'held' })
    expect(crew.as('bo').tasks.map(({ id }) => id)).toEqual(['held', 'given'])
  })

  it('does not look through the tasks of all for those of its member', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.createMany(Array.from({ length: 10_000 }, (_, n) => ({ description: String(n) })))
    const mine = await tracker.create({ description: 'Mine', assignees: 'bo' })
    await crew.as('ana').claim()
    const held = await tracker.create({ description: 'Held' })
    await crew.as('bo').claim({ taskId: held.id })
    for (let reads = 0; reads < 1000; reads++)
      expect(crew.as('bo').tasks.map(({ id }) => id)).toEqual([mine.id, held.id])
  })

  it('tells of an assignment in the commit that assigns, in the thread of the task', async () => {
    const { here, there, storage } = await openPair()
    const task = await here.tracker.create({ description: 'Tides' })
    await here.tracker.assign(task.id, 'bo', { by: 'ana' })
    const last = (await commitsOf(storage)).at(-1)!
    expect(last.events.map(({ type, by }) => [type, by])).toEqual([
      ['task.assigned', 'ana'],
      ['message.sent', 'ana'],
    ])
    await there.sync()
    expect(there.as('bo').inbox).toMatchObject([
      { kind: 'task.assigned', taskId: task.id, sender: 'ana', content: 'Tides', seq: last.seq },
    ])
    expect(there.communications.thread({ taskId: task.id })).toEqual(there.as('bo').inbox)
  })

  it('tells once of what is assigned anew before it was read, and nobody of their own doing', async () => {
    const { crew, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    for (const to of ['bo', 'ana', 'bo', 'ana', 'bo']) await tracker.assign(task.id, to, { by: 'ana' })
    expect(crew.as('bo').inbox).toHaveLength(1)
    expect(crew.as('ana').inbox).toEqual([])
    const [notice] = await crew.as('bo').receive()
    await crew.as('bo').acknowledge(notice!)
    await tracker.assign(task.id, 'ana', { by: 'ana' })
    await tracker.assign(task.id, 'bo', { by: 'ana' })
    expect(crew.as('bo').inbox).toHaveLength(1)
  })
})

it('crashes as its process would: what is under way is never answered, and nothing is given back', async () => {
  const { here, there, environment } = await openPair()
  const task = await here.tracker.create({ description: 'Tides' })
  await here.as('ana').claim()
  const comment = watch(here.tracker.comment(task.id, 'half said'))
  await crash(here)
  await environment.advance('30s')
  expect(comment.state).toBe('pending')
  expect(there.tracker.get(task.id)).toMatchObject({ status: 'in_progress', holder: 'ana', commentCount: 0 })
  const refused: [string, (crew: Crew) => Promise<unknown>][] = [
    ['create', (crew) => crew.tracker.create({ description: 'x' })],
    ['join', (crew) => crew.join('zoe')],
    ['sync', (crew) => crew.sync()],
  ]
  for (const [, call] of refused) await expect(call(here)).rejects.toMatchObject({ code: 'closed' })
})
