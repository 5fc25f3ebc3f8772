import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

/** A whole of three parts, held by ana. */
async function wholeOfThree(): Promise<Board> {
  const board = await openBoard()
  await board.tracker.create(named('whole'))
  await board.tracker.createMany(['one', 'two', 'three'].map((id) => named(id, { parentId: 'whole' })))
  await board.tracker.start('whole', { by: 'ana' })
  board.events.clear()
  return board
}
const finish = async ({ tracker }: Board, ...ids: readonly string[]): Promise<void> => {
  for (const id of ids) {
    await tracker.start(id, { by: `doer of ${id}` })
    await tracker.complete(id)
  }
}
const fail = async ({ tracker }: Board, id: string): Promise<void> => {
  await tracker.start(id, { by: `doer of ${id}` })
  await tracker.fail(id, { error: 'flood', retryable: false })
}
const statuses = ({ tracker }: Board): Record<string, string> =>
  Object.fromEntries(tracker.list().map(({ id, status }) => [id, status]))

describe('a task with subtasks', () => {
  it('lists them in the order in which they were made', async () => {
    const { tracker } = await wholeOfThree()
    expect(tracker.subtasks('whole').map(({ id }) => id)).toEqual(['one', 'two', 'three'])
    expect(tracker.subtasks('one')).toEqual([])
    expect(tracker.list({ parentId: null }).map(({ id }) => id)).toEqual(['whole'])
  })

  it('is not completed while one is open or failed, and names them (TL-21)', async () => {
    const board = await wholeOfThree()
    await finish(board, 'one')
    await fail(board, 'two')
    const before = board.tracker.list()
    expect(await refusal(board.tracker.complete('whole'))).toMatchObject({
      code: 'invalid_transition',
      details: { id: 'whole', unsettled: ['two', 'three'] },
    })
    expect(board.tracker.list()).toEqual(before)
  })

  it('is completed when each is completed or cancelled', async () => {
    const board = await wholeOfThree()
    await finish(board, 'one', 'two')
    await board.tracker.cancel('three')
    expect(await board.tracker.complete('whole')).toMatchObject({ status: 'completed' })
  })

  it('is completed without those that it waives: open ones are cancelled with it, failed ones stay failed', async () => {
    const board = await wholeOfThree()
    const { tracker, events } = board
    const part = await claim(tracker, 'bo', { taskId: 'one' })
    await fail(board, 'two')
    events.clear()
    expect(await refusal(tracker.complete('whole', { waive: ['one', 'two'] }))).toMatchObject({
      code: 'invalid_transition',
      details: { unsettled: ['three'] },
    })
    await tracker.complete('whole', { waive: ['one', 'two', 'three'] })
    expect(statuses(board)).toEqual({ whole: 'completed', one: 'cancelled', two: 'failed', three: 'cancelled' })
    expect(part.signal.reason).toMatchObject({ code: 'cancelled' })
    expect(tracker.get('three')?.failure).toMatchObject({ code: 'cancelled', rootId: 'whole' })
    expect(new Set(events.all.map(({ seq }) => seq)).size).toBe(1)
  })

  it('is reviewed without those that it waives: they go on until it is passed', async () => {
    const board = await wholeOfThree()
    const { tracker } = board
    await tracker.update('whole', { reviewers: ['rita'] })
    await fail(board, 'two')
    await tracker.complete('whole', { waive: ['one', 'two'] }).catch(() => undefined)
    await tracker.complete('whole', { waive: ['one', 'two', 'three'] })
    expect(statuses(board)).toEqual({ whole: 'waiting', one: 'pending', two: 'failed', three: 'pending' })
    await tracker.create(named('late', { parentId: 'whole' }))
    expect(await refusal(tracker.review('whole', { passed: true }))).toMatchObject({ details: { unsettled: ['late'] } })
    await tracker.cancel('late')
    await tracker.review('whole', { passed: true })
    expect(statuses(board)).toEqual({
      whole: 'completed',
      one: 'cancelled',
      two: 'failed',
      three: 'cancelled',
      late: 'cancelled',
    })
  })

  it('waives only subtasks of its own', async () => {
    const { tracker } = await wholeOfThree()
    await tracker.create(named('other'))
    expect(await refusal(tracker.complete('whole', { waive: ['other'] }))).toMatchObject({
      code: 'invalid_input',
      details: { id: 'other' },
    })
  })

  it.each(['failed', 'cancelled'] as const)(
    'that is %s takes its open parts along, running ones by force',
    async (how) => {
      const board = await wholeOfThree()
      const { tracker, events } = board
      await tracker.create(named('part of two', { parentId: 'two' }))
      await tracker.create(named('after three', { dependsOn: ['three'] }))
      await finish(board, 'one')
      const part = await claim(tracker, 'bo', { taskId: 'two' })
      events.clear()
      if (how === 'failed') await tracker.fail('whole', { error: 'flood', retryable: false })
      else await tracker.cancel('whole')

      expect(statuses(board)).toEqual({
        whole: how,
        one: 'completed',
        two: 'cancelled',
        three: 'cancelled',
        'part of two': 'cancelled',
        'after three': 'cancelled',
      })
      for (const id of ['two', 'three', 'part of two', 'after three'])
        expect(tracker.get(id)?.failure).toMatchObject({ code: 'cancelled', rootId: 'whole' })
      expect(new Set(events.all.map(({ seq }) => seq)).size).toBe(1)
      expect(part.signal.reason).toMatchObject({ code: 'cancelled' })
      expect(tracker.get('two')).toMatchObject({ fence: part.fence + 1, holder: undefined })
      expect(await refusal(part.complete())).toMatchObject({ code: 'stale_attempt' })
    },
  )

  it('that may be tried again keeps its parts', async () => {
    const board = await wholeOfThree()
    await board.tracker.fail('whole', { error: 'flood' })
    expect(statuses(board)).toEqual({ whole: 'pending', one: 'pending', two: 'pending', three: 'pending' })
  })

  it('whose part fails goes on, with its other parts, until that is retried (DG-18)', async () => {
    const board = await wholeOfThree()
    await fail(board, 'one')
    expect(statuses(board)).toEqual({ whole: 'in_progress', one: 'failed', two: 'pending', three: 'pending' })
    await finish(board, 'two', 'three')
    await refusal(board.tracker.complete('whole'))
    await board.tracker.retry('one')
    await finish(board, 'one')
    await board.tracker.complete('whole')
    expect(board.tracker.status('whole')).toBe('completed')
  })

  it('passes no review while a part is open', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('whole', { reviewers: ['rita'] }))
    await tracker.start('whole', { by: 'ana' })
    await tracker.complete('whole')
    await tracker.create(named('late', { parentId: 'whole' }))
    expect(await refusal(tracker.review('whole', { passed: true }))).toMatchObject({ code: 'invalid_transition' })
    await tracker.cancel('late')
    expect(await tracker.review('whole', { passed: true })).toMatchObject({ status: 'completed' })
  })

  it('runs at its own time, though its parts were done before (DG-13)', async () => {
    const { environment, tracker, events } = await openBoard()
    await tracker.create(named('whole', { notBefore: environment.now() + 60_000 }))
    await tracker.create(named('part', { parentId: 'whole' }))
    await (await claim(tracker, 'ana')).complete()
    expect(await tracker.claim('ana')).toBeUndefined()
    await environment.advance('1m')
    expect(events.of('ready').map(({ task }) => task.id)).toEqual(['whole'])
    expect((await claim(tracker, 'ana')).task.id).toBe('whole')
  })

  it('is as far as the mean over them, of which those that have ended count 1', async () => {
    const board = await wholeOfThree()
    await finish(board, 'one')
    await board.tracker.start('two', { by: 'bo' })
    await board.tracker.progress('two', { value: 0.5 })
    expect(board.tracker.progressOf('whole')).toBe(0.5)
    await board.tracker.cancel('three')
    expect(board.tracker.progressOf('whole')).toBeCloseTo(2.5 / 3)
  })

  it('is as far as the mean weighted by their estimates, when all have one', async () => {
    const { tracker } = await openBoard()
    const part = (id: string, estimateMs: number) => named(id, { parentId: 'whole', estimateMs })
    await tracker.createMany([named('whole'), part('short', 1000), part('long', 3000)])
    await tracker.start('long', { by: 'bo' })
    await tracker.progress('long', { value: 0.5 })
    expect(tracker.progressOf('whole')).toBe(0.375)
    await tracker.update('short', { estimateMs: null })
    expect(tracker.progressOf('whole')).toBe(0.25)
    expect([tracker.progressOf('long'), tracker.progressOf('ghost')]).toEqual([0.5, undefined])
  })
})

describe('a subtask', () => {
  it('needs a parent that is there; otherwise nothing of its batch is made (DG-15)', async () => {
    const { tracker } = await openBoard()
    const batch = [named('a'), named('b', { parentId: 'ghost' })]
    expect(await refusal(tracker.createMany(batch))).toMatchObject({ code: 'not_found', details: { id: 'ghost' } })
    expect(tracker.list()).toEqual([])
  })

  it.each(['completed', 'failed', 'cancelled'] as const)('is not added to a %s task (DG-14)', async (how) => {
    const board = await openBoard()
    await board.tracker.create(named('whole'))
    if (how === 'completed') await finish(board, 'whole')
    else if (how === 'failed') await fail(board, 'whole')
    else await board.tracker.cancel('whole')
    expect(await refusal(board.tracker.create(named('late', { parentId: 'whole' })))).toMatchObject({
      code: 'invalid_transition',
      message: `Task whole is ${how}: it gets no more subtasks`,
    })
    expect(board.tracker.get('late')).toBeUndefined()
  })

  it('may depend on its siblings, but not on its parent, nor on what waits for that', async () => {
    const { tracker } = await wholeOfThree()
    await tracker.addDependency('two', 'one')
    await tracker.create(named('after', { dependsOn: ['whole'] }))
    for (const [part, on] of [
      ['one', 'whole'],
      ['three', 'after'],
    ] as const)
      expect(await refusal(tracker.addDependency(part, on))).toMatchObject({ code: 'dependency_cycle' })
    expect(await refusal(tracker.create(named('four', { parentId: 'whole', dependsOn: ['after'] })))).toMatchObject({
      code: 'dependency_cycle',
      details: { path: ['four', 'after', 'whole', 'four'] },
    })
  })

  it('is not reopened under a parent that has ended, but with it', async () => {
    const board = await wholeOfThree()
    const { tracker } = board
    await fail(board, 'one')
    await tracker.cancel('whole')
    expect(await refusal(tracker.retry('two'))).toMatchObject({
      code: 'invalid_transition',
      message: 'Task two would fall again: its parent whole has ended; retry that first',
    })
    await tracker.retry('whole', { cascade: true })
    expect(statuses(board)).toEqual({ whole: 'pending', one: 'failed', two: 'pending', three: 'pending' })
  })
})
