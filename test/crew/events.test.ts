import { type Crew, Journal, MemoryStorage, TaskTracker } from 'crewlog'
import { given, manualEnvironment, recordEvents } from 'crewlog/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openPair, openTeam } from '../support/team.js'

describe('every replica', () => {
  it('hears each event once and in order, with its full type, after it is durable (EV-06, EV-07)', async () => {
    const { here, there, storage } = await openPair()
    const heard = [here, there].map((crew) => recordEvents(crew))
    const task = await here.tracker.create({ description: 'Tides' })
    await Promise.all([
      here.tracker.comment(task.id, 'from here', { by: 'ana' }),
      there.tracker.comment(task.id, 'from there', { by: 'bo' }),
      there.as('bo').send('ana', 'hi'),
      here.join('cy'),
    ])
    const attempt = await there.as('bo').claim()
    await attempt!.complete()
    await Promise.all([here.sync(), there.sync()])
    const run = await storage.read('crew', 2, 100)
    const stored =
      'commits' in run
        ? run.commits.flatMap(({ seq, events }) => events.map((event, index) => ({ ...event, seq, index })))
        : []
    for (const events of heard) {
      expect(events.all).toEqual(stored)
      expect(events.all.filter(({ id }) => id === task.id).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5])
    }
  })

  it('that is opened before anything was subscribed misses nothing after (EV-10)', async () => {
    const journal = new Journal({ storage: new MemoryStorage(), environment: manualEnvironment() })
    const tracker = new TaskTracker({ journal })
    const heard: string[] = []
    tracker.on('created', ({ task }) => heard.push(task.id))
    await journal.open()
    await tracker.create({ id: 'tides', description: 'Tides' })
    expect(heard).toEqual(['tides'])
  })
})

describe('an event', () => {
  it('has the task as it was then, frozen, who did it, and its commit (EV-11)', async () => {
    const { crew, tracker } = await openTeam()
    const events = recordEvents(crew)
    const task = await tracker.create({ id: 'tides', description: 'Tides' }, { by: 'bo' })
    await tracker.update('tides', { priority: 5 })
    const [created] = events.of('created')
    expect(created).toEqual({
      task,
      by: 'bo',
      commit: { seq: 3, id: expect.any(String) as string, at: task.createdAt },
    })
    expect(created!.task.priority).toBe(1)
    expect(events.of('updated')).toMatchObject([{ changed: ['priority'], task: { priority: 5 } }])
    expect([created!, created!.task, created!.commit, events.all[0]!].every((value) => Object.isFrozen(value))).toBe(
      true,
    )
  })

  it('is heard on the tracker by its short name, on the crew by its full one, and by *', async () => {
    const { crew, tracker } = await openTeam()
    const heard: string[] = []
    tracker.on('created', () => heard.push('created'))
    crew.on('task.created', () => heard.push('task.created'))
    crew.on('*', ({ type, seq }) => heard.push(`* ${type} ${seq}`))
    crew.on('message.sent', () => heard.push('message.sent'))
    await tracker.create({ description: 'Tides' })
    expect(heard.sort()).toEqual(['* task.created 3', 'created', 'task.created'])
  })

  it('is heard until off, or once', async () => {
    const { crew, tracker } = await openTeam()
    const heard: string[] = []
    const listener = () => heard.push('listener')
    const off = crew.on('task.created', () => heard.push('on'))
    tracker.once('created', () => heard.push('once'))
    crew.on('task.created', listener)
    await tracker.create({ description: 'Tides' })
    off()
    off()
    crew.off('task.created', listener)
    await tracker.create({ description: 'Tides' })
    expect(heard.sort()).toEqual(['listener', 'on', 'once'])
  })

  it('is not told for what changes nothing', async () => {
    const { crew, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Tides', labels: ['sea'], priority: 2 })
    const events = recordEvents(crew)
    expect(await tracker.update(task.id, { labels: ['sea'], priority: 2 })).toBe(task)
    await crew.as('ana').setAvailability(true)
    expect(events.all).toEqual([])
  })

  it('leaves a hundred thousand listeners that came and went without a trace (RL-03)', async () => {
    const { tracker } = await openTeam()
    let heard = 0
    for (let n = 0; n < 100_000; n++) {
      const off = tracker.on('created', () => heard++)
      tracker.subscribe(() => heard++)()
      off()
    }
    await tracker.create({ description: 'Tides' })
    expect(heard).toBe(0)
  })
})

describe('a listener that fails', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('oops') }], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('oops'))],
  ])('as it %s hurts no command, no other listener and no replica (EV-04, MS-08)', async (_, fail) => {
    const { here, there, errors, environment } = await openPair()
    const heard: string[] = []
    here.tracker.on('created', fail)
    here.on('*', fail)
    here.subscribe(() => void fail())
    here.tracker.on('created', ({ task }) => heard.push(task.id))
    await here.tracker.create({ id: 'one', description: 'x' })
    await here.tracker.create({ id: 'two', description: 'x' })
    await environment.settle()
    await there.sync()
    expect([heard, there.tracker.count()]).toEqual([['one', 'two'], 2])
    expect(errors.length).toBeGreaterThanOrEqual(4)
    expect(errors.every((error) => (error as Error).message === 'oops')).toBe(true)
  })

  it('is heard of on the crew by `error`, and by onError', async () => {
    const { crew, tracker, errors } = await openTeam()
    const heard: unknown[] = []
    crew.on('error', (error) => heard.push(error))
    const oops = new Error('oops')
    tracker.on('created', () => {
      throw oops
    })
    await tracker.create({ description: 'Tides' })
    expect([heard, errors]).toEqual([[oops], [oops]])
  })

  it('is told to the console when nobody else hears, and ends no process (EV-09)', async () => {
    const console_ = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { crew, tracker } = await openTeam(['ana'], { onError: undefined } as object)
    const oops = new Error('oops')
    tracker.on('created', () => {
      throw oops
    })
    await tracker.create({ description: 'one' })
    expect(console_.mock.calls).toEqual([['crewlog:', oops]])
    crew.on('error', () => undefined)
    await tracker.create({ description: 'two' })
    expect(console_).toHaveBeenCalledTimes(1)
  })

  it.each<[string, object, (crew: Crew) => unknown]>([
    ['an error listener', {}, (crew) => crew.on('error', () => { throw new Error('again') })], // prettier-ignore
    ['an asynchronous error listener', {}, (crew) => crew.on('error', () => Promise.reject(new Error('again')))],
    ['onError', { onError: () => { throw new Error('again') } }, () => undefined], // prettier-ignore
  ])('and then %s that fails as well hurt nothing', async (_, options, listen) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { crew, tracker, environment } = await openTeam(['ana'], options)
    listen(crew)
    tracker.on('created', () => {
      throw new Error('oops')
    })
    await tracker.create({ description: 'one' })
    await tracker.create({ description: 'two' })
    await environment.settle()
    expect(tracker.count()).toBe(2)
  })
})

describe('a listener that calls back', () => {
  it('sees the commit that it hears of, and its commands come after it (EV-16)', async () => {
    const { crew, tracker } = await openTeam()
    const events = recordEvents(crew)
    tracker.on('ready', ({ task }) => void crew.as('bo').claim({ taskId: task.id }))
    tracker.on('created', ({ task }) => {
      expect(tracker.get(task.id)).toBe(task)
      void tracker.comment(task.id, 'seen')
    })
    await tracker.create({ id: 'a', description: 'a' })
    await tracker.create({ id: 'b', description: 'b', dependsOn: ['a'] })
    await tracker.start('a', { by: 'ana' })
    await tracker.complete('a')
    await crew.idle()
    expect(tracker.get('b')).toMatchObject({ holder: 'bo', commentCount: 1 })
    expect(events.types('task')).toEqual([
      'created',
      'commented',
      'created',
      'commented',
      'started',
      'completed',
      'started',
    ])
  })
})

describe('subscribe', () => {
  it('is called once a turn, after the events; the snapshot changes when something has', async () => {
    const { crew, tracker, communications, environment } = await openTeam()
    const order: string[] = []
    crew.on('*', () => order.push('event'))
    crew.subscribe(() => order.push('changed'))
    const before = [crew, tracker, communications].map((each) => each.getSnapshot())
    await Promise.all([1, 2, 3].map((n) => tracker.create({ description: String(n) })))
    await environment.advance(0)
    expect(order).toEqual(['event', 'event', 'event', 'changed'])
    const after = [crew, tracker, communications].map((each) => each.getSnapshot())
    expect(after.map((snapshot, n) => snapshot === before[n])).toEqual([false, false, true])
    expect(crew.getSnapshot()).toBe(after[0])
  })

  it('is called on the crew, too, when the clock alone makes a task ready or overdue', async () => {
    const { crew, tracker, environment } = await openTeam()
    const now = environment.now()
    await tracker.create({ description: 'Tides', notBefore: now + 60_000, dueAt: now + 120_000 })
    await environment.advance('1s')
    let changes = 0
    crew.subscribe(() => changes++)
    const snapshots = new Set([crew.getSnapshot()])
    for (let minute = 1; minute <= 2; minute++) {
      await environment.advance('1m')
      snapshots.add(crew.getSnapshot())
      expect(changes).toBe(minute)
    }
    expect(snapshots.size).toBe(3)
  })
})

describe('each transition is one event (EV-14)', () => {
  const task = async (crew: Crew) => {
    for (const id of ['ana', 'bo']) await crew.join(id)
    await crew.tracker.create({ id: 'tides', description: 'Tides' })
  }
  const started = async (crew: Crew) => {
    await task(crew)
    await crew.tracker.start('tides', { by: 'ana' })
  }
  const waiting = async (crew: Crew) => {
    await started(crew)
    await crew.tracker.wait('tides', { for: 'approval', question: 'Accept?' })
  }
  const failed = async (crew: Crew) => {
    await started(crew)
    await crew.tracker.fail('tides', { error: 'no', retryable: false })
  }

  it.each<[string, (crew: Crew) => Promise<void>, (crew: Crew) => Promise<unknown>]>([
    ['task.updated', task, ({ tracker }) => tracker.update('tides', { priority: 3 })],
    ['task.started', task, ({ tracker }) => tracker.start('tides', { by: 'ana' })],
    ['task.started', task, (crew) => crew.as('ana').claim()],
    ['task.cancelled', task, ({ tracker }) => tracker.cancel('tides')],
    ['task.progressed', started, ({ tracker }) => tracker.progress('tides', { value: 0.5 })],
    ['task.completed', started, ({ tracker }) => tracker.complete('tides')],
    ['task.released', started, ({ tracker }) => tracker.release('tides')],
    ['task.released', started, ({ tracker }) => tracker.fail('tides', { error: 'oops' })],
    ['task.failed', started, ({ tracker }) => tracker.fail('tides', { error: 'no', retryable: false })],
    ['task.waiting', started, ({ tracker }) => tracker.wait('tides', { for: 'input' })],
    ['task.cancelled', started, ({ tracker }) => tracker.cancel('tides')],
    ['task.cancelled', waiting, ({ tracker }) => tracker.cancel('tides')],
    ['task.retried', failed, ({ tracker }) => tracker.retry('tides')],
    ['member.updated', task, (crew) => crew.join('ana', { capacity: 2 })],
    ['member.left', task, (crew) => crew.leave('ana')],
  ])('%s', (type, history, command) => given(history).when(command).then([{ type }]))

  it('an answer included, of which its asker is told by mail', () =>
    given(waiting)
      .when(({ tracker }) => tracker.resume('tides', { by: 'bo', answer: 'yes' }))
      .then([{ type: 'task.resumed' }, { type: 'message.sent', changes: { kind: 'task.answer', recipient: ['ana'] } }]))

  it('those of a cascade included, in one commit', () =>
    given(async (crew) => {
      await failed(crew)
      await crew.tracker.retry('tides')
      await crew.tracker.create({ id: 'print', description: 'Print', dependsOn: ['tides'] })
      await crew.tracker.create({ id: 'part', description: 'Part', parentId: 'print' })
      await crew.tracker.start('tides', { by: 'ana' })
    })
      .when(({ tracker }) => tracker.fail('tides', { error: 'no', retryable: false }))
      .then([
        { type: 'task.failed', id: 'tides', by: 'ana' },
        { type: 'task.failed', id: 'print' },
        { type: 'task.cancelled', id: 'part' },
      ]))
})
