import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, type Member, openCrew, TaskTracker } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

let environment: ManualEnvironment
let crew: Crew
let ana: Member
let bo: Member
let cy: Member

beforeEach(async () => {
  environment = manualEnvironment()
  crew = await openCrew({ environment })
  ana = await crew.join('ana', { skills: { prose: 0.5 } })
  bo = await crew.join('bo', { skills: { prose: 0.9 } })
  cy = await crew.join('cy')
  await crew.tracker.create({ id: 'letter', description: 'Write a letter' })
})

const deliveryOf = (messageId: string | undefined, recipient: string) =>
  crew.communications.deliveries(messageId ?? '').find((delivery) => delivery.recipient === recipient)
const kindsIn = (taskId: string) => crew.communications.thread({ taskId }).map(({ kind, sender }) => [kind, sender])

describe('an offer', () => {
  it('is a message of its own kind in the thread of the task', async () => {
    const offer = await ana.offer('letter', ['bo', 'cy'], { note: 'Who has time?' })
    expect(offer).toMatchObject({ kind: 'task.offer', sender: 'ana', taskId: 'letter', content: 'Who has time?' })
    expect(bo.inbox).toEqual([offer])
    expect(crew.tracker.get('letter')?.offers).toEqual([{ id: offer.id, by: 'ana', to: ['bo', 'cy'] }])
  })

  it('says what the task is called when nothing else is said', async () => {
    expect((await ana.offer('letter', 'bo')).content).toBe('Write a letter')
  })

  it('keeps the task for nobody', async () => {
    await ana.offer('letter', 'bo')
    expect((await cy.claim())?.task.id).toBe('letter')
  })

  it('is over when the task is taken, and off the table of who did not answer', async () => {
    const offer = await ana.offer('letter', ['bo', 'cy'])
    await cy.claim()
    expect(crew.tracker.get('letter')?.offers).toEqual([])
    expect(bo.inbox).toEqual([])
    expect(deliveryOf(offer.id, 'bo')).toMatchObject({ state: 'expired', reasons: ['taken by cy'] })
    // Cy has read it, as it has taken what it offers.
    expect(deliveryOf(offer.id, 'cy')).toMatchObject({ state: 'acknowledged' })
  })

  it.each([
    ['cancelled', 'the task is cancelled', () => crew.tracker.cancel('letter')],
    ['given to another by hand', 'given to cy', () => crew.tracker.assign('letter', 'cy')],
  ])('is over when the task is %s, and says so', async (_, reason, end) => {
    const offer = await ana.offer('letter', 'bo')
    await end()
    expect(deliveryOf(offer.id, 'bo')).toMatchObject({ state: 'expired', reasons: [reason] })
    expect(crew.tracker.get('letter')?.offers).toEqual([])
    expect(bo.inbox).toEqual([])
  })

  it('is over when the task falls with another', async () => {
    await crew.tracker.create({ id: 'stamp', description: 'Buy a stamp' })
    await crew.tracker.addDependency('letter', 'stamp')
    await ana.offer('letter', 'bo')
    await crew.tracker.cancel('stamp')
    expect(crew.tracker.get('letter')).toMatchObject({ status: 'cancelled', offers: [] })
    expect(bo.inbox).toEqual([])
  })

  it.each([
    ['nobody', () => ana.offer('letter', []), 'invalid_input', 'names nobody'],
    ['a stranger', () => ana.offer('letter', 'zoe'), 'not_found', 'zoe'],
    ['who offers it', () => ana.offer('letter', ['bo', 'ana']), 'not_eligible', 'offers it itself'],
    ['a task that is not there', () => ana.offer('parcel', 'bo'), 'not_found', 'parcel'],
  ])('to %s is refused', async (_, offer, code, words) => {
    await expect(offer()).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string })
    expect(crew.tracker.get('letter')?.offers).toEqual([])
    expect(crew.communications.messages()).toEqual([])
  })

  it('to who is unfit, away or has left is refused', async () => {
    await crew.tracker.create({ id: 'poem', description: 'Write a poem', requires: { prose: 0.8 } })
    await expect(bo.offer('poem', 'ana')).rejects.toMatchObject({ code: 'not_eligible' })
    await bo.setAvailability(false)
    await expect(ana.offer('poem', 'bo')).rejects.toMatchObject({ code: 'not_eligible' })
    await crew.leave('bo')
    await expect(ana.offer('poem', 'bo')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('of a task that is held names who holds it, and of one that has ended says so', async () => {
    const attempt = (await cy.claim()) as Attempt
    await expect(ana.offer('letter', 'bo')).rejects.toMatchObject({
      code: 'already_claimed',
      details: { id: 'letter', holder: 'cy' },
    })
    await attempt.complete()
    await expect(ana.offer('letter', 'bo')).rejects.toMatchObject({ code: 'invalid_transition' })
  })

  it('whose time has passed is refused at once', async () => {
    const expiresAt = environment.now() - 1
    await expect(ana.offer('letter', 'bo', { expiresAt })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('beyond a hundred of one task is refused', async () => {
    for (let nth = 0; nth < 100; nth++) await ana.offer('letter', 'bo')
    await expect(ana.offer('letter', 'bo')).rejects.toMatchObject({ code: 'limit_exceeded' })
  })

  it('that reaches nobody is refused, and one that reaches some says whom not', async () => {
    const small = await openCrew({ environment, limits: { mailbox: 1 } })
    const [dee] = await Promise.all(['dee', 'eli', 'fay'].map((id) => small.join(id)))
    await small.tracker.create({ id: 'letter', description: 'Write a letter' })
    await small.as('eli').send('fay', 'hello')
    await expect(dee?.offer('letter', 'fay')).rejects.toMatchObject({ code: 'backpressure' })
    const offer = await dee?.offer('letter', ['eli', 'fay'])
    expect(offer).toMatchObject({ recipients: ['eli'], refused: [{ recipient: 'fay' }] })
    expect(small.tracker.get('letter')?.offers).toMatchObject([{ to: ['eli'] }])
  })
})

describe('accepting', () => {
  it('is the claim, and tells who offered it', async () => {
    const offer = await ana.offer('letter', ['bo', 'cy'])
    const attempt = await bo.accept(offer)
    expect(attempt).toMatchObject({ member: 'bo', task: { id: 'letter', status: 'in_progress', holder: 'bo' } })
    expect(ana.inbox).toMatchObject([{ kind: 'task.accept', sender: 'bo', replyTo: offer.id, hops: 1 }])
    expect(deliveryOf(offer.id, 'bo')).toMatchObject({ state: 'acknowledged' })
    expect(deliveryOf(offer.id, 'cy')).toMatchObject({ state: 'expired', reasons: ['taken by bo'] })
    await attempt.complete({ result: 'Dear Dee' })
  })

  it('is one commit with what it says', async () => {
    const offer = await ana.offer('letter', 'bo')
    const before = crew.journal.head?.seq ?? 0
    await bo.accept(offer.id ?? '')
    expect(crew.journal.head?.seq).toBe(before + 1)
  })

  it('comes too late when another was faster, and hears who', async () => {
    const offer = await ana.offer('letter', ['bo', 'cy'])
    await environment.advance(1000)
    await bo.accept(offer)
    const late = { code: 'already_claimed', details: { id: 'letter', holder: 'bo' } }
    await expect(cy.accept(offer)).rejects.toMatchObject(late)
    await expect(cy.decline(offer, 'no time')).rejects.toMatchObject(late)
    // Twice, as by two processes of one member.
    await expect(bo.accept(offer)).rejects.toMatchObject(late)
    expect(crew.tracker.get('letter')?.attemptCount).toBe(1)
  })

  it('comes too late when the offer has expired', async () => {
    const offer = await ana.offer('letter', 'bo', { expiresAt: environment.now() + 60_000 })
    await environment.advance(60_000)
    await expect(bo.accept(offer)).rejects.toMatchObject({
      code: 'invalid_transition',
      message: expect.stringContaining('expired at') as string,
    })
    expect(deliveryOf(offer.id, 'bo')).toMatchObject({ state: 'expired' })
    expect((await bo.accept(await ana.offer('letter', 'bo'))).task.holder).toBe('bo')
    expect(crew.tracker.get('letter')?.offers).toEqual([])
  })

  it('of a task that was cancelled says so', async () => {
    const offer = await ana.offer('letter', 'bo')
    await crew.tracker.cancel('letter')
    await expect(bo.accept(offer)).rejects.toMatchObject({
      code: 'invalid_transition',
      message: expect.stringContaining('the task is cancelled') as string,
    })
  })

  it('waits for what the task depends on, and the offer stands', async () => {
    await crew.tracker.create({ id: 'stamp', description: 'Buy a stamp', assignees: 'cy' })
    await crew.tracker.addDependency('letter', 'stamp')
    const offer = await ana.offer('letter', 'bo')
    await expect(bo.accept(offer)).rejects.toMatchObject({ code: 'not_eligible' })
    await (await cy.claim())?.complete()
    expect((await bo.accept(offer)).task.status).toBe('in_progress')
  })

  it('respects capacity', async () => {
    await bo.claim({ taskId: 'letter' })
    await crew.tracker.create({ id: 'poem', description: 'Write a poem' })
    const offer = await ana.offer('poem', 'bo')
    await expect(bo.accept(offer)).rejects.toMatchObject({ code: 'not_eligible' })
  })

  it('takes the place of who offers among the assignees', async () => {
    await crew.tracker.assign('letter', ['ana', 'cy'])
    expect((await bo.accept(await ana.offer('letter', 'bo'))).task.assignees).toEqual(['bo', 'cy'])
  })

  it('of a task that others have by hand takes it over', async () => {
    await crew.tracker.assign('letter', 'cy')
    expect((await bo.accept(await ana.offer('letter', 'bo'))).task.assignees).toEqual(['bo'])
  })

  it('is only for those whom it was offered to, and only of offers', async () => {
    const offer = await ana.offer('letter', 'bo')
    await expect(cy.accept(offer)).rejects.toMatchObject({ code: 'permission_denied' })
    const mail = await ana.send('bo', 'hello')
    await expect(bo.accept(mail)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(bo.accept('nothing')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('within a listener settles the message once', async () => {
    const errors: unknown[] = []
    const loud = await openCrew({ environment, onError: (error) => errors.push(error) })
    const [dee, eli] = [await loud.join('dee'), await loud.join('eli')]
    await loud.tracker.create({ id: 'letter', description: 'Write a letter' })
    const running = eli.listen(async (message) => {
      const attempt = await eli.accept(message)
      await attempt.complete()
    })
    await dee.offer('letter', 'eli')
    await loud.idle()
    await running.stop()
    expect(loud.tracker.get('letter')?.status).toBe('completed')
    expect(errors).toEqual([])
  })
})

describe('declining', () => {
  it('tells who offered it why, and leaves the offer to the others', async () => {
    const offer = await ana.offer('letter', ['bo', 'cy'])
    await bo.decline(offer, 'I am on leave')
    expect(ana.inbox).toMatchObject([
      { kind: 'task.decline', sender: 'bo', content: 'I am on leave', replyTo: offer.id },
    ])
    expect(bo.inbox).toEqual([])
    expect(crew.tracker.get('letter')?.offers).toMatchObject([{ to: ['cy'] }])
    await expect(bo.accept(offer)).rejects.toMatchObject({
      code: 'invalid_transition',
      message: expect.stringContaining('declined by bo') as string,
    })
    expect((await cy.accept(offer)).task.holder).toBe('cy')
  })

  it('by the last ends the offer', async () => {
    const offer = await ana.offer('letter', 'bo')
    await bo.decline(offer, 'no time')
    expect(crew.tracker.get('letter')?.offers).toEqual([])
  })
})

describe('handing off', () => {
  let attempt: Attempt

  beforeEach(async () => {
    attempt = (await ana.claim({ taskId: 'letter' })) as Attempt
    await attempt.progress({ value: 0.4, note: 'Greeting written', usage: { tokens: 100 } })
  })

  it('ends the attempt and tells the next what there is to know', async () => {
    const offer = await ana.handOff(attempt, 'bo', 'My shift ends; the second page is missing')
    expect(offer).toMatchObject({
      kind: 'task.handoff',
      content: 'My shift ends; the second page is missing',
      metadata: {
        progress: { value: 0.4, note: 'Greeting written' },
        usage: { tokens: 100 },
        tried: [{ member: 'ana' }],
      },
    })
    const next = await bo.accept(offer)
    expect(next.task).toMatchObject({ progress: { value: 0.4 }, assignees: [] })
    expect(next.handedOver).toEqual({
      by: 'ana',
      note: 'My shift ends; the second page is missing',
      to: ['bo'],
    })
    await expect(attempt.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
  })

  it('keeps the task for those named for one lease, then for whoever may', async () => {
    await ana.handOff(attempt, 'bo', 'Take over')
    expect(await cy.claim()).toBeUndefined()
    await environment.advance(60_000)
    expect((await cy.claim())?.task.id).toBe('letter')
  })

  it('lets a worker go on without a word, and the offer is over', async () => {
    const offer = await ana.handOff(attempt, 'bo', 'Take over')
    expect((await bo.claim())?.task.id).toBe('letter')
    await expect(bo.accept(offer)).rejects.toMatchObject({ code: 'already_claimed' })
  })

  it('puts the next in the place of who was assigned', async () => {
    await attempt.release()
    await crew.tracker.assign('letter', ['ana', 'cy'])
    const again = (await ana.claim()) as Attempt
    await ana.handOff(again, 'bo', 'Take over')
    expect(crew.tracker.get('letter')?.assignees).toEqual(['bo', 'cy'])
  })

  it('that is declined is for whoever may, at once', async () => {
    await attempt.release()
    await crew.tracker.assign('letter', 'ana')
    const offer = await ana.handOff((await ana.claim()) as Attempt, 'bo', 'Take over')
    await bo.decline(offer, 'no time')
    expect(crew.tracker.get('letter')).toMatchObject({ assignees: [], offers: [] })
    expect((await cy.claim())?.task.id).toBe('letter')
  })

  it.each([
    ['oneself', 'ana', 'not_eligible'],
    ['a stranger', 'zoe', 'not_found'],
    ['nobody', [], 'invalid_input'],
  ])('to %s is refused, and the attempt goes on', async (_, to, code) => {
    await expect(ana.handOff(attempt, to, 'Take over')).rejects.toMatchObject({ code })
    expect((await attempt.complete()).status).toBe('completed')
  })

  it('of an attempt of another, or one that is over, is refused', async () => {
    await expect(bo.handOff(attempt, 'cy', 'Take over')).rejects.toMatchObject({ code: 'permission_denied' })
    await attempt.release()
    await expect(ana.handOff(attempt, 'bo', 'Take over')).rejects.toMatchObject({ code: 'stale_attempt' })
  })

  it('of a task that is to be cancelled is refused', async () => {
    await crew.tracker.cancel('letter')
    await expect(ana.handOff(attempt, 'bo', 'Take over')).rejects.toMatchObject({ code: 'invalid_transition' })
    expect((await attempt.release()).status).toBe('cancelled')
  })

  it('round and round ends after ten times, and says so to who holds it', async () => {
    let held = attempt
    for (let nth = 0; nth < 10; nth++) {
      const [from, to] = nth % 2 === 0 ? [ana, bo] : [bo, ana]
      held = await to.accept(await from.handOff(held, to.id, 'Not mine'))
    }
    await expect(ana.handOff(held, 'bo', 'Not mine')).rejects.toMatchObject({ code: 'loop_detected' })
    expect((await held.complete()).status).toBe('completed')
  })

  it('leaves a partner who dies without what it was handed', async () => {
    const next = await bo.accept(await ana.handOff(attempt, 'bo', 'Take over'))
    await bo.handOff(next, 'cy', 'I am dying')
    await crew.leave('cy')
    await environment.advance(60_000)
    expect((await ana.claim())?.task.id).toBe('letter')
  })

  it('in both directions at once leaves each with the task of the other', async () => {
    await crew.tracker.create({ id: 'poem', description: 'Write a poem' })
    const other = (await bo.claim()) as Attempt
    const [toBo, toAna] = await Promise.all([ana.handOff(attempt, 'bo', 'Swap'), bo.handOff(other, 'ana', 'Swap')])
    expect((await bo.accept(toBo)).task.id).toBe('letter')
    expect((await ana.accept(toAna)).task.id).toBe('poem')
  })
})

describe('asking for work', () => {
  it('is a claim, told in the thread of the task', async () => {
    const { attempt } = await bo.request()
    expect(attempt?.task.id).toBe('letter')
    expect(kindsIn('letter')).toEqual([['task.request', 'bo']])
  })

  it('says why there is nothing, and when to ask again', async () => {
    await crew.tracker.cancel('letter')
    expect(await bo.request()).toEqual({
      none: expect.stringContaining('Nothing is ready') as string,
      retryAfterMs: 60_000,
    })
    await crew.tracker.create({ id: 'poem', description: 'Write a poem', notBefore: environment.now() + 5000 })
    expect(await bo.request()).toMatchObject({ retryAfterMs: 5000 })
    await bo.setAvailability(false)
    expect(await bo.request()).toMatchObject({ none: expect.stringContaining('not available') as string })
  })

  it('says that a filter keeps it from what there is', async () => {
    expect(await bo.request({ label: 'urgent' })).toMatchObject({
      none: expect.stringContaining('filter') as string,
    })
  })

  it('changes nothing when there is nothing', async () => {
    await crew.tracker.cancel('letter')
    const before = crew.journal.head?.seq
    await bo.request()
    expect(crew.journal.head?.seq).toBe(before)
  })
})

describe('a tracker without mail', () => {
  it.each<[string, (tracker: TaskTracker, fence: number) => Promise<unknown>]>([
    ['an offer', (tracker) => tracker.offer('poem', 'bo', { by: 'ana' })],
    ['a hand-off', (tracker, fence) => tracker.handOff('letter', 'bo', { note: 'Yours', fence })],
    ['a call for help', (tracker, fence) => tracker.askForHelp('letter', 'How?', { fence, skills: {} })],
  ])('refuses %s, which nobody would hear of', async (_, call) => {
    const tracker = new TaskTracker()
    await tracker.createMany([
      { id: 'letter', description: 'Write a letter' },
      { id: 'poem', description: 'Write a poem' },
    ])
    const { fence } = (await tracker.claim('ana', { taskId: 'letter' })) as Attempt
    // Named once, one is a member.
    await tracker.assign('poem', 'bo')
    await tracker.unassign('poem')
    const before = tracker.list()
    await expect(call(tracker, fence)).rejects.toThrow(/open a crew/)
    expect(tracker.list()).toEqual(before)
  })
})

describe('asking for help', () => {
  it('goes to those who have the skills, best first', async () => {
    await crew.join('dee', { skills: { prose: 0.6 } })
    const attempt = (await cy.claim()) as Attempt
    const question = await cy.askForHelp(attempt, 'Which greeting?', { skills: { prose: 0.5 } })
    expect(question).toMatchObject({ kind: 'task.help', recipients: ['bo', 'dee', 'ana'], taskId: 'letter' })
    const answer = cy.awaitReply(question)
    await bo.reply(question, 'Dear')
    expect((await answer).content).toBe('Dear')
  })

  it('goes by default to those who could do the task, and to nobody else', async () => {
    await crew.tracker.create({ id: 'poem', description: 'Write a poem', requires: { prose: 0.8 }, priority: 2 })
    const attempt = (await bo.claim()) as Attempt
    await expect(bo.askForHelp(attempt, 'A rhyme?')).rejects.toMatchObject({ code: 'not_eligible' })
    await expect(ana.askForHelp(attempt, 'A rhyme?')).rejects.toMatchObject({ code: 'permission_denied' })
  })
})
