import { afterEach, describe, expect, it } from 'vitest'
import { type Crew, type CrewOptions, type JournalStorage, MemoryStorage, type Message, openCrew } from 'crewlog'
import { checkJournal, recordEvents } from 'crewlog/testing'
import { stateOf } from '../support/crew-state.js'
import { openPair, openTeam } from '../support/team.js'

const HOUR = 3_600_000

/** Creates a task, lets ana do it, and answers its id. */
async function done(crew: Crew, id: string, more: object = {}): Promise<string> {
  await crew.tracker.create({ id, description: id, ...more })
  await crew.tracker.start(id, { by: 'ana' })
  await crew.tracker.complete(id)
  return id
}

async function read(crew: Crew, member: string): Promise<void> {
  for (const delivery of await crew.communications.receive(member)) await crew.communications.acknowledge(delivery)
}

const ids = (crew: Crew) => crew.tracker.list().map(({ id }) => id)

const opened: JournalStorage[] = []
const open = (retention: CrewOptions['retention'], options: CrewOptions = {}) => {
  const { storage = new MemoryStorage() } = options
  opened.push(storage)
  return openTeam(['ana', 'bo'], { ...options, storage, ...(retention && { retention }) })
}
afterEach(async () => {
  for (const storage of opened.splice(0)) expect(await checkJournal(storage)).toEqual([])
})

describe('retention', () => {
  it('lets tasks that have ended leave memory after a while, for all of them are not_found', async () => {
    const { crew, tracker, environment } = await open({ afterMs: HOUR })
    const events = recordEvents(crew)
    await done(crew, 'tides')
    await environment.advance('30m')
    await done(crew, 'winds')
    await tracker.create({ id: 'rains', description: 'still open' })
    await environment.advance('32m')
    expect(ids(crew)).toEqual(['winds', 'rains'])
    await environment.advance('31m')
    expect(ids(crew)).toEqual(['rains'])
    expect([tracker.get('tides'), tracker.status('tides'), tracker.stage('tides')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(() => tracker.dependencies('tides')).toThrow('Task not found: tides')
    for (const refused of [tracker.retry('tides'), tracker.history('tides'), tracker.whenEnded('tides')])
      await expect(refused).rejects.toMatchObject({ code: 'not_found' })
    expect(events.of('crew.pruned').map((event) => event.ids)).toEqual([['tides'], ['winds']])
    expect(events.types().filter((type) => type.startsWith('crew.'))).toEqual(['crew.pruned', 'crew.pruned'])
  })

  it('keeps the newest of those that have ended, as many as it is told', async () => {
    const { crew, environment } = await open({ keep: 3 })
    for (let n = 1; n <= 10; n++) {
      await done(crew, `task ${n}`)
      const { id } = await crew.as('bo').send('ana', n, { kind: 'note' })
      expect(crew.communications.get(id!)).toBeDefined()
      await read(crew, 'ana')
    }
    await environment.advance('3m')
    expect(ids(crew)).toEqual(['task 8', 'task 9', 'task 10'])
    expect(crew.communications.messages().map(({ content }) => content)).toEqual([8, 9, 10])
  })

  it('leaves no more of three thousand tasks and messages than of one thousand (RL-05)', async () => {
    const storage = new MemoryStorage()
    const { crew, environment } = await open({ keep: 20 }, { storage, limits: { pairRate: 1000 } })
    const stored = async (): Promise<number> => {
      await crew.checkpoint()
      let length = 0
      for await (const part of (await storage.loadCheckpoint('crew'))!.parts) length += part.length
      return length
    }
    const wave = async (): Promise<void> => {
      const drafts = Array.from({ length: 250 }, (_, n) => ({ description: `Part ${n}` }))
      for (const { id } of await crew.tracker.createMany(drafts)) await crew.tracker.cancel(id)
      await Promise.all(drafts.map(({ description }) => crew.as('bo').send('ana', description)))
      for (const delivery of await crew.communications.receive('ana', { limit: 1000 }))
        await crew.communications.acknowledge(delivery)
      await environment.advance('2m')
    }
    for (let n = 0; n < 4; n++) await wave()
    const before = await stored()
    for (let n = 0; n < 8; n++) await wave()
    expect([crew.tracker.count(), crew.communications.messages().length]).toEqual([20, 20])
    expect(await stored()).toBeLessThan(before * 1.05)
  })

  it('leaves totals in reports and workloads as they are', async () => {
    const { crew, tracker, reports, environment } = await open({ afterMs: HOUR })
    for (let n = 0; n < 5; n++) await done(crew, `done ${n}`)
    await tracker.create({ id: 'bad', description: 'x' })
    await tracker.start('bad', { by: 'bo' })
    await tracker.fail('bad', { error: 'no', retryable: false })
    await tracker.create({ id: 'off', description: 'x' })
    await tracker.cancel('off')
    await tracker.create({ id: 'left', description: 'x' })
    const totals = () => [
      reports.generate('summary').data,
      tracker.workload(),
      reports
        .generate('workload')
        .data.rows.map(({ member, completed, failed, share }) => [member, completed, failed, share]),
    ]
    const before = totals()
    await environment.advance('2h')
    expect(tracker.count()).toBe(1)
    expect(totals()).toEqual(before)
  })

  describe('never forgets what is still referred to:', () => {
    const age = ({ environment }: Awaited<ReturnType<typeof open>>) => environment.advance('1d')

    it('dependency, subtask and predecessor of an open task', async () => {
      const team = await open({ afterMs: HOUR })
      const { crew, tracker } = team
      for (const id of ['dependency', 'old', 'free']) await done(crew, id)
      await tracker.create({ id: 'open', description: 'x', dependsOn: ['dependency'], supersedes: 'old' })
      await done(crew, 'part', { parentId: 'open' })
      await age(team)
      expect(ids(crew)).toEqual(['dependency', 'old', 'open', 'part'])
      await tracker.start('open', { by: 'ana' })
      await tracker.complete('open')
      await age(team)
      expect(ids(crew)).toEqual([])
    })

    it('a task in whose thread there is unread mail, and mail about an open task', async () => {
      const team = await open({ afterMs: HOUR })
      const { crew, communications } = team
      await done(crew, 'talked of')
      await communications.send({ sender: 'ana', recipient: 'bo', content: 'look', taskId: 'talked of' })
      await crew.tracker.create({ id: 'open', description: 'x' })
      await communications.send({ sender: 'bo', recipient: 'ana', content: 'see', taskId: 'open' })
      await read(crew, 'ana')
      await age(team)
      expect([ids(crew), communications.messages().length]).toEqual([['talked of', 'open'], 2])
      await read(crew, 'bo')
      await crew.tracker.cancel('open')
      await age(team)
      expect([ids(crew), communications.messages()]).toEqual([[], []])
      expect(communications.thread({ taskId: 'open' })).toHaveLength(0)
    })

    it('a thread in which one still has something to read, whole, and a question while it waits', async () => {
      const team = await open({ afterMs: 1 })
      const { crew, communications, environment } = team
      const first = await crew.as('ana').send('bo', 'first')
      await read(crew, 'bo')
      await crew.as('bo').reply(first, 'second')
      const asked = crew.as('ana').ask('bo', 'third', { timeoutMs: 2 * HOUR })
      asked.catch(() => undefined)
      await environment.settle()
      await read(crew, 'bo')
      await environment.advance('1h')
      expect(communications.messages().map(({ content }) => content)).toEqual(['first', 'second', 'third'])
      await read(crew, 'ana')
      await environment.advance('1d')
      expect(communications.messages()).toEqual([])
      await expect(asked).rejects.toMatchObject({ code: 'timed_out' })
    })

    it('what is dead, as it can be sent again', async () => {
      const team = await open({ afterMs: 1 }, { limits: { deliveries: 1 } })
      const { crew, communications } = team
      const { id = '' } = await crew.as('ana').send('bo', 'poison')
      const [delivery] = await communications.receive('bo')
      await communications.giveBack(delivery!)
      await age(team)
      await communications.resend(id)
      await read(crew, 'bo')
      await age(team)
      expect(communications.get(id)).toBeUndefined()
    })

    it('what an idempotency key stands for, for as long as it does', async () => {
      const { crew, tracker, environment } = await open({ afterMs: 1 })
      const draft = { id: 'keyed', description: 'x' }
      await tracker.create(draft, { idempotencyKey: 'k' })
      await tracker.cancel('keyed')
      await environment.advance('23h')
      await expect(tracker.create(draft, { idempotencyKey: 'k' })).resolves.toMatchObject({ status: 'cancelled' })
      await environment.advance('3h')
      expect(ids(crew)).toEqual([])
      await expect(tracker.create(draft, { idempotencyKey: 'k' })).resolves.toMatchObject({ status: 'pending' })
    })
  })

  it('keeps an edge to what is forgotten as satisfied as it was, so that a task is retried or not as before (DG-09)', async () => {
    const { crew, tracker, environment, ...rest } = await open({ afterMs: HOUR })
    await done(crew, 'good')
    await tracker.create({ id: 'bad', description: 'x' })
    await tracker.cancel('bad')
    await tracker.createMany([
      { id: 'one', description: 'x', dependsOn: ['good'] },
      { id: 'two', description: 'x', dependsOn: [{ id: 'bad', onCancel: 'continue' }] },
      { id: 'three', description: 'x', dependsOn: ['good', { id: 'bad', onCancel: 'block' }] },
    ])
    await environment.advance('2h')
    // What open ones refer to is still there; now they end, younger than what they refer to.
    for (const id of ['one', 'two', 'three']) await tracker.cancel(id)
    await environment.advance('30m')
    expect(ids(crew)).toEqual(['one', 'two', 'three'])
    for (const id of ['one', 'two']) {
      await tracker.retry(id)
      expect(tracker.stage(id)).toBe('new')
    }
    await expect(tracker.retry('three')).rejects.toMatchObject({
      code: 'invalid_transition',
      message: expect.stringContaining('forgotten') as string,
    })
    await tracker.create({ id: 'other', description: 'x' })
    await tracker.addDependency('one', 'other')
    await tracker.removeDependency('one', 'other')
    expect(tracker.stage('one')).toBe('new')
    await expect(tracker.create({ id: 'good', description: 'x' })).rejects.toMatchObject({ code: 'already_exists' })
    await tracker.cancel('one')
    await tracker.cancel('two')
    await environment.advance('3h')
    expect(ids(crew)).toEqual(['other'])
    // Nobody refers to it any more.
    await expect(tracker.create({ id: 'good', description: 'x' })).resolves.toMatchObject({ version: 1 })
    expect(rest.errors).toEqual([])
  })

  it('is a setting of the crew: who opens it without leaves it, who opens it with another changes it, {} ends it', async () => {
    const { here, there, reopen, environment, storage, errors } = await openPair(['ana', 'bo'])
    const events = recordEvents(there)
    const third = await openCrew({ storage, environment, retention: { afterMs: HOUR } })
    await done(here, 'tides')
    await reopen()
    await environment.advance('3h')
    await Promise.all([here.sync(), there.sync()])
    for (const crew of [here, there, third]) expect(ids(crew)).toEqual([])
    await openCrew({ storage, environment, retention: { afterMs: HOUR } })
    await openCrew({ storage, environment, retention: {} })
    await done(here, 'winds')
    await environment.advance('1d')
    expect(ids(here)).toEqual(['winds'])
    expect(events.of('crew.configured').map(({ retention }) => retention)).toEqual([{ afterMs: HOUR }, {}])
    expect(errors).toEqual([])
  })

  it('is folded alike by every replica, one that opens later and one that opens from a checkpoint included', async () => {
    const { here, there, reopen, environment, storage } = await openPair(['ana', 'bo'], { retention: { keep: 2 } })
    await done(here, 'base')
    await here.tracker.create({ id: 'kept', description: 'x', dependsOn: ['base'] })
    for (let n = 0; n < 6; n++) {
      await done(n % 2 ? here : there, `task ${n}`, { dependsOn: n > 0 ? [{ id: `task ${n - 1}` }] : [] })
      await here.as('ana').send('bo', n)
      await read(here, 'bo')
      await there.sync()
    }
    await environment.advance('5m')
    await there.sync()
    const state = stateOf(here)
    expect(ids(here)).toEqual(['base', 'kept', 'task 4', 'task 5'])
    expect(stateOf(there)).toEqual(state)
    expect(stateOf(await reopen())).toEqual(state)
    await here.checkpoint()
    const { seq } = (await storage.loadCheckpoint('crew'))!
    await storage.trim('crew', seq)
    const late = await reopen()
    expect(stateOf(late)).toEqual(state)
    await expect(late.tracker.create({ id: 'task 3', description: 'x' })).rejects.toMatchObject({
      code: 'already_exists',
    })
  })

  it('is done by one of several, in commits of bounded size', async () => {
    const { here, there, environment, storage } = await openPair(['ana', 'bo'], { retention: { afterMs: HOUR } })
    await here.tracker.createMany(Array.from({ length: 1800 }, (_, n) => ({ id: `t${n}`, description: 'x' })))
    await Promise.all(Array.from({ length: 1800 }, (_, n) => here.tracker.cancel(`t${n}`)))
    await there.sync()
    const events = recordEvents(there)
    const before = here.journal.head!.seq
    await environment.advance('61m')
    await Promise.all([here.sync(), there.sync()])
    expect([here.tracker.count(), there.tracker.count()]).toEqual([0, 0])
    const pruned = events.of('crew.pruned').map((event) => event.ids.length)
    expect(pruned.reduce((sum, count) => sum + count)).toBe(1800)
    expect(Math.max(...pruned)).toBeLessThanOrEqual(500)
    await environment.advance('1h')
    expect(here.journal.head!.seq - before).toBe(pruned.length)
    expect(storage).toBeDefined()
  })

  it('forgets a thread of thousands bit by bit', async () => {
    const { crew, communications, environment } = await open({ afterMs: HOUR }, { limits: { pairRate: 10_000 } })
    const { id = '' } = await crew.as('ana').send('bo', 'root')
    await Promise.all(Array.from({ length: 1200 }, (_, n) => crew.as('ana').send('bo', n, { replyTo: id })))
    await done(crew, 'talked of')
    await Promise.all(Array.from({ length: 700 }, () => crew.tracker.comment('talked of', 'hm', { by: 'ana' })))
    while (communications.unread('bo') > 0) {
      const deliveries = await communications.receive('bo', { limit: 1000 })
      await Promise.all(deliveries.map((delivery) => communications.acknowledge(delivery)))
    }
    const events = recordEvents(crew)
    await environment.advance('2h')
    expect([communications.messages(), ids(crew)]).toEqual([[], []])
    expect(Math.max(...events.of('crew.pruned').map((event) => event.ids.length))).toBeLessThanOrEqual(500)
  })

  it('loses the race against a command that refers to what is about to go', async () => {
    // Guards that what is forgotten is decided in the turn that says so: a look before it is a hint only.
    const storage = new MemoryStorage()
    const append = storage.append.bind(storage)
    let rival: Promise<unknown> | undefined
    const { here, there, environment } = await openPair(['ana', 'bo'], {
      retention: { afterMs: HOUR },
      storage: Object.assign(storage, {
        append: async (...[journal, commit]: Parameters<typeof append>) => {
          if (commit.events.some(({ type }) => type === 'crew.pruned'))
            await (rival ??= there.tracker.create({ id: 'winds', description: 'x', dependsOn: ['tides'] }))
          return append(journal, commit)
        },
      }),
    })
    await done(here, 'tides')
    await done(here, 'rains')
    await there.sync()
    await environment.advance('2h')
    await Promise.all([here.sync(), there.sync()])
    for (const crew of [here, there]) expect(ids(crew)).toEqual(['tides', 'winds'])
  })

  it('leaves pages and filters of messages right, with some of them gone', async () => {
    const { crew, communications, environment } = await open({ afterMs: HOUR })
    const sent: Message[] = []
    for (let n = 0; n < 9; n++) {
      sent.push(await crew.as('ana').send(n % 3 === 0 ? 'ana' : 'bo', n))
      if (n === 5) await environment.advance('59m')
    }
    await read(crew, 'ana')
    await environment.advance('3h')
    expect(communications.messages().map(({ content }) => content)).toEqual([1, 2, 4, 5, 7, 8])
    expect(communications.messages({ after: sent[2]!.id!, limit: 2 }).map(({ content }) => content)).toEqual([4, 5])
    expect(communications.messages({ recipient: 'ana' })).toEqual([])
    expect(() => communications.messages({ after: sent[0]!.id! })).toThrow('not found')
    await read(crew, 'bo')
    await environment.advance('3h')
    expect(communications.messages({ sender: 'ana' })).toEqual([])
  })

  it.each([[{ afterMs: -1 }], [{ keep: 1.5 }], [{ forMs: 1 }], [3]])('refuses %j', async (retention) => {
    await expect(openCrew({ retention: retention as never })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('changes nothing in a past, and shows what was not forgotten then', async () => {
    const storage = new MemoryStorage()
    const { crew, environment } = await open({ afterMs: HOUR }, { storage })
    await done(crew, 'tides')
    const { seq } = crew.journal.head!
    await environment.advance('3h')
    const then = await openCrew({ storage, environment, retention: {}, at: { seq } })
    await environment.advance('3h')
    expect([ids(then), ids(crew)]).toEqual([['tides'], []])
  })
})
