import type { TaskFilter } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

const MINUTE = 60_000

/** One task in each stage, and a few of everything that a filter asks for. */
async function fullBoard(): Promise<Board> {
  const board = await openBoard()
  const { environment, tracker, crew } = board
  await crew.join('ana', { capacity: 2 })
  const now = environment.now()
  await tracker.createMany([
    named('new', { priority: 3, labels: ['sea'], title: 'High TIDE', dueAt: now + MINUTE }),
    named('assigned', { assignees: ['ana', 'bo'], kind: 'code', dueAt: now + 3 * MINUTE }),
    named('scheduled', { notBefore: now + 60 * MINUTE, priority: -1, kind: 'test' }),
    named('blocked', { dependsOn: ['new'], parentId: 'in_progress', labels: ['sea', 'land'] }),
    named('in_progress', { priority: 2, dueAt: now + 2 * MINUTE, assignees: 'bo' }),
    named('waiting'),
    named('completed', { kind: 'code', description: 'low tide' }),
    named('failed', { parentId: 'in_progress' }),
    named('cancelled', { dueAt: now + MINUTE }),
  ])
  await tracker.start('in_progress', { by: 'bo' })
  await (await claim(tracker, 'ana', { taskId: 'waiting' })).wait({ for: 'input' })
  await (await claim(tracker, 'ana', { taskId: 'completed' })).complete()
  await (await claim(tracker, 'ana', { taskId: 'failed' })).fail({ error: 'no', retryable: false })
  await tracker.cancel('cancelled')
  await environment.advance('90s')
  return board
}

describe('a filter', () => {
  const all = ['new', 'assigned', 'scheduled', 'blocked', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled']
  it.each<readonly [TaskFilter, readonly string[]]>([
    [{}, all],
    [{ status: 'pending' }, ['new', 'assigned', 'scheduled', 'blocked']],
    [{ status: ['failed', 'cancelled'] }, ['failed', 'cancelled']],
    [{ status: [] }, []],
    ...all.map((stage) => [{ stage: stage as 'new' }, [stage]] as const),
    [{ stage: ['new', 'waiting'] }, ['new', 'waiting']],
    [{ stage: 'new', status: 'failed' }, []],
    [{ assignee: 'bo' }, ['assigned', 'in_progress']],
    [{ assignee: 'zoe' }, []],
    [{ assignee: null, status: 'pending' }, ['new', 'scheduled', 'blocked']],
    [{ label: 'sea' }, ['new', 'blocked']],
    [{ label: 'land', ready: true }, []],
    [{ kind: 'code' }, ['assigned', 'completed']],
    [{ kind: ['code', 'test'] }, ['assigned', 'scheduled', 'completed']],
    [{ parentId: 'in_progress' }, ['blocked', 'failed']],
    [{ parentId: null, status: ['failed', 'cancelled'] }, ['cancelled']],
    [{ priority: { atLeast: 2 } }, ['new', 'in_progress']],
    [{ priority: { atMost: 0 } }, ['scheduled']],
    [{ priority: { atLeast: 2, atMost: 2 } }, ['in_progress']],
    [{ dueAt: { before: '2026-01-01T00:02:00Z' } }, ['new', 'cancelled']],
    [{ dueAt: { after: '2026-01-01T00:02:00Z' } }, ['assigned']],
    [{ dueAt: { after: new Date('2026-01-01T00:01:00Z'), before: '2026-01-01T00:03:00Z' } }, ['in_progress']],
    [{ ready: true }, ['new', 'assigned']],
    [{ ready: false, status: 'pending' }, ['scheduled', 'blocked']],
    [{ overdue: true }, ['new']],
    [{ overdue: false, dueAt: {} }, ['assigned', 'in_progress', 'cancelled']],
    [{ text: 'tide' }, ['new', 'completed']],
    [{ text: 't.de' }, []],
    [{ orderBy: 'priority', status: 'pending' }, ['new', 'assigned', 'blocked', 'scheduled']],
    [{ orderBy: 'dueAt', assignee: 'bo' }, ['in_progress', 'assigned']],
    [{ orderBy: 'id', limit: 3 }, ['assigned', 'blocked', 'cancelled']],
    [{ orderBy: 'id', after: 'blocked', limit: 2 }, ['cancelled', 'completed']],
    [{ limit: 0 }, []],
    [{ after: 'failed' }, ['cancelled']],
  ])('%j finds what it says, in its order', async (filter, expected) => {
    const { tracker } = await fullBoard()
    expect(tracker.list(filter).map(({ id }) => id)).toEqual(expected)
    const { limit, after, ...what } = filter
    if (limit === undefined && after === undefined) expect(tracker.count(what)).toBe(expected.length)
    if (filter.ready === undefined && filter.orderBy === undefined && limit === undefined && after === undefined)
      expect(new Set(tracker.ready(filter))).toEqual(new Set(tracker.list({ ...filter, ready: true })))
  })

  it.each<readonly [string, unknown, string]>([
    ['an unknown key', { owner: 'ana' }, 'invalid_input'],
    ['undefined, which would mean everybody', { assignee: undefined }, 'invalid_input'],
    ['an unknown status', { status: 'done' }, 'invalid_input'],
    ['an unknown operator', { priority: { above: 1 } }, 'invalid_input'],
    ['undefined inside', { dueAt: { before: undefined } }, 'invalid_input'],
    ['a date without a zone', { dueAt: { before: '2026-01-01' } }, 'invalid_input'],
    ['an unknown order', { orderBy: 'age' }, 'invalid_input'],
    ['a negative limit', { limit: -1 }, 'invalid_input'],
    ['a page after a task that is not there', { after: 'ghost' }, 'not_found'],
    ['no object', 'pending', 'invalid_input'],
  ])('is refused with %s (SA-13)', async (_, filter, code) => {
    const { tracker } = await openBoard()
    await tracker.create(named('a'))
    expect(() => tracker.list(filter as TaskFilter)).toThrow(expect.objectContaining({ code }) as Error)
    expect(() => tracker.ready(filter as TaskFilter)).toThrow(expect.objectContaining({ code }) as Error)
  })

  it('walks a board page by page, and meets each task once', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany(Array.from({ length: 25 }, (_, at) => named(`t${at}`, { priority: at % 3 })))
    const seen: string[] = []
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = tracker.list({ orderBy: 'priority', limit: 7, ...(after !== undefined && { after }) })
      if (page.length === 0) break
      seen.push(...page.map(({ id }) => id))
    }
    expect(seen).toEqual(tracker.list({ orderBy: 'priority' }).map(({ id }) => id))
    expect(new Set(seen).size).toBe(25)
  })
})

describe('the board', () => {
  it('takes an id as it is: a part of one, or something like it, is another (TL-17)', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a1b2'), named('a1b3'), named('toString')])
    expect([tracker.get('a1b'), tracker.get('A1B2'), tracker.get('constructor')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(tracker.status('toString')).toBe('pending')
    expect(await refusal(tracker.cancel('a1b'))).toMatchObject({ code: 'not_found' })
  })

  it('lists what is ready in the order in which it is taken', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([
      named('low'),
      named('high', { priority: 2 }),
      named('later', { notBefore: 9e12 }),
      named('old'),
    ])
    expect(tracker.ready().map(({ id }) => id)).toEqual(['high', 'low', 'old'])
  })

  it('knows what depends on what, directly', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b', { dependsOn: ['a'] }), named('c', { dependsOn: ['b', 'a'] })])
    expect(tracker.dependencies('c').map(({ id }) => id)).toEqual(['b', 'a'])
    expect(tracker.dependents('a').map(({ id }) => id)).toEqual(['b', 'c'])
    for (const query of ['dependencies', 'dependents', 'subtasks'] as const)
      expect(() => tracker[query]('ghost')).toThrow('Task not found: ghost')
  })

  it('counts the load of each member, through every outcome', async () => {
    const { tracker } = await fullBoard()
    const load = (): unknown =>
      tracker
        .workload()
        .map(({ member, assigned, inProgress, done, free }) => [member, assigned, inProgress, done, free])
    expect(load()).toEqual([
      ['ana', 1, 0, 1, 2],
      ['bo', 2, 1, 0, 0],
    ])
    await tracker.complete('in_progress', { waive: ['blocked', 'failed'] })
    await tracker.start('assigned', { by: 'ana' })
    expect(load()).toEqual([
      ['ana', 1, 1, 1, 1],
      ['bo', 1, 0, 1, 1],
    ])
    await tracker.cancel('assigned')
    await tracker.update('completed', { labels: ['old'] })
    expect(load()).toEqual([
      ['ana', 0, 0, 1, 2],
      ['bo', 0, 0, 1, 1],
    ])
  })

  it('is a view that stays the same array until its own answer changes', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b', { labels: ['sea'] })])
    const view = tracker.view({ label: 'sea' })
    const before = view.getSnapshot()
    await tracker.update('a', { priority: 2 })
    expect(view.getSnapshot()).toBe(before)
    const after = await tracker.update('b', { priority: 2 })
    expect(view.getSnapshot()).toEqual([after])
    expect(before).not.toEqual([after])
    expect(() => tracker.view({ owner: 'ana' } as TaskFilter)).toThrow('filter has no field "owner"')
  })
})

describe('whenEnded', () => {
  it.each<readonly [string, (board: Board) => Promise<unknown>]>([
    ['completed', async ({ tracker }) => (await claim(tracker, 'ana')).complete()],
    ['failed', ({ environment }) => environment.advance('1m')],
    ['cancelled', ({ tracker }) => tracker.cancel('root')],
  ])('resolves to the task once it is %s, be it before or after the call', async (status, end) => {
    const board = await openBoard()
    const { tracker, environment } = board
    await tracker.create(named('root', { failAt: environment.now() + MINUTE }))
    const ended = tracker.whenEnded('root')
    await end(board)
    expect(await ended).toMatchObject({ id: 'root', status })
    expect(await tracker.whenEnded('root')).toBe(tracker.get('root'))
  })

  it('resolves for what falls in a cascade (DG-24)', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('root'), named('next', { dependsOn: ['root'] })])
    const ended = tracker.whenEnded('next')
    await tracker.cancel('root')
    expect(await ended).toMatchObject({ status: 'cancelled', failure: { rootId: 'root' } })
  })

  it('rejects for no task, in time, by its signal, and when the crew is closed', async () => {
    const { tracker, environment, crew } = await openBoard({ environment: manualEnvironment() })
    await tracker.create(named('a'))
    expect(await refusal(tracker.whenEnded('ghost'))).toMatchObject({ code: 'not_found' })
    const abort = new AbortController()
    const late = refusal(tracker.whenEnded('a', { timeoutMs: 1000 }))
    const aborted = refusal(tracker.whenEnded('a', { signal: abort.signal }))
    const closed = refusal(tracker.whenEnded('a'))
    await environment.advance('1s')
    abort.abort()
    await crew.close()
    expect(await Promise.all([late, aborted, closed])).toMatchObject([
      { code: 'timed_out' },
      { code: 'cancelled' },
      { code: 'closed' },
    ])
  })
})

describe('assigning', () => {
  it('replaces the set, tells who was assigned before, and is no event when nothing changes', async () => {
    const { tracker, events } = await openBoard()
    await tracker.create(named('a', { assignees: ['ana', 'bo'] }))
    events.clear()
    expect(await tracker.assign('a', ['cleo', 'ana'])).toMatchObject({ assignees: ['cleo', 'ana'] })
    const { version } = await tracker.assign('a', ['cleo', 'ana'])
    expect([version, events.types('task')]).toEqual([2, ['assigned']])
    expect(events.of('assigned')[0]?.before).toEqual(['ana', 'bo'])
    expect(await tracker.unassign('a')).toMatchObject({ assignees: [] })
    expect([tracker.stage('a'), events.of('unassigned')[0]?.before]).toEqual(['new', ['cleo', 'ana']])
  })

  it('asks whether those who are new are fit and available, unless it is forced; who is assigned stays so', async () => {
    const { crew, tracker } = await openBoard({ strictMembers: true })
    for (const id of ['ana', 'bo']) await crew.join(id)
    await crew.join('cleo', { skills: { code: 1 }, available: false })
    const draft = named('a', { requires: { code: 1 } })
    expect(await refusal(tracker.create({ ...draft, assignees: 'ana' }))).toMatchObject({
      code: 'not_eligible',
      message: 'ana cannot take task a: it requires code 1; assign it with { force: true } to give it anyway',
    })
    await tracker.create(draft)
    expect(await refusal(tracker.assign('a', 'cleo'))).toMatchObject({
      code: 'not_eligible',
      message: 'cleo cannot take task a: cleo is not available; assign it with { force: true } to give it anyway',
    })
    expect(tracker.get('a')).toMatchObject({ version: 1, assignees: [] })
    await tracker.assign('a', ['cleo', 'ana'], { force: true })
    expect(await refusal(tracker.assign('a', ['ana', 'bo']))).toMatchObject({ details: { id: 'a', member: 'bo' } })
    expect(await tracker.assign('a', ['ana'])).toMatchObject({ assignees: ['ana'] })
  })
})

describe('updating', () => {
  it('is refused when the task has changed since it was read (SA-30)', async () => {
    const { tracker } = await openBoard()
    const { version } = await tracker.create(named('a'))
    await tracker.update('a', { priority: 2 }, { version })
    expect(await refusal(tracker.update('a', { priority: 3 }, { version }))).toMatchObject({ code: 'stale_version' })
    expect(tracker.get('a')).toMatchObject({ priority: 2, version: 2 })
  })

  it('names what changed, is no event when nothing does, and takes away with null', async () => {
    const { tracker, events } = await openBoard()
    await tracker.create(named('a', { title: 'A', dueAt: 1e12, labels: ['x', 'y'], priority: 4, input: 1 }))
    events.clear()
    await tracker.update('a', { title: 'A', labels: ['x', 'y'] })
    expect(events.all).toEqual([])
    const task = await tracker.update('a', {
      title: null,
      dueAt: null,
      priority: null,
      labels: ['y', 'z'],
      input: null,
    })
    expect(task).toMatchObject({ title: undefined, dueAt: undefined, priority: 1, labels: ['y', 'z'], input: null })
    expect(events.of('updated')[0]?.changed).toEqual(['title', 'dueAt', 'priority', 'labels', 'input'])
    expect(await refusal(tracker.update('a', { description: null }))).toMatchObject({ code: 'invalid_input' })
  })
})
