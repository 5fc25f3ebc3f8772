import { CrewError, openCrew, type Policy, TaskTracker } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { refusal } from '../support/board.js'
import { stateOf } from '../support/crew-state.js'
import { openTeam } from '../support/team.js'

/** A crew whose policy writes down what it is asked. */
async function openWatched(verdict: (...asked: Parameters<Policy>) => boolean | string = () => true) {
  const asked: [member: string, command: string, target: unknown][] = []
  let isOpen = false
  const policy: Policy = (...about) => {
    asked.push(about)
    return !isOpen || verdict(...about)
  }
  const team = await openTeam(['ana', 'bo'], { policy })
  asked.length = 0
  isOpen = true
  return { ...team, asked, ana: team.crew.as('ana'), bo: team.crew.as('bo') }
}

describe('a policy', () => {
  it('is asked about all that a member does, by the name of the command, with what it says', async () => {
    const { crew, tracker, asked, ana, bo } = await openWatched()
    await tracker.create({ id: 't', description: 'Tides', reviewers: ['bo'] }, { by: 'ana' })
    await tracker.update('t', { priority: 2, title: null }, { by: 'ana' })
    await tracker.assign('t', 'ana', { by: 'bo' })
    await tracker.unassign('t', { by: 'bo' })
    const attempt = (await ana.claim({ taskId: 't' }))!
    await attempt.progress({ value: 0.5 })
    await attempt.complete({ result: { files: 3 } })
    await bo.review('t', { passed: false, remarks: 'no' })
    await ana.comment('t', 'Look, @bo')
    const message = await ana.send('bo', 'Hi')
    await ana.broadcast('all')
    await ana.publish('news', 'N')
    const [delivery] = await bo.receive({ limit: 1 })
    await bo.acknowledge(delivery!)
    const [returned] = await bo.receive({ limit: 1 })
    await bo.giveBack(returned!, { reason: 'busy', delayMs: 5000 })
    await bo.reply(message, 'Ho')
    await bo.follow('news')
    await bo.unfollow('news')
    ana.ask('bo', 'Well?').catch(() => undefined)
    await ana.setAvailability(false)
    await crew.join('ana', { capacity: 2 })
    await crew.leave('bo')
    expect(asked.map(([member, command]) => `${member} ${command}`)).toEqual([
      'ana create',
      'ana update',
      'bo assign',
      'bo unassign',
      'ana claim',
      'ana progress',
      'ana complete',
      'bo review',
      'ana comment',
      'ana send',
      'ana broadcast',
      'ana publish',
      'bo receive',
      'bo acknowledge',
      'bo receive',
      'bo giveBack',
      'bo reply',
      'bo follow',
      'bo unfollow',
      'ana ask',
      'ana setAvailability',
      'ana join',
      'bo leave',
    ])
    const target = (command: string) => asked.find(([, name]) => name === command)?.[2]
    expect(target('create')).toEqual({ id: 't', description: 'Tides', reviewers: ['bo'] })
    expect(target('update')).toEqual({ taskId: 't', change: { priority: 2, title: null } })
    expect(target('assign')).toEqual({ taskId: 't', to: ['ana'] })
    expect(target('claim')).toEqual({ taskId: 't' })
    expect(target('complete')).toEqual({ taskId: 't', result: { files: 3 } })
    expect(target('review')).toEqual({ taskId: 't', passed: false, remarks: 'no' })
    expect(target('comment')).toEqual({ taskId: 't', text: 'Look, @bo', recipient: ['bo'] })
    expect(target('send')).toEqual({ sender: 'ana', recipient: 'bo', content: 'Hi' })
    expect(target('broadcast')).toEqual({ sender: 'ana', recipient: ['bo'], content: 'all' })
    expect(target('publish')).toEqual({ sender: 'ana', recipient: [], topic: 'news', content: 'N' })
    expect(target('receive')).toEqual({ limit: 1, leaseMs: 60_000 })
    expect(target('acknowledge')).toEqual({ messageId: delivery!.message.id, count: 1 })
    expect(target('giveBack')).toEqual({
      messageId: returned!.message.id,
      count: 1,
      reason: 'busy',
      delayMs: 5000,
    })
    expect(target('reply')).toMatchObject({ recipient: 'ana', replyTo: message.id })
    expect(target('follow')).toEqual({ topic: 'news' })
    expect(target('ask')).toEqual({ sender: 'ana', recipient: 'bo', content: 'Well?' })
    expect(target('unfollow')).toEqual({ topic: 'news' })
    expect(target('setAvailability')).toEqual({ available: false })
    expect(target('join')).toEqual({ capacity: 2 })
    for (const [, , about] of asked) expect([JSON.parse(JSON.stringify(about)), about]).toEqual([about, about])
    expect(asked.every(([, , about]) => Object.isFrozen(about))).toBe(true)
  })

  it('is not asked about what nobody in particular does', async () => {
    const { crew, tracker, asked } = await openWatched(() => false)
    await tracker.create({ id: 't', description: 'Tides', assignees: 'ana' })
    await tracker.start('t')
    await tracker.update('t', { priority: 3 })
    await crew.close()
    expect(asked).toEqual([])
  })

  it.each([
    [false, 'ana may not send: the policy of this crew says no; ask somebody who may'],
    ['only to cy', 'ana may not send: only to cy'],
  ])('that answers %j refuses, and nothing has changed (SEC-07)', async (verdict, message) => {
    const { crew, ana } = await openWatched(() => verdict)
    const before = [stateOf(crew), crew.journal.head]
    const error = await refusal(ana.send('bo', 'Hi'))
    expect(error).toMatchObject({ code: 'permission_denied', details: { member: 'ana', command: 'send' } })
    expect(error.message).toBe(message)
    expect([stateOf(crew), crew.journal.head]).toEqual(before)
  })

  it('that throws refuses, too, and the error has the cause', async () => {
    const cause = new Error('no such table')
    const { crew, ana } = await openWatched(() => {
      throw cause
    })
    const error = await refusal(ana.send('bo', 'Hi'))
    expect(error).toMatchObject({ code: 'permission_denied', cause })
    expect(error.message).toBe('ana may not send: the policy failed; mend it')
    expect(crew.communications.messages()).toEqual([])
  })

  it.each([[undefined], [null], [1], [''], [{}], [Promise.resolve(true)]])(
    'that answers %j refuses, as that is no answer',
    async (answer) => {
      let isOpen = false
      const policy = (() => (isOpen ? answer : true)) as never
      const { crew, communications, environment } = await openTeam(['ana', 'bo'], { policy })
      isOpen = true
      const error = await refusal(crew.as('ana').send('bo', 'Hi'))
      expect([error.code, error.message]).toEqual([
        'permission_denied',
        'ana may not send: the policy must answer true, false or a reason, at once; mend it',
      ])
      await environment.settle()
      expect(communications.messages()).toEqual([])
    },
  )

  it('that promises refuses, and what becomes of the promise is told, not thrown about', async () => {
    let isOpen = false
    const late = new Error('late')
    const policy = (() => (isOpen ? Promise.reject(late) : true)) as never
    const { crew, environment, errors } = await openTeam(['ana', 'bo'], { policy })
    isOpen = true
    expect((await refusal(crew.as('ana').send('bo', 'Hi'))).code).toBe('permission_denied')
    await environment.settle()
    expect(errors).toContain(late)
  })

  it('sees what is true when it is decided, commands of the same commit included', async () => {
    // Guard: task-tracker.ts, #create: `desk.access?.permit(…)` is called within the decision, not before it.
    const tracker: TaskTracker = new TaskTracker({
      policy: (_, command) => command !== 'create' || tracker.count() < 2 || 'two are enough',
    })
    const calls = [1, 2, 3].map(() => tracker.create({ description: 'x' }, { by: 'ana' }).catch((e: unknown) => e))
    const [, , third] = await Promise.all(calls)
    expect(CrewError.is(third, 'permission_denied')).toBe(true)
    expect(tracker.count()).toBe(2)
  })

  it('is asked about each attempt by who made it, also when another one is current', async () => {
    const { tracker, asked, ana, bo } = await openWatched()
    await tracker.create({ id: 't', description: 'Tides' })
    const old = (await ana.claim())!
    await old.release()
    await bo.claim()
    asked.length = 0
    expect((await refusal(old.complete())).code).toBe('stale_attempt')
    expect(asked[0]!.slice(0, 2)).toEqual(['ana', 'complete'])
  })

  it('covers every way to write to somebody (SEC-05)', async () => {
    const policy: Policy = (member, _, { recipient }) =>
      !(member === 'ana' && [recipient].flat().includes('bo')) || 'ana and bo do not write to each other'
    const { crew, communications, tracker } = await openTeam(['ana', 'bo', 'cy'], { policy })
    const [ana, bo] = [crew.as('ana'), crew.as('bo')]
    const fromBo = await bo.send('ana', 'Hi')
    await bo.follow('news')
    await tracker.create({ id: 't', description: 'Tides' })
    const ways = [
      ana.send('bo', 'x'),
      ana.send(['cy', 'bo'], 'x'),
      ana.reply(fromBo, 'x'),
      ana.ask('bo', 'x'),
      ana.broadcast('x'),
      ana.publish('news', 'x'),
      ana.comment('t', '@bo, look'),
    ]
    for (const way of ways) expect((await refusal(way)).code).toBe('permission_denied')
    expect(communications.inbox('bo')).toEqual([])
    await ana.send('cy', 'x')
  })

  it('is no reason to stop for what is due by the clock', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment, policy: (_, command) => command !== 'cancel' })
    await crew.join('ana')
    await crew.tracker.create({ id: 't', description: 'x', failAt: environment.now() + 1000 })
    environment.setWallClock(environment.now() + 2000)
    expect((await refusal(crew.tracker.cancel('t', { by: 'ana' }))).code).toBe('permission_denied')
    expect(crew.tracker.status('t')).toBe('failed')
  })
})
