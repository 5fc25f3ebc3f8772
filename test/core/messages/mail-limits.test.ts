import { Communications, type CommunicationsOptions, CrewError, MemoryStorage, type Message } from 'crewlog'
import { crash, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { PairRates } from '../../../src/core/messages/pair-rates.js'
import { refusal } from '../../support/board.js'
import { openPair, openTeam } from '../../support/team.js'

/** Communications alone, whose clock stands at the beginning of a minute. */
function alone(limits: NonNullable<CommunicationsOptions['limits']>) {
  const environment = manualEnvironment()
  const communications = new Communications({ environment, limits })
  const send = (sender: string, recipient: string, content = 'x') => communications.send({ sender, recipient, content })
  /** How many of so many are sent. */
  const sendMany = async (count: number, sender = 'ana', recipient = 'bo') => {
    const answers = await Promise.allSettled(Array.from({ length: count }, () => send(sender, recipient)))
    return answers.filter(({ status }) => status === 'fulfilled').length
  }
  return { environment, communications, send, sendMany }
}

describe('a chain of replies', () => {
  it('of 32 is allowed, the next is refused to its sender, with the reason (SEC-08)', async () => {
    const { crew, communications } = await openTeam()
    let last: Message = await crew.as('ana').send('bo', 'ping')
    for (let n = 1; n <= 32; n++) last = await crew.as(n % 2 ? 'bo' : 'ana').reply(last, n)
    expect(last.hops).toBe(32)
    const refused = await refusal(crew.as('bo').reply(last, 33))
    expect(refused).toMatchObject({
      code: 'loop_detected',
      retryable: false,
      details: { id: last.id, hops: 33, limit: 32 },
    })
    expect(refused.message).toContain('stop answering')
    expect(communications.thread(last.threadId!)).toHaveLength(33)
    // What is no reply begins anew.
    expect(await crew.as('bo').send('ana', 'again')).toMatchObject({ hops: 0 })
  })

  it('ends two agents that answer each other for ever (SEC-08)', async () => {
    const { crew, environment, communications, errors } = await openTeam()
    for (const [me, other] of [
      ['ana', 'bo'],
      ['bo', 'ana'],
    ] as const)
      crew.as(me).listen((message) =>
        crew
          .as(me)
          .reply(message, `thanks, ${other}`)
          .catch((error: unknown) => {
            if (!CrewError.is(error, 'loop_detected')) throw error
          }),
      )
    await crew.as('ana').send('bo', 'thanks')
    await environment.advance('1h')
    expect(communications.messages()).toHaveLength(33)
    expect(errors).toEqual([])
  })

  it('can be shorter, by a limit; questions and topics count as well', async () => {
    const { crew } = await openTeam(['ana', 'bo'], { limits: { hops: 1 } })
    const first = await crew.as('ana').send('bo', 0)
    const second = await crew.as('bo').reply(first, 1)
    for (const call of [
      crew.as('ana').reply(second, 2),
      crew.as('ana').publish('tides', 2, { replyTo: second.id! }),
      crew.as('ana').broadcast(2, { replyTo: second.id! }),
      crew.communications.ask({ sender: 'ana', recipient: 'bo', content: 2, replyTo: second.id! }),
    ])
      expect(await refusal(call)).toMatchObject({ code: 'loop_detected' })
  })
})

describe('the rate of a pair', () => {
  it('is 120 a minute: the next is backpressure, which says when, and is true', async () => {
    const { communications, environment, send, sendMany } = alone({})
    expect(await sendMany(200)).toBe(120)
    expect(communications.messages()).toHaveLength(120)
    const refused = await refusal(send('ana', 'bo'))
    expect(refused).toMatchObject({ code: 'backpressure', retryable: true })
    const { retryAfterMs, ...rest } = refused.details as { retryAfterMs: number }
    expect(rest).toEqual({ sender: 'ana', recipient: 'bo', limit: 120 })
    expect(refused.message).toContain(`${retryAfterMs} ms`)
    await environment.advance(retryAfterMs - 1)
    expect(await refusal(send('ana', 'bo'))).toMatchObject({ details: { retryAfterMs: 1 } })
    await environment.advance(1)
    await send('ana', 'bo')
    expect(await sendMany(1)).toBe(0)
  })

  it('is of one member to one other: nobody else is held', async () => {
    const { sendMany } = alone({ pairRate: 3 })
    expect(await sendMany(9)).toBe(3)
    expect(await sendMany(9, 'bo', 'ana')).toBe(3)
    expect(await sendMany(9, 'ana', 'cy')).toBe(3)
    expect(await sendMany(9, 'cy', 'bo')).toBe(3)
    expect(await sendMany(9, 'ana', 'ana')).toBe(3)
  })

  it.each([1, 2, 7, 120])(
    'is never more than %i in a minute of the clock, and comes near it in the long run',
    async (most) => {
      const { environment, sendMany } = alone({ pairRate: most })
      let sent = 0
      for (let minute = 0; minute < 10; minute++) {
        let inMinute = 0
        for (let step = 0; step < 12; step++) {
          inMinute += await sendMany(most + 1)
          await environment.advance('5s')
        }
        expect(inMinute).toBeLessThanOrEqual(most)
        sent += inMinute
      }
      expect(sent).toBeGreaterThanOrEqual(most * 5)
    },
  )

  it('says the truth about when, at whatever moment of the minute', async () => {
    for (const ms of [0, 1, 7000, 30_000, 59_999]) {
      for (const most of [1, 3, 10]) {
        const { environment, send, sendMany } = alone({ pairRate: most })
        await environment.advance(ms)
        await sendMany(most)
        for (let n = 0; n < 5; n++) {
          const { details } = await refusal(send('ana', 'bo'))
          const wait = details['retryAfterMs'] as number
          expect(wait).toBeGreaterThan(0)
          await environment.advance(wait - 1)
          await refusal(send('ana', 'bo'))
          await environment.advance(1)
          await send('ana', 'bo')
        }
      }
    }
  })

  it('is held by all processes together', async () => {
    const { here, there, reopen, environment } = await openPair(['ana', 'bo'], { limits: { pairRate: 10 } })
    await there.sync()
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? here : there).as('ana').send('bo', n)),
    )
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    // One that comes later knows it from the journal.
    const later = await reopen()
    expect(await refusal(later.as('ana').send('bo', 'x'))).toMatchObject({ code: 'backpressure' })
    await environment.advance('2m')
    await later.as('ana').send('bo', 'x')
  })

  it('counts each recipient, and leaves out whom one has written to too often', async () => {
    const { communications, send } = alone({ pairRate: 2 })
    for (let n = 0; n < 2; n++) await send('ana', 'bo')
    const sent = await communications.send({ sender: 'ana', recipient: ['bo', 'cy'], content: 'both' })
    expect(sent).toMatchObject({ recipient: ['cy'], refused: [{ recipient: 'bo', reason: 'backpressure' }] })
    await communications.broadcast({ sender: 'ana', content: 'all' })
    expect(
      await refusal(communications.send({ sender: 'ana', recipient: ['bo', 'cy'], content: 'none' })),
    ).toMatchObject({ code: 'backpressure', details: { recipient: 'bo' } })
  })

  it('does not count what is taken back or refused, and a lost race counts once', async () => {
    const { here, there } = await openPair(['ana', 'bo', 'cy'], { limits: { pairRate: 5 } })
    await there.sync()
    // The same turn decides them, and takes them back for what fails: guards the revert of the counts.
    await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => [
        here.communications.send({ sender: 'ana', recipient: 'bo', content: n, taskId: 'no such task' }),
        there.as('ana').send('cy', n),
        here.as('ana').send(['bo', 'nobody'], n),
      ]).flat(),
    )
    await here.sync()
    for (let n = 0; n < 5; n++) await here.as('ana').send('bo', n)
    await refusal(here.as('ana').send('bo', 'x'))
  })

  it('does not hold replies in time, nor notices of what one assigns; but comments are held', async () => {
    const { crew, environment } = await openTeam(['ana', 'bo'], { limits: { pairRate: 2 } })
    for (let n = 0; n < 5; n++) await crew.tracker.create({ description: `T${n}`, assignees: 'bo' }, { by: 'ana' })
    expect(crew.as('bo').inbox).toHaveLength(5)
    const asked = ['a', 'b'].map((text) => crew.as('ana').ask('bo', text))
    await environment.settle()
    for (let n = 0; n < 2; n++) await crew.as('bo').send('ana', n)
    for (const question of crew.as('bo').inbox.slice(-2)) await crew.as('bo').reply(question, 'yes')
    await Promise.all(asked)
    const { id } = await crew.tracker.create({ description: 'Tides', watchers: ['bo'] })
    const comment = await crew.as('ana').comment(id, 'again')
    expect(comment.refused).toEqual([{ recipient: 'bo', reason: 'backpressure' }])
    expect([...crew.communications.thread({ taskId: id })]).toContainEqual(comment)
  })

  it('is not held by a clock that was set back or is far ahead', async () => {
    const { environment, sendMany } = alone({ pairRate: 5 })
    for (const ms of [0, -3_600_000, 7_200_000, -86_400_000]) {
      environment.setWallClock(environment.now() + ms)
      expect(await sendMany(9)).toBe(5)
    }
    // A little behind is the same minute.
    environment.setWallClock(environment.now() - 30_000)
    expect(await sendMany(9)).toBe(0)
  })
})

describe('the counts of pairs', () => {
  it('are kept for two minutes and no longer (RL-08)', () => {
    const rates = new PairRates()
    for (let minute = 0; minute < 100; minute++) {
      rates.turnTo(minute * 60_000)
      for (let n = 0; n < 600; n++) rates.count(`m${minute}`, `n${n}`, 1)
      const pairs = [...rates.save()].flatMap((piece) => {
        const { counts, before } = piece as { readonly counts: unknown[]; readonly before: unknown[] }
        return [...counts, ...before]
      })
      expect(pairs).toHaveLength(minute === 0 ? 600 : 1200)
    }
  })

  it('are taken back exactly, and taken up by another process as they are', () => {
    const rates = new PairRates()
    rates.turnTo(60_000)
    rates.count('ana', 'bo', 1)
    const before = JSON.stringify(rates.save())
    for (const at of [60_000, 120_000, 600_000, 0]) {
      const former = rates.turnTo(at)
      rates.count('ana', 'bo', 1)
      rates.count('ana', 'cy', 1)
      rates.count('ana', 'cy', -1)
      rates.count('ana', 'bo', -1)
      rates.turnBack(former)
      expect(JSON.stringify(rates.save())).toBe(before)
    }
    const other = new PairRates()
    for (const piece of rates.save()) other.load(piece)
    expect(JSON.stringify(other.save())).toBe(before)
    other.clear()
    expect(other.save()).toEqual([])
  })
})

describe('a full mailbox', () => {
  it('holds 10,000 open messages, and the next is backpressure to its sender', async () => {
    const { communications, send, sendMany } = alone({ pairRate: 1_000_000 })
    expect(await sendMany(10_001)).toBe(10_000)
    const refused = await refusal(send('cy', 'bo'))
    expect(refused).toMatchObject({
      code: 'backpressure',
      retryable: true,
      details: { recipient: 'bo', limit: 10_000 },
    })
    expect(refused.message).toContain('The mailbox of bo is full')
    await send('bo', 'ana')
    const [delivery] = await communications.receive('bo', { limit: 1 })
    // What is handed out is still open.
    await refusal(send('cy', 'bo'))
    await communications.acknowledge(delivery!)
    await send('cy', 'bo')
    await refusal(send('cy', 'bo'))
  })

  it('is left out of a message to many, which says so and tells it', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy'], { limits: { mailbox: 1 } })
    const events = recordEvents(crew)
    await crew.as('ana').send('bo', 'first')
    const sent = await crew.as('ana').send(['bo', 'cy'], 'second')
    const refused = [{ recipient: 'bo', reason: 'backpressure' }]
    expect(sent).toMatchObject({ recipient: ['cy'], refused })
    expect(communications.get(sent.id!)).toMatchObject({ refused })
    expect(communications.deliveries(sent.id!).map(({ recipient }) => recipient)).toEqual(['cy'])
    expect(events.of('message.refused')).toMatchObject([{ recipient: 'bo', reason: 'backpressure', message: sent }])
    expect(events.types('message')).toEqual(['sent', 'sent', 'refused'])
    expect((await crew.as('cy').send('ana', 'x')).refused).toEqual([])
  })

  it('makes a message to many backpressure only when all are full', async () => {
    const { crew } = await openTeam(['ana', 'bo', 'cy'], { limits: { mailbox: 1 } })
    await crew.as('ana').send(['bo', 'cy'], 'first')
    const seq = crew.journal.head?.seq
    expect(await refusal(crew.as('ana').send(['bo', 'cy'], 'second'))).toMatchObject({ code: 'backpressure' })
    expect(await refusal(crew.as('ana').ask('bo', 'second'))).toMatchObject({ code: 'backpressure' })
    expect(crew.journal.head?.seq).toBe(seq)
  })

  it('never keeps a topic or a broadcast back: who publishes does not answer for those who follow', async () => {
    const { crew } = await openTeam(['ana', 'bo'], { limits: { mailbox: 1 } })
    await crew.as('bo').follow('tides')
    await crew.as('ana').send('bo', 'first')
    for (const sent of [await crew.as('ana').publish('tides', 'x'), await crew.as('ana').broadcast('x')])
      expect(sent).toMatchObject({ recipient: [], refused: [{ recipient: 'bo', reason: 'backpressure' }] })
  })

  it('never fails what a notice tells of: the task is assigned, and the notice says whom it did not reach', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo'], { limits: { mailbox: 1 } })
    await crew.as('ana').send('bo', 'first')
    const { id } = await crew.tracker.create({ description: 'Tides', assignees: 'bo' })
    expect(crew.tracker.get(id)?.assignees).toEqual(['bo'])
    expect([...communications.thread({ taskId: id })]).toMatchObject([
      { kind: 'task.assigned', recipient: [], refused: [{ recipient: 'bo', reason: 'backpressure' }] },
    ])
    expect(await crew.as('ana').comment(id, '@bo look')).toMatchObject({ refused: [{ recipient: 'bo' }] })
  })

  it('takes a reply in time, which does not wait in it', async () => {
    const { crew, environment } = await openTeam(['ana', 'bo'], { limits: { mailbox: 1 } })
    await crew.as('bo').send('ana', 'first')
    const asked = crew.as('ana').ask('bo', 'Port?')
    await environment.settle()
    await crew.as('bo').reply(crew.as('bo').inbox[0]!, 8080)
    expect(await asked).toMatchObject({ content: 8080 })
  })

  it('has room again once what it holds has expired, though no event says so yet', async () => {
    const { communications, environment, send } = alone({ mailbox: 1 })
    await communications.send({ sender: 'ana', recipient: 'bo', content: 'x', expiresAt: environment.now() + 1000 })
    await refusal(send('ana', 'bo'))
    environment.setWallClock(environment.now() + 2000)
    await send('ana', 'bo')
  })

  it('has room again when those who held its messages are gone and others settle them (RL-07)', async () => {
    const { here, there, environment } = await openPair(['ana', 'bo'], { limits: { mailbox: 3 } })
    for (let n = 0; n < 3; n++) await here.as('ana').send('bo', n)
    await here.as('bo').receive()
    await there.sync()
    await crash(here)
    await refusal(there.as('ana').send('bo', 'x'))
    await environment.advance('2m')
    for (const delivery of await there.as('bo').receive()) await there.as('bo').acknowledge(delivery)
    await there.as('ana').send('bo', 'x')
  })

  it('takes nothing dead back: resend is backpressure, and what fits of many is resent', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy'], { limits: { mailbox: 1, deliveries: 1 } })
    const sent = await crew.as('ana').send(['bo', 'cy'], 'deadly')
    for (const id of ['bo', 'cy']) await crew.as(id).giveBack((await crew.as(id).receive())[0]!)
    await crew.as('ana').send('bo', 'next')
    expect(await refusal(communications.resend(sent.id!, 'bo'))).toMatchObject({ code: 'backpressure' })
    await communications.resend(sent.id!)
    expect(communications.deliveries(sent.id!).map(({ state }) => state)).toEqual(['dead', 'queued'])
  })

  it.each([{ hops: 0 }, { mailbox: 0 }, { pairRate: 0 }, { pairRate: 1.5 }, { mailbox: NaN }])(
    'and the other limits refuse %o',
    (limits) => {
      expect(() => new Communications({ limits })).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    },
  )
})

describe('what a process takes up from a checkpoint', () => {
  it('is who follows what, how often members wrote, and what is under way, though the log before is gone (MS-21)', async () => {
    const storage = new MemoryStorage()
    const { here, reopen, environment } = await openPair(['ana', 'bo', 'cy'], { storage, limits: { pairRate: 2 } })
    await here.as('bo').follow('tides')
    const expiresAt = environment.now() + 3_600_000
    for (const priority of [1, 5]) await here.as('ana').send('bo', priority, { priority, expiresAt })
    const [leased] = await here.as('bo').receive({ limit: 1 })
    await here.checkpoint()
    await storage.trim('crew', here.journal.head!.seq)

    const later = await reopen()
    expect(later.communications.topics()).toEqual([{ topic: 'tides', followers: ['bo'] }])
    await refusal(later.as('ana').send('bo', 'too often'))
    expect(await later.as('bo').receive()).toMatchObject([{ message: { content: 1, priority: 1, expiresAt } }])
    await here.sync()
    await here.as('bo').acknowledge(leased!)
    await later.sync()
    expect(later.communications.deliveries(leased!.message.id!)).toMatchObject([{ state: 'acknowledged', count: 1 }])
  })
})
