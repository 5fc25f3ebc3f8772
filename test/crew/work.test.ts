import { type Attempt, type Crew, MemoryStorage } from 'crewlog'
import { manualEnvironment, recordEvents } from 'crewlog/testing'
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../support/team.js'

/** A promise, and how to keep it. */
function gate() {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const describeAll = (crew: Crew, ...descriptions: readonly string[]) =>
  crew.tracker.createMany(descriptions.map((description) => ({ id: description, description })))

describe('work', () => {
  it('takes one ready task after another; what the handler returns is the result', async () => {
    const { crew, tracker } = await openTeam()
    await describeAll(crew, 'one', 'two')
    await tracker.create({ id: 'three', description: 'three', dependsOn: ['two'] })
    crew.as('ana').work((attempt: Attempt) => ({ done: attempt.task.description, by: attempt.member }))
    await crew.idle()
    expect(tracker.list().map(({ status, result }) => [status, result])).toEqual(
      ['one', 'two', 'three'].map((done) => ['completed', { done, by: 'ana' }]),
    )
  })

  it('completes without a result when the handler returns nothing, synchronously or not', async () => {
    const { crew, tracker } = await openTeam()
    await describeAll(crew, 'one', 'two')
    crew.as('ana').work(() => undefined)
    crew.as('bo').work(async () => undefined)
    await crew.idle()
    expect(tracker.list().map(({ status, result }) => [status, result])).toEqual([
      ['completed', undefined],
      ['completed', undefined],
    ])
  })

  it('tries again what throws, after a pause, until its attempts are used up', async () => {
    const { crew, tracker, environment } = await openTeam()
    const events = recordEvents(crew)
    const task = await tracker.create({ description: 'Tides' })
    crew.as('ana').work(() => {
      throw new Error('model overloaded')
    })
    await environment.advance('1h')
    expect(events.types('task')).toEqual([
      'created',
      ...Array.from({ length: 4 }, () => ['started', 'released']).flat(),
      'started',
      'failed',
    ])
    expect(tracker.get(task.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'failed', message: 'model overloaded' },
      attemptCount: 5,
    })
    const starts = events.of('started').map(({ attempt }) => attempt.startedAt)
    expect(starts.every((at, n) => n === 0 || at > starts[n - 1]!)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['an error that says retryable: false', Object.assign(new Error('no such file'), { retryable: false })],
    ['an object that does', { retryable: false }],
  ])('fails at once by %s', async (_, thrown) => {
    const { crew, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    crew.as('ana').work(async () => {
      throw thrown
    })
    await crew.idle()
    expect(tracker.get(task.id)).toMatchObject({ status: 'failed', attemptCount: 1 })
  })

  it.each<[string, (attempt: Attempt) => unknown, string]>([
    ['completes', (attempt) => attempt.complete({ result: 1 }), 'completed'],
    ['fails', (attempt) => attempt.fail({ error: 'no', retryable: false }), 'failed'],
    ['waits', (attempt) => attempt.wait({ for: 'approval', of: 'bo' }), 'waiting'],
  ])('leaves it to a handler that %s by itself', async (_, end, status) => {
    const { crew, tracker, errors } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    crew.as('ana').work(async (attempt) => {
      await end(attempt)
      return 'ignored'
    })
    await crew.idle()
    expect(tracker.get(task.id)).toMatchObject({ status, attemptCount: 1 })
    expect(errors).toEqual([])
  })

  it.each<[string, unknown]>([
    ['a BigInt', 1n],
    ['a function', () => 1],
    ['NaN', { n: NaN }],
  ])('does not leave a task running whose handler returns %s (TL-11)', async (_, result) => {
    const { crew, tracker, environment } = await openTeam(['ana'], { retry: { attempts: 2 } })
    const task = await tracker.create({ description: 'Tides' })
    crew.as('ana').work(() => result)
    await environment.advance('1m')
    expect(tracker.get(task.id)).toMatchObject({ status: 'failed', failure: { message: /must be plain JSON/ } })
  })

  it('aborts the handler of a task that is cancelled elsewhere, and takes its end for consent (TL-02)', async () => {
    const { here, there, environment } = await openPair()
    const task = await here.tracker.create({ description: 'Tides' })
    here.as('ana').work(async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      throw signal.reason
    })
    await environment.settle()
    await there.sync()
    await there.tracker.cancel(task.id, { reason: 'not needed' })
    await environment.settle()
    await there.sync()
    expect(there.tracker.get(task.id)).toMatchObject({ status: 'cancelled', failure: { message: 'not needed' } })
  })

  it('reports a throw that comes after the attempt is over, and goes on', async () => {
    const { crew, tracker, errors } = await openTeam()
    await describeAll(crew, 'one', 'two')
    crew.as('ana').work(async (attempt) => {
      await attempt.complete()
      throw new Error('too late')
    })
    await crew.idle()
    expect(tracker.count({ status: 'completed' })).toBe(2)
    expect(errors).toEqual([new Error('too late'), new Error('too late')])
  })
})

describe('how much', () => {
  async function busy(options: object, capacity = 3) {
    const team = await openTeam([])
    const ana = await team.crew.join('ana', { capacity })
    await describeAll(team.crew, 'a', 'b', 'c', 'd', 'e')
    const { open, opened } = gate()
    const running = ana.work(() => opened, options)
    await team.environment.settle()
    return { ...team, ana, open, running, held: () => team.tracker.count({ status: 'in_progress' }) }
  }

  it('as many at once as the capacity of the member (CL-24)', async () => {
    const { held, open, crew, tracker } = await busy({})
    expect(held()).toBe(3)
    open()
    await crew.idle()
    expect(tracker.count({ status: 'completed' })).toBe(5)
  })

  it.each([
    [{ concurrency: 2 }, 2],
    [{ concurrency: 9 }, 3],
  ])('with %o, but never over the capacity', async (options, expected) => {
    const { held } = await busy(options)
    expect(held()).toBe(expected)
  })

  it('stopping takes nothing more, and lets handlers finish (MS-23)', async () => {
    const { held, open, running, tracker, environment } = await busy({})
    const stopped = watch(running.stop())
    await environment.settle()
    expect([stopped.state, held()]).toEqual(['pending', 3])
    open()
    await environment.settle()
    expect(stopped.state).toBeUndefined()
    await running.done
    expect(tracker.count({ status: 'completed' })).toBe(3)
    expect(tracker.count({ ready: true })).toBe(2)
  })

  it('stops by a signal, and at the end of a block with `await using`', async () => {
    const { crew, tracker } = await openTeam()
    const controller = new AbortController()
    const running = crew.as('ana').work(() => undefined, { signal: controller.signal })
    controller.abort()
    await running.done
    let isOver = false
    {
      await using working = crew.as('bo').work(() => undefined)
      void working.done.then(() => (isOver = true))
    }
    expect(isOver).toBe(true)
    await crew.as('ana').work(() => undefined, { signal: controller.signal }).done
    await tracker.create({ description: 'Tides' })
    await crew.idle()
    expect(tracker.count({ ready: true })).toBe(1)
  })

  it('leaves one listener on a signal that ten thousand loops shared, and none of them (RL-02)', async () => {
    const { crew } = await openTeam()
    const { signal } = new AbortController()
    for (let n = 0; n < 10_000; n++) {
      const stream = crew.as('ana').mail({ signal })
      const iterator = stream[Symbol.asyncIterator]()
      await iterator.return?.()
    }
    const waits = Array.from({ length: 1000 }, () => crew.idle({ signal }))
    await Promise.all(waits)
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1)
  })
})

describe('what', () => {
  it('its own tasks before open ones, by priority, and none that is for another', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.createMany([
      { id: 'open', description: 'open', priority: 9 },
      { id: 'mine', description: 'mine', assignees: 'ana' },
      { id: 'urgent', description: 'urgent', assignees: 'ana', priority: 2 },
      { id: 'other', description: 'other', assignees: 'bo', priority: 9 },
    ])
    const order: string[] = []
    crew.as('ana').work(({ task }) => order.push(task.id))
    await crew.idle()
    expect(order).toEqual(['urgent', 'mine', 'open'])
    expect(tracker.status('other')).toBe('pending')
  })

  it('by a filter', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ id: 'night', description: 'x', labels: ['night'] })
    await tracker.create({ id: 'day', description: 'x', priority: 5 })
    crew.as('ana').work(() => undefined, { filter: { label: 'night' } })
    await crew.idle()
    expect([tracker.status('night'), tracker.status('day')]).toEqual(['completed', 'pending'])
  })

  it('by one handler for each kind, and no other kind', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.createMany([
      { id: 'a', description: 'x', kind: 'article' },
      { id: 'p', description: 'x', kind: 'poem' },
      { id: 'n', description: 'x', kind: 'constructor' },
      { id: 'x', description: 'x' },
    ])
    crew.as('ana').work({ article: () => 'an article', poem: () => 'a poem' })
    await crew.idle()
    expect(tracker.list().map(({ id, result }) => [id, result])).toEqual([
      ['a', 'an article'],
      ['p', 'a poem'],
      ['n', undefined],
      ['x', undefined],
    ])
  })

  it.each<[string, unknown, object]>([
    ['no function', 'handler', {}],
    ['null', null, {}],
    ['a kind without a function', { article: 'write' }, {}],
    ['an unknown filter', () => 1, { filter: { kinds: 'article' } }],
    ['a filter that is quietly everything', () => 1, { filter: { assignee: undefined } }],
    ['no concurrency', () => 1, { concurrency: 0 }],
    ['an unknown option', () => 1, { parallel: 2 }],
  ])('refuses %s', async (_, handler, options) => {
    const { crew } = await openTeam()
    expect(() => crew.as('ana').work(handler as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})

describe('attempts()', () => {
  it('hands out one after another, for the user to end', async () => {
    const { crew, tracker } = await openTeam()
    await describeAll(crew, 'one', 'two')
    const seen: string[] = []
    for await (const attempt of crew.as('ana').attempts()) {
      seen.push(attempt.task.id)
      await attempt.complete({ result: seen.length })
      if (seen.length === 2) break
    }
    expect(tracker.list().map(({ result }) => result)).toEqual([1, 2])
  })

  it('fails as abandoned what is left without an outcome', async () => {
    const { crew, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    for await (const attempt of crew.as('ana').attempts()) {
      expect(attempt.isOver).toBe(false)
      break
    }
    expect(tracker.get(task.id)).toMatchObject({
      status: 'pending',
      counted: { failures: 1 },
      attempts: [{ outcome: 'abandoned' }],
    })
  })

  it('ends by its signal', async () => {
    const { crew, environment } = await openTeam()
    const controller = new AbortController()
    const next = watch(crew.as('ana').attempts({ signal: controller.signal })[Symbol.asyncIterator]().next())
    await environment.settle()
    expect(next.state).toBe('pending')
    controller.abort()
    await environment.settle()
    expect(next.state).toEqual({ done: true, value: undefined })
  })
})

/** A storage that counts its calls. */
class CountingStorage extends MemoryStorage {
  calls = { append: 0, read: 0 }

  override append(...args: Parameters<MemoryStorage['append']>) {
    this.calls.append++
    return super.append(...args)
  }

  override read(...args: Parameters<MemoryStorage['read']>) {
    this.calls.read++
    return super.read(...args)
  }
}

describe('a thousand members', () => {
  it('share the work without each trying for every task (MP-10)', async () => {
    const storage: CountingStorage = Object.assign(new CountingStorage(), { watch: undefined })
    const ids = Array.from({ length: 1000 }, (_, n) => `m${n}`)
    const { crew, tracker } = await openTeam(ids, { storage })
    for (const id of ids) crew.as(id).work(() => undefined)
    await crew.idle()
    storage.calls = { append: 0, read: 0 }
    for (let n = 0; n < 20; n++) {
      await tracker.create({ description: `Task ${n}` })
      await crew.idle()
    }
    expect(tracker.count({ status: 'completed' })).toBe(20)
    // A creation, a claim, a completion: a claim in vain would read first, to be certain.
    expect(storage.calls).toEqual({ append: 60, read: 0 })
  })

  it('that have nothing to do cost no more than the poll of their process, an hour long (RL-09)', async () => {
    const storage = new CountingStorage()
    const { crew, environment } = await openTeam(['ana', 'bo'], { storage })
    crew.as('ana').work(() => undefined)
    crew.as('bo').listen(() => undefined)
    await crew.idle()
    storage.calls = { append: 0, read: 0 }
    await environment.advance('1h')
    expect(storage.calls.append).toBe(0)
    expect(storage.calls.read).toBeLessThanOrEqual(3600 / 2.5)
  })

  it('that wait for work cost a commit nothing that brings them none', async () => {
    /** How often a commit that is not for them looks at the clock, as whoever looks for work does. */
    const looks = async (count: number): Promise<number> => {
      const environment = manualEnvironment()
      let looked = 0
      const counting = {
        ...environment,
        now() {
          looked++
          return environment.now()
        },
      }
      const ids = Array.from({ length: count }, (_, n) => `m${n}`)
      const { crew, tracker } = await openTeam([...ids, 'hana'], { environment: counting })
      await tracker.create({ description: 'Approve', assignees: 'hana' })
      for (const id of ids) crew.as(id).work(() => undefined)
      await crew.idle()
      looked = 0
      await tracker.create({ description: 'Approve', assignees: 'hana' })
      await tracker.create({ id: 'open', description: 'Tides' })
      await tracker.whenEnded('open')
      await environment.settle()
      return looked
    }
    expect(await looks(300)).toBe(await looks(3))
  })
})

describe('loops that claim at the same moment', () => {
  it('leave no task to nobody when one of them finds none', async () => {
    const { crew, tracker, environment } = await openTeam(['ana', 'bo'])
    const cy = await crew.join('cy', { skills: { code: 1 } })
    const { open, opened } = gate()
    for (const id of ['ana', 'bo', 'cy']) await tracker.create({ description: 'first', assignees: id })
    for (const member of [crew.as('ana'), crew.as('bo'), cy])
      member.work(({ task }) => (task.description === 'first' ? opened : new Promise(() => undefined)))
    await environment.settle()
    await tracker.create({ id: 'any', description: 'x' })
    await tracker.create({ id: 'code', description: 'x', requires: { code: 1 } })
    // Two claim as there are two tasks, both the same one; the other is for the third.
    open()
    await environment.settle()
    expect(['any', 'code'].map((id) => tracker.get(id)?.holder)).toEqual(['ana', 'cy'])
  })
})
