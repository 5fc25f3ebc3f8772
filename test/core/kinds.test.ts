import { describe, expect, it } from 'vitest'
import { type CrewOptions, type Kinds, MemoryStorage, type StandardSchema, TaskTracker } from 'crewlog'
import { claim, openBoard, openBoards, refusal } from '../support/board.js'
import { article, brief, refused, schema, slowBrief } from '../support/schemas.js'
import { openTeam, watch } from '../support/team.js'

const kinds = { article: { input: brief, result: article }, slow: { input: slowBrief }, note: {} }
/** Untyped, as what models and people send is. */
const openKinds = (more: Kinds = kinds, options: CrewOptions = {}) => openBoard({ kinds: more, ...options })
const draft = (input: unknown, kind = 'article') => ({ description: 'x', kind, input: input as never })

describe('a kind', () => {
  it('stores what the schema makes of an input, here and elsewhere', async () => {
    const [here, there] = await openBoards(2, { kinds })
    const task = await here!.tracker.create(draft({ title: ' Tides ' }))
    expect(task.input).toEqual({ title: 'Tides', words: 300 })
    await there!.crew.sync()
    expect(there!.tracker.get(task.id)?.input).toEqual(task.input)
    expect(await here!.tracker.create(draft({ title: ' Slow tides ', words: 1 }, 'slow'))).toMatchObject({
      input: { title: 'Slow tides', words: 1 },
    })
  })

  it('that is not registered is refused, with the whole batch; no kind is any input', async () => {
    const { tracker } = await openKinds()
    const message = 'draft.kind "novel" is not registered; it is one of article, slow, note'
    expect(await refusal(tracker.create(draft(1, 'novel')))).toMatchObject({ code: 'invalid_input', message })
    expect(await refusal(tracker.createMany([{ description: 'x' }, draft(1, 'novel')]))).toMatchObject({
      message: message.replace('draft', 'drafts[1]'),
    })
    expect(await refusal(tracker.create(draft(1, 'constructor')))).toMatchObject({ code: 'invalid_input' })
    expect(tracker.list()).toEqual([])
    await tracker.create({ description: 'x', input: { any: 'json' } })
    await tracker.create(draft({ any: 'json' }, 'note'))
    expect(tracker.count()).toBe(2)
  })

  it('is only a name where none is registered', async () => {
    const tracker = new TaskTracker()
    expect(await tracker.create(draft(1, 'novel'))).toMatchObject({ kind: 'novel', input: 1 })
    expect(tracker.kinds).toEqual({})
    expect(new TaskTracker({ kinds }).kinds).toEqual(kinds)
  })

  it('refuses with every issue of a batch at once, by path, and tells no values (RP-08)', async () => {
    const { tracker } = await openKinds()
    const error = await refusal(
      tracker.createMany([draft({ title: 'secret', words: 'four' }), draft({ title: 'Tides' }), draft(undefined)]),
    )
    expect(error).toMatchObject({
      code: 'invalid_input',
      message:
        'Does not fit its kind: drafts[0].input.words: Expected a number; drafts[2].input.title: Expected a text',
      details: { issues: 2 },
    })
    expect(tracker.count()).toBe(0)
  })

  it('tells ten issues and the number of the rest, each shortened', async () => {
    const long = schema(() =>
      refused(...Array.from({ length: 14 }, (_, at) => ({ message: 'x'.repeat(1000), path: ['list', at] }))),
    )
    const { tracker } = await openKinds({ long: { input: long } })
    const { message } = await refusal(tracker.create(draft(1, 'long')))
    expect(message).toContain('draft.input.list[9]: xxx')
    expect(message).toMatch(/; and 4 more$/)
    expect(message.length).toBeLessThan(3000)
  })

  it('checks a result as it is completed, by whomever; a task whose result does not fit goes on', async () => {
    const { tracker } = await openKinds()
    await tracker.createMany([draft({ title: 'a' }), draft({ title: 'b' })])
    const attempt = await claim(tracker, 'ana')
    expect(await refusal(attempt.complete({ result: 'no' }))).toMatchObject({
      code: 'invalid_input',
      message: 'Does not fit its kind: its result: Expected at least three letters',
    })
    expect(await refusal(attempt.complete())).toMatchObject({ code: 'invalid_input' })
    expect([attempt.isOver, tracker.status(attempt.task.id)]).toEqual([false, 'in_progress'])
    expect(await attempt.complete({ result: 'Tides' })).toMatchObject({ status: 'completed', result: 'Tides' })
    expect(await attempt.complete({ result: 'Tides' })).toMatchObject({ status: 'completed' })

    const other = tracker.ready()[0]!.id
    await tracker.start(other, { by: 'bo' })
    expect(await refusal(tracker.complete(other, { result: 'no' }))).toMatchObject({ code: 'invalid_input' })
    await tracker.complete(other, { result: 'Tides' })
  })

  it('checks a result before it goes to reviewers', async () => {
    const { tracker } = await openKinds()
    const { id } = await tracker.create({ ...draft({ title: 'a' }), reviewers: ['rita'] })
    await tracker.start(id, { by: 'ana' })
    await refusal(tracker.complete(id, { result: 'no' }))
    expect(await tracker.complete(id, { result: 'Tides' })).toMatchObject({ status: 'waiting', result: 'Tides' })
    expect(await tracker.review(id, { passed: true })).toMatchObject({ status: 'completed', result: 'Tides' })
  })

  it('checks what an update makes of kind and input together', async () => {
    const { tracker } = await openKinds()
    const { id } = await tracker.create(draft({ words: 'many' }, 'note'))
    expect(await refusal(tracker.update(id, { kind: 'article' }))).toMatchObject({
      message: 'Does not fit its kind: change.input.title: Expected a text; change.input.words: Expected a number',
    })
    expect(await refusal(tracker.update(id, { kind: 'novel' }))).toMatchObject({
      message: expect.stringContaining('change.kind "novel" is not registered') as string,
    })
    expect(tracker.get(id)).toMatchObject({ kind: 'note', version: 1 })
    const changed = await tracker.update(id, { kind: 'article', input: { title: ' Tides' } })
    expect(changed).toMatchObject({ kind: 'article', input: { title: 'Tides', words: 300 }, version: 2 })
    await refusal(tracker.update(id, { input: 1 }))
    expect(await tracker.update(id, { input: { title: 'Moon' } })).toMatchObject({
      input: { title: 'Moon', words: 300 },
    })
    expect((await tracker.update(id, { kind: null, input: 1 })).kind).toBeUndefined()
  })

  it('does not ask its schema for what is not in its part', async () => {
    let asked = 0
    const counting = schema((value) => ({ value: ++asked && value }))
    const { tracker } = await openKinds({ counted: { input: counting } })
    const { id } = await tracker.create(draft(1, 'counted'))
    await tracker.update(id, { priority: 2 })
    await tracker.start(id, { by: 'ana' })
    await tracker.complete(id, { result: 2 })
    await tracker.update(id, { labels: ['done'] })
    expect(asked).toBe(1)
  })

  it('is checked anew when the task gets another one before the command is decided', async () => {
    const until: (() => void)[] = []
    const seen: unknown[] = []
    const slow = schema((value) => {
      seen.push(value)
      return new Promise((resolve) => until.push(() => resolve({ value })))
    })
    const { tracker, environment } = await openKinds({ slow: { result: slow }, strict: { result: article } })
    const { id } = await tracker.create(draft(1, 'slow'))
    await tracker.start(id, { by: 'ana' })
    const completed = watch(tracker.complete(id, { result: 'no' }))
    await tracker.update(id, { kind: 'strict' })
    until.shift()!()
    await environment.advance(0)
    expect([completed.state, seen, tracker.status(id)]).toEqual(['invalid_input', ['no'], 'in_progress'])
  })

  it('is known of a task that another process has made', async () => {
    const [here, there] = await openBoards(2, {
      kinds,
      storage: Object.assign(new MemoryStorage(), { watch: undefined }),
    })
    const { id } = await here!.tracker.create(draft({ title: 'a' }))
    await here!.tracker.start(id, { by: 'ana' })
    expect(await refusal(there!.tracker.complete(id, { result: 'no' }))).toMatchObject({ code: 'invalid_input' })
    expect(await refusal(there!.tracker.complete('nothing'))).toMatchObject({ code: 'not_found' })
    await there!.tracker.complete(id, { result: 'Tides' })
  })

  it('that an older release of the program knew is left to itself', async () => {
    const storage = new MemoryStorage()
    const before = await openBoard({ storage })
    const { id } = await before.tracker.create(draft(1, 'novel'))
    const { tracker } = await openKinds(kinds, { storage, environment: before.environment })
    await tracker.start(id, { by: 'ana' })
    await tracker.update(id, { labels: ['old'] })
    expect(await tracker.complete(id, { result: 2 })).toMatchObject({ status: 'completed' })
  })
})

describe('a schema', () => {
  it('that needs no time leaves commands in their order', async () => {
    const { tracker } = await openKinds()
    const [first] = await Promise.all([
      tracker.create({ ...draft({ title: 'a' }), id: 'first' }),
      tracker.create({ description: 'x', dependsOn: ['first'] }),
      tracker.start('first', { by: 'ana' }),
      tracker.complete('first', { result: 'Tides' }),
    ])
    expect([first.status, tracker.status('first')]).toEqual(['pending', 'completed'])
  })

  it('gets a copy that it cannot change', async () => {
    const changing = schema((value) => {
      ;(value as { title: string }).title = 'changed'
      return { value }
    })
    const { tracker } = await openKinds({ changing: { input: changing } })
    const input = { title: 'Tides' }
    expect(await refusal(tracker.create(draft(input, 'changing')))).toMatchObject({ code: 'invalid_input' })
    expect([input.title, tracker.count()]).toEqual(['Tides', 0])
  })

  const boom = new Error('boom')
  it.each<[string, (value: unknown) => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw boom
      },
      /^The input schema of kind odd failed: mend the schema/,
    ],
    ['rejects', () => Promise.reject(boom), /^The input schema of kind odd failed: mend the schema/],
    ['answers nothing', () => undefined, /gave what cannot be read|gave neither a value nor issues/],
    ['answers null', () => null, /gave what cannot be read/],
    ['answers a text', () => 'fine', /gave/],
    ['answers an empty object', () => ({}), /gave neither a value nor issues/],
    ['answers issues that are no list', () => ({ issues: 'many', value: 1 }), /gave neither a value nor issues/],
    ['answers issues that are none', () => ({ issues: [null] }), /gave what cannot be read/],
    ['answers no issue', () => ({ issues: [] }), /^Does not fit its kind: draft.input: is refused$/],
    ['answers issues with no path', () => ({ issues: [{ message: 'No', path: null }] }), /gave what cannot be read/],
    ['promises rubbish', () => Promise.resolve(7), /gave/],
    ['gives a date', () => ({ value: new Date(0) }), /^What the input schema of kind odd gives must be plain JSON/],
    [
      'gives what throws when read',
      () => ({
        get value(): unknown {
          throw boom
        },
      }),
      /gave what cannot be read/,
    ],
  ])('that %s refuses clearly, and changes nothing', async (_, validate, message) => {
    const { tracker, crew } = await openKinds({ odd: { input: schema(validate) } })
    const error = await refusal(tracker.createMany([{ description: 'x' }, draft({ secret: 1 }, 'odd')]).catch(rename))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(message)
    expect([tracker.count(), crew.journal.head]).toEqual([0, undefined])
  })
  const rename = (error: Error): never => {
    error.message = error.message.replace('drafts[1]', 'draft')
    throw error
  }

  it('that gives nothing leaves the task without', async () => {
    const { tracker } = await openKinds({ none: { input: schema(() => ({ value: undefined })) } })
    expect((await tracker.create(draft(1, 'none'))).input).toBeUndefined()
  })

  it('that fails while others are still at work is told, and they are not left alone', async () => {
    const late = schema(() => Promise.resolve().then(() => Promise.reject(boom)))
    const { tracker } = await openKinds({
      late: { input: late },
      now: {
        input: schema(() => {
          throw boom
        }),
      },
    })
    expect(await refusal(tracker.createMany([draft(1, 'late'), draft(1, 'now')]))).toMatchObject({ cause: boom })
  })

  it('that hangs is given up after ten seconds', async () => {
    const { tracker, environment } = await openKinds({ slow: { input: schema(() => new Promise(() => undefined)) } })
    const created = watch(tracker.create(draft(1, 'slow')))
    await environment.advance(9999)
    expect(created.state).toBe('pending')
    await environment.advance(1)
    expect([created.state, tracker.count()]).toEqual(['timed_out', 0])
  })

  it('that hangs does not hold a closing crew', async () => {
    const { crew, tracker, environment } = await openKinds({
      slow: { input: schema(() => new Promise(() => undefined)) },
    })
    const created = watch(tracker.create(draft(1, 'slow')))
    await environment.advance(0)
    await crew.close()
    await environment.advance(0)
    expect(created.state).toBe('closed')
  })

  it('holds idle until it has answered, also when it refuses', async () => {
    const until: ((answer: unknown) => void)[] = []
    const { crew, tracker, environment } = await openKinds({
      slow: { input: schema(() => new Promise((resolve) => until.push(resolve))) },
    })
    const created = watch(tracker.create(draft(1, 'slow')))
    const idle = watch(crew.idle())
    await environment.advance(0)
    expect(idle.state).toBe('pending')
    until[0]!(refused({ message: 'No' }))
    await environment.advance(0)
    expect([created.state, idle.state]).toEqual(['invalid_input', undefined])
  })

  it.each<[string, unknown]>([
    ['nothing', { article: null }],
    ['a function', { article: { input: () => true } }],
    ['another interface', { article: { input: { parse: () => 1 } } }],
    ['a later version of it', { article: { input: { '~standard': { version: 2, validate: () => 1 } } } }],
    ['another part', { article: { output: brief } }],
    ['no id', { ' ': {} }],
    ['a list', []],
  ])('is refused at the opening where there is %s', async (_, given) => {
    const error = await refusal(openBoard({ kinds: given as Kinds }))
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('options.kinds') as string })
  })

  it('may be a function with the interface, as arktype has it', async () => {
    const callable = Object.assign(() => true, brief) as unknown as StandardSchema
    const { tracker } = await openKinds({ article: { input: callable } })
    expect(await tracker.create(draft({ title: ' a ' }))).toMatchObject({ input: { title: 'a' } })
  })
})

describe('work', () => {
  it('whose result does not fit has failed, is tried again, and says why (RP-08)', async () => {
    const { crew, tracker, environment, errors } = await openTeam(['ana'], { kinds, retry: { attempts: 2 } })
    const results: unknown[] = ['no', 'Tides', 'no', 'no']
    crew.as('ana').work(() => results.shift())
    const first = await tracker.create(draft({ title: 'a' }))
    await environment.advance('1m')
    const { status, attempts } = tracker.get(first.id)!
    expect([status, attempts[0]?.outcome]).toEqual(['completed', 'failed'])
    expect(attempts[0]?.reason).toBe('Does not fit its kind: its result: Expected at least three letters')

    const second = await tracker.create(draft({ title: 'b' }))
    await environment.advance('1m')
    expect(tracker.get(second.id)).toMatchObject({ status: 'failed', failure: { message: attempts[0]?.reason } })
    expect(errors).toMatchObject([{ code: 'invalid_input' }])
  })

  it('may hear of it and do better in the same attempt', async () => {
    const { crew, tracker, environment, errors } = await openTeam(['ana'], { kinds })
    crew.as('ana').work(async (attempt) => {
      const error = await refusal(attempt.complete({ result: 'no' }))
      await attempt.complete({ result: error.message })
    })
    const { id } = await tracker.create(draft({ title: 'a' }))
    await environment.advance(0)
    expect(tracker.get(id)).toMatchObject({ status: 'completed', attemptCount: 1 })
    expect(errors).toEqual([])
  })
})
