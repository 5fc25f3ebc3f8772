import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Attempt,
  type Crew,
  type CrewOptions,
  type JournalStorage,
  type Member,
  MemoryStorage,
  Message,
  openCrew,
} from 'crewlog'
import { checkJournal, crash, faultyStorage, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

let environment: ManualEnvironment
let errors: unknown[]
let shopStorage: MemoryStorage
let plantStorage: MemoryStorage
let shop: Crew
let plant: Crew
/** A member of both. */
let liaison: Member
let ben: Member

const openShop = (options: CrewOptions = {}): Promise<Crew> =>
  openCrew({ name: 'shop', storage: shopStorage, environment, onError: (error) => errors.push(error), ...options })
const openPlant = (storage: JournalStorage = plantStorage): Promise<Crew> =>
  openCrew({ name: 'plant', storage, environment, onError: (error) => errors.push(error) })

beforeEach(async () => {
  environment = manualEnvironment()
  errors = []
  shopStorage = new MemoryStorage()
  plantStorage = new MemoryStorage()
  shop = await openShop()
  plant = await openPlant()
  await shop.join('ana')
  liaison = await shop.join('liaison', { kind: 'service', capacity: 10 })
  await plant.join('liaison', { kind: 'service', available: false })
  ben = await plant.join('ben', { skills: { lathe: 0.9 } })
  await shop.tracker.create({ id: 'axle', description: 'Turn an axle', requires: {}, priority: 3, labels: ['rush'] })
})

const held = async (taskId = 'axle'): Promise<Attempt> => (await liaison.claim({ taskId })) as Attempt
const forwards = (member = liaison, to = plant): void => {
  member.work((attempt) => member.forward(attempt, to))
}
const copies = (): readonly string[] => plant.tracker.list().map(({ id }) => id)

describe('a task forwarded to another crew', () => {
  it('is done there, and ends here with what came of it', async () => {
    forwards()
    ben.work(async (attempt) => {
      await attempt.progress({ usage: { tokens: 70 } })
      return { axle: attempt.task.id }
    })
    await shop.idle()
    expect(shop.tracker.get('axle')).toMatchObject({
      status: 'completed',
      result: { axle: 'shop/axle' },
      usage: { tokens: 70 },
    })
    expect(plant.tracker.get('shop/axle')).toMatchObject({
      description: 'Turn an axle',
      priority: 3,
      labels: ['rush'],
      createdBy: 'liaison',
      metadata: { forwarded: { crew: 'shop', id: 'axle', through: ['shop'] } },
    })
    expect(errors).toEqual([])
  })

  it('can be otherwise there than here', async () => {
    const attempt = await held()
    const done = liaison.forward(attempt, plant, { draft: { assignees: 'ben', title: 'Axle', metadata: { lot: 7 } } })
    await environment.advance(1)
    expect(plant.tracker.get('shop/axle')).toMatchObject({ assignees: ['ben'], title: 'Axle', metadata: { lot: 7 } })
    await (await ben.claim())?.complete()
    expect(await done).toMatchObject({ status: 'completed' })
  })

  it('fails here when it has failed there, and is not tried again by itself', async () => {
    forwards()
    ben.work(() => {
      throw Object.assign(new Error('No steel'), { retryable: false })
    })
    await shop.idle()
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'failed', attemptCount: 1 })
    expect(shop.tracker.get('axle')?.failure?.message).toBe('Task shop/axle of crew plant is failed: No steel')
  })

  it('is begun again there when it is retried here', async () => {
    let steel = 0
    forwards()
    ben.work(() => {
      if (++steel === 1) throw Object.assign(new Error('No steel'), { retryable: false })
      return 'turned'
    })
    await shop.idle()
    await shop.tracker.retry('axle')
    await shop.idle()
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'completed', result: 'turned' })
    expect(copies()).toEqual(['shop/axle'])
  })

  it('that its reviewers send back is another one there, with their remarks', async () => {
    await shop.tracker.update('axle', { reviewers: ['ana'] })
    forwards()
    ben.work(({ task }) => task.description)
    await shop.idle()
    await shop.as('ana').review('axle', { passed: false, remarks: 'Two millimetres too long' })
    await shop.idle()
    expect(copies()).toEqual(['shop/axle', 'shop/axle.1'])
    expect(shop.tracker.get('axle')?.result).toBe('Turn an axle\n\nSent back by ana: Two millimetres too long')
  })

  it('is cancelled there when it is cancelled here', async () => {
    forwards()
    await environment.advance(1)
    expect(plant.tracker.status('shop/axle')).toBe('pending')
    await shop.tracker.cancel('axle', { reason: 'Customer left' })
    await shop.idle()
    expect(shop.tracker.status('axle')).toBe('cancelled')
    expect(plant.tracker.get('shop/axle')).toMatchObject({ status: 'cancelled' })
    expect(errors).toEqual([])
  })

  it('goes on there when whoever waits for it dies, and the next finds it', async () => {
    forwards()
    await environment.advance(1)
    const work = (await ben.claim()) as Attempt
    await crash(shop)
    shop = await openShop()
    liaison = shop.as('liaison')
    forwards(liaison)
    await work.complete({ result: 'turned' })
    await environment.advance(60 * 60_000)
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'completed', result: 'turned' })
    expect(copies()).toEqual(['shop/axle'])
    expect(plant.tracker.get('shop/axle')?.attemptCount).toBe(1)
  })

  it('is made once when the answer of the other crew is lost, and waited for when its storage is away', async () => {
    const storage = faultyStorage(plantStorage, { environment })
    const far = await openPlant(storage)
    storage.fail('lost answer', 'append')
    liaison.work((attempt) => liaison.forward(attempt, far))
    await environment.advance(5000)
    storage.fail('throw', 'append', 'read')
    await environment.advance(300_000)
    storage.heal()
    ben.work(() => 'turned')
    await environment.advance(2_000_000)
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'completed', result: 'turned' })
    expect(copies()).toEqual(['shop/axle'])
    expect(await checkJournal(plantStorage, 'plant')).toEqual([])
  })

  it('is made once by two at once, one of which has lost it', async () => {
    const late = await held()
    const first = liaison.forward(late, plant).catch((error: unknown) => error)
    await shop.tracker.release('axle', { fence: late.fence })
    const second = liaison.forward(await held(), plant)
    await environment.advance(1)
    await (await ben.claim())?.complete({ result: 'turned' })
    expect(await second).toMatchObject({ status: 'completed', result: 'turned' })
    expect(await first).toMatchObject({ code: 'stale_attempt' })
    expect(copies()).toEqual(['shop/axle'])
  })

  it('that is cancelled here while nobody forwards it goes on there, and tells what it is a copy of', async () => {
    forwards()
    await environment.advance(1)
    await crash(shop)
    shop = await openShop()
    await environment.advance(60 * 60_000)
    await shop.tracker.cancel('axle')
    await environment.advance(60_000)
    const { status, metadata } = plant.tracker.get('shop/axle')!
    expect(status).toBe('pending')
    // What docs/crew-to-crew.md recalls it by.
    expect(metadata).toEqual({
      forwarded: { crew: 'shop', id: 'axle', at: shop.tracker.get('axle')?.createdAt, through: ['shop'] },
    })
  })

  it('that cannot be cancelled there says both', async () => {
    const storage = faultyStorage(plantStorage, { environment })
    const far = await openPlant(storage)
    const attempt = await held()
    const forwarded = liaison.forward(attempt, far).catch((error: unknown) => error)
    await environment.advance(1)
    storage.fail('throw', 'append', 'read')
    await shop.tracker.cancel('axle')
    await environment.advance(300_000)
    expect(await forwarded).toMatchObject({
      code: 'cancelled',
      message: 'Its copy shop/axle is not cancelled: do it there',
      cause: { code: expect.stringMatching('storage_unavailable|outcome_unknown') as string },
    })
  })

  it('that is asked to stop before it is handed over is not begun there', async () => {
    const attempt = await held()
    await shop.tracker.cancel('axle')
    await expect(liaison.forward(attempt, plant)).rejects.toMatchObject({ code: 'cancelled' })
    expect(copies()).toEqual([])
  })

  it('by an attempt that is over is not begun there, nor begun again', async () => {
    const late = await held()
    await shop.tracker.release('axle', { fence: late.fence })
    await expect(liaison.forward(late, plant)).rejects.toMatchObject({ code: 'stale_attempt' })
    expect(copies()).toEqual([])
  })

  it('leaves alone what has its id by chance, when it is cancelled here', async () => {
    const attempt = await held()
    await plant.tracker.create({ id: 'shop/axle', description: 'Another axle' })
    await shop.tracker.cancel('axle')
    await expect(liaison.forward(attempt, plant)).rejects.toMatchObject({ code: 'cancelled' })
    expect(plant.tracker.status('shop/axle')).toBe('pending')
  })

  it('is tried again when the other crew closes, as it may before this one', async () => {
    forwards()
    await environment.advance(1)
    await plant.close()
    await environment.advance(1)
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'pending', failure: undefined })
    await shop.close()
    ;[shop, plant] = [await openShop(), await openPlant()]
    liaison = shop.as('liaison')
    forwards(liaison)
    plant.as('ben').work(() => 'turned')
    await environment.advance(60_000)
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'completed', result: 'turned' })
  })

  it('costs once what it costs there, also when it is begun again', async () => {
    let steel = 0
    forwards()
    ben.work(async (attempt) => {
      await attempt.progress({ usage: { tokens: 70, cost: 0.5 } })
      if (++steel === 1) throw Object.assign(new Error('No steel'), { retryable: false })
    })
    await shop.idle()
    await shop.tracker.retry('axle')
    await shop.idle()
    expect(plant.tracker.get('shop/axle')?.usage).toEqual({ tokens: 140, cost: 1 })
    expect(shop.tracker.get('axle')).toMatchObject({ status: 'completed', usage: { tokens: 140, cost: 1 } })
  })

  it('that has failed there is begun again once by two processes at once', async () => {
    const first = liaison.forward(await held(), plant)
    await environment.advance(1)
    await (await ben.claim())?.fail({ error: new Error('No steel'), retryable: false })
    await first
    await shop.tracker.retry('axle')
    const attempt = await held()
    const plantAgain = await openPlant()
    const both = Promise.all([plant, plantAgain].map((to) => liaison.forward(attempt, to)))
    await environment.advance(1)
    await (await ben.claim())?.complete({ result: 'turned' })
    expect(await both).toMatchObject([{ result: 'turned' }, { result: 'turned' }])
    expect(plant.tracker.get('shop/axle')?.attemptCount).toBe(2)
  })

  it('is the same piece of work there after a question here', async () => {
    const asking = await held()
    const late = liaison.forward(asking, plant).catch((error: unknown) => error)
    await environment.advance(1)
    await asking.wait({ for: 'input', question: 'Which steel?', of: ['ana'] })
    await shop.as('ana').answer('axle', 'Any')
    const forwarded = liaison.forward(await held(), plant)
    await environment.advance(1)
    expect(copies()).toEqual(['shop/axle'])
    await (await ben.claim())?.complete({ result: 'turned' })
    expect(await forwarded).toMatchObject({ status: 'completed' })
    expect(await late).toMatchObject({ code: 'stale_attempt' })
  })

  it('does not go back to where it came from', async () => {
    await shop.join('ben')
    const there = liaison.forward(await held(), plant).catch((error: unknown) => error)
    await environment.advance(1)
    const attempt = (await ben.claim()) as Attempt
    await expect(ben.forward(attempt, shop)).rejects.toMatchObject({ code: 'loop_detected' })
    await shop.close()
    expect(await there).toMatchObject({ code: 'closed' })
  })

  it('to a crew of the same name is refused', async () => {
    const twin = await openCrew({ name: 'shop', environment })
    await expect(liaison.forward(await held(), twin)).rejects.toMatchObject({ code: 'loop_detected' })
  })

  it('is no copy of what has its id by chance', async () => {
    await plant.tracker.create({ id: 'shop/axle', description: 'Another axle' })
    await expect(liaison.forward(await held(), plant)).rejects.toMatchObject({ code: 'already_exists' })
    expect(plant.tracker.list()).toHaveLength(1)
  })

  it.each<[string, (attempt: Attempt) => Promise<unknown>, string]>([
    ['by who is no member there', (attempt) => liaison.forward(attempt, plant, { by: 'ana' }), 'not_found'],
    ['by who does not hold it', (attempt) => shop.as('ana').forward(attempt, plant), 'permission_denied'],
    ['to what is no crew', (attempt) => liaison.forward(attempt, {} as never), 'invalid_input'],
    [
      'with an option that there is not',
      (attempt) => liaison.forward(attempt, plant, { id: 'x' } as never),
      'invalid_input',
    ],
    [
      'under another id',
      (attempt) => liaison.forward(attempt, plant, { draft: { id: 'x' } as never }),
      'invalid_input',
    ],
    ['with a bad draft', (attempt) => liaison.forward(attempt, plant, { draft: { priority: NaN } }), 'invalid_input'],
  ])('%s is refused, and nothing has happened', async (_, call, code) => {
    const attempt = await held()
    await expect(call(attempt)).rejects.toMatchObject({ code })
    expect(copies()).toEqual([])
    expect(attempt.isOver).toBe(false)
  })
})

describe('a message forwarded to another crew', () => {
  it('is sent once there, however often it is forwarded', async () => {
    const message = await shop.as('ana').send('liaison', { size: 7 }, { kind: 'order', priority: 2 })
    const [copy, again] = [
      await liaison.forward(message, plant, { to: 'ben' }),
      await liaison.forward(message, plant, { to: 'ben' }),
    ]
    expect(again?.id).toBe(copy?.id)
    expect(ben.inbox).toMatchObject([{ sender: 'liaison', content: { size: 7 }, kind: 'order', priority: 2 }])
  })

  it('is sent once to each list of recipients, in whatever order', async () => {
    const cara = await plant.join('cara')
    const message = await shop.as('ana').send('liaison', 'Hello')
    const forward = async (...to: readonly string[]): Promise<string | undefined> =>
      (await liaison.forward(message, plant, { to }))?.id
    const copies = [await forward('ben'), await forward('cara'), await forward('cara', 'ben')]
    expect(new Set(copies).size).toBe(3)
    expect([await forward('ben', 'ben'), await forward('cara'), await forward('ben', 'cara')]).toEqual(copies)
    expect((await liaison.forward(message, plant, { to: 'ben' }))?.id).toBe(copies[0])
    expect([ben.inbox, cara.inbox]).toMatchObject([{ length: 2 }, { length: 2 }])
  })

  it('is sent once by two processes at once', async () => {
    const message = await shop.as('ana').send('liaison', 'Hello')
    const [shopAgain, plantAgain] = [await openShop(), await openPlant()]
    await Promise.all([
      liaison.forward(message, plant, { to: ['ben', 'liaison'] }),
      shopAgain.as('liaison').forward(message, plantAgain, { to: ['liaison', 'ben'] }),
    ])
    expect(ben.inbox).toHaveLength(1)
  })

  it('that is a question two are asked brings both replies back, the second late', async () => {
    const cara = await plant.join('cara')
    const question = environment.run(shop.as('ana').ask('liaison', 'When?'))
    const [delivery] = await liaison.receive()
    for (const to of [ben, cara]) {
      const forwarded = liaison.forward(delivery!.message, plant, { to: to.id })
      await environment.advance(1)
      await to.reply(to.inbox[0]!, `Says ${to.id}`)
      await forwarded
    }
    expect((await question).content).toBe('Says ben')
    expect(shop.as('ana').inbox).toMatchObject([{ content: 'Says cara', late: true }])
  })

  it('that is a question of others is sent on as an ordinary one', async () => {
    const zoe = await shop.join('zoe')
    await plant.join('zoe')
    const question = shop
      .as('ana')
      .ask('liaison', 'When?')
      .catch((error: unknown) => error)
    const [delivery] = await liaison.receive()
    expect(await zoe.forward(delivery!.message, plant, { to: 'ben' })).toMatchObject({ content: 'When?' })
    expect(ben.inbox).toMatchObject([{ sender: 'zoe', answerBy: undefined }])
    await shop.close()
    await question
  })

  it('that was never sent is refused', async () => {
    const draft = new Message({ sender: 'ana', recipient: 'liaison', content: 'Hello' })
    await expect(liaison.forward(draft, plant, { to: 'ben' })).rejects.toMatchObject({ code: 'invalid_input' })
    expect(ben.inbox).toEqual([])
  })

  it('that is a question brings the reply back', async () => {
    liaison.listen((message) => liaison.forward(message, plant, { to: 'ben' }))
    ben.listen((message) => ben.reply(message, 'On Friday'))
    const reply = await environment.run(shop.as('ana').ask('liaison', 'When?'))
    expect(reply).toMatchObject({ sender: 'liaison', content: 'On Friday' })
    await environment.advance(1)
    expect([liaison.inbox, plant.as('liaison').inbox, ben.inbox]).toEqual([[], [], []])
    expect(errors).toEqual([])
  })

  it.each(['before', 'after'])(
    'that is a question, answered %s the next process takes over, is brought back',
    async (when) => {
      const relay = await openShop({ leaseMs: 2000 })
      const forward = (crew: Crew) => {
        const member = crew.as('liaison')
        member.listen((message) => member.forward(message, plant, { to: 'ben' }))
      }
      const answer = () => ben.reply(ben.inbox[0]!, 'On Friday')
      forward(relay)
      const question = environment.run(shop.as('ana').ask('liaison', 'When?', { timeoutMs: 10_000 }))
      await environment.advance('1s')
      expect([shop.communications.unread('liaison'), ben.inbox.length]).toEqual([0, 1])
      await crash(relay)
      if (when === 'before') await answer()
      forward(shop)
      await environment.advance('5s')
      if (when === 'after') await answer()
      expect(await question).toMatchObject({ content: 'On Friday', late: false })
      expect(ben.received).toHaveLength(1)
    },
  )

  it('that is a question nobody answers in time is given up', async () => {
    const question = shop
      .as('ana')
      .ask('liaison', 'When?', { timeoutMs: 1000 })
      .catch((error: unknown) => error)
    await environment.advance(1)
    const [delivery] = await liaison.receive()
    const forwarded = liaison.forward(delivery!.message, plant, { to: 'ben' })
    await environment.advance(1000)
    expect(await question).toMatchObject({ code: 'timed_out' })
    expect(await forwarded).toBeUndefined()
    // Too late to begin with.
    expect(await liaison.forward(delivery!.message, plant, { to: 'ben' })).toBeUndefined()
    expect(ben.received).toHaveLength(1)
  })

  it('does not go back to where it came from', async () => {
    await shop.join('ben')
    const message = await shop.as('ana').send('liaison', 'Hello')
    const copy = await liaison.forward(message, plant, { to: 'ben' })
    await expect(ben.forward(copy!, shop, { to: 'ana' })).rejects.toMatchObject({ code: 'loop_detected' })
  })

  it('to nobody, or to who is not there, is refused', async () => {
    const message = await shop.as('ana').send('liaison', 'Hello')
    await expect(liaison.forward(message, plant, {} as never)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(liaison.forward(message, plant, { to: 'zoe' })).rejects.toMatchObject({ code: 'not_found' })
    for (const to of [[], '', null, 7, ['ben', Symbol('x')]])
      await expect(liaison.forward(message, plant, { to: to as never })).rejects.toMatchObject({
        code: 'invalid_input',
      })
    expect(ben.inbox).toEqual([])
  })
})
