import fc from 'fast-check'
import { CrewError, type JournalEvent, MemoryStorage, openCrew, TaskTracker } from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { IdempotencyKeys } from '../../src/core/idempotency.js'
import { claim, named, openBoard, openBoards, refusal } from '../support/board.js'
import { stateOf } from '../support/crew-state.js'
import { openTeam } from '../support/team.js'

describe('a key for new tasks', () => {
  it('makes one task of two calls, and answers both with it', async () => {
    const { tracker } = await openBoard()
    const [first, second] = await Promise.all(
      [1, 2].map(() => tracker.create({ description: 'Tides' }, { by: 'ana', idempotencyKey: 'k' })),
    )
    expect(second).toEqual(first)
    expect(await tracker.create({ description: 'Tides' }, { by: 'ana', idempotencyKey: 'k' })).toEqual(first)
    expect(tracker.count()).toBe(1)
  })

  it('answers with the task as it is then', async () => {
    const { tracker } = await openBoard()
    const { id } = await tracker.create({ description: 'Tides' }, { idempotencyKey: 'k' })
    await tracker.cancel(id)
    expect(await tracker.create({ description: 'Tides' }, { idempotencyKey: 'k' })).toBe(tracker.get(id))
  })

  it('answers with all tasks of a batch, in their order', async () => {
    const { tracker } = await openBoard()
    const drafts = [named('b'), { description: 'without an id' }, named('a', { dependsOn: ['b'] })]
    const made = await tracker.createMany(drafts, { idempotencyKey: 'k' })
    expect(await tracker.createMany(drafts, { idempotencyKey: 'k' })).toEqual(made)
    expect(tracker.count()).toBe(3)
  })

  it('is refused for another body, and changes nothing (MS-18)', async () => {
    const { tracker, crew } = await openBoard()
    await tracker.create({ description: 'Tides' }, { idempotencyKey: 'k' })
    const before = stateOf(crew)
    const error = await refusal(tracker.create({ description: 'Winds' }, { idempotencyKey: 'k' }))
    expect(error).toMatchObject({ code: 'idempotency_conflict', retryable: false, details: { key: 'k' } })
    expect(error.message).toBe(
      'The idempotency key k was used for another create; take a new key, or repeat what it was used for',
    )
    expect(stateOf(crew)).toEqual(before)
  })

  it.each([
    ['the order of its keys', { metadata: { a: 1, b: { c: 2, d: [3] } } }, { metadata: { b: { d: [3], c: 2 }, a: 1 } }],
    ['the form of a date', { dueAt: '2026-12-01T12:00:00Z' }, { dueAt: Date.UTC(2026, 11, 1, 12) }],
    ['one or a list', { assignees: 'ana' }, { assignees: ['ana'] }],
    ['what is undefined', { title: undefined as never }, {}],
  ])('takes a body as the same whatever %s', async (_, one, other) => {
    const { tracker } = await openBoard()
    const first = await tracker.create({ description: 'x', ...one }, { idempotencyKey: 'k' })
    expect(await tracker.create({ ...other, description: 'x' }, { idempotencyKey: 'k' })).toEqual(first)
  })

  it.each([
    ['the order of a list', { labels: ['a', 'b'] }, { labels: ['b', 'a'] }],
    ['a number and a text', { input: 1 }, { input: '1' }],
    ['null and nothing', { input: null }, {}],
    ['an empty list and an empty object', { input: [] }, { input: {} }],
    ['where one key ends', { metadata: { ab: 'c' } }, { metadata: { a: 'bc' } }],
    ['a single character of a long text', { input: 'x'.repeat(9999) }, { input: `${'x'.repeat(9998)}y` }],
  ])('tells bodies apart by %s', async (_, one, other) => {
    const { tracker } = await openBoard()
    await tracker.create({ description: 'x', ...one }, { idempotencyKey: 'k' })
    const error = await refusal(tracker.create({ description: 'x', ...other }, { idempotencyKey: 'k' }))
    expect(error.code).toBe('idempotency_conflict')
  })

  it('is another key for another member, and for another command', async () => {
    const { tracker } = await openBoard()
    const draft = { description: 'Tides' }
    const tasks = [
      await tracker.create(draft, { idempotencyKey: 'k' }),
      await tracker.create(draft, { by: 'ana', idempotencyKey: 'k' }),
      await tracker.create(draft, { by: 'bo', idempotencyKey: 'k' }),
      ...(await tracker.createMany([draft], { by: 'bo', idempotencyKey: 'k' })),
    ]
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(4)
  })

  it('does not confuse a member and a key with spaces', async () => {
    const { tracker } = await openBoard()
    await tracker.create({ description: 'x' }, { by: 'a b', idempotencyKey: 'c' })
    await tracker.create({ description: 'y' }, { by: 'a', idempotencyKey: 'b c' })
    expect(tracker.count()).toBe(2)
  })

  it('is not used up by a command that is refused', async () => {
    const { tracker } = await openBoard()
    const draft = named('part', { parentId: 'whole' })
    expect((await refusal(tracker.create(draft, { idempotencyKey: 'k' }))).code).toBe('not_found')
    await tracker.create(named('whole'))
    expect((await tracker.create(draft, { idempotencyKey: 'k' })).id).toBe('part')
  })

  it('works without a crew', async () => {
    const tracker = new TaskTracker()
    const first = await tracker.create({ description: 'x' }, { idempotencyKey: 'k' })
    expect(await tracker.create({ description: 'x' }, { idempotencyKey: 'k' })).toBe(first)
  })

  it('stores no more than a hash of the body', async () => {
    const { tracker, crew, events } = await openBoard()
    const { id } = await tracker.create({ description: 'x', input: 'secret '.repeat(1000) }, { idempotencyKey: 'k' })
    expect(events.all.at(-1)).toMatchObject({ type: 'key.used', id: 'k' })
    let stored: unknown
    crew.on('*', (event) => (stored = event.type === 'key.used' ? event : stored))
    await tracker.createMany([{ description: 'secret' }], { by: 'ana', idempotencyKey: 'k2' })
    expect(stored).toMatchObject({
      id: 'k2',
      by: 'ana',
      changes: { command: 'createMany', hash: expect.stringMatching(/^[\da-f]{16}$/) as string },
    })
    expect(JSON.stringify(stored).length).toBeLessThan(300)
    expect(id).not.toBe('')
  })
})

describe('a key for a claim', () => {
  it('gives the same attempt again, not a second one (CL-21)', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b')])
    const attempt = await claim(tracker, 'ana', { idempotencyKey: 'k' })
    expect(await tracker.claim('ana', { idempotencyKey: 'k' })).toBe(attempt)
    expect(tracker.count({ status: 'in_progress' })).toBe(1)
    await attempt.complete()
    expect((await claim(tracker, 'ana')).task.id).toBe('b')
  })

  it('gives it in another process, too: with its fence, so that it can go on', async () => {
    const [a, b] = await openBoards(2)
    await a!.tracker.create(named('a'))
    const { fence, number } = await claim(a!.tracker, 'ana', { idempotencyKey: 'k' })
    const again = await claim(b!.tracker, 'ana', { idempotencyKey: 'k' })
    expect([again.fence, again.number, again.member]).toEqual([fence, number, 'ana'])
    expect((await again.complete({ result: 1 })).status).toBe('completed')
    expect(again.isOver).toBe(true)
  })

  it('gives the attempt that it made though that is over, and leaves a newer one alone', async () => {
    const { tracker } = await openBoard()
    await tracker.create(named('a'))
    const old = await claim(tracker, 'ana', { idempotencyKey: 'k' })
    await old.release()
    const newer = await claim(tracker, 'bo')
    const again = await claim(tracker, 'ana', { idempotencyKey: 'k' })
    expect([again.isOver, again.member, again.number, again.fence]).toEqual([true, 'ana', 1, old.fence])
    expect((await refusal(again.complete())).code).toBe('stale_attempt')
    expect(newer.isOver).toBe(false)
    await tracker.cancel('a')
    expect(newer.signal.aborted).toBe(true)
  })

  it('is not used up when there is nothing to claim', async () => {
    const { tracker } = await openBoard()
    expect(await tracker.claim('ana', { idempotencyKey: 'k' })).toBeUndefined()
    await tracker.create(named('a'))
    expect((await tracker.claim('ana', { idempotencyKey: 'k' }))?.task.id).toBe('a')
  })

  it('is refused for another filter, and is of one member', async () => {
    const { tracker } = await openBoard()
    await tracker.createMany([named('a'), named('b')])
    await claim(tracker, 'ana', { idempotencyKey: 'k' })
    const error = await refusal(tracker.claim('ana', { idempotencyKey: 'k', filter: { label: 'x' } }))
    expect(error.code).toBe('idempotency_conflict')
    expect((await claim(tracker, 'bo', { idempotencyKey: 'k' })).task.id).toBe('b')
  })
})

describe('a key for a message', () => {
  it('sends it once, however often it is called (BR-11, MS-17)', async () => {
    const { communications, environment } = await openTeam()
    const send = () => communications.send({ sender: 'ana', recipient: 'bo', content: 'Hi' }, { idempotencyKey: 'k' })
    const first = await send()
    for (const span of ['3m', '6m', '23h'] as const) {
      await environment.advance(span)
      expect(await send()).toBe(first)
    }
    expect(communications.inbox('bo')).toEqual([first])
    // It is still in the mailbox a day later.
    await environment.advance('2h')
    expect(await send()).toBe(first)
    const [delivery] = await communications.receive('bo')
    await communications.acknowledge(delivery!)
    expect((await send()).id).not.toBe(first.id)
  })

  it('is refused for another text, and is of one sender and one command (MS-18)', async () => {
    const { communications } = await openTeam(['ana', 'bo'])
    const draft = { sender: 'ana', recipient: 'bo', content: 'Hi' }
    const sent = await communications.send(draft, { idempotencyKey: 'k' })
    const error = await refusal(communications.send({ ...draft, content: 'Ho' }, { idempotencyKey: 'k' }))
    expect(error.code).toBe('idempotency_conflict')
    const others = [
      await communications.send({ ...draft, sender: 'bo', recipient: 'ana' }, { idempotencyKey: 'k' }),
      await communications.reply(sent.id!, { sender: 'ana', content: 'Hi' }, { idempotencyKey: 'k' }),
      await communications.publish('news', { sender: 'ana', content: 'Hi' }, { idempotencyKey: 'k' }),
      await communications.broadcast({ sender: 'ana', content: 'Hi' }, { idempotencyKey: 'k' }),
    ]
    expect(new Set([sent, ...others].map(({ id }) => id)).size).toBe(5)
    expect(await communications.broadcast({ sender: 'ana', content: 'Hi' }, { idempotencyKey: 'k' })).toBe(others[3])
  })

  it('asks once, and waits again for the one reply', async () => {
    const { crew, communications, environment } = await openTeam()
    const [ana, bo] = [crew.as('ana'), crew.as('bo')]
    const ask = () => ana.ask('bo', 'Ready?', { idempotencyKey: 'k', timeoutMs: 60_000 })
    const first = ask().catch((error: unknown) => error)
    await environment.advance('2m')
    expect(CrewError.is(await first, 'timed_out')).toBe(true)
    const second = ask()
    await environment.settle()
    expect(bo.inbox).toHaveLength(1)
    await bo.reply(bo.inbox[0]!, 'Yes')
    expect((await second).content).toBe('Yes')
    expect((await ask()).content).toBe('Yes')
    expect(communications.messages({ sender: 'ana' })).toHaveLength(1)
  })
})

describe('how long a key is kept', () => {
  const DAY = 24 * 60 * 60_000

  it('is 24 hours, though what it made has ended long before (MS-17)', async () => {
    const { tracker, environment } = await openBoard()
    const make = () => tracker.create({ description: 'x' }, { idempotencyKey: 'k' })
    const { id } = await make()
    await tracker.cancel(id)
    for (const span of ['3m', '3m', '23h'] as const) {
      await environment.advance(span)
      expect((await make()).id).toBe(id)
    }
    await environment.advance('1h')
    expect((await make()).id).not.toBe(id)
  })

  it('is as long as what it made is open (CL-20)', async () => {
    const { tracker, environment } = await openBoard()
    const make = () => tracker.create({ description: 'x' }, { idempotencyKey: 'k' })
    const { id } = await make()
    for (let day = 0; day < 5; day++) {
      await environment.advance('1d')
      expect((await make()).id).toBe(id)
      // Others that come and go make room.
      await tracker.create({ description: 'other' }, { idempotencyKey: `other ${day}` })
    }
    await tracker.cancel(id)
    await environment.advance('1d')
    expect((await make()).id).not.toBe(id)
  })

  it('does not depend on which process looks, nor on when it opened', async () => {
    const [a, b] = await openBoards(2)
    const { environment } = a!
    const make = (tracker: TaskTracker) => tracker.create({ description: 'x' }, { idempotencyKey: 'k' })
    const { id } = await make(a!.tracker)
    await a!.tracker.cancel(id)
    environment.setWallClock(environment.now() + DAY - 1)
    expect((await make(b!.tracker)).id).toBe(id)
    environment.setWallClock(environment.now() + 1)
    const next = await make(b!.tracker)
    expect(next.id).not.toBe(id)
    expect((await make(a!.tracker)).id).toBe(next.id)
  })
})

describe('a lost answer', () => {
  it('is found by calling again: nothing is made twice', async () => {
    const environment = manualEnvironment()
    let isAway = false
    const storage = faultyStorage(new MemoryStorage(), {
      environment,
      plan: (call) => (isAway ? (call === 'append' ? 'lost answer' : 'error') : undefined),
    })
    const crew = await openCrew({ storage, environment, onError: () => undefined })
    await crew.join('ana')
    isAway = true
    const first = crew.tracker.create({ description: 'x' }, { by: 'ana', idempotencyKey: 'k' })
    const told = first.catch((error: unknown) => error)
    await environment.advance('2m')
    expect(CrewError.is(await told, 'outcome_unknown')).toBe(true)
    isAway = false
    await crew.tracker.create({ description: 'x' }, { by: 'ana', idempotencyKey: 'k' })
    expect(crew.tracker.count()).toBe(1)
  })

  it('of a message that two processes send with one key: it is sent once', async () => {
    // Guard: message-commands.ts, send: `if (made) return this.expect(…)`
    const [a, b] = await openBoards(2)
    const draft = { sender: 'ana', recipient: 'bo', content: 'Hi' }
    const [here, there] = await Promise.all(
      [a, b].map((board) => board!.crew.communications.send(draft, { idempotencyKey: 'k' })),
    )
    expect(here!.id).toBe(there!.id)
    await Promise.all([a!.crew.sync(), b!.crew.sync()])
    expect([a, b].map((board) => board!.crew.communications.inbox('bo').length)).toEqual([1, 1])
  })

  it('of two processes that race with one key: they make one', async () => {
    // Guard: idempotency.ts, made: `return entry`
    const [a, b] = await openBoards(2)
    const both = await Promise.all(
      [a, b].flatMap((board) =>
        [1, 2].map(() => board!.tracker.create({ description: 'x' }, { by: 'ana', idempotencyKey: 'k' })),
      ),
    )
    expect(new Set(both.map(({ id }) => id)).size).toBe(1)
    await Promise.all([a!.crew.sync(), b!.crew.sync()])
    expect([a!.tracker.count(), b!.tracker.count()]).toEqual([1, 1])
  })
})

describe('the keys that are kept', () => {
  const HOUR = 3_600_000
  const open = new Set<string>()
  const kept = () => {
    const keys = new IdempotencyKeys()
    keys.keepWhile((id) => open.has(id))
    return keys
  }
  const used = (id: string, at: number): JournalEvent => ({
    type: 'key.used',
    id,
    at,
    changes: { command: 'create', hash: 'x', ids: [`t-${id}`] },
  })
  const fold = (keys: IdempotencyKeys, event: JournalEvent) => {
    const change = keys.fold(event)
    keys.apply(change)
    return change
  }

  it('are as many as a day has seen, and those with something open (RL-08)', () => {
    const keys = kept()
    open.add('t-k7')
    for (let hour = 0; hour < 10_000; hour++) fold(keys, used(`k${hour}`, hour * HOUR))
    const saved = [...keys.save()] as { readonly name: string }[]
    expect(saved.length).toBeLessThanOrEqual(26)
    expect(saved.some(({ name }) => name.endsWith('\nk7'))).toBe(true)
  })

  it('are what they were, when what was only tried is taken back', () => {
    const anEvent = fc.record({ key: fc.nat({ max: 9 }), at: fc.nat({ max: 100 }), ends: fc.boolean() })
    fc.assert(
      fc.property(fc.array(anEvent), fc.array(anEvent), (stands, tried) => {
        const keys = kept()
        const follow = ({ key, at, ends }: { key: number; at: number; ends: boolean }) => {
          if (ends) open.delete(`t-${key}`)
          else open.add(`t-${key}`)
          return fold(keys, used(String(key), at * HOUR))
        }
        stands.forEach(follow)
        const before = JSON.stringify([...keys.save()])
        for (const change of tried.map(follow).reverse()) keys.revert(change)
        expect(JSON.stringify([...keys.save()])).toBe(before)
      }),
    )
  })
})
