import { Communications, Message, type MessageDraft } from 'crewlog'
import { crash, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../../support/team.js'

/** A crew in which ana has sent bo a message that expires in ten seconds. */
async function mailed(more: Partial<MessageDraft> = {}) {
  const team = await openTeam()
  const { crew, environment, communications } = team
  const expiresAt = environment.now() + 10_000
  const sent = await crew.as('ana').send('bo', 'Lunch?', { expiresAt, ...more })
  const state = () => communications.deliveries(sent.id!)[0]?.state
  return { ...team, bo: crew.as('bo'), sent, state, expiresAt, events: recordEvents(crew) }
}

describe('a message that expires', () => {
  it('says when, in milliseconds, whatever way the time was given', async () => {
    const communications = new Communications({ environment: manualEnvironment() })
    const draft = { sender: 'ana', recipient: 'bo', content: 'x' }
    const at = Date.UTC(2026, 5, 1)
    for (const expiresAt of [at, new Date(at), '2026-06-01T00:00:00Z']) {
      expect(new Message({ ...draft, expiresAt }).expiresAt).toBe(at)
      expect((await communications.send({ ...draft, expiresAt })).expiresAt).toBe(at)
    }
  })

  it('is expired then, as an event that somebody hears, and out of the mailbox', async () => {
    const { environment, bo, sent, state, events, expiresAt } = await mailed()
    await environment.advance(9999)
    expect([state(), bo.inbox]).toEqual(['queued', [sent]])
    await environment.advance(2)
    expect([state(), bo.inbox]).toEqual(['expired', []])
    expect(events.of('message.expired')).toMatchObject([
      { message: sent, delivery: { recipient: 'bo', state: 'expired', count: 0 } },
    ])
    expect(events.all.at(-1)!.at).toBeGreaterThanOrEqual(expiresAt)
  })

  it('is never handed out from then on, be the event there or not (MS-28)', async () => {
    const { environment, bo, state, events } = await mailed()
    // The clock jumps, and no timer has run yet.
    environment.setWallClock(environment.now() + 10_000)
    expect(await bo.receive()).toEqual([])
    expect(state()).toBe('expired')
    expect(events.types('message')).toEqual(['expired'])
  })

  it('is left by a receive of others, who settle only their own', async () => {
    const { environment, crew, state } = await mailed()
    environment.setWallClock(environment.now() + 10_000)
    expect(await crew.as('ana').receive()).toEqual([])
    expect(state()).toBe('queued')
    await environment.advance('10s')
    expect(state()).toBe('expired')
  })

  it('can still be acknowledged by who has it, and is not taken away (MS-28)', async () => {
    const { environment, bo, state } = await mailed()
    const [delivery] = await bo.receive()
    await environment.advance('30s')
    expect(state()).toBe('leased')
    await bo.acknowledge(delivery!)
    expect(state()).toBe('acknowledged')
  })

  it('is expired when it comes back later than that', async () => {
    const { environment, bo, state, events, crew } = await mailed()
    const [delivery] = await bo.receive()
    await environment.advance('30s')
    await bo.giveBack(delivery!, { reason: 'no time' })
    expect(state()).toBe('expired')
    expect(events.of('message.expired')).toMatchObject([{ reason: 'no time', by: 'bo', delivery: { count: 1 } }])
    await expect(crew.communications.resend(delivery!.message.id!)).rejects.toMatchObject({
      code: 'invalid_transition',
    })
  })

  it('is expired when who had it is gone, or closes', async () => {
    for (const isCrash of [true, false]) {
      const { here, there, environment } = await openPair()
      const sent = await here.as('ana').send('bo', 'Lunch?', { expiresAt: environment.now() + 10_000 })
      await here.as('bo').receive()
      await there.sync()
      await environment.advance('11s')
      const events = recordEvents(there)
      await (isCrash ? crash(here) : here.close())
      // Who closes says so at once; what became of a crash, others find out.
      if (isCrash) await environment.advance('2m')
      await there.sync()
      expect(events.types('message')).toEqual(['expired'])
      expect(there.communications.deliveries(sent.id!)).toMatchObject([{ state: 'expired' }])
      expect(await there.as('bo').receive()).toEqual([])
    }
  })

  it('given back for later than that, expires before', async () => {
    const { environment, bo, state } = await mailed()
    const [delivery] = await bo.receive()
    await bo.giveBack(delivery!, { delayMs: 60_000 })
    await environment.advance('11s')
    expect(state()).toBe('expired')
    await environment.advance('2m')
    expect(await bo.receive()).toEqual([])
  })

  it('is expired by one of many processes, once', async () => {
    const { here, there, reopen, environment } = await openPair()
    const third = await reopen()
    const events = recordEvents(third)
    await here.as('ana').send('bo', 'Lunch?', { expiresAt: environment.now() + 10_000 })
    await environment.advance('1m')
    await Promise.all([here.sync(), there.sync(), third.sync()])
    expect(events.types('message')).toEqual(['sent', 'expired'])
    for (const crew of [here, there, third]) expect(crew.as('bo').inbox).toEqual([])
  })

  it('is expired when a process opens after that time', async () => {
    const { here, reopen, there, environment } = await openPair()
    const sent = await here.as('ana').send('bo', 'Lunch?', { expiresAt: environment.now() + 10_000 })
    await there.close()
    await crash(here)
    await environment.advance('1h')
    const late = await reopen()
    await environment.advance('1s')
    expect(late.communications.deliveries(sent.id!)).toMatchObject([{ state: 'expired' }])
  })

  it('is expired for each of many recipients, 500 in a commit', async () => {
    const environment = manualEnvironment()
    const communications = new Communications({ environment })
    const recipient = Array.from({ length: 1000 }, (_, n) => `m${n}`)
    const sent = await communications.send({
      sender: 'ana',
      recipient,
      content: 'x',
      expiresAt: environment.now() + 1000,
    })
    await communications.receive('m7')
    const commits = new Map<number, number>()
    communications.on('expired', ({ commit: { seq } }) => commits.set(seq, 1 + (commits.get(seq) ?? 0)))
    await environment.advance('2s')
    expect([...commits.values()]).toEqual([500, 499])
    const states = communications.deliveries(sent.id!).map(({ state }) => state)
    expect(states.filter((state) => state === 'expired')).toHaveLength(999)
    expect(states[7]).toBe('leased')
  })

  it('does not keep a process alive, and needs nobody who listens', async () => {
    const environment = manualEnvironment()
    const timers: unknown[] = []
    const communications = new Communications({
      environment: {
        ...environment,
        setTimer: (run, ms, background) => {
          timers.push(background)
          return environment.setTimer(run, ms, background)
        },
      },
    })
    await communications.send({ sender: 'ana', recipient: 'bo', content: 'x', expiresAt: environment.now() + 10_000 })
    await environment.advance('11s')
    expect(communications.inbox('bo')).toEqual([])
    expect(timers).toEqual([true])
  })

  it.each<[string, unknown]>([
    ['a date without a zone', '2026-06-01'],
    ['NaN', NaN],
    ['a time that has passed', 0],
  ])('is refused with %s', async (_, expiresAt) => {
    const { crew, communications } = await openTeam()
    await expect(crew.as('ana').send('bo', 'x', { expiresAt: expiresAt as number })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(communications.messages()).toEqual([])
  })
})

describe('priority', () => {
  it('is 1 unless it is said, and may be any finite number', async () => {
    const { crew } = await openTeam()
    expect((await crew.as('ana').send('bo', 'x')).priority).toBe(1)
    for (const priority of [-1.5, 0, 1e9])
      expect((await crew.as('ana').send('bo', 'x', { priority })).priority).toBe(priority)
    for (const priority of [NaN, Infinity, '2'])
      await expect(crew.as('ana').send('bo', 'x', { priority: priority as number })).rejects.toMatchObject({
        code: 'invalid_input',
      })
  })

  it('hands out the higher first, ties by age; the inbox shows all by age (MS-19)', async () => {
    const { crew } = await openTeam(['ana', 'bo', 'cy'])
    const sent = []
    for (const [n, priority] of [1, 5, 1, 0, 5].entries())
      sent.push(await crew.as(n % 2 ? 'cy' : 'ana').send('bo', n, { priority }))
    expect(crew.as('bo').inbox).toEqual(sent)
    const deliveries = await crew.as('bo').receive()
    expect(deliveries.map(({ message }) => message.content)).toEqual([1, 4, 0, 2, 3])
  })

  it('keeps the order of each pair among messages of one priority, whatever comes between (MS-19)', async () => {
    const { crew, environment } = await openTeam()
    for (let n = 0; n < 20; n++) await crew.as('ana').send('bo', n, { priority: n % 2 })
    const heard: unknown[] = []
    crew.as('bo').listen(({ content }) => heard.push(content))
    await environment.settle()
    const odd = Array.from({ length: 10 }, (_, n) => 2 * n + 1)
    expect(heard).toEqual([...odd, ...odd.map((n) => n - 1)])
  })

  it('is kept when a message comes back (MS-15)', async () => {
    const { crew } = await openTeam()
    await crew.as('ana').send('bo', 'low')
    await crew.as('ana').send('bo', 'high', { priority: 2 })
    const [high] = await crew.as('bo').receive({ limit: 1 })
    await crew.as('bo').giveBack(high!)
    const again = await crew.as('bo').receive()
    expect(again.map(({ message }) => message.content)).toEqual(['high', 'low'])
  })
})
