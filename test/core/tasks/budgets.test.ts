import { describe, expect, it } from 'vitest'
import { MemoryStorage } from 'crewlog'
import { claim, named, openBoard, openBoards, refusal } from '../../support/board.js'
import { openTeam } from '../../support/team.js'

describe('the budget of a task', () => {
  it('may be spent to its end; the write that passes it is kept, fails the task and is refused', async () => {
    const { tracker, events } = await openBoard()
    await tracker.createMany([named('a', { budget: { tokens: 100, cost: 1 } }), named('next', { dependsOn: ['a'] })])
    const attempt = await claim(tracker, 'ana')
    const { signal } = attempt
    await attempt.progress({ usage: { tokens: 60, cost: 0.7 } })
    expect(await attempt.progress({ usage: { tokens: 40, cost: 0.3 } })).toMatchObject({ status: 'in_progress' })

    const error = await refusal(attempt.progress({ note: 'more', value: 0.9, usage: { tokens: 1 } }))
    expect(error).toMatchObject({
      code: 'budget_spent',
      retryable: false,
      message: 'Task a has spent its budget: stop; to go on, raise it and retry the task',
    })
    expect(tracker.get('a')).toMatchObject({
      status: 'failed',
      failure: { code: 'budget_spent' },
      usage: { tokens: 101, cost: 1 },
      progress: { value: 0.9, note: 'more' },
      attempts: [{ outcome: 'failed', usage: { tokens: 101 }, reason: 'Task a has spent its budget' }],
    })
    expect(tracker.get('next')).toMatchObject({ status: 'failed', failure: { rootId: 'a' } })
    expect([attempt.isOver, signal.aborted, (signal.reason as { code: string }).code]).toEqual([
      true,
      true,
      'budget_spent',
    ])
    expect(events.types('task').slice(-3)).toEqual(['progressed', 'failed', 'failed'])
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'stale_attempt' })
  })

  it('counts what completions and failures spend, too, and keeps what they bring', async () => {
    const { tracker } = await openBoard()
    const budget = { cost: 1 }
    await tracker.createMany([named('a', { budget }), named('b', { budget }), named('c', { budget })])
    const [a, b, c] = [await claim(tracker, 'ana'), await claim(tracker, 'bo'), await claim(tracker, 'cy')]
    expect(await refusal(a.complete({ result: 'dear', usage: { cost: 2 } }))).toMatchObject({ code: 'budget_spent' })
    expect(tracker.get('a')).toMatchObject({ status: 'failed', result: 'dear', usage: { cost: 2 } })
    expect(await refusal(b.fail({ error: 'flood', usage: { cost: 2 } }))).toMatchObject({ code: 'budget_spent' })
    expect(tracker.get('b')).toMatchObject({ status: 'failed', failure: { code: 'budget_spent' } })
    expect(await c.complete({ usage: { cost: 1 } })).toMatchObject({ status: 'completed' })
  })

  it('is not got round by who gives the task back, or asks', async () => {
    const { tracker } = await openBoard()
    const budget = { cost: 1 }
    await tracker.createMany([named('a', { budget }), named('b', { budget })])
    const [a, b] = [await claim(tracker, 'ana'), await claim(tracker, 'bo')]
    expect(await refusal(a.release({ usage: { cost: 2 } }))).toMatchObject({ code: 'budget_spent' })
    expect(await refusal(b.wait({ for: 'input', usage: { cost: 2 } }))).toMatchObject({ code: 'budget_spent' })
    for (const id of ['a', 'b'])
      expect(tracker.get(id)).toMatchObject({
        status: 'failed',
        failure: { code: 'budget_spent' },
        usage: { cost: 2 },
        attempts: [{ outcome: 'failed', usage: { cost: 2 } }],
      })
  })

  it('is of all attempts together, and begins anew with a retry; the sum goes on', async () => {
    const { tracker, environment } = await openBoard()
    await tracker.create(named('a', { budget: { tokens: 100 } }))
    await (await claim(tracker, 'ana')).fail({ error: 'flood', usage: { tokens: 80 } })
    await environment.advance('1m')
    await refusal((await claim(tracker, 'bo')).progress({ usage: { tokens: 21 } }))
    await tracker.retry('a')
    const third = await claim(tracker, 'ana')
    expect(await third.progress({ usage: { tokens: 99 } })).toMatchObject({
      status: 'in_progress',
      usage: { tokens: 200 },
    })
    await third.fail({ error: 'flood' })
    await environment.advance('1m')
    expect(await refusal((await claim(tracker, 'ana')).progress({ usage: { tokens: 2 } }))).toMatchObject({
      code: 'budget_spent',
    })
    expect(tracker.get('a')?.usage).toEqual({ tokens: 202 })
  })

  it('can be raised meanwhile, or taken away', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a', { budget: { tokens: 100 } }))
    const attempt = await claim(tracker, 'ana')
    await tracker.update('a', { budget: { tokens: 200 } })
    await attempt.progress({ usage: { tokens: 150 } })
    await tracker.update('a', { budget: null })
    expect(await attempt.complete({ usage: { tokens: 1e6 } })).toMatchObject({ status: 'completed' })
  })

  it('is not passed by how fractions are summed', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a', { budget: { cost: 0.3 } }))
    const attempt = await claim(tracker, 'ana')
    await attempt.progress({ usage: { cost: 0.1 } })
    // 0.30000000000000004
    await attempt.progress({ usage: { cost: 0.2 } })
    expect(await refusal(attempt.progress({ usage: { cost: 0.001 } }))).toMatchObject({ code: 'budget_spent' })
  })

  it('of nothing lets nothing be spent', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a', { budget: { tokens: 0 } }))
    const attempt = await claim(tracker, 'ana')
    await attempt.progress({ usage: { tokens: 0, cost: 5 } })
    expect(await refusal(attempt.progress({ usage: { tokens: 1 } }))).toMatchObject({ code: 'budget_spent' })
  })

  it('spent by a task that was to be cancelled lets it be', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a', { budget: { tokens: 1 } }))
    const attempt = await claim(tracker, 'ana')
    await tracker.cancel('a')
    expect(await refusal(attempt.progress({ usage: { tokens: 2 } }))).toMatchObject({ code: 'budget_spent' })
    expect(tracker.get('a')).toMatchObject({ status: 'cancelled', usage: { tokens: 2 } })
  })

  it('is told to onError by work that passes it', async () => {
    const { crew, tracker, environment, errors } = await openTeam(['ana'])
    crew.as('ana').work(async (attempt) => {
      await attempt.progress({ usage: { tokens: 2 } })
    })
    await tracker.create(named('a', { budget: { tokens: 1 } }))
    await environment.advance('1m')
    expect(tracker.get('a')).toMatchObject({ status: 'failed', attemptCount: 1 })
    expect(errors).toMatchObject([{ code: 'budget_spent' }])
  })
})

describe('the budget of a member', () => {
  it('once passed gets it no more work; what it does goes on, and the crew is told', async () => {
    const { crew, tracker, environment } = await openTeam([])
    const told: unknown[] = []
    crew.on('member.budgetSpent', ({ member }) => told.push([member.id, member.usage]))
    const ana = await crew.join('ana', { capacity: 2, budget: { tokens: 100 } })
    await tracker.createMany([named('a'), named('b'), named('c')])
    const [a, b] = [await ana.claim(), await ana.claim()]
    await a!.progress({ usage: { tokens: 100 } })
    await b!.progress({ usage: { tokens: 1 } })
    await b!.progress({ usage: { tokens: 1 } })
    expect(ana.info.usage).toEqual({ tokens: 102 })
    expect(told).toEqual([['ana', { tokens: 101 }]])

    expect(await a!.complete()).toMatchObject({ status: 'completed' })
    await b!.complete()
    expect(await ana.claim()).toBeUndefined()
    expect(await refusal(tracker.start('c', { by: 'ana' }))).toMatchObject({
      code: 'not_eligible',
      message: 'ana cannot take task c: ana is past its budget; let it join again with a higher one',
    })
    expect(await refusal(tracker.assign('c', 'ana'))).toMatchObject({ code: 'not_eligible' })
    expect(crew.reports.generate('health').data.findings).toMatchObject([
      { kind: 'nobody' },
      { kind: 'budget', member: 'ana' },
    ])

    let worked = 0
    ana.work(() => {
      worked++
    })
    await environment.advance('1m')
    expect(worked).toBe(0)
    await crew.join('ana', { budget: { tokens: 200 } })
    await environment.advance(0)
    expect([worked, crew.reports.generate('health').data.findings]).toEqual([1, []])
  })

  it('goes on when it comes again, and is the same for every process and from a journal', async () => {
    const storage = new MemoryStorage()
    const [here, there] = await openBoards(2, { storage })
    const { tracker, crew } = here!
    await crew.join('ana', { budget: { cost: 1 } })
    await tracker.createMany([named('a'), named('b')])
    await (await claim(tracker, 'ana')).complete({ usage: { cost: 0.1, tokens: 7 } })
    const second = await claim(tracker, 'ana')
    await second.progress({ usage: { cost: 0.2 } })
    await second.fail({ error: 'x', usage: { tokens: 1 } })
    const usage = crew.as('ana').info.usage
    expect(usage).toEqual({ tokens: 8, cost: 0.1 + 0.2 })

    await crew.leave('ana')
    const again = await crew.join('ana')
    expect([again.info.usage, again.info.budget]).toEqual([usage, undefined])
    await there!.crew.sync()
    const late = await openBoard({ storage, environment: here!.environment })
    for (const other of [there!.crew, late.crew]) expect(other.members).toEqual(crew.members)
  })

  it('is none where none is given, and can be lifted', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    const ana = crew.as('ana')
    await tracker.createMany([named('a'), named('b')])
    await (await ana.claim())!.complete({ usage: { tokens: 1e9 } })
    expect(ana.info).toMatchObject({ usage: { tokens: 1e9 } })
    expect(ana.info.budget).toBeUndefined()
    await crew.join('ana', { budget: { tokens: 1 } })
    expect(await ana.claim()).toBeUndefined()
    await crew.join('ana', { budget: {} })
    expect((await ana.claim())?.task.id).toBe('b')
  })
})
