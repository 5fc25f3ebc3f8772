import { Communications } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../../support/team.js'

describe('a question', () => {
  it('resolves to the reply of the one who was asked', async () => {
    const { crew, environment, communications } = await openTeam()
    const asked = crew.as('ana').ask('bo', 'Which port?', { kind: 'ops.question' })
    await environment.settle()
    const [question] = crew.as('bo').inbox
    expect(question).toMatchObject({
      content: 'Which port?',
      kind: 'ops.question',
      answerBy: environment.now() + 60_000,
    })
    const reply = await crew.as('bo').reply(question!, 8080)
    expect(await asked).toBe(reply)
    expect(reply).toMatchObject({ late: false, replyTo: question!.id, hops: 1 })
    expect(communications.thread(question!.threadId!)).toHaveLength(2)
  })

  it('is about a task, in whose thread it and its reply are', async () => {
    const { crew, environment, communications } = await openTeam()
    await crew.tracker.create({ id: 'tides', description: 'Tides' })
    const asked = crew.as('ana').ask('bo', 'How long?', { taskId: 'tides' })
    await environment.settle()
    await crew.as('bo').reply(crew.as('bo').inbox[0]!, '600 words')
    await asked
    expect(communications.thread({ taskId: 'tides' }).map(({ content }) => content)).toEqual(['How long?', '600 words'])
  })

  it('has its reply go to the one who waits, and not to the mailbox as well', async () => {
    const { crew, environment, communications } = await openTeam()
    const heard: unknown[] = []
    crew.as('ana').listen(({ content }) => heard.push(content))
    const asked = crew.as('ana').ask('bo', 'Which port?')
    await environment.settle()
    await crew.as('bo').reply(crew.as('bo').inbox[0]!, 8080)
    const { id } = await asked
    await environment.settle()
    expect(heard).toEqual([])
    expect(communications.deliveries(id!)).toMatchObject([{ recipient: 'ana', state: 'acknowledged' }])
    expect(communications.messages({ recipient: 'ana' })).toHaveLength(1)
  })

  it('is asked of one member', async () => {
    const communications = new Communications({ environment: manualEnvironment() })
    const draft = { sender: 'ana', recipient: ['bo', 'cy'], content: '?' }
    await expect(communications.ask(draft)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(communications.ask({ ...draft, recipient: 'bo' }, { timeoutMs: -1 })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(communications.messages()).toEqual([])
  })

  it('to nobody is refused at once', async () => {
    const { crew } = await openTeam()
    await expect(crew.as('ana').ask('zoe', '?')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('gets each of a hundred their own reply, in whatever order they come (MS-11)', async () => {
    const { crew, environment } = await openTeam()
    const asked = Array.from({ length: 100 }, (_, n) => crew.as('ana').ask('bo', n))
    await environment.settle()
    // 37 and 100 have no common divisor: each once, far from the order of asking.
    const permuted = crew.as('bo').inbox.map((_, n, all) => all[(n * 37) % 100]!)
    await Promise.all(permuted.map((question) => crew.as('bo').reply(question, { answerTo: question.content })))
    const replies = await Promise.all(asked)
    expect(replies.map(({ content }) => content)).toEqual(Array.from({ length: 100 }, (_, n) => ({ answerTo: n })))
  })

  it('is answered across processes', async () => {
    const { here, there, environment } = await openPair()
    const asked = watch(here.as('ana').ask('bo', 'Which port?'))
    there.as('bo').listen((question) => there.as('bo').reply(question, 8080))
    await environment.advance('10s')
    expect(asked.state).toMatchObject({ content: 8080 })
  })

  it('is answered in time by another process when the one that took it dies, if the lease is shorter', async () => {
    const { here, there, environment } = await openPair(['ana', 'bo'], { leaseMs: 2000 })
    const asked = watch(here.as('ana').ask('bo', 'Which port?', { timeoutMs: 10_000 }))
    there.as('bo').listen(() => new Promise(() => undefined))
    await environment.advance('1s')
    expect(here.communications.unread('bo')).toBe(0)
    await crash(there)
    here.as('bo').listen((question) => here.as('bo').reply(question, 8080))
    await environment.advance('8s')
    expect(asked.state).toMatchObject({ content: 8080, late: false })
  })
})

describe('a question always settles (MS-14)', () => {
  it.each([
    ['after a minute', {}, 60_000],
    ['after its own time', { timeoutMs: 5000 }, 5000],
  ])('%s, with timed_out, and stays in the mailbox', async (_, options, ms) => {
    const { crew, environment } = await openTeam()
    const asked = watch(crew.as('ana').ask('bo', 'Which port?', options))
    await environment.advance(ms - 1)
    expect(asked.state).toBe('pending')
    await environment.advance(1)
    expect(asked.state).toBe('timed_out')
    expect(crew.as('bo').inbox).toHaveLength(1)
  })

  it('when it is aborted, with cancelled and the reason as cause', async () => {
    const { crew, environment } = await openTeam()
    const controller = new AbortController()
    const asked = crew.as('ana').ask('bo', 'Which port?', { signal: controller.signal })
    await environment.settle()
    controller.abort('enough')
    await expect(asked).rejects.toMatchObject({ code: 'cancelled', cause: 'enough' })
  })

  it('when its signal had aborted before', async () => {
    const { crew } = await openTeam()
    const asked = crew.as('ana').ask('bo', 'Which port?', { signal: AbortSignal.abort() })
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('when the crew is closed, with closed', async () => {
    const { crew, environment } = await openTeam()
    const asked = watch(crew.as('ana').ask('bo', 'Which port?'))
    await environment.settle()
    await crew.close()
    await environment.settle()
    expect(asked.state).toBe('closed')
  })

  it('when the one who was asked leaves, by its time', async () => {
    const { crew, environment } = await openTeam()
    const asked = watch(crew.as('ana').ask('bo', 'Which port?'))
    await crew.leave('bo')
    await environment.advance('1m')
    expect(asked.state).toBe('timed_out')
  })
})

describe('who replies', () => {
  it('is the one who was asked: another is refused, and the question stands', async () => {
    const { crew, environment } = await openTeam(['ana', 'bo', 'eve'])
    const asked = watch(crew.as('ana').ask('bo', 'Which port?'))
    await environment.settle()
    const question = crew.as('bo').inbox[0]!
    await expect(crew.as('eve').reply(question, 666)).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(crew.as('eve').send('ana', 666, { replyTo: question.id! })).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(crew.as('ana').reply(question, 'or not')).rejects.toMatchObject({ code: 'permission_denied' })
    await environment.settle()
    expect(asked.state).toBe('pending')
    const reply = await crew.as('bo').reply(question, 8080)
    await environment.settle()
    expect(asked.state).toBe(reply)
  })

  it('answers once: a second reply is an ordinary message, marked late', async () => {
    const { crew, environment } = await openTeam()
    const asked = crew.as('ana').ask('bo', 'Which port?')
    await environment.settle()
    const question = crew.as('bo').inbox[0]!
    const [first, second] = await Promise.all([
      crew.as('bo').reply(question, 8080),
      crew.as('bo').reply(question, 'no, 8081'),
    ])
    expect(await asked).toBe(first)
    expect([first.late, second.late]).toEqual([false, true])
    expect(crew.as('ana').inbox).toEqual([second])
  })

  it('is in time up to the last millisecond', async () => {
    for (const [ms, late] of [
      [5000, false],
      [5001, true],
    ] as const) {
      const { crew, environment } = await openTeam()
      void crew
        .as('ana')
        .ask('bo', 'Which port?', { timeoutMs: 5000 })
        .catch(() => undefined)
      await environment.settle()
      // No timer runs, so that nobody has given up yet.
      environment.suspend(ms)
      expect(await crew.as('bo').reply(crew.as('bo').inbox[0]!, 8080)).toMatchObject({ late })
    }
  })

  it('replies late when the time is up: an ordinary message, marked late', async () => {
    const { crew, environment } = await openTeam()
    const asked = watch(crew.as('ana').ask('bo', 'Which port?', { timeoutMs: 5000 }))
    await environment.advance('6s')
    const reply = await crew.as('bo').reply(crew.as('bo').inbox[0]!, 8080)
    expect(asked.state).toBe('timed_out')
    expect(reply).toMatchObject({ late: true, content: 8080 })
    expect(crew.as('ana').inbox).toEqual([reply])
  })

  it('may send the reply to others as well, who get it as mail if they have room', async () => {
    const { crew, environment, communications } = await openTeam(['ana', 'bo', 'cy', 'di'], { limits: { mailbox: 1 } })
    await crew.as('bo').send('cy', 'first')
    const asked = crew.as('ana').ask('bo', 'Which port?')
    await environment.settle()
    const { id: replyTo } = crew.as('bo').inbox[0]!
    const reply = await crew.as('bo').send(['ana', 'cy', 'di'], 8080, { replyTo: replyTo! })
    expect(await asked).toBe(reply)
    expect(reply.refused).toEqual([{ recipient: 'cy', reason: 'backpressure' }])
    expect(communications.deliveries(reply.id!)).toMatchObject([
      { recipient: 'ana', state: 'acknowledged' },
      { recipient: 'di', state: 'queued' },
    ])
  })

  it('may write to others about it without that being the reply', async () => {
    const { crew, environment } = await openTeam(['ana', 'bo', 'cy'])
    const asked = watch(crew.as('ana').ask('bo', 'Which port?'))
    await environment.settle()
    const question = crew.as('bo').inbox[0]!
    await crew.as('bo').send('cy', 'Do you know?', { replyTo: question.id! })
    await environment.settle()
    expect(asked.state).toBe('pending')
    expect(crew.as('cy').inbox).toHaveLength(1)
  })
})

describe('waiting again', () => {
  it('finds a reply that came before the wait (MS-12)', async () => {
    const { crew, environment, communications } = await openTeam()
    const asked = crew.as('ana').ask('bo', 'Which port?')
    await environment.settle()
    const question = crew.as('bo').inbox[0]!
    const reply = await crew.as('bo').reply(question, 8080)
    await asked
    expect(await communications.awaitReply(question.id!)).toBe(reply)
  })

  it('finds the reply to an ordinary message, which is in the mailbox too', async () => {
    const { crew, environment, communications } = await openTeam()
    const sent = await crew.as('ana').send('bo', 'Which port?')
    const awaited = watch(communications.awaitReply(sent.id!))
    await crew.as('bo').reply(sent, 8080)
    await environment.settle()
    expect(awaited.state).toMatchObject({ content: 8080 })
    expect(crew.as('ana').inbox).toHaveLength(1)
  })

  it('is possible for as many as like, each with a time of its own', async () => {
    const { crew, environment, communications } = await openTeam()
    const sent = await crew.as('ana').send('bo', 'Which port?')
    const hasty = watch(communications.awaitReply(sent.id!, { timeoutMs: 1000 }))
    const patient = [1, 2].map(() => watch(communications.awaitReply(sent.id!)))
    await environment.advance('1s')
    expect(hasty.state).toBe('timed_out')
    const reply = await crew.as('bo').reply(sent, 8080)
    await environment.settle()
    expect(patient.map(({ state }) => state)).toEqual([reply, reply])
  })

  it('outlives the process that asked', async () => {
    const { here, there, reopen, environment } = await openPair()
    void here
      .as('ana')
      .ask('bo', 'Which port?', { timeoutMs: 3_600_000 })
      .catch(() => undefined)
    await environment.settle()
    await crash(here)
    await there.sync()
    const question = there.as('bo').inbox[0]!

    const again = await reopen()
    const awaited = watch(again.communications.awaitReply(question.id!))
    await there.as('bo').reply(question, 8080)
    await again.sync()
    await environment.settle()
    expect(awaited.state).toMatchObject({ content: 8080, late: false })
  })

  it('finds the reply that came while the process was gone', async () => {
    const { here, there, reopen, environment } = await openPair()
    void here
      .as('ana')
      .ask('bo', 'Which port?')
      .catch(() => undefined)
    await environment.settle()
    await crash(here)
    await there.sync()
    const reply = await there.as('bo').reply(there.as('bo').inbox[0]!, 8080)

    const again = await reopen()
    expect(await again.communications.awaitReply(reply.replyTo!)).toEqual(reply)
  })

  it('is refused for an unknown message', async () => {
    const { communications } = await openTeam()
    await expect(communications.awaitReply('nothing')).rejects.toMatchObject({ code: 'not_found' })
  })
})
