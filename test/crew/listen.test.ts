import type { Message } from 'crewlog'
import { crash, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../support/team.js'

const contentsOf = (messages: readonly Message[]) => messages.map(({ content }) => content)

describe('listen', () => {
  it('runs the handler on what waits and what comes, one after another, and acknowledges', async () => {
    const { crew, environment } = await openTeam()
    const heard: unknown[] = []
    let running = 0
    await crew.as('ana').send('bo', 1)
    crew.as('bo').listen(async ({ content }) => {
      expect(++running).toBe(1)
      await environment.settle()
      heard.push(content)
      running--
    })
    await crew.as('ana').send('bo', 2)
    await crew.as('ana').send('bo', 3)
    await crew.idle()
    expect(heard).toEqual([1, 2, 3])
    expect(crew.as('bo').inbox).toEqual([])
  })

  it('brings mail to a member in the middle of its work (MS-06)', async () => {
    const { crew, tracker, environment } = await openTeam()
    await tracker.create({ description: 'Tides' })
    let heard: unknown
    const bo = crew.as('bo')
    bo.listen(({ content }) => (heard = content))
    bo.work(async () => {
      await crew.as('ana').send('bo', 'wait, another plan')
      await environment.settle()
      return { heard }
    })
    await crew.idle()
    expect(tracker.list()[0]?.result).toEqual({ heard: 'wait, another plan' })
  })

  it('gives back what its handler throws at, with growing pauses, and at the tenth time as dead (MS-15)', async () => {
    const { crew, communications, environment, errors } = await openTeam()
    const events = recordEvents(crew)
    const sent = await crew.as('ana').send('bo', 'poison')
    crew.as('bo').listen(() => {
      throw new Error('cannot read this')
    })
    await environment.advance('2h')
    expect(communications.deliveries(sent.id!)).toMatchObject([
      { state: 'dead', count: 10, message: sent, reasons: Array.from({ length: 10 }, () => 'cannot read this') },
    ])
    expect(events.types('message').filter((type) => type === 'leased')).toHaveLength(10)
    expect(errors).toHaveLength(10)
    const times = events.all.filter(({ type }) => type === 'message.leased').map(({ at }) => at)
    expect(times.slice(1).every((at, n) => at - times[n]! <= Math.min(600_000, 1000 * 2 ** n))).toBe(true)
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(60_000)
  })

  it('goes on with other messages when one is thrown at (MS-22)', async () => {
    const { crew, environment } = await openTeam()
    const heard: unknown[] = []
    await crew.as('ana').send('bo', 'what is this', { kind: 'unknown.kind' })
    await crew.as('ana').send('bo', 'hi', { kind: 'note' })
    crew.as('bo').listen(({ kind, content }) => {
      if (kind !== 'note') throw new Error('unknown kind')
      heard.push(content)
    })
    await environment.settle()
    expect(heard).toEqual(['hi'])
    expect(crew.as('bo').inbox).toMatchObject([{ kind: 'unknown.kind' }])
  })

  it('leaves the mail of a member that has left for its return', async () => {
    const { here, there, environment, errors } = await openPair(['ana', 'bo'])
    const heard: unknown[] = []
    const sent = await here.as('ana').send('bo', 'hi')
    const [delivery] = await here.as('bo').receive()
    await here.as('bo').giveBack(delivery!, { delayMs: 30_000 })
    const running = here.as('bo').listen(({ content }) => heard.push(content))
    await there.leave('bo')
    await environment.advance('2m')
    await here.idle()
    expect(here.communications.inbox('bo')).toEqual([sent])
    expect(heard).toEqual([])
    expect(errors).toEqual([])
    await there.join('bo')
    await environment.settle()
    expect(heard).toEqual(['hi'])
    await running.stop()
  })

  it('stops with what it is at (MS-23), and leaves the rest in the mailbox', async () => {
    const { crew, environment } = await openTeam()
    const heard: unknown[] = []
    let finish = (): void => undefined
    const running = crew.as('bo').listen(async ({ content }) => {
      heard.push(content)
      await new Promise<void>((resolve) => (finish = resolve))
    })
    await crew.as('ana').send('bo', 1)
    await crew.as('ana').send('bo', 2)
    await environment.settle()
    const stopped = watch(running.stop())
    await environment.settle()
    expect(stopped.state).toBe('pending')
    finish()
    await running.done
    expect(heard).toEqual([1])
    expect(contentsOf(crew.as('bo').inbox)).toEqual([2])
    expect(crew.communications.unread('bo')).toBe(1)
  })

  it.each([
    ['when it died', {}, '3m'],
    ['as soon as the lease of the crew has run out', { leaseMs: 2000 }, '5s'],
  ] as const)('leaves to the next process what it was at %s', async (_, settings, span) => {
    const { here, there, environment } = await openPair(['ana', 'bo'], settings)
    const heard: unknown[] = []
    here.as('bo').listen(() => new Promise(() => undefined))
    await here.as('ana').send('bo', 'hi')
    await environment.settle()
    await crash(here)
    there.as('bo').listen(({ content }) => heard.push(content))
    await environment.advance(span)
    expect(heard).toEqual(['hi'])
  })

  it('shares a mailbox among several: each message goes to one (MS-20)', async () => {
    const { here, there, environment } = await openPair()
    const heard: unknown[] = []
    for (const crew of [here, here, there, there])
      crew.as('bo').listen(async ({ content }) => {
        await environment.settle()
        heard.push(content)
      })
    for (let n = 0; n < 20; n++) await here.as('ana').send('bo', n)
    await Promise.all([here.idle(), there.idle()])
    expect((heard as number[]).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('leaves in the mailbox what is for a member that nobody runs (MS-05)', async () => {
    const { crew, communications, environment } = await openTeam()
    const sent = await crew.as('ana').send('bo', 'hi')
    await environment.advance('7d')
    expect(crew.as('bo').inbox).toEqual([sent])
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'queued', count: 0 }])
  })

  it('refuses what is no function, and unknown options', async () => {
    const { crew } = await openTeam()
    const bo = crew.as('bo')
    const refused = expect.objectContaining({ code: 'invalid_input' }) as Error
    expect(() => bo.listen('handler' as never)).toThrow(refused)
    expect(() => bo.listen(() => 1, { limit: 1 } as object)).toThrow(refused)
    expect(() => bo.mail({ signal: 'stop' } as object)).toThrow(refused)
  })
})

describe('mail()', () => {
  it('acknowledges a message when the next is asked for', async () => {
    const { crew, environment } = await openTeam()
    for (const n of [1, 2]) await crew.as('ana').send('bo', n)
    const mail = crew.as('bo').mail()[Symbol.asyncIterator]()
    expect((await mail.next()).value).toMatchObject({ content: 1 })
    expect(contentsOf(crew.as('bo').inbox)).toEqual([1, 2])
    expect((await mail.next()).value).toMatchObject({ content: 2 })
    expect(contentsOf(crew.as('bo').inbox)).toEqual([2])
    const third = watch(mail.next())
    await environment.settle()
    expect(crew.as('bo').inbox).toEqual([])
    await crew.as('ana').send('bo', 3)
    await environment.settle()
    expect(third.state).toMatchObject({ value: { content: 3 } })
  })

  it('acknowledges the last one when the loop is left', async () => {
    const { crew } = await openTeam()
    for (const n of [1, 2]) await crew.as('ana').send('bo', n)
    for await (const message of crew.as('bo').mail()) if (message.content === 1) break
    expect(contentsOf(crew.as('bo').inbox)).toEqual([2])
  })

  it('ends by its signal, also while it waits', async () => {
    const { crew, environment } = await openTeam()
    const controller = new AbortController()
    const heard: unknown[] = []
    const loop = (async () => {
      for await (const { content } of crew.as('bo').mail({ signal: controller.signal })) heard.push(content)
    })()
    await crew.as('ana').send('bo', 1)
    await environment.settle()
    controller.abort()
    await loop
    await crew.as('ana').send('bo', 2)
    expect(heard).toEqual([1])
    expect(contentsOf(crew.as('bo').inbox)).toEqual([2])
  })
})
