import { type DependencyInput, type EdgePolicy, MemoryStorage, type TaskTracker } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { type Board, claim, openBoard, openBoards, named, refusal } from '../../support/board.js'

const end = {
  failed: async ({ tracker }: Board, id = 'root') => {
    await tracker.start(id, { by: 'ana' })
    await tracker.fail(id, { error: 'flood', retryable: false })
  },
  cancelled: async ({ tracker }: Board, id = 'root') => {
    await tracker.cancel(id)
  },
  completed: async ({ tracker }: Board, id = 'root') => {
    await tracker.start(id, { by: 'ana' })
    await tracker.complete(id)
  },
}
const stages = (tracker: TaskTracker): Record<string, string> =>
  Object.fromEntries(tracker.list().map(({ id }) => [id, tracker.stage(id)!]))

describe('an edge', () => {
  const policies = ['fail', 'cancel', 'continue', 'block'] as const
  const stageBy: Record<EdgePolicy, string> = { fail: 'failed', cancel: 'cancelled', continue: 'new', block: 'blocked' }
  const endings = (['failed', 'cancelled'] as const).flatMap((how) =>
    policies.map((policy) => ({ how, policy, stage: stageBy[policy] })),
  )
  /** Only the policy for what happens counts. */
  const edge = (how: 'failed' | 'cancelled', policy: EdgePolicy): DependencyInput => {
    const other = policy === 'block' ? 'fail' : 'block'
    return how === 'failed'
      ? { id: 'root', onFailure: policy, onCancel: other }
      : { id: 'root', onFailure: other, onCancel: policy }
  }
  const expectStage = ({ tracker }: Board, policy: EdgePolicy): void => {
    expect(tracker.stage('next')).toBe(stageBy[policy])
    const { failure, endedAt } = tracker.get('next')!
    if (policy === 'fail') expect(failure).toMatchObject({ code: 'dependency', rootId: 'root' })
    else if (policy === 'cancel') expect(failure).toMatchObject({ code: 'cancelled', rootId: 'root' })
    else expect(failure).toBeUndefined()
    expect(endedAt === undefined).toBe(policy === 'continue' || policy === 'block')
  }

  it('holds its task up until the dependency is completed, which readies it in the same commit', async () => {
    const board = await openBoard()
    await board.tracker.createMany([named('next', { dependsOn: ['root'] }), named('root')])
    expect(stages(board.tracker)).toEqual({ next: 'blocked', root: 'new' })
    expect(await refusal(board.tracker.start('next', { by: 'bo' }))).toMatchObject({
      code: 'not_eligible',
      message: 'bo cannot take task next: it waits for root',
    })
    const seen: unknown[] = []
    board.tracker.on('completed', () => seen.push(board.tracker.stage('next')))
    await end.completed(board)
    expect(seen).toEqual(['new'])
    expect(board.events.of('ready').map(({ task }) => task.id)).toEqual(['next'])
  })

  it('by default fails with a failed dependency, and is cancelled with a cancelled one', async () => {
    const board = await openBoard()
    const { dependsOn } = await board.tracker
      .create(named('root'))
      .then(() => board.tracker.create(named('next', { dependsOn: ['root'] })))
    expect(dependsOn).toEqual([{ id: 'root', onFailure: 'fail', onCancel: 'cancel' }])
  })

  it.each(endings)('with $policy: its task is $stage once the dependency has $how (DG-08) (DG-09)', async (given) => {
    const board = await openBoard()
    await board.tracker.createMany([named('root'), named('next', { dependsOn: [edge(given.how, given.policy)] })])
    await end[given.how](board)
    expectStage(board, given.policy)
    // In the commit of the cause, so that nobody sees it half done.
    const ends = board.events.all.filter(({ type }) => type === 'task.failed' || type === 'task.cancelled')
    expect(new Set(ends.map(({ seq }) => seq)).size).toBe(1)
  })

  it.each(endings)(
    'with $policy: a task made after the dependency has $how is $stage at once (DG-11)',
    async (given) => {
      const board = await openBoard()
      await board.tracker.create(named('root'))
      await end[given.how](board)
      const task = await board.tracker.create(named('next', { dependsOn: [edge(given.how, given.policy)] }))
      expect(task).toBe(board.tracker.get('next'))
      expectStage(board, given.policy)
    },
  )

  it.each(endings)('with $policy: added once the dependency has $how, it counts at once (DG-11)', async (given) => {
    const board = await openBoard()
    await board.tracker.createMany([named('root'), named('next')])
    await end[given.how](board)
    const task = await board.tracker.addDependency('next', edge(given.how, given.policy))
    expect(task).toBe(board.tracker.get('next'))
    expectStage(board, given.policy)
  })

  it('to what is completed does not hold up (DG-11)', async () => {
    const board = await openBoard()
    await board.tracker.createMany([named('root'), named('other')])
    await end.completed(board)
    await board.tracker.create(named('next', { dependsOn: ['root'] }))
    await board.tracker.addDependency('other', 'root')
    expect(stages(board.tracker)).toEqual({ root: 'completed', other: 'new', next: 'new' })
  })

  it('has its say for the whole of a batch at once, in whatever order it comes', async () => {
    for (const order of [0, 1]) {
      const board = await openBoard()
      await board.tracker.create(named('root'))
      await end.failed(board)
      const batch = [named('whole', { dependsOn: ['root'] }), named('part', { parentId: 'whole' })]
      await board.tracker.createMany(order === 0 ? batch : batch.reverse())
      expect(stages(board.tracker)).toMatchObject({ whole: 'failed', part: 'cancelled' })
      expect(board.tracker.get('part')?.failure?.rootId).toBe('root')
    }
  })

  it('is replaced by one to the same task, with its policies', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('root'), named('next', { dependsOn: ['root'] })])
    const { dependsOn } = await tracker.addDependency('next', { id: 'root', onFailure: 'block' })
    expect(dependsOn).toEqual([{ id: 'root', onFailure: 'block', onCancel: 'cancel' }])
  })

  it('can be taken away, after which its task is ready', async () => {
    const board = await openBoard()
    const { tracker, events } = board
    await tracker.createMany([
      named('root'),
      named('next', { dependsOn: [{ id: 'root', onFailure: 'block' }] }),
      named('on completed', { dependsOn: ['root'] }),
    ])
    await end.failed(board)
    expect(tracker.blocked().map(({ id }) => id)).toEqual(['next'])
    expect(await tracker.removeDependency('next', 'root')).toMatchObject({ status: 'pending', dependsOn: [] })
    expect(tracker.stage('next')).toBe('new')
    expect(events.of('dependencyRemoved')).toMatchObject([{ on: 'root', task: { id: 'next' } }])
    expect(await refusal(tracker.removeDependency('next', 'root'))).toMatchObject({ code: 'not_found' })
    expect([tracker.dependents('root').map(({ id }) => id), tracker.dependencies('next')]).toEqual([
      ['on completed'],
      [],
    ])
  })

  it('to a task that is not there, or is of another crew, is not found (DG-22)', async () => {
    const storage = new MemoryStorage()
    const ours = await openBoard({ storage, name: 'ours' })
    const theirs = await openBoard({ storage, name: 'theirs' })
    await theirs.tracker.create(named('secret'))
    await ours.tracker.create(named('next'))
    const refusals = await Promise.all([
      refusal(ours.tracker.create(named('other', { dependsOn: ['secret'] }))),
      refusal(ours.tracker.addDependency('next', 'secret')),
      refusal(ours.tracker.create(named('other', { supersedes: 'secret' }))),
    ])
    expect(refusals.map(({ code, message }) => [code, message])).toEqual(
      Array(3).fill(['not_found', 'Task not found: secret']),
    )
    expect(stages(ours.tracker)).toEqual({ next: 'new' })
  })

  it('counts once, though its dependency is completed twice (DG-16)', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b'), named('next', { dependsOn: ['a', 'b'] })])
    const stale = await claim(tracker, 'ana', { taskId: 'a' })
    await stale.release()
    const fresh = await claim(tracker, 'ana', { taskId: 'a' })
    expect(await refusal(stale.complete())).toMatchObject({ code: 'stale_attempt' })
    await fresh.complete()
    await fresh.complete()
    await refusal(stale.complete())
    expect(tracker.stage('next')).toBe('blocked')
  })

  it('is lifted for other processes, which claim by the truth and not by what they saw (DG-21)', async () => {
    const [a, b] = await openBoards(2, { storage: Object.assign(new MemoryStorage(), { watch: undefined }) })
    await a!.tracker.createMany([named('root'), named('next', { dependsOn: ['root'] })])
    await b!.crew.sync()
    await end.completed(a!)
    expect(b!.tracker.stage('next')).toBe('blocked')
    expect((await claim(b!.tracker, 'bo')).task.id).toBe('next')
  })
})

describe('a cascade', () => {
  it('tells the first cause to each that falls, and falls through a diamond once (DG-24)', async () => {
    const board = await openBoard()
    await board.tracker.createMany([
      named('root'),
      named('left', { dependsOn: ['root'] }),
      named('right', { dependsOn: [{ id: 'root', onFailure: 'cancel' }] }),
      named('bottom', { dependsOn: ['left', { id: 'right', onCancel: 'fail' }] }),
      named('beside'),
    ])
    await end.failed(board)

    const { left, right, bottom } = Object.fromEntries(board.tracker.list().map((task) => [task.id, task]))
    expect(left).toMatchObject({ status: 'failed', failure: { code: 'dependency', rootId: 'root' } })
    expect(right).toMatchObject({ status: 'cancelled', failure: { code: 'cancelled', rootId: 'root' } })
    expect(bottom).toMatchObject({ status: 'failed', version: 2, failure: { code: 'dependency', rootId: 'root' } })
    expect(board.tracker.status('beside')).toBe('pending')
    expect(board.events.of('failed').map(({ task }) => task.id)).toEqual(['root', 'left', 'bottom'])
    expect(board.events.of('cancelled').map(({ task }) => task.id)).toEqual(['right'])
    expect(board.tracker.get('root')?.failure?.rootId).toBeUndefined()
  })

  it('stops at what continues or blocks', async () => {
    const board = await openBoard()
    await board.tracker.createMany([
      named('root'),
      named('tolerant', { dependsOn: [{ id: 'root', onFailure: 'continue' }] }),
      named('patient', { dependsOn: [{ id: 'root', onFailure: 'block' }] }),
      named('after tolerant', { dependsOn: ['tolerant'] }),
      named('after patient', { dependsOn: ['patient'] }),
    ])
    await end.failed(board)
    expect(stages(board.tracker)).toEqual({
      root: 'failed',
      tolerant: 'new',
      patient: 'blocked',
      'after tolerant': 'blocked',
      'after patient': 'blocked',
    })
    const health = board.crew.reports.generate('health').data.findings
    expect(health.filter(({ kind }) => kind === 'stuck').map(({ taskId }) => taskId)).toEqual(['patient'])
  })

  it('readies 5,000 dependents in the commit that completes what they wait for (DG-20)', async () => {
    const board = await openBoard()
    const { tracker, crew } = board
    await tracker.create(named('root'))
    await tracker.createMany(Array.from({ length: 5000 }, (_, at) => named(`t${at}`, { dependsOn: ['root'] })))
    await tracker.start('root', { by: 'ana' })
    const before = crew.journal.head!.seq
    board.events.clear()
    await tracker.complete('root')
    expect(crew.journal.head?.seq).toBe(before + 1)
    // One event: what a completion costs is not written down for each dependent.
    expect(board.events.types('task')).toEqual(['completed'])
    expect(tracker.count({ ready: true })).toBe(5000)
  })
})

describe('retry', () => {
  const family = [
    named('root'),
    named('child', { dependsOn: ['root'] }),
    named('grandchild', { dependsOn: ['child'] }),
    named('other'),
    named('of both', { dependsOn: ['root', 'other'] }),
    named('patient', { dependsOn: [{ id: 'root', onFailure: 'block' }] }),
  ]

  it('alone reopens only the task itself, which then blocks its dependents anew', async () => {
    const board = await openBoard()
    await board.tracker.createMany(family)
    await end.failed(board)
    await board.tracker.retry('root')
    expect(stages(board.tracker)).toMatchObject({
      root: 'new',
      child: 'failed',
      grandchild: 'failed',
      patient: 'blocked',
    })
    await end.completed(board)
    expect(board.tracker.stage('patient')).toBe('new')
  })

  it('with cascade reopens what fell because of the task, and nothing else (DG-23)', async () => {
    const board = await openBoard()
    await board.tracker.createMany(family)
    await end.failed(board, 'other')
    await end.failed(board)
    expect(stages(board.tracker)).toMatchObject({ child: 'failed', grandchild: 'failed', 'of both': 'failed' })
    await board.tracker.retry('root', { cascade: true })
    expect(stages(board.tracker)).toEqual({
      root: 'new',
      child: 'blocked',
      grandchild: 'blocked',
      other: 'failed',
      'of both': 'failed',
      patient: 'blocked',
    })
    expect(board.tracker.get('child')).toMatchObject({ failure: undefined, endedAt: undefined })
  })

  it('with cascade leaves what would fall again because of another', async () => {
    const board = await openBoard()
    await board.tracker.createMany(family)
    await end.failed(board)
    await end.failed(board, 'other')
    await board.tracker.retry('root', { cascade: true })
    expect(board.tracker.status('of both')).toBe('failed')
  })

  it('of a task that would fall again is refused, and names why', async () => {
    const board = await openBoard()
    await board.tracker.createMany(family)
    await end.failed(board)
    expect(await refusal(board.tracker.retry('child'))).toMatchObject({
      code: 'invalid_transition',
      message: expect.stringContaining('its dependency root was not completed') as string,
    })
    expect(board.tracker.status('child')).toBe('failed')
  })

  it('starts the counts anew, and keeps fence and history (TL-06)', async () => {
    const board = await openBoard()
    const { tracker, environment } = board
    await tracker.create(named('root', { retry: { attempts: 2 } }))
    for (const error of ['one', 'two']) {
      await (await claim(tracker, 'ana')).fail({ error })
      await environment.advance('1h')
    }
    expect(tracker.get('root')).toMatchObject({ status: 'failed', counted: { failures: 2 } })
    expect(await tracker.retry('root')).toMatchObject({
      status: 'pending',
      failure: undefined,
      endedAt: undefined,
      notBefore: undefined,
      fence: 2,
      counted: { failures: 0, lost: 0, released: 0 },
      attempts: [{ reason: 'one' }, { reason: 'two' }],
    })
    await (await claim(tracker, 'ana')).fail({ error: 'three' })
    expect(tracker.get('root')).toMatchObject({ status: 'pending', fence: 3 })
  })
})

describe('a dependency that ends while its dependent runs', () => {
  it.each([
    ['released', 'cancelled'],
    ['failed', 'failed'],
  ] as const)('has its say when that is %s: it is %s (DG-08)', async (how, status) => {
    const { tracker } = await openBoard()
    await tracker.create(named('root'))
    const onCancel = status === 'cancelled' ? 'cancel' : 'fail'
    await tracker.create(named('next', { dependsOn: [{ id: 'root', onFailure: 'continue', onCancel }] }))
    await tracker.start('root', { by: 'ana' })
    await tracker.fail('root', { error: 'flood', retryable: false })
    const attempt = await claim(tracker, 'bo')
    await tracker.retry('root')
    await tracker.cancel('root')
    expect(tracker.status('next')).toBe('in_progress')

    const task = how === 'released' ? await attempt.release() : await attempt.fail({ error: 'overloaded' })
    expect(task).toMatchObject({ status, failure: { rootId: 'root' } })
  })
})
