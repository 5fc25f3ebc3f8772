import { Communications, CrewError } from 'crewlog'
import { manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../../support/team.js'

const NOT = Symbol('neither an id, nor an object, nor text') as never
const HOSTILE = new Proxy(
  {},
  {
    getPrototypeOf: () => {
      throw new Error('no')
    },
  },
) as never
const draft = { sender: 'ana', recipient: 'bo', content: 'x' }

/** What a call is refused with, be it at once or later. */
async function refused(call: () => unknown): Promise<CrewError> {
  try {
    await call()
  } catch (error) {
    if (CrewError.is(error)) return error
    throw error
  }
  throw new Error('Expected a refusal')
}

describe('what is wrong with a call', () => {
  it.each<[string, (communications: Communications) => unknown]>([
    ['message', (mail) => mail.send(NOT)],
    ['message', (mail) => mail.broadcast(NOT)],
    ['message', (mail) => mail.publish('news', NOT)],
    ['message', (mail) => mail.reply('m', NOT)],
    ['message', (mail) => mail.reply(NOT, { sender: 'bo', content: 'y' })],
    ['message', (mail) => mail.ask(NOT)],
    ['message', (mail) => mail.resend(NOT)],
    ['message', (mail) => mail.awaitReply(NOT)],
    ['message.topic', (mail) => mail.publish(NOT, { sender: 'ana', content: 'x' })],
    ['message has no field topic', (mail) => mail.publish('news', { ...draft, topic: 'other' })],
    ['message has no field recipient', (mail) => mail.reply('m', draft)],
    ['member', (mail) => mail.receive(NOT)],
    ['member', (mail) => mail.follow(NOT, 'news')],
    ['topic', (mail) => mail.follow('ana', NOT)],
    ['topic', (mail) => mail.unfollow('ana', NOT)],
    ['recipient', (mail) => mail.resend('m', NOT)],
    ['delivery', (mail) => mail.acknowledge(NOT)],
    ['delivery', (mail) => mail.giveBack(NOT)],
    ['options', (mail) => mail.send(draft, NOT)],
    ['options', (mail) => mail.receive('bo', NOT)],
    ['options', (mail) => mail.giveBack({ messageId: 'm', recipient: 'bo', count: 1 }, NOT)],
    ['options', (mail) => mail.ask(draft, NOT)],
    ['options', (mail) => mail.awaitReply('m', NOT)],
    ['options', () => new Communications(NOT)],
    ['filter', (mail) => mail.messages(NOT)],
    ['thread', (mail) => mail.thread(NOT)],
    ['thread.taskId', (mail) => mail.thread({} as never)],
    ['message cannot be read', (mail) => mail.reply(HOSTILE, { sender: 'bo', content: 'y' })],
  ])('is said of %s by its name', async (name, call) => {
    const environment = manualEnvironment({ seed: 1 })
    const communications = new Communications({ environment: { ...environment, id: () => 'm' } })
    await communications.send(draft)
    const { code, message } = await refused(() => call(communications))
    expect(code).toBe('invalid_input')
    expect(message.startsWith(name)).toBe(true)
  })

  it('a broadcast that names somebody is none, and a question is asked of one', async () => {
    const { communications } = await openTeam(['ana', 'bo', 'cy'])
    for (const to of [{ recipient: 'bo' }, { topic: 'news' }]) {
      const broadcast = communications.broadcast({ sender: 'ana', content: 'x', ...to })
      await expect(broadcast).rejects.toThrow('A broadcast goes to all')
    }
    await expect(communications.ask({ ...draft, recipient: ['bo', 'cy'] })).rejects.toThrow('asked of one member')
    expect(communications.messages()).toEqual([])
  })

  it('names the message, the limit and who is asked', async () => {
    const { communications, environment, crew } = await openTeam(['ana', 'bo', 'cy'], { limits: { recipients: 1 } })
    const toAll = await refused(() => communications.broadcast({ sender: 'ana', content: 'x' }))
    expect([toAll.message, toAll.details]).toEqual([expect.stringContaining('over 1 members'), { limit: 1 }])
    for (const id of ['bo', 'cy']) await crew.as(id).follow('news')
    const toFollowers = await refused(() => communications.publish('news', { sender: 'ana', content: 'x' }))
    expect(toFollowers.message).toContain('over 1 followers of news')

    const asked = crew.as('ana').ask('bo', 'Lunch?')
    asked.catch(() => undefined)
    await environment.settle()
    const [question] = communications.inbox('bo')
    const wrong = await refused(() => communications.reply(question!, { sender: 'cy', content: 'Yes' }))
    expect(wrong).toMatchObject({ code: 'permission_denied', details: { id: question!.id } })
    expect(wrong.message).toContain('was asked of bo')

    const none = await refused(() => communications.resend(question!.id!))
    expect(none).toMatchObject({ code: 'invalid_transition', details: { id: question!.id } })
    expect(none.message).toContain('No such delivery')
    const unknown = await refused(() =>
      communications.acknowledge({ messageId: question!.id!, recipient: 'cy', count: 1 }),
    )
    expect(unknown.message).toContain('Delivery to cy of message')
    const [delivery] = await crew.as('bo').receive()
    await communications.giveBack(delivery!)
    const stale = await refused(() => communications.acknowledge(delivery!))
    expect(stale.message).toContain('is queued for bo, handed out 1 times: hand-out 1 is over')
  })

  it('an expired message is not sent again, but anew', async () => {
    const { communications, environment, crew } = await openTeam(['ana', 'bo'], { limits: { deliveries: 1 } })
    const sent = await crew.as('ana').send('bo', 'Lunch?', { expiresAt: environment.now() + 1000 })
    await crew.as('bo').giveBack((await crew.as('bo').receive())[0]!)
    expect(communications.deliveries(sent.id!)[0]!.state).toBe('dead')
    await environment.advance('1s')
    const { message, details } = await refused(() => communications.resend(sent.id!))
    expect(message).toContain('has expired; send it anew')
    expect(details).toEqual({ id: sent.id })
    const late = await refused(() => communications.send({ ...draft, expiresAt: environment.now() }))
    expect(late.message).toContain(`has passed: ${new Date(environment.now()).toISOString()}`)
  })
})

describe('what is sent again', () => {
  it('comes before what was sent later, as new, and is told as returned', async () => {
    const { communications, crew } = await openTeam(['ana', 'bo', 'cy'], { limits: { deliveries: 1 } })
    const both = await crew.as('ana').send(['bo', 'cy'], 'first')
    for (const id of ['bo', 'cy']) await crew.as(id).giveBack((await crew.as(id).receive())[0]!)
    await crew.as('ana').send('bo', 'second')
    const events = recordEvents(crew)
    await communications.resend(both.id!, 'bo')
    expect(events.types('message')).toEqual(['returned'])
    expect(communications.inbox('bo').map(({ content }) => content)).toEqual(['first', 'second'])
    expect(communications.deliveries(both.id!)).toMatchObject([
      { recipient: 'bo', state: 'queued', count: 0 },
      { recipient: 'cy', state: 'dead' },
    ])
  })
})
