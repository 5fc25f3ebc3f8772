import { type Delivery, MemoryStorage, type Message } from 'crewlog'
import { crash, faultyStorage, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../../support/team.js'

const texts = (deliveries: readonly Delivery[]) => deliveries.map(({ message }) => message.content)

/** A crew in which ana has sent bo what is given. */
async function mailed(...contents: readonly string[]) {
  const team = await openTeam()
  const ana = team.crew.as('ana')
  const bo = team.crew.as('bo')
  const sent: Message[] = []
  for (const content of contents) sent.push(await ana.send('bo', content))
  const stateOf = () => team.communications.deliveries(sent[0]!.id!).map(({ state, count }) => ({ state, count }))[0]
  return { ...team, ana, bo, sent, stateOf }
}

describe('receiving', () => {
  it('hands out the oldest first, for a lease of a minute, and no delivery twice (MS-19)', async () => {
    const { bo, sent, environment, communications } = await mailed('one', 'two', 'three')
    const first = await bo.receive({ limit: 2 })
    expect(first).toMatchObject([
      { message: sent[0], recipient: 'bo', state: 'leased', count: 1, expiresInMs: 60_000 },
      { message: sent[1], recipient: 'bo', state: 'leased', count: 1 },
    ])
    expect(texts(await bo.receive())).toEqual(['three'])
    expect(await bo.receive()).toEqual([])
    await environment.advance('15s')
    expect(communications.deliveries(sent[0]!.id!)[0]!.expiresInMs).toBe(45_000)
  })

  it('hands out ten at a time unless it is told how many', async () => {
    const { bo } = await mailed(...Array.from({ length: 12 }, (_, n) => String(n)))
    expect(await bo.receive()).toHaveLength(10)
    expect(await bo.receive()).toHaveLength(2)
  })

  it('is told apart by recipient: each settles its own', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy'])
    const sent = await crew.as('ana').send(['bo', 'cy'], 'hi')
    const [delivery] = await crew.as('bo').receive()
    await crew.as('bo').acknowledge(delivery!)
    expect(communications.deliveries(sent.id!).map(({ recipient, state }) => [recipient, state])).toEqual([
      ['bo', 'acknowledged'],
      ['cy', 'queued'],
    ])
    expect(crew.as('cy').inbox).toEqual([sent])
  })

  it.each<[string, object]>([
    ['a lease under a second (TM-06)', { leaseMs: 999 }],
    ['a lease of 0 (TM-06)', { leaseMs: 0 }],
    ['a lease of NaN (TM-06)', { leaseMs: NaN }],
    ['no deliveries', { limit: 0 }],
    ['an unknown option', { max: 3 }],
  ])('refuses %s', async (_, options) => {
    const { bo, stateOf } = await mailed('hi')
    await expect(bo.receive(options)).rejects.toMatchObject({ code: 'invalid_input' })
    expect(stateOf()).toEqual({ state: 'queued', count: 0 })
  })

  it('never gives two processes of one member the same delivery (MS-20)', async () => {
    const { here, there } = await openPair()
    for (let n = 0; n < 20; n++) await here.as('ana').send('bo', `m${n}`)
    await there.sync()
    const batches = await Promise.all([here, there, here, there].map((crew) => crew.as('bo').receive({ limit: 6 })))
    const ids = batches.flat().map(({ message }) => message.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(20)
  })
})

describe('acknowledging', () => {
  it('settles a delivery for good', async () => {
    const { bo, communications, stateOf } = await mailed('hi')
    const [delivery] = await bo.receive()
    await bo.acknowledge(delivery!)
    expect(stateOf()).toEqual({ state: 'acknowledged', count: 1 })
    expect(bo.inbox).toEqual([])
    expect(communications.messages()).toHaveLength(1)
  })

  it('takes the delivery, or the message and the count', async () => {
    const { bo, sent, stateOf } = await mailed('hi')
    await bo.receive()
    await bo.acknowledge({ messageId: sent[0]!.id!, recipient: 'bo', count: 1 })
    expect(stateOf()).toEqual({ state: 'acknowledged', count: 1 })
  })

  it.each<[string, object, string]>([
    ['the count of another hand-out', { count: 2 }, 'stale_delivery'],
    ['an unknown message', { messageId: 'nothing' }, 'not_found'],
    ['a message to somebody else', { recipient: 'ana' }, 'not_found'],
    ['a count as text', { count: '1' }, 'invalid_input'],
    ['no count', { count: undefined }, 'invalid_input'],
  ])('refuses %s, and changes nothing (MS-03)', async (_, change, code) => {
    const { bo, communications, sent, stateOf } = await mailed('hi')
    await bo.receive()
    const reference = { messageId: sent[0]!.id!, recipient: 'bo', count: 1, ...change }
    await expect(communications.acknowledge(reference)).rejects.toMatchObject({ code })
    expect(stateOf()).toEqual({ state: 'leased', count: 1 })
  })

  it('refuses what was not handed out, was settled, or given back (MS-03)', async () => {
    const { bo, sent } = await mailed('one')
    const reference = { messageId: sent[0]!.id!, recipient: 'bo', count: 1 }
    await expect(bo.acknowledge(reference)).rejects.toMatchObject({ code: 'stale_delivery' })
    const [delivery] = await bo.receive()
    await bo.giveBack(delivery!)
    await expect(bo.acknowledge(delivery!)).rejects.toMatchObject({ code: 'stale_delivery' })
    const [again] = await bo.receive()
    await bo.acknowledge(again!)
    await expect(bo.acknowledge(again!)).rejects.toMatchObject({ code: 'stale_delivery', details: { count: 2 } })
    await expect(bo.giveBack(again!)).rejects.toMatchObject({ code: 'stale_delivery' })
  })

  it('is refused by a handle for the mail of another (MS-03)', async () => {
    const { ana, bo, stateOf } = await mailed('hi')
    const [delivery] = await bo.receive()
    await expect(ana.acknowledge(delivery!)).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(ana.giveBack(delivery!)).rejects.toMatchObject({ code: 'permission_denied' })
    expect(stateOf()).toEqual({ state: 'leased', count: 1 })
  })
})

describe('giving back', () => {
  it('makes it ready at once, in its old place, with the count raised at the next hand-out', async () => {
    const { bo } = await mailed('one', 'two')
    const [one] = await bo.receive({ limit: 1 })
    await bo.giveBack(one!)
    const again = await bo.receive()
    expect(again.map(({ message, count }) => [message.content, count])).toEqual([
      ['one', 2],
      ['two', 1],
    ])
    expect(again[0]!.reasons).toEqual(['given back'])
  })

  it('for later keeps it in the mailbox, but hands it out only then', async () => {
    const { bo, environment } = await mailed('hi')
    const [delivery] = await bo.receive()
    await bo.giveBack(delivery!, { reason: 'busy', delayMs: 5000 })
    expect(bo.inbox).toHaveLength(1)
    await environment.advance(4999)
    expect(await bo.receive()).toEqual([])
    await environment.advance(1)
    expect(await bo.receive()).toMatchObject([{ count: 2, reasons: ['busy'] }])
  })

  it('for later wakes who listens, then and not before', async () => {
    const { bo, environment } = await mailed('hi')
    const [delivery] = await bo.receive()
    await bo.giveBack(delivery!, { delayMs: 5000 })
    const heardAt: number[] = []
    const from = environment.now()
    bo.listen(() => heardAt.push(environment.now() - from))
    await environment.advance('1m')
    expect(heardAt).toEqual([5000])
  })

  it('the tenth time makes it dead: kept with its reasons, and out of the mailbox (MS-15)', async () => {
    const { bo, crew, sent, communications, stateOf } = await mailed('hi', 'next')
    const events = recordEvents(crew)
    for (let n = 1; n <= 10; n++) {
      const [delivery] = await bo.receive({ limit: 1 })
      expect(delivery).toMatchObject({ count: n, message: sent[0] })
      await bo.giveBack(delivery!, { reason: `reason ${n}` })
    }
    expect(stateOf()).toEqual({ state: 'dead', count: 10 })
    expect(bo.inbox).toEqual([sent[1]])
    expect(communications.get(sent[0]!.id!)).toBe(sent[0])
    expect(communications.deliveries(sent[0]!.id!)[0]!.reasons).toEqual(
      Array.from({ length: 10 }, (_, n) => `reason ${n + 1}`),
    )
    expect(events.of('message.dead')).toMatchObject([{ message: sent[0], reason: 'reason 10', by: 'bo' }])
    expect(events.of('message.returned')).toHaveLength(9)
  })

  it('can make it dead sooner, by a limit', async () => {
    const { crew, communications } = await openTeam(['ana'], { limits: { deliveries: 1 } })
    const ana = crew.as('ana')
    const sent = await ana.send('ana', 'hi')
    const [delivery] = await ana.receive()
    await ana.giveBack(delivery!)
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'dead', count: 1 }])
  })

  it('is undone for what is dead by resend, which starts the count anew', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy'], { limits: { deliveries: 1 } })
    const sent = await crew.as('ana').send(['bo', 'cy'], 'hi')
    await expect(communications.resend(sent.id!)).rejects.toMatchObject({ code: 'invalid_transition' })
    for (const member of [crew.as('bo'), crew.as('cy')]) {
      const [delivery] = await member.receive()
      await member.giveBack(delivery!)
    }
    await communications.resend(sent.id!, 'bo')
    expect([crew.as('bo').inbox, crew.as('cy').inbox]).toEqual([[sent], []])
    expect(await crew.as('bo').receive()).toMatchObject([{ count: 1 }])
    await communications.resend(sent.id!)
    expect(crew.as('cy').inbox).toEqual([sent])
    await expect(communications.resend('nothing')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('a storage that fails as a delivery dies (MS-16)', () => {
  it('leaves it with who has it: it is neither dead nor settled before that is stored', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const { crew, communications } = await openTeam(['ana'], { environment, storage, limits: { deliveries: 1 } })
    const ana = crew.as('ana')
    const sent = await ana.send('ana', 'deadly')
    const [delivery] = await ana.receive({ leaseMs: 3_600_000 })
    storage.fail('error')
    const given = watch(ana.giveBack(delivery!, { reason: 'cannot' }))
    await environment.advance('2m')
    expect(['storage_unavailable', 'outcome_unknown']).toContain(given.state)
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'leased', count: 1 }])
    storage.heal()
    await environment.advance('1m')
    await ana.giveBack(delivery!, { reason: 'cannot' })
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'dead', count: 1, reasons: ['cannot'] }])
  })
})

describe('a lease', () => {
  it('is renewed as long as the crew is open', async () => {
    const { bo, environment, stateOf } = await mailed('hi')
    const [delivery] = await bo.receive({ leaseMs: 3000 })
    await environment.advance('10m')
    expect(stateOf()).toEqual({ state: 'leased', count: 1 })
    await bo.acknowledge(delivery!)
  })

  it('is lost when the process dies: the delivery is handed out again, and the late one refused', async () => {
    const { here, there, environment } = await openPair()
    const sent = await here.as('ana').send('bo', 'hi')
    const [lost] = await here.as('bo').receive()
    await there.sync()
    await crash(here)
    await environment.advance('59s')
    expect(await there.as('bo').receive()).toEqual([])
    await environment.advance('10s')
    const [again] = await there.as('bo').receive()
    expect(again).toMatchObject({ message: sent, count: 2, reasons: ['lost'] })
    await expect(there.as('bo').acknowledge(lost!)).rejects.toMatchObject({ code: 'stale_delivery' })
    await there.as('bo').acknowledge(again!)
  })

  it('is as long as the crew says: what a dead process held is handed out again soon after', async () => {
    const { here, there, environment } = await openPair(['ana', 'bo'], { leaseMs: 2000 })
    await here.as('ana').send('bo', 'hi')
    expect(await here.as('bo').receive()).toMatchObject([{ expiresInMs: 2000 }])
    await there.sync()
    await crash(here)
    await environment.advance(1999)
    expect(await there.as('bo').receive()).toEqual([])
    await environment.advance('2s')
    expect(await there.as('bo').receive()).toMatchObject([{ count: 2, reasons: ['lost'], expiresInMs: 2000 }])
  })

  it('is otherwise as receive says', async () => {
    const { here, there, environment } = await openPair(['ana', 'bo'], { leaseMs: 2000 })
    await here.as('ana').send('bo', 'hi')
    expect(await here.as('bo').receive({ leaseMs: 30_000 })).toMatchObject([{ expiresInMs: 30_000 }])
    await there.sync()
    await crash(here)
    await environment.advance('29s')
    expect(await there.as('bo').receive()).toEqual([])
    await environment.advance('5s')
    expect(await there.as('bo').receive()).toMatchObject([{ count: 2, reasons: ['lost'] }])
  })

  it('lasts as long as it says, also when a longer one was taken a while before', async () => {
    const { here, environment } = await openPair()
    for (const text of ['long', 'short']) await here.as('ana').send('bo', text)
    await here.as('bo').receive({ limit: 1 })
    await environment.advance('15s')
    const [short] = await here.as('bo').receive({ leaseMs: 3000 })
    expect(short!.expiresInMs).toBe(3000)
    await environment.advance('10s')
    await here.as('bo').acknowledge(short!)
  })

  it('that ends as its holder settles it changes nothing more: what is settled, or handed out anew, stays so', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const { crew, communications } = await openTeam(['ana', 'bo'], { environment, storage })
    const sent = [await crew.as('ana').send('bo', 'one'), await crew.as('ana').send('bo', 'two')]
    const [one, two] = await crew.as('bo').receive()
    await environment.advance('15s')
    storage.fail('error')
    await environment.advance('44s')
    const settled = Promise.all([
      crew.as('bo').acknowledge(one!),
      crew.as('bo').giveBack(two!),
      crew.as('bo').receive({ leaseMs: 600_000 }),
    ])
    await environment.advance('2s')
    storage.heal()
    await environment.advance('5s')
    await settled
    expect(sent.map(({ id }) => communications.deliveries(id!)[0])).toMatchObject([
      { state: 'acknowledged', count: 1 },
      { state: 'leased', count: 2, reasons: ['given back'] },
    ])
  })

  it('lost for the tenth time makes it dead (MS-15)', async () => {
    const { here, reopen, environment } = await openPair()
    const sent = await here.as('ana').send('bo', 'deadly')
    for (let n = 1; n <= 10; n++) {
      const victim = await reopen()
      await victim.as('bo').receive()
      await crash(victim)
      await environment.advance('70s')
    }
    expect(here.communications.deliveries(sent.id!)).toMatchObject([
      { state: 'dead', count: 10, reasons: Array.from({ length: 10 }, () => 'lost') },
    ])
    expect(here.as('bo').inbox).toEqual([])
  })

  it('ends with the crew, without counting', async () => {
    const { here, there } = await openPair()
    await here.as('ana').send('bo', 'hi')
    await here.as('bo').receive()
    await there.sync()
    const events = recordEvents(there)
    await here.close()
    await there.sync()
    expect(events.types('message')).toEqual(['returned'])
    expect(await there.as('bo').receive()).toMatchObject([{ count: 1, reasons: [] }])
  })
})

it('tells each step of a delivery once, in order, in every process (EV-14)', async () => {
  const { here, there } = await openPair()
  const heard = [here, there].map((crew) => recordEvents(crew))
  await here.as('ana').send('bo', 'hi')
  const [first] = await here.as('bo').receive()
  await here.as('bo').giveBack(first!, { reason: 'busy' })
  const [second] = await here.as('bo').receive()
  await here.as('bo').acknowledge(second!)
  await there.sync()
  for (const events of heard) {
    expect(events.types('message')).toEqual(['sent', 'leased', 'returned', 'leased', 'acknowledged'])
    expect(events.of('message.leased').map(({ delivery }) => delivery.count)).toEqual([1, 2])
    expect(events.of('message.returned')).toMatchObject([{ reason: 'busy', by: 'bo', delivery: { state: 'queued' } }])
  }
})
