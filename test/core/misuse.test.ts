import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Communications, type Crew, Journal, type Member, MemoryStorage, openCrew, TaskTracker } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

let environment: ManualEnvironment
let crew: Crew
let ana: Member

beforeEach(async () => {
  environment = manualEnvironment()
  crew = await openCrew({ environment, onError: () => undefined })
  ana = await crew.join('ana')
  await crew.join('bo')
  await crew.tracker.create({ id: 'first', description: 'First' })
})

const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic

describe('what the caller changes later', () => {
  it('does not reach into what was passed in', async () => {
    const metadata = { tags: ['a'] }
    const task = await crew.tracker.create({ description: 'x', metadata })
    metadata.tags.push('b')
    expect(crew.tracker.get(task.id)?.metadata).toEqual({ tags: ['a'] })
  })

  it('does not reach into the filter of a loop that works, nor stop the journal', async () => {
    const filter: { label: unknown } = { label: 'x' }
    const done: string[] = []
    ana.work((attempt) => done.push(attempt.task.id), { filter: filter as { label: string } })
    filter.label = 5
    await crew.tracker.create({ id: 'mine', description: 'x', labels: ['x'] })
    await environment.settle()
    expect(done).toEqual(['mine'])
  })

  it('does not settle the delivery of another than was checked (SEC-04)', async () => {
    await ana.send(['ana', 'bo'], 'Hello')
    const [mine] = await ana.receive()
    await crew.as('bo').receive()
    let reads = 0
    const shifty = {
      messageId: mine!.message.id!,
      count: 1,
      get recipient() {
        return reads++ === 0 ? 'ana' : 'bo'
      },
    }
    await ana.acknowledge(shifty)
    expect(crew.communications.deliveries(shifty.messageId).map(({ state }) => state)).toEqual([
      'acknowledged',
      'leased',
    ])
  })
})

describe('what is given already', () => {
  it('cannot be named in the options, as it would be overridden without a word', async () => {
    const question = await crew.communications.send({ sender: 'bo', recipient: 'ana', content: 'Well?' })
    const attempt = (await ana.claim())!
    const options = { sender: 'bo', recipient: 'bo', content: 'x', by: 'bo', fence: 7 } as const
    const named = (key: keyof typeof options) => ({ [key]: options[key] }) as never
    for (const refused of [
      ana.send('bo', 'Hello', named('sender')),
      ana.send('bo', 'Hello', named('recipient')),
      ana.ask('bo', 'Hello?', named('content')),
      ana.review('first', { passed: true, by: 'bo' } as never),
      crew.communications.reply(question, { sender: 'ana', content: 'x', recipient: 'ana' }),
      attempt.complete(named('fence')),
    ])
      await expect(refused).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('what is handed out', () => {
  it('cannot be changed: the reasons of a delivery', async () => {
    await ana.send('bo', 'Hello')
    const [delivery] = await crew.as('bo').receive()
    await crew.as('bo').giveBack(delivery!, { reason: 'busy' })
    const [again] = await crew.as('bo').receive()
    expect(() => (again!.reasons as string[]).push('mine')).toThrow(TypeError)
  })
})

describe('a crew that is not open', () => {
  it('refuses every command and query before open', async () => {
    const journal = new Journal({ storage: new MemoryStorage(), environment })
    const tracker = new TaskTracker({ journal })
    const communications = new Communications({ journal })
    const notOpen = {
      code: 'not_open',
      message: expect.stringContaining('await open() first') as string,
      retryable: true,
    }

    await expect(tracker.create({ description: 'x' })).rejects.toMatchObject(notOpen)
    await expect(communications.send({ sender: 'ana', recipient: 'bo', content: 'x' })).rejects.toMatchObject(notOpen)
    await expect(journal.sync()).rejects.toMatchObject(notOpen)
    expect(() => tracker.get('x')).toThrow(expect.objectContaining(notOpen))
    expect(() => tracker.list()).toThrow(expect.objectContaining(notOpen))
    expect(() => communications.inbox('ana')).toThrow(expect.objectContaining(notOpen))
  })

  it('refuses every command and query after close', async () => {
    const attempt = await ana.claim()
    await crew.close()
    const closed = { code: 'closed', message: expect.stringContaining('open a new one') as string }

    await expect(crew.tracker.create({ description: 'x' })).rejects.toMatchObject(closed)
    await expect(ana.send('bo', 'x')).rejects.toMatchObject(closed)
    await expect(attempt!.complete()).rejects.toMatchObject(closed)
    await expect(crew.join('cy')).rejects.toMatchObject(closed)
    await expect(crew.sync()).rejects.toMatchObject(closed)
    await expect(crew.idle()).rejects.toMatchObject(closed)
    expect(() => crew.tracker.list()).toThrow(expect.objectContaining(closed))
    expect(() => crew.members).toThrow(expect.objectContaining(closed))
    expect(() => crew.reports.generate('summary')).toThrow(expect.objectContaining(closed))
  })
})

describe('what a handler does wrong', () => {
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no')
      },
      getPrototypeOf: () => {
        throw new Error('no')
      },
    },
  )
  it.each([
    ['returns what is no JSON (TL-11)', () => cyclic, /must be plain JSON/],
    ['throws what cannot be looked at', () => Promise.reject(hostile as Error), /threw a object/],
    ['throws nothing', () => Promise.reject(undefined as unknown as Error), /threw undefined/],
  ])('ends its attempt when it %s', async (_, handler, says) => {
    ana.work(handler)
    await environment.settle()
    const { holder, attempts } = crew.tracker.get('first')!
    expect(holder).toBeUndefined()
    expect(attempts[0]?.reason).toMatch(says)
  })

  it("does not end the journal when an 'error' listener, or onError, fails as well", async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const other = await openCrew({
      environment,
      onError: () => {
        throw new Error('worse')
      },
    })
    other.on('error', () => Promise.reject(new Error('worse still')))
    other.tracker.on('created', () => {
      throw new Error('bad')
    })
    await other.tracker.create({ description: 'x' })
    await environment.settle()
    await other.tracker.create({ description: 'y' })
    expect(other.tracker.count()).toBe(2)
    expect(log).toHaveBeenCalled()
    log.mockRestore()
  })
})
