import { CrewError, MemoryStorage, type Task } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { type Board, claim, named, openBoards, refusal } from '../../support/board.js'

// Each race names its guard: the line that was taken away once to see the test fail.

async function two(): Promise<readonly [Board, Board]> {
  const [a, b] = await openBoards(2)
  return [a!, b!]
}

/** What became of commands that ran at once: their answers, or the codes of their refusals. */
async function atOnce<T>(...commands: readonly Promise<T>[]): Promise<readonly (T | string)[]> {
  const settled = await Promise.allSettled(commands)
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value
    if (!CrewError.is(one.reason)) throw one.reason
    return one.reason.code
  })
}
const refusals = (outcomes: readonly unknown[]): readonly unknown[] =>
  outcomes.filter((outcome) => typeof outcome === 'string')

/** Both processes are on the same, newest state. */
async function expectAgreement(a: Board, b: Board): Promise<void> {
  await Promise.all([a.crew.sync(), b.crew.sync()])
  expect(a.crew.journal.head).toEqual(b.crew.journal.head)
  expect(JSON.stringify(a.tracker.list())).toBe(JSON.stringify(b.tracker.list()))
}

describe('two processes on one storage', () => {
  it('race for 10,000 tasks, and each task is claimed once', async () => {
    // Guard: memory-storage.ts, append: `if (commit.seq !== seq + 1 || commit.prev !== id) return { appended: false }`
    const [a, b] = await two()
    const count = 10_000
    await a.crew.join('ana', { capacity: count })
    await b.crew.join('bo', { capacity: count })
    await a.tracker.createMany(Array.from({ length: count }, (_, at) => named(`t${at}`)))
    await b.crew.sync()
    a.events.clear()

    const claims = Array.from({ length: 6000 }, () => [a.tracker.claim('ana'), b.tracker.claim('bo')]).flat()
    const attempts = (await Promise.all(claims)).flatMap((attempt) => attempt ?? [])
    expect(attempts).toHaveLength(count)
    expect(new Set(attempts.map(({ task }) => task.id)).size).toBe(count)
    await expectAgreement(a, b)
    expect(a.events.types('task')).toHaveLength(count)
    expect(b.tracker.list().every(({ attemptCount, fence }) => attemptCount === 1 && fence === 1)).toBe(true)
  })

  it('race for one task: one gets it, the other nothing, or is told by whom', async () => {
    // Guard: eligibility.ts, refusal: `if (holder !== undefined) return new CrewError('already_claimed', …)`
    const [a, b] = await two()
    await a.tracker.create(named('a'))
    await b.crew.sync()
    const [first, second] = await Promise.all([a.tracker.claim('ana'), b.tracker.claim('bo')])
    expect([first, second].filter(Boolean)).toHaveLength(1)
    await (first ?? second)?.release()
    const outcomes = await atOnce(a.tracker.start('a', { by: 'ana' }), b.tracker.start('a', { by: 'bo' }))
    expect(refusals(outcomes)).toEqual(['already_claimed'])
    await expectAgreement(a, b)
  })

  it('make A wait for B and B for A: one is refused', async () => {
    // Guard: task-commands.ts, addDependency: `refuseCycle(this.#board, task.id)`, which is decided again after a lost append
    const [a, b] = await two()
    await a.tracker.createMany([named('a'), named('b'), named('c')])
    await a.tracker.addDependency('b', 'c')
    await b.crew.sync()
    const outcomes = await atOnce(a.tracker.addDependency('a', 'b'), b.tracker.addDependency('c', 'a'))
    expect(refusals(outcomes)).toEqual(['dependency_cycle'])
    await expectAgreement(a, b)
  })

  it('complete the last two dependencies together: each dependent becomes ready once (DG-02) (DG-17)', async () => {
    // Guard: decision.ts, decideBatch: `revert(steps)`, without which the loser's completion counts twice
    const [a, b] = await two()
    await a.tracker.createMany([
      named('one'),
      named('two'),
      named('x', { dependsOn: ['one', 'two'] }),
      named('y', { dependsOn: ['two', 'one'] }),
    ])
    const first = await claim(a.tracker, 'ana', { taskId: 'one' })
    await b.crew.sync()
    const second = await claim(b.tracker, 'bo', { taskId: 'two' })
    expect(refusals(await atOnce(first.complete(), second.complete()))).toEqual([])
    await expectAgreement(a, b)
    for (const { tracker, events } of [a, b]) {
      expect(events.of('ready').map(({ task }) => task.id)).toEqual(['x', 'y'])
      expect([tracker.stage('x'), tracker.stage('y')]).toEqual(['new', 'new'])
    }
  })

  it('complete one dependency twice, by a stale and a fresh attempt: it counts once (DG-16)', async () => {
    // Guard: task-moves.ts, expectFrom: `} else if (running?.fence !== fence) {` … throws stale_attempt
    const [a, b] = await two()
    await a.tracker.createMany([named('one'), named('two'), named('x', { dependsOn: ['one', 'two'] })])
    const stale = await claim(a.tracker, 'ana', { taskId: 'one' })
    await b.crew.sync()
    await b.tracker.release('one', { fence: stale.fence })
    const fresh = await claim(b.tracker, 'bo', { taskId: 'one' })
    expect(await atOnce(stale.complete({ result: 1 }), fresh.complete({ result: 2 }))).toMatchObject([
      'stale_attempt',
      { result: 2 },
    ])
    await expectAgreement(a, b)
    expect(a.tracker.stage('x')).toBe('blocked')
  })

  it('create one id at once: one is refused', async () => {
    // Guard: task-commands.ts, create: `if (this.#board.get(id)) throw new CrewError('already_exists', …)`
    const [a, b] = await two()
    const outcomes = await atOnce(
      a.tracker.create(named('k', { title: 'first' })),
      a.tracker.create(named('k', { title: 'second' })),
      b.tracker.create(named('k', { title: 'third' })),
    )
    expect(refusals(outcomes)).toEqual(['already_exists', 'already_exists'])
    const made = outcomes.find((outcome): outcome is Task => typeof outcome !== 'string')
    await expectAgreement(a, b)
    expect(b.tracker.get('k')?.title).toBe(made?.title)
  })

  it('create one id twice, and the append of the first is lost for good: the second is made', async () => {
    // Guard: journal.ts, send: `this.#decideAgain(batch.decided)`, for what was refused with the first as well
    const [a, b] = await two()
    await a.tracker.create(named('whole'))
    await b.crew.sync()
    const cancelled = b.tracker.cancel('whole')
    const outcomes = await atOnce(
      a.tracker.create(named('k', { parentId: 'whole' })),
      a.tracker.create(named('k', { title: 'second' })),
    )
    await cancelled
    expect(outcomes).toMatchObject(['invalid_transition', { title: 'second' }])
    await expectAgreement(a, b)
  })

  it('complete a task and add a part to it: one of the two is refused (DG-14)', async () => {
    // Guard: task-commands.ts, checkNew: `if (!isOpen) throw new CrewError('invalid_transition', …)` of the parent
    for (const isFirst of [true, false]) {
      const [a, b] = await two()
      await a.tracker.create(named('whole'))
      await b.crew.sync()
      const attempt = await claim(a.tracker, 'ana')
      await b.crew.sync()
      const complete = (): Promise<Task> => attempt.complete()
      const add = (): Promise<Task> => b.tracker.create(named('late', { parentId: 'whole' }))
      const outcomes = await (isFirst ? atOnce(complete(), add()) : atOnce(add(), complete()))
      expect(refusals(outcomes)).toEqual(['invalid_transition'])
      await expectAgreement(a, b)
      const isCompleted = a.tracker.status('whole') === 'completed'
      expect(a.tracker.get('late') === undefined).toBe(isCompleted)
    }
  })

  it('complete and cancel a claimed task: the completion stands, whichever came first', async () => {
    // Guard: task-commands.ts, cancel: `if (force || task.running?.leaseMs === undefined)`, so that it is only asked for
    for (const isFirst of [true, false]) {
      const [a, b] = await two()
      await a.tracker.create(named('a'))
      const attempt = await claim(a.tracker, 'ana')
      await b.crew.sync()
      const complete = (): Promise<Task> => attempt.complete()
      const cancel = (): Promise<Task> => b.tracker.cancel('a')
      const outcomes = await (isFirst ? atOnce(complete(), cancel()) : atOnce(cancel(), complete()))
      expect(refusals(outcomes)).toEqual(isFirst ? ['invalid_transition'] : [])
      await expectAgreement(a, b)
      expect(a.tracker.status('a')).toBe('completed')
    }
  })

  it('answer one question at once: one answer is kept, the other is refused', async () => {
    // Guard: task-commands.ts, answerer: `moves.expectMove(task, move)`
    const [a, b] = await two()
    await a.tracker.create(named('a'))
    await (await claim(a.tracker, 'ana')).wait({ for: 'input', of: ['hana', 'omar'] })
    await b.crew.sync()
    const outcomes = await atOnce(
      a.tracker.resume('a', { by: 'hana', answer: 1 }),
      b.tracker.resume('a', { by: 'omar', answer: 2 }),
    )
    expect(refusals(outcomes)).toEqual(['invalid_transition'])
    await expectAgreement(a, b)
    expect(a.tracker.get('a')?.answers).toHaveLength(1)
  })

  it('do not claim more for a member than its capacity (CL-18)', async () => {
    // Guard: task-commands.ts, claim: `if (hindrance(this.#board, member) !== undefined) return undefined`
    const [a, b] = await two()
    await a.crew.join('ana', { capacity: 3 })
    await a.tracker.createMany(Array.from({ length: 20 }, (_, at) => named(`t${at}`)))
    await b.crew.sync()
    const claims = Array.from({ length: 20 }, (_, at) => (at % 2 ? a : b).tracker.claim('ana'))
    expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(3)
    await expectAgreement(a, b)
  })

  it('find what the other has just made, before they say that there is nothing', async () => {
    // Guard: journal.ts, confirm: `await this.#patiently(() => this.#catchUp())` before it is answered
    const [a, b] = await openBoards(2, { storage: Object.assign(new MemoryStorage(), { watch: undefined }) })
    await a!.tracker.create(named('a'))
    expect((await claim(b!.tracker, 'bo')).task.id).toBe('a')
    await a!.tracker.create(named('b'))
    expect(await b!.tracker.start('b', { by: 'omar' }).catch((error: unknown) => error)).toMatchObject({
      holder: 'omar',
    })
    await a!.tracker.cancel('b', { force: true })
    expect(await refusal(b!.tracker.complete('b'))).toMatchObject({ code: 'invalid_transition' })
  })

  it('make ids that never meet (TL-16)', async () => {
    const [a, b] = await two()
    const made = await Promise.all(
      Array.from({ length: 200 }, (_, at) => (at % 2 ? a : b).tracker.create({ description: 'x' })),
    )
    expect(new Set(made.map(({ id }) => id)).size).toBe(200)
  })
})
