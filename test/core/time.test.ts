import { systemEnvironment, TaskTracker } from 'crewlog'
import { recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../support/team.js'

describe('the wall clock', () => {
  it('set back during a run ends no lease, and changes no order (TM-04)', async () => {
    const { here, there, environment } = await openPair()
    await here.tracker.createMany([
      { id: 'one', description: 'one' },
      { id: 'two', description: 'two' },
    ])
    const attempt = await here.as('ana').claim()
    environment.setWallClock(environment.now() - 3_600_000)
    const three = await here.tracker.create({ id: 'three', description: 'three' })
    expect(three.createdAt).toBeLessThan(here.tracker.get('one')!.createdAt)
    await environment.advance('10m')
    expect(there.tracker.get('one')).toMatchObject({ holder: 'ana', attemptCount: 1 })
    expect(there.tracker.list().map(({ id }) => id)).toEqual(['one', 'two', 'three'])
    expect((await there.as('bo').claim())?.task.id).toBe('two')
    expect((await attempt!.complete()).durationMs).toBe(0)
  })

  it('is read as one time, whatever the zone it is written in (TM-05)', async () => {
    const tracker = new TaskTracker()
    const times = ['2026-03-29T01:30:00Z', '2026-03-29T03:30:00+02:00', new Date(Date.UTC(2026, 2, 29, 1, 30))]
    for (const dueAt of times)
      expect((await tracker.create({ description: 'x', dueAt })).dueAt).toBe(Date.UTC(2026, 2, 29, 1, 30))
  })
})

describe('limits of time', () => {
  it('end an attempt that is renewed for ever (TM-09)', async () => {
    const { crew, tracker, environment } = await openTeam()
    const task = await tracker.create({ description: 'Tides', timeLimitMs: 600_000, retry: { attempts: 1 } })
    const attempt = await crew.as('ana').claim()
    const { signal } = attempt!
    await environment.advance(599_999)
    expect([attempt!.isOver, attempt!.expiresInMs > 0]).toEqual([false, true])
    await environment.advance(1)
    expect(tracker.get(task.id)).toMatchObject({ status: 'failed', failure: { code: 'timed_out' } })
    expect(signal.reason).toMatchObject({ code: 'timed_out' })
  })

  it.each([0, 1, 999, NaN, Infinity, -1])('refuse a lease of %d ms (TM-06)', async (leaseMs) => {
    const { crew } = await openTeam()
    await expect(crew.as('ana').claim({ leaseMs })).rejects.toMatchObject({ code: 'invalid_input' })
    expect(() => new TaskTracker({ leaseMs })).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('that passed during three days away are worked off by priority, once each (TM-07)', async () => {
    const { here, reopen, environment } = await openPair()
    const at = environment.now() + 60_000
    await here.tracker.createMany(
      [3, 1, 5, 2, 4].map((priority) => ({ id: `p${priority}`, description: 'x', priority, notBefore: at, dueAt: at })),
    )
    await here.close()
    await environment.advance('3d')
    const crew = await reopen()
    const events = recordEvents(crew)
    const order: string[] = []
    crew.as('ana').work(({ task }) => order.push(task.id))
    await crew.idle()
    expect(order).toEqual(['p5', 'p4', 'p3', 'p2', 'p1'])
    expect(events.types('task')).toEqual(order.flatMap(() => ['started', 'completed']))
  })

  it('all hang on the environment: nothing happens while its time stands still (TM-08)', async () => {
    const { crew, tracker, environment } = await openTeam()
    const now = environment.now()
    await tracker.create({ id: 'due', description: 'x', dueAt: now + 1, failAt: now + 2 })
    const asked = crew
      .as('ana')
      .ask('bo', '?', { timeoutMs: 1 })
      .catch(() => 'timed out')
    await new Promise((resolve) => setImmediate(resolve))
    expect([tracker.status('due'), tracker.overdue()]).toEqual(['pending', []])
    await environment.advance(2)
    expect([tracker.status('due'), await asked]).toEqual(['failed', 'timed out'])
  })

  it('beyond what a platform timer holds are refused or cut, not fired at once', () => {
    for (const ms of [NaN, -1, Infinity])
      expect(() => systemEnvironment.setTimer(() => undefined, ms)).toThrow(
        expect.objectContaining({ code: 'invalid_input' }),
      )
    let fired = false
    const off = systemEnvironment.setTimer(() => (fired = true), 2 ** 31 + 1000, true)
    off()
    expect(fired).toBe(false)
  })
})

describe('what grows', () => {
  it('is bounded in the history of a task: the newest twenty attempts and answers (RL-04, RP-04)', async () => {
    const { crew, tracker, environment } = await openTeam(['ana'], { retry: { attempts: 1000 } })
    const task = await tracker.create({ description: 'Tides' })
    for (let n = 0; n < 50; n++) {
      const attempt = await crew.as('ana').claim()
      await attempt!.fail({ error: `failure ${n}` })
      await environment.advance('10m')
    }
    const { attempts, attemptCount, counted } = tracker.get(task.id)!
    expect([attempts.length, attemptCount, counted.failures]).toEqual([20, 50, 50])
    expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, n) => n + 31))
  })

  it('does not lose what two processes report at once (RP-01)', async () => {
    const { here, there } = await openPair()
    const task = await here.tracker.create({ description: 'Tides' })
    await there.sync()
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? here : there).tracker.comment(task.id, `comment ${n}`)),
    )
    await here.sync()
    expect(here.tracker.get(task.id)?.commentCount).toBe(20)
    const said = here.communications.thread({ taskId: task.id }).map(({ content }) => content)
    expect(new Set(said)).toEqual(new Set(Array.from({ length: 20 }, (_, n) => `comment ${n}`)))
  })

  it('takes the higher priority first, however long the lower one waits (RL-06)', async () => {
    const { crew, tracker, environment } = await openTeam()
    await tracker.create({ id: 'low', description: 'x', priority: 0 })
    for (let n = 0; n < 5; n++) {
      await environment.advance('1d')
      await tracker.create({ description: 'x', priority: 1 })
      const attempt = await crew.as('ana').claim()
      expect(attempt!.task.priority).toBe(1)
      await attempt!.complete()
    }
    expect((await crew.as('ana').claim())?.task.id).toBe('low')
  })
})
