import { Communications, MemoryStorage, Message } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../../support/team.js'

const alone = (options: object = {}) => new Communications({ environment: manualEnvironment(), ...options })
const texts = (messages: readonly Message[]) => messages.map(({ content }) => content)

describe('making one', () => {
  it.each([0, 999, NaN, Infinity, '5s'])('refuses a lease of %s (TM-06)', (leaseMs) => {
    expect(() => alone({ leaseMs })).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('takes how long what is received holds, a minute unless it is told', async () => {
    const leases: number[] = []
    for (const communications of [alone(), alone({ leaseMs: 5000 })]) {
      await communications.send({ sender: 'ana', recipient: 'bo', content: 'hi' })
      const [delivery] = await communications.receive('bo')
      leases.push(delivery!.expiresInMs)
    }
    expect(leases).toEqual([60_000, 5000])
  })
})

describe('sending', () => {
  it('makes a draft a committed message, in the mailbox of its recipient', async () => {
    const { crew, environment, communications } = await openTeam()
    await environment.advance('5s')
    const draft = new Message({ sender: 'ana', recipient: 'bo', content: 'hi' })
    const sent = await communications.send(draft)
    expect(sent).toMatchObject({ sender: 'ana', recipient: 'bo', content: 'hi', seq: crew.journal.head?.seq })
    expect(sent.sentAt).toBe(environment.now())
    expect(sent.threadId).toBe(sent.id)
    expect(draft.id).toBeUndefined()
    expect(communications.inbox('bo')).toEqual([sent])
    expect(communications.get(sent.id!)).toBe(sent)
  })

  it('sends two when a draft, or what became of it, is sent twice', async () => {
    const communications = alone()
    const draft = new Message({ sender: 'ana', recipient: 'bo', content: 'hi', metadata: { n: 1 } })
    const first = await communications.send(draft)
    const second = await communications.send(first)
    expect(second.id).not.toBe(first.id)
    expect(second).toMatchObject({ content: 'hi', metadata: { n: 1 } })
    expect(communications.inbox('bo')).toEqual([first, second])
  })

  it('sends a change of a committed message as a new one', async () => {
    const communications = alone()
    const first = await communications.send({ sender: 'ana', recipient: 'bo', content: 'hi' })
    const second = await communications.send(first.with({ content: 'ho' }))
    expect(texts(communications.inbox('bo'))).toEqual(['hi', 'ho'])
    expect(second.threadId).toBe(second.id)
  })

  it('puts one message for many into each mailbox once (MS-27)', async () => {
    const communications = alone()
    const everybody = Array.from({ length: 1000 }, (_, n) => `m${n}`)
    const sent = await communications.send({ sender: 'ana', recipient: [...everybody, 'm0'].slice(1), content: 'hi' })
    for (const member of everybody) expect(communications.inbox(member)).toEqual([sent])
    expect(communications.deliveries(sent.id!)).toHaveLength(1000)
  })

  it('can be to oneself (MS-27)', async () => {
    const { crew } = await openTeam(['ana'])
    await crew.as('ana').send('ana', 'remember the tides')
    expect(texts(crew.as('ana').inbox)).toEqual(['remember the tides'])
  })

  it('reaches nobody when one of many is unknown, and says who (MS-08)', async () => {
    const { crew, communications } = await openTeam(['ana', 'bo', 'cy'])
    const seq = crew.journal.head?.seq
    await expect(crew.as('ana').send(['bo', 'zoe', 'cy'], 'hi')).rejects.toMatchObject({
      code: 'not_found',
      message: 'Member not found: zoe; join it first, or mend the id',
    })
    expect([communications.inbox('bo'), communications.inbox('cy')]).toEqual([[], []])
    expect(crew.journal.head?.seq).toBe(seq)
  })

  it('of somebody unknown is refused on a crew, and lets the id join with the class alone', async () => {
    const { communications } = await openTeam(['bo'])
    const draft = { sender: 'ana', recipient: 'bo', content: 'hi' }
    await expect(communications.send(draft)).rejects.toMatchObject({ code: 'not_found' })
    await expect(alone({ strictMembers: true }).send(draft)).rejects.toMatchObject({ code: 'not_found' })
    await expect(alone().send(draft)).resolves.toMatchObject(draft)
  })

  it('to somebody unknown, or for somebody, is refused by the class alone when only members may', async () => {
    const strict = alone({ strictMembers: true })
    await expect(strict.receive('zoe')).rejects.toMatchObject({ code: 'not_found' })
    expect(await alone().receive('zoe')).toEqual([])
  })

  it('may be about any task where tasks are not known, and about none that is unknown where they are', async () => {
    const draft = { sender: 'ana', recipient: 'bo', content: 'hi', taskId: 'tides' }
    expect(await alone().send(draft)).toMatchObject({ taskId: 'tides', threadId: 'task:tides' })
    const { communications } = await openTeam()
    await expect(communications.send(draft)).rejects.toMatchObject({
      code: 'not_found',
      message: 'Task not found: tides',
    })
  })

  it('cannot be in the name of the crew itself', async () => {
    const draft = { sender: 'crew', recipient: 'bo', content: 'obey' }
    await expect(alone().send(draft)).rejects.toMatchObject({ code: 'already_exists' })
    const { communications } = await openTeam()
    await expect(communications.send(draft)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('obeys limits of its own', async () => {
    const communications = alone({ limits: { recipients: 2, payloadBytes: 20 } })
    const draft = { sender: 'ana', recipient: ['bo', 'cy'], content: 'x'.repeat(18) }
    await expect(communications.send(draft)).rejects.toMatchObject({ code: 'limit_exceeded' })
    await expect(communications.send({ ...draft, content: 'x' })).resolves.toMatchObject({ content: 'x' })
    await expect(communications.send({ ...draft, content: 'x', recipient: ['bo', 'cy', 'di'] })).rejects.toMatchObject({
      code: 'limit_exceeded',
    })
  })

  it('keeps the order of each pair, and loses nothing, when many processes send at once (MS-19, MS-24)', async () => {
    const { here, there } = await openPair(['ana', 'bo', 'cy'])
    const count = 30
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        Promise.all([here.as('ana').send('cy', `ana ${n}`), there.as('bo').send('cy', `bo ${n}`)]),
      ),
    )
    await there.sync()
    const read = texts(there.as('cy').inbox) as string[]
    for (const sender of ['ana', 'bo'])
      expect(read.filter((text) => text.startsWith(sender))).toEqual(
        Array.from({ length: count }, (_, n) => `${sender} ${n}`),
      )
    expect(read).toHaveLength(2 * count)
    await here.sync()
    expect(here.as('cy').inbox).toEqual(there.as('cy').inbox)
  })

  it('stays within a crew: another crew in the same storage has members of the same name (MS-25)', async () => {
    const storage = new MemoryStorage()
    const { crew } = await openTeam(['dev'], { name: 'a', storage })
    const { crew: other } = await openTeam(['dev'], { name: 'b', storage })
    await crew.as('dev').send('dev', 'for a')
    await other.sync()
    expect(crew.as('dev').inbox).toHaveLength(1)
    expect(other.communications.messages()).toEqual([])
  })
})

describe('a reply', () => {
  it('goes to the sender, in the thread of what it answers, one hop on', async () => {
    const communications = alone()
    const first = await communications.send({ sender: 'ana', recipient: ['bo', 'cy'], content: 'Which port?' })
    const second = await communications.reply(first, { sender: 'bo', content: 8080 })
    const third = await communications.reply(second.id!, { sender: 'ana', content: 'Thanks' })
    expect(second).toMatchObject({ recipient: 'ana', replyTo: first.id, threadId: first.threadId, hops: 1 })
    expect(third).toMatchObject({ recipient: 'bo', replyTo: second.id, threadId: first.threadId, hops: 2 })
    expect(texts(communications.thread(first.threadId!))).toEqual(['Which port?', 8080, 'Thanks'])
    expect(communications.inbox('ana')).toEqual([second])
  })

  it.each([
    ['an unknown message', 'nothing', 'not_found'],
    ['a draft', new Message({ sender: 'ana', recipient: 'bo', content: 'hi' }), 'invalid_input'],
  ])('to %s is refused', async (_, to, code) => {
    await expect(alone().reply(to, { sender: 'bo', content: 'yes' })).rejects.toMatchObject({ code })
  })

  it('by send names what it answers, and is refused when there is no such message', async () => {
    const draft = { sender: 'ana', recipient: 'bo', content: 'yes', replyTo: 'nothing' }
    await expect(alone().send(draft)).rejects.toMatchObject({
      code: 'not_found',
      message: 'Message not found: nothing',
    })
  })
})

describe('looking', () => {
  const conversation = async () => {
    const team = await openTeam(['ana', 'bo', 'cy'])
    const { crew, environment } = team
    const task = await crew.tracker.create({ id: 'tides', description: 'Tides' })
    const plan = await crew.as('ana').send('bo', 'The Plan', { kind: 'note' })
    await environment.advance('1m')
    const about = await crew.as('bo').send(['ana', 'cy'], { port: 8080 }, { taskId: task.id })
    const answer = await crew.as('bo').reply(plan, 'plan seen')
    const both = await crew.as('cy').send('bo', 'moved here', { replyTo: plan.id!, taskId: task.id })
    return { ...team, plan, about, answer, both }
  }

  it.each<[string, (c: Awaited<ReturnType<typeof conversation>>) => object, readonly string[]]>([
    ['everything', () => ({}), ['plan', 'about', 'answer', 'both']],
    ['a sender', () => ({ sender: 'bo' }), ['about', 'answer']],
    ['a recipient', () => ({ recipient: 'ana' }), ['about', 'answer']],
    ['a kind', () => ({ kind: 'note' }), ['plan']],
    ['a task, in whichever thread', () => ({ taskId: 'tides' }), ['about', 'both']],
    ['a thread', ({ plan }) => ({ threadId: plan.threadId }), ['plan', 'answer', 'both']],
    ['a text in upper or lower case', () => ({ text: 'PLAN' }), ['plan', 'answer']],
    ['a part of JSON', () => ({ text: '8080' }), ['about']],
    ['a time', ({ about }) => ({ since: about.sentAt }), ['about', 'answer', 'both']],
    ['the first ones', () => ({ limit: 2 }), ['plan', 'about']],
    ['the next page', ({ about }) => ({ after: about.id, limit: 1 }), ['answer']],
    ['several at once', () => ({ sender: 'bo', recipient: 'cy', text: 'port' }), ['about']],
    ['what there is not', () => ({ sender: 'zoe' }), []],
  ])('messages() finds %s', async (_, filterOf, names) => {
    const all = await conversation()
    const wanted = names.map((name) => all[name as 'plan'])
    expect(all.communications.messages(filterOf(all))).toEqual(wanted)
  })

  it.each<[string, object, string]>([
    ['an unknown key', { to: 'ana' }, 'invalid_input'],
    ['undefined, which would mean everybody', { recipient: undefined }, 'invalid_input'],
    ['a date without a zone', { since: '2026-01-01' }, 'invalid_input'],
    ['an unknown message to go on after', { after: 'nothing' }, 'not_found'],
  ])('messages() refuses %s', (_, filter, code) => {
    expect(() => alone().messages(filter)).toThrow(expect.objectContaining({ code }))
  })

  it('changes nothing, however often: only acknowledging does (MS-02)', async () => {
    const { crew, communications, plan } = await conversation()
    const seq = crew.journal.head?.seq
    for (let n = 0; n < 3; n++) {
      expect(communications.inbox('bo')).toContain(plan)
      communications.messages({ recipient: 'bo' })
      communications.thread(plan.threadId!)
      communications.deliveries(plan.id!)
    }
    expect(crew.journal.head?.seq).toBe(seq)
    expect(communications.unread('bo')).toBe(2)
    const [delivery] = await crew.as('bo').receive()
    expect(communications.unread('bo')).toBe(0)
    expect(crew.as('bo').inbox).toContain(plan)
    await crew.as('bo').acknowledge(delivery!)
    expect(crew.as('bo').inbox).not.toContain(plan)
  })

  it('answers lists that nobody can change', async () => {
    const { communications, plan } = await conversation()
    expect(Object.isFrozen(communications.thread(plan.threadId!))).toBe(true)
    ;(communications.inbox('bo') as unknown[]).length = 0
    ;(communications.messages() as unknown[]).length = 0
    expect(communications.inbox('bo')).toHaveLength(2)
    expect(communications.messages()).toHaveLength(4)
  })

  it('answers nothing about what there is not', () => {
    const communications = alone()
    expect(communications.inbox('zoe')).toEqual([])
    expect(communications.unread('zoe')).toBe(0)
    expect(communications.get('nothing')).toBeUndefined()
    expect(communications.deliveries('nothing')).toEqual([])
    expect([...communications.thread('nothing')]).toEqual([])
  })

  it('shows a thread as Markdown in which the words of others have no effect (RP-07)', async () => {
    const { crew, communications } = await openTeam()
    const sent = await crew.as('ana').send('bo', '# Obey\n<img src=x> **now**\u001b[31m\n1. go')
    await crew.as('bo').reply(sent, { port: 8080 })
    expect(communications.thread(sent.threadId!).toMarkdown()).toBe(
      [
        '**ana** to bo, 2026-01-01T00:00:00.000Z:',
        '\\# Obey',
        '&#60;img src=x&#62; \\*\\*now\\*\\*\\[31m',
        '1\\. go',
        '',
        '**bo** to ana, 2026-01-01T00:00:00.000Z:',
        '{"port":8080}',
      ].join('\n'),
    )
  })
})

describe('a page of messages', () => {
  it('begins after any message, be that one among those asked for or not', async () => {
    const communications = alone()
    const sent = []
    for (let n = 0; n < 20; n++)
      sent.push(
        await communications.send({ sender: n % 2 ? 'ana' : 'cy', recipient: n % 3 ? 'bo' : 'di', content: String(n) }),
      )
    for (const [n, { id }] of sent.entries()) {
      for (const filter of [{}, { recipient: 'bo' }, { sender: 'ana' }, { sender: 'ana', recipient: 'bo' }])
        expect(texts(communications.messages({ ...filter, after: id!, limit: 3 }))).toEqual(
          texts(communications.messages(filter).filter(({ content }) => Number(content) > n)).slice(0, 3),
        )
    }
  })
})

describe('what another process has sent a moment ago', () => {
  it('is not unknown to who names it', async () => {
    const storage = Object.assign(new MemoryStorage(), { watch: undefined }) as unknown as MemoryStorage
    const { here, there } = await openPair(['ana', 'bo'], { storage, limits: { deliveries: 1 } })
    await there.sync()
    const question = await here.as('ana').send('bo', 'Well?')
    const [delivery] = await here.as('bo').receive()
    await here.as('bo').giveBack(delivery!)
    const { id } = await here.tracker.create({ description: 'Tides' })
    const waits = [there.communications.awaitReply(question.id!), there.tracker.whenEnded(id)]
    await there.communications.resend(question.id!)
    await here.tracker.cancel(id)
    const reply = await there.as('bo').reply(question.id!, 'Yes')
    await here.sync()
    expect(await Promise.all(waits)).toMatchObject([{ id: reply.id }, { id, status: 'cancelled' }])
    for (const refused of [
      there.as('bo').reply('nothing', 'x'),
      there.communications.resend('nothing'),
      there.communications.awaitReply('nothing'),
      there.tracker.whenEnded('nothing'),
    ])
      await expect(refused).rejects.toMatchObject({ code: 'not_found' })
  })
})
