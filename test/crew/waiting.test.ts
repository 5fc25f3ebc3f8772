import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, type Member, openCrew, type WaitOptions } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

const MINUTE = 60_000

let environment: ManualEnvironment
let crew: Crew
let ana: Member
let paul: Member
let quinn: Member

beforeEach(async () => {
  environment = manualEnvironment()
  crew = await openCrew({ environment })
  ana = await crew.join('ana')
  paul = await crew.join('paul', { kind: 'human' })
  quinn = await crew.join('quinn', { kind: 'human' })
  await crew.tracker.create({ id: 'refund', description: 'Refund 900 euros' })
})

const ask = async (options: Omit<WaitOptions, 'for'>) =>
  ((await ana.claim()) as Attempt).wait({ for: 'approval', question: 'Refund?', ...options })

describe('an answer', () => {
  it('is told to who asked, and the question is off the table of all who were asked', async () => {
    await ask({ of: ['paul', 'quinn'] })
    const [question] = paul.inbox
    expect(question).toMatchObject({ kind: 'task.question', content: 'Refund?' })
    await paul.answer('refund', { pay: true })
    expect(ana.inbox).toMatchObject([
      { kind: 'task.answer', sender: 'paul', content: { pay: true }, replyTo: question?.id, hops: 1 },
    ])
    expect([paul.inbox, quinn.inbox]).toEqual([[], []])
    expect(crew.communications.deliveries(question?.id ?? '')).toMatchObject([
      { recipient: 'paul', state: 'acknowledged' },
      { recipient: 'quinn', state: 'expired', reasons: ['it was answered'] },
    ])
    expect((await ana.claim())?.answer).toMatchObject({ answer: { pay: true }, by: 'paul' })
  })

  it('after the deadline is refused', async () => {
    await ask({ of: 'paul', withinMs: MINUTE })
    await environment.advance(MINUTE)
    await expect(paul.answer('refund', 'yes')).rejects.toMatchObject({ code: 'invalid_transition' })
    expect(crew.tracker.get('refund')).toMatchObject({ status: 'failed', failure: { code: 'timed_out' } })
    expect(paul.inbox).toEqual([])
  })

  it('is not waited for any more once the task is cancelled', async () => {
    await ask({ of: 'paul' })
    await crew.tracker.cancel('refund')
    expect(paul.inbox).toEqual([])
  })
})

describe('an answer to one question', () => {
  beforeEach(async () => {
    await ask({ question: 'Pay 10?', of: 'paul', withinMs: MINUTE, onTimeout: 'resume' })
  })

  it('is refused once something else is asked, and answers the one that is asked', async () => {
    const [first] = await paul.receive()
    await environment.advance(MINUTE)
    await ask({ question: 'Pay 1000?', of: 'paul' })
    const late = paul.answer(first?.message ?? '', 'yes to 10')
    await expect(late).rejects.toMatchObject({ code: 'stale_version', details: { id: 'refund' } })
    const [second] = await paul.receive()
    await paul.answer(second?.message ?? '', 'yes to 1000')
    expect(crew.tracker.get('refund')?.answers).toMatchObject([{ question: 'Pay 1000?', answer: 'yes to 1000' }])
  })

  it('is refused once anybody at all is asked, in the same millisecond too', async () => {
    const [first] = await paul.receive()
    await quinn.send('ana', 'Paul is away')
    await crew.tracker.cancel('refund', { force: true })
    await crew.tracker.create({ id: 'gift', description: 'A gift' })
    await ((await ana.claim()) as Attempt).wait({ for: 'input', question: 'Red?', of: 'paul' })
    const [red] = (await paul.receive()).map(({ message }) => message)
    await paul.answer(red ?? '', 'yes')
    await ((await ana.claim()) as Attempt).wait({ for: 'input', question: 'How many?' })
    await expect(paul.answer(red ?? '', 'yes')).rejects.toMatchObject({ code: 'stale_version' })
    await paul.answer('gift', 3)
    const [, answer] = ana.inbox.filter(({ kind }) => kind === 'task.answer')
    // Nobody was mailed, so it answers no message.
    expect(answer).toMatchObject({ content: 3 })
    expect(answer?.replyTo).toBeUndefined()
    expect(first?.message.id).not.toBe(red?.id)
  })

  it('is told what became of it when it comes too late', async () => {
    await paul.answer('refund', 'yes')
    await expect(paul.answer('refund', 'no')).rejects.toMatchObject({
      code: 'invalid_transition',
      message: expect.stringMatching(/waits for no answer now; paul answered at 2026/) as string,
    })
  })

  it('is no reply, which says what to call', async () => {
    const [first] = await paul.receive()
    await expect(paul.reply(first?.message ?? '', 'yes')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('call answer(message, answer)') as string,
    })
  })
})

describe('an approval', () => {
  it('is not given by who asks for it, unless the task lets it', async () => {
    await ask({})
    await expect(ana.answer('refund', 'yes')).rejects.toMatchObject({ code: 'permission_denied' })
    await paul.answer('refund', 'yes')
    await crew.tracker.cancel('refund')
    await crew.tracker.create({ id: 'stamp', description: 'Buy a stamp', selfReview: true })
    await ask({})
    expect((await ana.answer('stamp', 'yes')).status).toBe('pending')
  })
})

describe('when nobody answers in time', () => {
  it('it goes on with the default', async () => {
    await ask({ of: 'paul', withinMs: MINUTE, onTimeout: { answer: 'no' } })
    await environment.advance(MINUTE)
    expect(paul.inbox).toEqual([])
    expect(ana.inbox).toMatchObject([{ kind: 'task.answer', sender: 'crew', content: 'no' }])
    expect((await ana.claim())?.answer).toMatchObject({ answer: 'no', by: 'crew' })
  })

  it('it is put to one after another, and ends as the last says', async () => {
    await ask({
      of: 'paul',
      withinMs: MINUTE,
      onTimeout: { ask: 'quinn', withinMs: 2 * MINUTE, onTimeout: { answer: 'no' } },
    })
    await environment.advance(MINUTE)
    expect([paul.inbox.length, quinn.inbox.length]).toEqual([0, 1])
    await expect(paul.answer('refund', 'yes')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(crew.tracker.get('refund')?.waitingFor).toMatchObject({
      of: ['quinn'],
      until: environment.now() + 2 * MINUTE,
    })
    await environment.advance(2 * MINUTE)
    expect(crew.tracker.get('refund')).toMatchObject({ status: 'pending', answers: [{ answer: 'no' }] })
    expect(quinn.inbox).toEqual([])
  })

  it('others are asked without an end when none is named', async () => {
    await ask({ of: 'paul', withinMs: MINUTE, onTimeout: { ask: 'quinn' } })
    await environment.advance(100 * MINUTE)
    expect((await quinn.answer('refund', 'yes')).status).toBe('pending')
  })

  it.each([
    ['a stranger', { ask: 'paul', withinMs: 1, onTimeout: { ask: 'zoe' } }, 'not_found'],
    ['over eight escalations', nested(9), 'limit_exceeded'],
    ['something else', 'shrug' as never, 'invalid_input'],
  ] as const)('%s is refused, and the attempt goes on', async (_, onTimeout, code) => {
    const attempt = (await ana.claim()) as Attempt
    await expect(attempt.wait({ for: 'approval', of: 'paul', withinMs: 1, onTimeout })).rejects.toMatchObject({ code })
    expect((await attempt.complete()).status).toBe('completed')
  })
})

function nested(levels: number): NonNullable<WaitOptions['onTimeout']> {
  return levels === 0 ? 'fail' : { ask: 'paul', withinMs: 1, onTimeout: nested(levels - 1) }
}

describe('the thread of a task', () => {
  it('tells its story in order', async () => {
    await crew.tracker.create({ id: 'memo', description: 'Write a memo', createdBy: 'paul', reviewers: ['quinn'] })
    await crew.tracker.cancel('refund')
    const pass = () => environment.advance(1000)
    await pass()
    const offer = await paul.offer('memo', ['ana', 'quinn'], { note: 'Who has time?' })
    await pass()
    await quinn.decline(offer, 'I review it')
    await pass()
    const attempt = await ana.accept(offer)
    await pass()
    await attempt.wait({ for: 'input', question: 'To whom?', of: 'paul' })
    await pass()
    await paul.answer('memo', 'To all')
    await pass()
    const again = (await ana.claim()) as Attempt
    await pass()
    const handed = await ana.handOff(again, 'paul', 'Only the greeting is missing')
    await pass()
    const last = await paul.accept(handed)
    await pass()
    await paul.comment('memo', 'Nearly done, @ana')
    await pass()
    await last.complete({ result: 'Dear all' })
    await pass()
    await quinn.review('memo', { passed: true, remarks: 'Well said' })
    const story = crew.communications.thread({ taskId: 'memo' }).toMarkdown()
    const deeds = [...story.matchAll(/^\*\*(.*)\*\* (.*), 2026-.*$/gm)].map(([, who, did]) => `${who} ${did}`)
    expect(deeds).toEqual([
      'paul makes it',
      'paul offers it to ana, quinn',
      'quinn declines what paul offers',
      'ana accepts what paul offers',
      'ana begins attempt 1',
      'ana asks paul',
      'paul answers ana',
      'ana begins attempt 2',
      'ana hands it off to paul',
      'paul accepts what ana offers',
      'paul begins attempt 3',
      'paul comments to ana',
      'paul asks quinn for a review',
      'quinn passes it',
      'Write a memo is completed',
    ])
    expect(story).toContain('Only the greeting is missing')
    expect(crew.communications.thread({ taskId: 'memo' }).toMarkdown({ redact: true })).not.toContain('greeting')
  })

  it('is in the order of what happened, also within one millisecond', async () => {
    await crew.tracker.cancel('refund')
    await crew.tracker.create({ id: 'memo', description: 'Write a memo', createdBy: 'paul', reviewers: ['quinn'] })
    await ((await ana.claim()) as Attempt).complete({ result: 'Hi' })
    await quinn.review('memo', { passed: false, remarks: 'Longer' })
    await ((await ana.claim()) as Attempt).release({ reason: 'tired' })
    const attempt = (await ana.claim()) as Attempt
    await attempt.complete({ result: 'Hello' })
    await quinn.review('memo', { passed: true })
    const story = crew.communications.thread({ taskId: 'memo' }).toMarkdown()
    expect([...story.matchAll(/^\*\*(.*)\*\* (.*), 2026-.*$/gm)].map(([, who, did]) => `${who} ${did}`)).toEqual([
      'paul makes it',
      'ana begins attempt 1',
      'ana asks quinn for a review',
      'quinn sends it back to ana',
      'ana begins attempt 2',
      'ana ends attempt 2: released',
      'ana begins attempt 3',
      'ana asks quinn for a review',
      'quinn passes it',
      'Write a memo is completed',
    ])
  })
})
