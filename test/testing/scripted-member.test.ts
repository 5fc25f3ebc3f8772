import { MemoryStorage, openCrew, TaskTracker } from 'crewlog'
import {
  asks,
  checkJournal,
  completes,
  dies,
  fails,
  faultyStorage,
  manualEnvironment,
  recordEvents,
  releases,
  reports,
  says,
  scriptedMember,
  stalls,
  takes,
} from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const invalid: unknown = expect.objectContaining({ code: 'invalid_input' })

describe('a scripted member', () => {
  it('joins with its skills, takes tasks, thinks for so long, and completes', async () => {
    const { crew, tracker, environment } = await openTeam([])
    const ana = await scriptedMember(crew, 'ana', {
      skills: { text: 0.9 },
      capacity: 2,
      script: [takes('5s'), completes({ words: 300 }, { usage: { tokens: 7 } })],
    })
    expect(ana.member.info).toMatchObject({ id: 'ana', skills: { text: 0.9 }, capacity: 2 })
    await tracker.create({ id: 'tides', description: 'Tides', requires: { text: 0.8 } })
    await environment.advance(4999)
    expect(tracker.status('tides')).toBe('in_progress')
    await environment.advance(1)
    expect(tracker.get('tides')).toMatchObject({ status: 'completed', result: { words: 300 }, usage: { tokens: 7 } })
    expect(ana.log).toEqual(['tides: takes 5s', 'tides: completes'])
  })

  it('plays one part of its script in each attempt, and the last again and again', async () => {
    const { crew, tracker, environment } = await openTeam([])
    await scriptedMember(crew, 'ana', {
      script: [fails('overloaded'), releases('busy'), takes('1s'), fails('still', { usage: { tokens: 1 } })],
    })
    await tracker.create({ id: 'tides', description: 'Tides', retry: { attempts: 4 } })
    await environment.advance('10m')
    expect(tracker.get('tides')?.attempts.map(({ outcome, reason }) => `${outcome ?? ''} ${reason ?? ''}`)).toEqual([
      'failed overloaded',
      'released busy',
      'failed still',
      'failed still',
      'failed still',
    ])
    expect(tracker.get('tides')).toMatchObject({ status: 'failed', usage: { tokens: 3 } })
  })

  it('fails for good when told so', async () => {
    const { crew, tracker, environment, errors } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: [fails('no such moon', { retryable: false })] })
    await tracker.create({ id: 'tides', description: 'Tides' })
    await environment.settle()
    expect(tracker.get('tides')).toMatchObject({ status: 'failed', failure: { message: 'no such moon' } })
    expect(errors).toEqual([])
  })

  it('has a script for each kind, and begins it anew for each task', async () => {
    const { crew, tracker, environment } = await openTeam([])
    const ana = await scriptedMember(crew, 'ana', {
      script: { article: [fails('once'), completes('article')], '*': [completes('other')] },
    })
    await tracker.create({ id: 'a', description: 'A', kind: 'article' })
    await tracker.create({ id: 'b', description: 'B', kind: 'article' })
    await tracker.create({ id: 'c', description: 'C' })
    await environment.advance('1m')
    expect(tracker.list().map(({ id, result, attemptCount }) => [id, result, attemptCount])).toEqual([
      ['a', 'article', 2],
      ['b', 'article', 2],
      ['c', 'other', 1],
    ])
    await ana.stop()
    await tracker.create({ id: 'd', description: 'D' })
    await environment.advance('1m')
    expect(tracker.status('d')).toBe('pending')
  })

  it('takes only the kinds that it has a script for', async () => {
    const { crew, tracker, environment } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: { article: [completes()] } })
    await scriptedMember(crew, 'bo')
    await tracker.create({ id: 'a', description: 'A', kind: 'article' })
    await tracker.create({ id: 'b', description: 'B', kind: 'book' })
    await environment.advance('1m')
    expect([tracker.status('a'), tracker.status('b')]).toEqual(['completed', 'pending'])
  })

  it('reports, says things, and does whatever a function does', async () => {
    const { crew, tracker, environment } = await openTeam(['bo'])
    await scriptedMember(crew, 'ana', {
      script: [
        reports({ value: 0.5, note: 'half' }),
        says('bo', 'Half done'),
        async (attempt, member) => {
          await member.send('bo', `${attempt.task.id} by ${member.id}`)
        },
        () => ({ words: 3 }),
      ],
    })
    await tracker.create({ id: 'tides', description: 'Tides' })
    await environment.settle()
    expect(tracker.get('tides')).toMatchObject({
      status: 'completed',
      progress: { note: 'half' },
      result: { words: 3 },
    })
    expect(crew.as('bo').inbox.map(({ content, taskId }) => [content, taskId])).toEqual([
      ['Half done', 'tides'],
      ['tides by ana', undefined],
    ])
  })

  it('asks, is answered from a table, and goes on', async () => {
    const { crew, tracker, environment } = await openTeam([])
    await scriptedMember(crew, 'ana', {
      script: [asks('Which tone?', 'hana'), ({ answer }) => `in a ${answer?.answer as string} tone`],
    })
    const hana = await scriptedMember(crew, 'hana', {
      kind: 'human',
      answers: { 'Which tone?': 'plain', '*': 'no idea' },
      answersAfter: '10m',
    })
    await tracker.create({ id: 'tides', description: 'Tides', assignees: 'ana' })
    await environment.advance('9m')
    expect(tracker.status('tides')).toBe('waiting')
    await environment.advance('1m')
    expect(tracker.get('tides')).toMatchObject({ status: 'completed', result: 'in a plain tone' })
    expect(hana.log).toEqual(['tides: answers Which tone?'])
  })

  it('replies to what it is asked by message, and leaves unanswered what it does not know', async () => {
    const { crew, environment } = await openTeam(['bo'])
    await scriptedMember(crew, 'hana', { answers: (question) => (question === 'Ready?' ? 'yes' : undefined) })
    const reply = crew.as('bo').ask('hana', 'Ready?')
    const none = crew.as('bo').ask('hana', 'Why?', { timeoutMs: 1000 })
    const refused = expect(none).rejects.toMatchObject({ code: 'timed_out' })
    await environment.advance('1s')
    expect((await reply).content).toBe('yes')
    await refused
  })

  it('reviews: sends back with its remarks, then passes', async () => {
    const { crew, tracker, environment } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: [completes('long'), completes('short')] })
    const rita = await scriptedMember(crew, 'rita', { reviews: ['shorter', true] })
    await tracker.create({ id: 'tides', description: 'Tides', assignees: 'ana', reviewers: ['rita'] })
    await environment.advance('5m')
    expect(tracker.get('tides')).toMatchObject({
      status: 'completed',
      result: 'short',
      answers: [
        { passed: false, remarks: 'shorter', by: 'rita' },
        { passed: true, by: 'rita' },
      ],
    })
    expect(rita.log).toEqual(['tides: sends back', 'tides: passes'])
  })

  it('is stopped by a budget without a complaint', async () => {
    const { crew, tracker, environment, errors } = await openTeam([])
    await scriptedMember(crew, 'ana', {
      script: [reports({ usage: { tokens: 600 } }), fails('no', { usage: { tokens: 5 } })],
    })
    await tracker.create({ id: 'tides', description: 'Tides', budget: { tokens: 1000 } })
    await environment.advance('1h')
    expect(tracker.get('tides')).toMatchObject({
      failure: { code: 'budget_spent' },
      usage: { tokens: 1205 },
      attemptCount: 2,
    })
    expect(errors).toEqual([])
  })

  it('stalls until the task is taken from it', async () => {
    const { crew, tracker, environment, errors } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: [stalls(), completes('at last')] })
    await tracker.create({ id: 'tides', description: 'Tides', timeLimitMs: 60_000 })
    await environment.advance('30s')
    expect(tracker.status('tides')).toBe('in_progress')
    await environment.advance('1m')
    expect(tracker.get('tides')).toMatchObject({ status: 'completed', attempts: [{ outcome: 'timed_out' }, {}] })
    expect(errors).toEqual([])
  })

  it('stops thinking when the task is cancelled', async () => {
    const { crew, tracker, environment, errors } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: [takes('1h'), completes()] })
    await tracker.create({ id: 'tides', description: 'Tides' })
    await environment.advance('1m')
    await tracker.cancel('tides')
    await environment.settle()
    expect(tracker.status('tides')).toBe('cancelled')
    expect(errors).toEqual([])
  })

  it('dies with its process, and comes back after a while', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const open = () => openCrew({ storage, environment, onError: () => undefined })
    const [crew, other] = [await open(), await open()]
    const ana = await scriptedMember(crew, 'ana', {
      capacity: 2,
      script: [takes('10s'), dies('5m'), completes('back')],
      reopen: open,
    })
    await other.sync()
    const events = recordEvents(other)
    await other.tracker.create({ id: 'tides', description: 'Tides' })
    await environment.advance('1m')
    await expect((async () => ana.member.send('ana', 'hello'))()).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('its process died with ana: it comes back 300000 ms after its death') as unknown,
    })
    await environment.advance('10m')
    expect(other.tracker.get('tides')).toMatchObject({
      status: 'completed',
      attempts: [{ outcome: 'lost' }, { outcome: 'completed' }],
    })
    expect(ana.member.info.capacity).toBe(2)
    expect(ana.log).toEqual(['tides: takes 10s', 'tides: dies', 'comes back', 'tides: completes'])
    expect(events.types('task')).toEqual(['created', 'started', 'released', 'started', 'completed'])
    expect(await checkJournal(storage)).toEqual([])
  })

  it('dies for good, and says how to go on', async () => {
    const { crew, tracker, environment } = await openTeam([])
    const ana = await scriptedMember(crew, 'ana', { script: [dies()] })
    await tracker.create({ description: 'Tides' })
    await environment.settle()
    for (const call of [() => ana.member.send('ana', 'hello'), () => crew.sync()])
      await expect((async () => call())()).rejects.toMatchObject({
        code: 'closed',
        message: expect.stringContaining("dies('5m') comes back by itself, with { reopen }") as unknown,
      })
    await ana.stop()
  })

  it('waits for an answer no longer than its step says, as a span', async () => {
    const { crew, tracker, environment } = await openTeam(['hana'])
    const options = { withinMs: '10m', onTimeout: 'resume' } as const
    await scriptedMember(crew, 'ana', { script: [asks('Which tone?', 'hana', options), completes('mine')] })
    await tracker.create({ id: 'tides', description: 'Tides', assignees: 'ana' })
    await environment.advance('9m')
    expect(tracker.status('tides')).toBe('waiting')
    await environment.advance('2m')
    expect(tracker.get('tides')?.result).toBe('mine')
    expect(() => asks('Why?', 'hana', { withinMs: 'soon' })).toThrow('withinMs of asks must be milliseconds')
  })

  it('writes its outcome when the storage is there again', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const crew = await openCrew({ storage, environment, onError: () => undefined })
    await scriptedMember(crew, 'ana', { script: [takes('1s'), completes('kept')] })
    await crew.tracker.create({ id: 'tides', description: 'Tides', retry: { attempts: 1 } })
    storage.fail('error', 'append')
    await environment.advance('50s')
    storage.heal()
    await environment.advance('10s')
    expect(crew.tracker.get('tides')).toMatchObject({ status: 'completed', result: 'kept', attemptCount: 1 })
  })

  it('does the same each time', async () => {
    const run = async (seed: number) => {
      const environment = manualEnvironment({ seed })
      const storage = new MemoryStorage()
      const crew = await openCrew({ environment, storage, onError: () => undefined })
      const events = recordEvents(crew)
      for (const id of ['ana', 'bo']) await scriptedMember(crew, id, { script: [takes('3s'), fails('x'), completes()] })
      await crew.tracker.createMany(Array.from({ length: 6 }, (_, n) => ({ id: `t${n}`, description: `${n}` })))
      await environment.advance('5m')
      return events.all
    }
    expect(await run(7)).toEqual(await run(7))
    expect(await run(7)).not.toEqual(await run(8))
  })

  it.each<[string, object]>([
    ['a script that is none', { script: 'works' }],
    ['a step that is none', { script: ['works'] }],
    ['a kind without a list', { script: { article: takes('1s') } }],
    ['a return without a way back', { script: [dies('1m')] }],
    ['options of no member', { colour: 'red' }],
    ['a span that is none', { answersAfter: 'soon' }],
  ])('refuses %s', async (_, options) => {
    const { crew } = await openTeam([])
    await expect(scriptedMember(crew, 'ana', options)).rejects.toEqual(invalid)
  })

  it('refuses what is no crew, and spans that are none', async () => {
    await expect(scriptedMember(new TaskTracker() as never, 'ana')).rejects.toEqual(invalid)
    expect(() => takes('soon')).toThrow(invalid)
    expect(() => dies(-1)).toThrow(invalid)
  })

  it('comes back only to the journal in which it died', async () => {
    const { crew, tracker, environment, errors } = await openTeam([])
    const reopen = () => openCrew({ environment })
    await scriptedMember(crew, 'ana', { script: [dies('5m')], reopen })
    await tracker.create({ description: 'Tides' })
    await environment.advance('10m')
    expect(errors).toMatchObject([{ message: expect.stringContaining('reopen opened another journal') as unknown }])
  })

  it('has one script at a time', async () => {
    const { crew } = await openTeam([])
    const ana = await scriptedMember(crew, 'ana', { script: [completes()] })
    await expect(scriptedMember(crew, 'ana', { reviews: [true] })).rejects.toMatchObject({ code: 'already_exists' })
    await ana.stop()
    await scriptedMember(crew, 'ana', { reviews: [true] })
  })

  it.each<[string, () => unknown]>([
    ['script ends without an outcome: add completes', () => ({ script: [] })],
    ['script ends without an outcome', () => ({ script: [takes('5s')] })],
    ['script.article ends without an outcome', () => ({ script: { article: [fails('no'), takes('5s')] } })],
    ['options of fails has no field "retriable"', () => ({ script: [fails('no', { retriable: true } as never)] })],
    ['error of fails must be a text', () => ({ script: [fails(undefined as never)] })],
    ['options of completes has no field "tokens"', () => ({ script: [completes('x', { tokens: 5 } as never)] })],
    ['options of asks has no field "within"', () => ({ script: [asks('Why?', 'bo', { within: 5 } as never)] })],
    ['reports has no field "share"', () => ({ script: [reports({ share: 1 } as never)] })],
    ['options has no field "scripts"; it has script, answers', () => ({ scripts: [completes()] })],
    ['options.reviews[0] must be true or false', () => ({ reviews: [5] })],
  ])('refuses when it is built: %s', async (words, options) => {
    const { crew } = await openTeam([])
    const built = async () => scriptedMember(crew, 'ana', options() as never)
    await expect(built()).rejects.toThrow(words)
    await expect(built()).rejects.toMatchObject({ code: 'invalid_input' })
    expect(crew.members).toEqual([])
  })
})
