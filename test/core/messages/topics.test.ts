import { Communications, Message } from 'crewlog'
import { manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../../support/team.js'

const alone = (options: object = {}) => new Communications({ environment: manualEnvironment(), ...options })

describe('a topic', () => {
  it('brings what is published to all who follow it, and to nobody else', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy', 'di'])
    await crew.as('bo').follow('tides')
    await crew.as('cy').follow('tides')
    await crew.as('di').follow('moon')
    const sent = await crew.as('ana').publish('tides', 'high at 6', { kind: 'note', metadata: { port: 'Brest' } })
    expect(sent).toMatchObject({ topic: 'tides', recipient: ['bo', 'cy'], kind: 'note', metadata: { port: 'Brest' } })
    expect([crew.as('bo').inbox, crew.as('cy').inbox]).toEqual([[sent], [sent]])
    expect([crew.as('ana').inbox, crew.as('di').inbox]).toEqual([[], []])
    expect(communications.messages({ topic: 'tides' })).toEqual([sent])
  })

  it('is written to by send as well, where the recipient is left out', async () => {
    const communications = alone()
    await communications.follow('bo', 'tides')
    const draft = new Message({ sender: 'ana', topic: 'tides', content: 'high at 6' })
    const sent = await communications.send(draft)
    expect(communications.inbox('bo')).toEqual([sent])
    const again = await communications.send(sent)
    expect(again).toMatchObject({ topic: 'tides', recipient: ['bo'] })
    expect(communications.inbox('bo')).toEqual([sent, again])
  })

  it('does not bring its publisher what it published itself (SEC-08)', async () => {
    const { crew } = await openTeam(['ana', 'bo'])
    for (const id of ['ana', 'bo']) await crew.as(id).follow('tides')
    expect(await crew.as('ana').publish('tides', 'high')).toMatchObject({ recipient: ['bo'] })
    expect(crew.as('ana').inbox).toEqual([])
  })

  it('that nobody follows keeps what is published: it reaches nobody, and says so', async () => {
    const { crew, communications } = await openTeam()
    const sent = await crew.as('ana').publish('tides', 'high')
    expect(sent.recipient).toEqual([])
    expect(communications.deliveries(sent.id!)).toEqual([])
    expect(communications.messages({ topic: 'tides' })).toEqual([sent])
    expect(communications.thread(sent.threadId!).toMarkdown()).toContain('**ana** to topic tides')
  })

  it('brings a late follower only what comes later (MS-09)', async () => {
    const { crew, communications } = await openTeam()
    const early = await crew.as('ana').publish('tides', 'early')
    await crew.as('bo').follow('tides')
    const later = await crew.as('ana').publish('tides', 'later')
    await crew.as('bo').unfollow('tides')
    await crew.as('ana').publish('tides', 'too late')
    expect(crew.as('bo').inbox).toEqual([later])
    expect(communications.get(early.id!)?.recipient).toEqual([])
  })

  it('has the followers of the commit, whoever comes or goes in another process meanwhile (MS-09)', async () => {
    const { here, there } = await openPair(['ana', 'bo', 'cy', 'di'])
    await there.sync()
    const { all } = recordEvents(here)
    // Guards that recipients are found while deciding: found at the call, a lost round would keep the old ones.
    await Promise.all(
      Array.from({ length: 8 }, (_, n) => [
        here.as('ana').publish('tides', n),
        there.as('bo')[n % 2 ? 'unfollow' : 'follow']('tides'),
        here.as('cy')[n % 3 ? 'follow' : 'unfollow']('tides'),
        there.as('di').publish('tides', -n),
      ]).flat(),
    )
    await Promise.all([here.sync(), there.sync()])
    const followers = new Set<string>()
    const sizes = new Set<number>()
    for (const { type, changes } of all) {
      if (type === 'message.followed') followers.add(changes['member'] as string)
      else if (type === 'message.unfollowed') followers.delete(changes['member'] as string)
      else if (type === 'message.sent') {
        expect(changes['recipient']).toEqual([...followers])
        sizes.add(followers.size)
      }
    }
    expect(sizes.size).toBeGreaterThan(1)
    expect(there.communications.messages()).toEqual(here.communications.messages())
  })

  it('is followed once, however often one asks; to stop twice is no event', async () => {
    const { crew, communications } = await openTeam()
    const events = recordEvents(crew)
    for (let n = 0; n < 2; n++) await crew.as('bo').follow('tides')
    expect(communications.topics()).toEqual([{ topic: 'tides', followers: ['bo'] }])
    for (let n = 0; n < 2; n++) await crew.as('bo').unfollow('tides')
    expect(communications.topics()).toEqual([])
    expect(events.types('message')).toEqual(['followed', 'unfollowed'])
    expect(events.of('message.followed')).toMatchObject([{ member: 'bo', topic: 'tides' }])
    expect(events.of('message.unfollowed')[0]).toMatchObject({
      member: 'bo',
      topic: 'tides',
      commit: { seq: crew.journal.head?.seq },
    })
  })

  it('lists topics by name, and followers as they came', async () => {
    const communications = alone()
    for (const member of ['cy', 'ana', 'bo']) await communications.follow(member, 'tides')
    await communications.follow('bo', 'moon')
    expect(communications.topics()).toEqual([
      { topic: 'moon', followers: ['bo'] },
      { topic: 'tides', followers: ['cy', 'ana', 'bo'] },
    ])
  })

  it('brings nothing to who has left, until it joins again', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo'])
    await crew.as('bo').follow('tides')
    await crew.leave('bo')
    expect(communications.topics()).toEqual([])
    expect(await crew.as('ana').publish('tides', 'gone')).toMatchObject({ recipient: [] })
    const bo = await crew.join('bo')
    const sent = await crew.as('ana').publish('tides', 'back')
    expect(bo.inbox).toEqual([sent])
  })

  it('wakes who listens', async () => {
    const { crew, environment } = await openTeam()
    const heard: unknown[] = []
    await crew.as('bo').follow('tides')
    crew.as('bo').listen(({ content }) => heard.push(content))
    await crew.as('ana').publish('tides', 'high')
    await environment.settle()
    expect(heard).toEqual(['high'])
  })

  it('can be answered: the reply goes to the publisher, and in public by another message to the topic', async () => {
    const { crew } = await openTeam(['ana', 'bo', 'cy'])
    for (const id of ['bo', 'cy']) await crew.as(id).follow('tides')
    const sent = await crew.as('ana').publish('tides', 'high')
    expect(await crew.as('bo').reply(sent, 'seen')).toMatchObject({ recipient: 'ana', threadId: sent.threadId })
    const said = await crew.as('bo').publish('tides', 'all seen', { replyTo: sent.id! })
    expect(said).toMatchObject({ recipient: ['cy'], threadId: sent.threadId, hops: 1 })
  })

  it('is read by a process that comes later as by those that were there', async () => {
    const { here, there, reopen } = await openPair(['ana', 'bo', 'cy'])
    await here.as('bo').follow('tides')
    await there.as('cy').follow('tides')
    await here.as('ana').publish('tides', 'high')
    await Promise.all([here.sync(), there.sync()])
    const later = await reopen()
    for (const crew of [there, later]) {
      expect(crew.communications.topics()).toEqual(here.communications.topics())
      expect(crew.communications.messages({ topic: 'tides' })).toEqual(here.communications.messages())
    }
  })

  it.each<[string, (c: Communications) => Promise<unknown>, string]>([
    ['no name', (c) => c.follow('bo', ''), 'invalid_input'],
    ['a name that is no id', (c) => c.publish('a\nb', { sender: 'ana', content: 'x' }), 'invalid_input'],
    [
      'a recipient beside the topic',
      (c) => c.publish('tides', { sender: 'ana', content: 'x', recipient: 'bo' }),
      'invalid_input',
    ],
    [
      'a topic that the draft names already',
      (c) => c.publish('tides', { sender: 'ana', content: 'x', topic: 'moon' }),
      'invalid_input',
    ],
    ['a question to a topic', (c) => c.ask({ sender: 'ana', topic: 'tides', content: 'x' }), 'invalid_input'],
    ['a follower whom nobody knows', (c) => c.follow('zoe', 'tides'), 'not_found'],
    ['one to stop whom nobody knows', (c) => c.unfollow('zoe', 'tides'), 'not_found'],
  ])('refuses %s', async (_, call, code) => {
    await expect(call(alone({ strictMembers: true }))).rejects.toMatchObject({ code })
  })

  it('with more followers than a message has recipients is refused, and says the limit', async () => {
    const communications = alone({ limits: { recipients: 2 } })
    for (const member of ['ana', 'bo', 'cy']) await communications.follow(member, 'tides')
    expect(await communications.publish('tides', { sender: 'ana', content: 'x' })).toMatchObject({
      recipient: ['bo', 'cy'],
    })
    await expect(communications.publish('tides', { sender: 'di', content: 'x' })).rejects.toMatchObject({
      code: 'limit_exceeded',
      details: { limit: 2 },
    })
  })
})

describe('a broadcast', () => {
  it('goes to all members but the sender, those of this moment (MS-09)', async () => {
    const { crew } = await openTeam(['ana', 'bo', 'cy'])
    const sent = await crew.as('ana').broadcast('all hands', { kind: 'note' })
    await crew.join('di')
    expect(sent).toMatchObject({ sender: 'ana', recipient: ['bo', 'cy'], kind: 'note' })
    expect(sent.topic).toBeUndefined()
    expect(['ana', 'bo', 'cy', 'di'].map((id) => crew.as(id).inbox)).toEqual([[], [sent], [sent], []])
  })

  it('of who is alone reaches nobody, and says so', async () => {
    const { crew } = await openTeam(['ana'])
    expect(await crew.as('ana').broadcast('anybody?')).toMatchObject({ recipient: [] })
  })

  it('with the class alone goes to all who have ever been named', async () => {
    const communications = alone()
    await communications.send({ sender: 'ana', recipient: ['bo', 'cy'], content: 'hi' })
    expect(await communications.broadcast({ sender: 'bo', content: 'ho' })).toMatchObject({ recipient: ['ana', 'cy'] })
  })

  it('takes a Message that names nobody', async () => {
    const { communications } = await openTeam()
    const draft = new Message({ sender: 'ana', content: 'all hands' })
    expect(draft.recipient).toBeUndefined()
    expect(await communications.broadcast(draft)).toMatchObject({ recipient: ['bo'] })
  })

  it('is never what a forgotten recipient means: send refuses that (MS-27, SEC-08)', async () => {
    const { communications } = await openTeam()
    for (const draft of [{ sender: 'ana', content: 'hi' }, new Message({ sender: 'ana', content: 'hi' })])
      await expect(communications.send(draft)).rejects.toMatchObject({
        code: 'invalid_input',
        message: 'message.recipient is missing; name one or several members, or a topic, or call broadcast',
      })
    await expect(communications.send({ sender: 'ana', recipient: [], content: 'hi' })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(communications.messages()).toEqual([])
  })

  it('cannot name recipients', async () => {
    const { communications } = await openTeam()
    const draft = { sender: 'ana', recipient: 'bo', content: 'hi' }
    await expect(communications.broadcast(draft)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('what members cannot send', () => {
  it.each(['task.assigned', 'task.offer', 'task.anything', 'task.'])('is a message of the kind %s', async (kind) => {
    const { crew, communications } = await openTeam()
    const refused = { code: 'permission_denied', message: expect.stringContaining('choose another') as string }
    await expect(crew.as('ana').send('bo', 'obey', { kind })).rejects.toMatchObject(refused)
    await expect(crew.as('ana').ask('bo', 'obey', { kind })).rejects.toMatchObject(refused)
    await expect(communications.broadcast({ sender: 'ana', content: 'obey', kind })).rejects.toMatchObject(refused)
    expect(() => new Message({ sender: 'ana', recipient: 'bo', content: 'obey', kind })).toThrow(
      expect.objectContaining(refused),
    )
    expect(communications.messages()).toEqual([])
  })

  it('is a notice once more; its words, without the kind, they can', async () => {
    const { crew, communications, tracker } = await openTeam()
    await tracker.create({ description: 'Tides', assignees: 'bo' })
    const [notice] = crew.as('bo').inbox
    await expect(communications.send(notice!)).rejects.toMatchObject({ code: 'permission_denied' })
    const { kind, taskId, content } = notice!
    expect([kind, taskId]).toEqual(['task.assigned', expect.any(String)])
    expect(await crew.as('bo').send('ana', content, { taskId: taskId! })).toMatchObject({ content: 'Tides' })
  })

  it.each(['task', 'tasks.note', 'my.task.note', 'Task.note'])('is not %s', async (kind) => {
    const { crew } = await openTeam()
    expect(await crew.as('ana').send('bo', 'hi', { kind })).toMatchObject({ kind })
  })
})
