import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, CrewError, type Member, MemoryStorage, openCrew, type Task } from 'crewlog'
import { faultyStorage, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

let environment: ManualEnvironment
let crew: Crew
let ana: Member
let rita: Member
let sam: Member
let errors: unknown[]

beforeEach(async () => {
  environment = manualEnvironment()
  errors = []
  crew = await openCrew({ environment, onError: (error) => errors.push(error) })
  ana = await crew.join('ana')
  rita = await crew.join('rita', { kind: 'human' })
  sam = await crew.join('sam', { kind: 'human' })
})

const finish = async (id: string, member = ana): Promise<Task> =>
  ((await member.claim({ taskId: id })) as Attempt).complete({ result: 'Done' })

describe('a review by several', () => {
  beforeEach(async () => {
    await crew.tracker.create({ id: 'law', description: 'Draft a law', reviewers: ['rita', 'sam'], quorum: 2 })
    await finish('law')
  })

  it('completes the task when as many have passed it as its quorum says', async () => {
    const half = await rita.review('law', { passed: true, remarks: 'Good' })
    expect(half).toMatchObject({ status: 'waiting', waitingFor: { quorum: 2, passedBy: ['rita'] } })
    expect(rita.inbox).toEqual([])
    expect(sam.inbox).toHaveLength(1)
    expect((await sam.review('law', { passed: true })).status).toBe('completed')
    expect(crew.tracker.get('law')?.answers).toMatchObject([
      { by: 'rita', passed: true },
      { by: 'sam', passed: true },
    ])
    expect(sam.inbox).toEqual([])
  })

  it('counts nobody twice', async () => {
    await rita.review('law', { passed: true })
    await expect(rita.review('law', { passed: true })).rejects.toMatchObject({ code: 'invalid_transition' })
    expect(crew.tracker.get('law')?.status).toBe('waiting')
  })

  it('is decided by one who sends it back, also one who had passed it, and begins anew', async () => {
    await rita.review('law', { passed: true })
    expect(await rita.review('law', { passed: false, remarks: 'Second thoughts' })).toMatchObject({ status: 'pending' })
    expect(sam.inbox).toEqual([])
    const again = (await ana.claim()) as Attempt
    expect(again.answer).toMatchObject({ passed: false, remarks: 'Second thoughts' })
    await again.complete({ result: 'Better' })
    expect(crew.tracker.get('law')?.waitingFor?.passedBy).toBeUndefined()
    await rita.review('law', { passed: true })
    expect((await sam.review('law', { passed: true })).result).toBe('Better')
  })

  it('tells who did it what each has found', async () => {
    await rita.review('law', { passed: true, remarks: 'Good' })
    await sam.review('law', { passed: false, remarks: 'Too long' })
    expect(ana.inbox).toMatchObject([
      { kind: 'task.review', sender: 'rita', content: 'Good', metadata: { passed: true } },
      { kind: 'task.review', sender: 'sam', content: 'Too long', metadata: { passed: false } },
    ])
  })

  it('keeps who has passed it when it is saved and opened again', async () => {
    const storage = new MemoryStorage()
    const one = await openCrew({ storage, environment })
    for (const id of ['ana', 'rita', 'sam']) await one.join(id)
    await one.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'], quorum: 2 })
    await (await one.as('ana').claim())?.complete()
    await one.as('rita').review('law', { passed: true })
    await one.checkpoint()
    await one.close()
    const two = await openCrew({ storage, environment })
    expect((await two.as('sam').review('law', { passed: true })).status).toBe('completed')
  })
})

describe('a quorum', () => {
  it.each([
    ['on creation', () => crew.tracker.create({ description: 'Draft', reviewers: ['rita'], quorum: 2 })],
    ['by an update', () => crew.tracker.update('law', { reviewers: ['rita'] })],
  ])('that nobody can meet is refused %s', async (_, call) => {
    await crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'], quorum: 2 })
    await expect(call()).rejects.toMatchObject({ code: 'invalid_input' })
    expect(crew.tracker.get('law')?.reviewers).toEqual(['rita', 'sam'])
  })

  it('is as high as others than who did it can meet', async () => {
    await crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'], quorum: 2 })
    await finish('law', sam)
    expect(crew.tracker.get('law')?.waitingFor).toMatchObject({ of: ['rita'] })
    expect((await rita.review('law', { passed: true })).status).toBe('completed')
  })
})

describe('a review of one result', () => {
  it('does not count for a later one', async () => {
    await crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'], quorum: 2 })
    await finish('law')
    const [first] = await sam.receive()
    await rita.review('law', { passed: false, remarks: 'Again' })
    await finish('law')
    const late = sam.review(first?.message ?? '', { passed: true })
    await expect(late).rejects.toMatchObject({ code: 'stale_version' })
    const [second] = await sam.receive()
    await sam.review(second?.message ?? '', { passed: true })
    expect(crew.tracker.get('law')?.waitingFor?.passedBy).toEqual(['sam'])
  })
})

describe("a review of one's own work", () => {
  it('is refused, and others may', async () => {
    await crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['ana'] })
    await finish('law')
    await expect(ana.review('law', { passed: true })).rejects.toMatchObject({ code: 'permission_denied' })
    expect((await rita.review('law', { passed: true })).status).toBe('completed')
  })

  it('is allowed where the task says so', async () => {
    await crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['ana'], selfReview: true })
    await finish('law')
    expect((await ana.review('law', { passed: true })).status).toBe('completed')
  })
})

describe('reviews()', () => {
  beforeEach(() => crew.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'] }))

  it('passes with what the function returns, and sends back with its remarks', async () => {
    const seen: unknown[] = []
    rita.reviews((task) => {
      seen.push(task.result)
      return task.result === 'Good' ? { passed: true } : { passed: false, remarks: 'Make it good' }
    })
    ana.work((attempt) => (attempt.answer?.remarks === 'Make it good' ? 'Good' : 'Bad'))
    await crew.idle()
    expect(seen).toEqual(['Bad', 'Good'])
    expect(crew.tracker.get('law')).toMatchObject({ status: 'completed', result: 'Good' })
  })

  it('takes what waited before it began', async () => {
    await finish('law')
    rita.reviews(() => ({ passed: true }))
    await crew.idle()
    expect(crew.tracker.get('law')?.status).toBe('completed')
  })

  it('lets the task fail when that is final', async () => {
    await finish('law')
    rita.reviews(() => ({ passed: false, remarks: 'Against the constitution', final: true }))
    await crew.idle()
    expect(crew.tracker.get('law')).toMatchObject({ status: 'failed', failure: { code: 'failed' } })
  })

  it('calls a handler again that threw, later and later, and says why', async () => {
    await finish('law')
    const calls: number[] = []
    rita.reviews(() => {
      calls.push(environment.now())
      if (calls.length < 4) throw new Error(`no model, ${calls.length}`)
      return { passed: true }
    })
    await environment.advance(60_000)
    expect(crew.tracker.get('law')?.status).toBe('completed')
    expect(errors).toMatchObject([{ message: 'no model, 1' }, { message: 'no model, 2' }, { message: 'no model, 3' }])
    expect(calls).toHaveLength(4)
  })

  it('takes a verdict that is none as an error of the handler', async () => {
    await finish('law')
    rita.reviews(() => ({ ok: true }) as never)
    await environment.advance(1)
    expect(errors).toMatchObject([{ code: 'invalid_input' }])
    expect(crew.tracker.get('law')?.status).toBe('waiting')
  })

  it('drops its verdict when another was faster, without an error', async () => {
    await finish('law')
    let judge: (verdict: { passed: boolean }) => void = () => undefined
    rita.reviews(() => new Promise<{ passed: boolean }>((resolve) => (judge = resolve)))
    await environment.advance(1)
    await sam.review('law', { passed: true })
    judge({ passed: false })
    await crew.idle()
    expect(crew.tracker.get('law')?.status).toBe('completed')
    expect(errors).toEqual([])
  })

  it('of one result does not count for the next, which another process hands in meanwhile', async () => {
    const memory = new MemoryStorage()
    const storage = faultyStorage(memory, { environment })
    const here = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    for (const id of ['ana', 'rita', 'sam']) await here.join(id)
    await here.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita', 'sam'], quorum: 2 })
    await (await here.as('ana').claim())?.complete({ result: 'First' })
    const there = await openCrew({ storage: memory, environment })
    const results: unknown[] = []
    here.as('rita').reviews(({ result }) => {
      results.push(result)
      // Decided on the first result, and again when the second is there: without its `question` it would pass that.
      if (result === 'First') storage.fail({ fault: 'delay', ms: 1000 }, 'append', 'wake')
      return { passed: true }
    })
    await environment.advance(1)
    await there.as('sam').review('law', { passed: false, remarks: 'Again' })
    await (await there.as('ana').claim())?.complete({ result: 'Second' })
    await environment.advance(1000)
    storage.heal()
    await environment.advance(10_000)
    expect(results).toEqual(['First', 'Second'])
    expect(here.tracker.get('law')?.answers.map(({ by, passed }) => [by, passed])).toEqual([
      ['sam', false],
      ['rita', true],
    ])
    expect(errors).toEqual([])
  })

  it('tells an error of its handler also when another was faster', async () => {
    await finish('law')
    let fail: (error: unknown) => void = () => undefined
    rita.reviews(() => new Promise((_, reject) => (fail = reject)))
    await environment.advance(1)
    await sam.review('law', { passed: true })
    const error = new CrewError('not_found', 'No such model')
    fail(error)
    await crew.idle()
    expect(errors).toEqual([error])
  })

  it('of two at once tell of no error when one was faster', async () => {
    await finish('law')
    for (const [member, passed] of [
      [rita, false],
      [sam, true],
    ] as const)
      member.reviews(() => ({ passed }))
    await crew.idle()
    expect(errors).toEqual([])
  })

  it('stops', async () => {
    const running = rita.reviews(() => ({ passed: true }))
    await running.stop()
    await finish('law')
    await environment.advance(1000)
    expect(crew.tracker.get('law')?.status).toBe('waiting')
  })

  it('is stopped with what it has put off: the next begins anew', async () => {
    await finish('law')
    const running = rita.reviews(() => Promise.reject(new Error('no model')))
    await environment.advance(1)
    await running.stop()
    rita.reviews(() => ({ passed: true }))
    const before = environment.now()
    await crew.idle()
    expect(crew.tracker.get('law')?.status).toBe('completed')
    expect(environment.now()).toBe(before)
  })

  it('brings its verdict when the storage is back', async () => {
    const storage = faultyStorage(new MemoryStorage())
    const away = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    for (const id of ['ana', 'rita']) await away.join(id)
    await away.tracker.create({ id: 'law', description: 'Draft', reviewers: ['rita'] })
    await (await away.as('ana').claim())?.complete()
    let calls = 0
    away.as('rita').reviews(() => {
      calls++
      storage.fail('throw', 'append', 'read')
      return { passed: true }
    })
    await environment.advance(30_000)
    storage.heal()
    await environment.advance(60_000)
    expect(away.tracker.get('law')?.status).toBe('completed')
    expect(calls).toBe(1)
  })
})
