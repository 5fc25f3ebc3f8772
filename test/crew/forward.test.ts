import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, type JournalStorage, type Member, MemoryStorage, openCrew } from 'crewlog'
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

const openShop = (): Promise<Crew> =>
  openCrew({ name: 'shop', storage: shopStorage, environment, onError: (error) => errors.push(error) })
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

  it('that is a question brings the reply back', async () => {
    liaison.listen((message) => liaison.forward(message, plant, { to: 'ben' }))
    ben.listen((message) => ben.reply(message, 'On Friday'))
    const reply = await environment.run(shop.as('ana').ask('liaison', 'When?'))
    expect(reply).toMatchObject({ sender: 'liaison', content: 'On Friday' })
    await environment.advance(1)
    expect([liaison.inbox, plant.as('liaison').inbox, ben.inbox]).toEqual([[], [], []])
    expect(errors).toEqual([])
  })

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
  })
})
