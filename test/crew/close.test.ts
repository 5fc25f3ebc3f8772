import { type Crew, MemoryStorage, openCrew } from 'crewlog'
import { crash, type Fault, faultyStorage, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../support/team.js'

/** A crew on a storage that goes wrong once it is told to. */
async function onBadStorage() {
  const environment = manualEnvironment()
  const storage = new MemoryStorage()
  const bad = faultyStorage(storage, { environment })
  const crew = await openCrew({ environment, storage: bad, onError: () => undefined })
  await crew.join('ana')
  return { crew, environment, storage, bad }
}

describe('closing', () => {
  it('gives back attempts and deliveries at once, without counting them', async () => {
    const { here, there } = await openPair()
    await here.join('ana', { capacity: 5 })
    for (let n = 0; n < 5; n++) {
      await here.tracker.create({ description: `Tides ${n}` })
      await here.as('ana').send('bo', `hi ${n}`)
    }
    const signals = []
    for (let n = 0; n < 5; n++) signals.push((await here.as('ana').claim())!.signal)
    await here.as('bo').receive()
    await here.close()
    await there.sync()
    for (const task of there.tracker.list())
      expect(task).toMatchObject({
        status: 'pending',
        attempts: [{ outcome: 'released', reason: 'closed' }],
        counted: { failures: 0, lost: 0, released: 0 },
      })
    expect((await there.as('bo').receive()).map(({ count }) => count)).toEqual([1, 1, 1, 1, 1])
    for (const { reason } of signals) expect(reason).toMatchObject({ code: 'closed' })
  })

  it('settles every wait with closed', async () => {
    const { crew, environment, communications, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Tides' })
    const sent = await crew.as('ana').send('bo', 'Which port?')
    crew.as('ana').work(() => new Promise(() => undefined))
    await environment.settle()
    const waits = [
      crew.as('bo').ask('ana', '?'),
      communications.awaitReply(sent.id!),
      tracker.whenEnded(task.id),
      crew.idle(),
    ].map((wait) => watch<unknown>(wait))
    await environment.settle()
    await crew.close()
    await environment.settle()
    expect(waits.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed', 'closed'])
  })

  it('answers by then what waits for a read that hangs', async () => {
    const { crew, environment, bad } = await onBadStorage()
    bad.fail('hang')
    const claimed = watch(crew.tracker.claim('ana'))
    await environment.settle()
    const closed = watch(crew.close())
    for (let seconds = 0; closed.state === 'pending'; seconds++) {
      expect(seconds).toBeLessThan(10)
      await environment.advance('1s')
    }
    await environment.settle()
    expect(claimed.state).toBe('closed')
  })

  it('is what an opening that fails at its end does, so that another one may try', async () => {
    const environment = manualEnvironment()
    const memory = new MemoryStorage()
    let owners = 0
    const storage = Object.assign(faultyStorage(memory, { environment }), {
      writers: 'one' as const,
      open: async () => {
        if (owners > 0) throw new Error('held by another')
        owners++
      },
      close: async () => {
        owners--
      },
    })
    const open = () => openCrew({ environment, storage, onError: () => undefined })
    const dying = await open()
    await dying.join('ana')
    await dying.tracker.create({ id: 'tides', description: 'Tides' })
    await dying.as('ana').claim()
    await crash(dying)
    owners = 0
    storage.fail('error', 'append')
    const failing = watch(open())
    await environment.advance('2m')
    expect(failing.state).toBe('outcome_unknown')
    storage.heal()
    const again = watch(open())
    await environment.settle()
    expect((again.state as Crew).tracker.status('tides')).toBe('pending')
  })

  it('lets nobody begin to work or listen after', async () => {
    const { crew } = await openTeam()
    const ana = crew.as('ana')
    await crew.close()
    const refused = expect.objectContaining({ code: 'closed' }) as Error
    expect(() => ana.work(() => undefined, { concurrency: 1 })).toThrow(refused)
    expect(() => ana.listen(() => undefined)).toThrow(refused)
  })

  it('ends loops and streams, and leaves what their handlers do to them', async () => {
    const { crew, environment, tracker } = await openTeam(['ana', 'bo', 'cy', 'di'])
    await tracker.create({ description: 'Tides', assignees: 'ana' })
    const ends: string[] = []
    const working = crew.as('ana').work(async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      ends.push('handler')
      throw new Error('stopped')
    })
    const listening = crew.as('bo').listen(() => undefined)
    const streams = [crew.as('cy').attempts(), crew.as('di').mail()].map(async (stream) => {
      for await (const each of stream) ends.push(typeof each)
      ends.push('stream')
    })
    await environment.settle()
    await crew.close()
    await Promise.all([working.done, listening.done, ...streams])
    expect(ends.sort()).toEqual(['handler', 'stream', 'stream'])
  })

  it('tells what it gives back, and nothing more after that', async () => {
    const { here, there, environment } = await openPair()
    const events = recordEvents(here)
    await here.tracker.create({ description: 'Tides' })
    await here.as('ana').claim()
    await here.close()
    await there.as('ana').send('bo', 'hi')
    await environment.advance('10s')
    expect(events.types()).toEqual(['task.created', 'task.started', 'task.released', 'session.ended'])
  })

  it('waits for commands under way', async () => {
    const { here, there } = await openPair()
    const created = Promise.all([1, 2, 3].map((n) => here.tracker.create({ description: `Tides ${n}` })))
    await here.close()
    expect(await created).toHaveLength(3)
    await there.sync()
    expect(there.tracker.count()).toBe(3)
  })

  it('can be called again, and meanwhile', async () => {
    const { crew } = await openTeam()
    const first = crew.close()
    await Promise.all([first, crew.close()])
    await crew.close()
  })

  it('happens at the end of a block that has `await using`', async () => {
    const { here, there } = await openPair()
    await here.tracker.create({ id: 'tides', description: 'Tides' })
    await there.sync()
    {
      await using crew = there
      await crew.as('ana').claim({ taskId: 'tides' })
    }
    await here.sync()
    expect(here.tracker.get('tides')).toMatchObject({ status: 'pending', attempts: [{ reason: 'closed' }] })
    expect(() => there.tracker.list()).toThrow(expect.objectContaining({ code: 'closed' }))
  })

  it.each<Fault>(['hang', 'error', 'lost answer', 'late'])(
    'ends within ten seconds when every call to the storage ends in: %s (MP-04)',
    async (fault) => {
      const { crew, environment, bad } = await onBadStorage()
      await crew.tracker.create({ description: 'Tides' })
      await crew.as('ana').claim()
      bad.fail(fault)
      const closed = watch(crew.close())
      await environment.advance('10s')
      expect(closed.state).toBeUndefined()
    },
  )

  it('rejects what may have been stored with outcome_unknown, and what was not begun with closed', async () => {
    const { crew, environment, bad } = await onBadStorage()
    bad.fail('hang')
    const sent = watch(crew.as('ana').send('ana', 'sent'))
    await environment.settle()
    const queued = watch(crew.as('ana').send('ana', 'queued'))
    await environment.settle()
    const closed = watch(crew.close())
    await environment.advance('10s')
    expect([sent.state, queued.state, closed.state]).toEqual(['outcome_unknown', 'closed', undefined])
  })
})

describe('a crew that is not open', () => {
  const queries: readonly [string, (crew: Crew) => unknown][] = [
    ['members', (crew) => crew.members],
    ['as', (crew) => crew.as('ana')],
    ['tracker.get', (crew) => crew.tracker.get('tides')],
    ['tracker.list', (crew) => crew.tracker.list()],
    ['tracker.status', (crew) => crew.tracker.status('tides')],
    ['tracker.workload', (crew) => crew.tracker.workload()],
    ['communications.inbox', (crew) => crew.communications.inbox('ana')],
    ['communications.messages', (crew) => crew.communications.messages()],
    ['communications.get', (crew) => crew.communications.get('nothing')],
    ['communications.deliveries', (crew) => crew.communications.deliveries('nothing')],
    ['communications.thread', (crew) => crew.communications.thread('nothing')],
    ['reports.generate', (crew) => crew.reports.generate('summary')],
  ]
  const commands: readonly [string, (crew: Crew) => Promise<unknown>][] = [
    ['join', (crew) => crew.join('zoe')],
    ['leave', (crew) => crew.leave('ana')],
    ['sync', (crew) => crew.sync()],
    ['idle', (crew) => crew.idle()],
    ['create', (crew) => crew.tracker.create({ description: 'Tides' })],
    ['claim', (crew) => crew.tracker.claim('ana')],
    ['start', (crew) => crew.tracker.start('tides', { by: 'ana' })],
    ['whenEnded', (crew) => crew.tracker.whenEnded('tides')],
    ['send', (crew) => crew.communications.send({ sender: 'ana', recipient: 'ana', content: 'hi' })],
    ['ask', (crew) => crew.communications.ask({ sender: 'ana', recipient: 'ana', content: 'hi' })],
    ['receive', (crew) => crew.communications.receive('ana')],
    ['awaitReply', (crew) => crew.communications.awaitReply('nothing')],
  ]
  const states = [
    ['not_open', (crew: Crew) => Promise.resolve(crew)],
    ['closed', async (crew: Crew) => (await crew.journal.open(), await crew.close(), crew)],
  ] as const
  const cases = <C>(calls: readonly [string, C][]) =>
    states.flatMap(([code, bring]) => calls.map(([name, call]) => ({ code, bring, name, call })))
  const make = async (): Promise<Crew> => {
    const { constructor } = await openCrew({ environment: manualEnvironment() })
    return new (constructor as new (options: object) => Crew)({ environment: manualEnvironment() })
  }

  it.each(cases(queries))('$code: $name throws', async ({ code, bring, call }) => {
    const crew = await bring(await make())
    expect(() => call(crew)).toThrow(expect.objectContaining({ code }))
  })

  it.each(cases(commands))('$code: $name rejects', async ({ code, bring, call }) => {
    const crew = await bring(await make())
    await expect(call(crew)).rejects.toMatchObject({ code })
  })

  it('closed: what was made before can still be read', async () => {
    const { crew } = await openTeam()
    const task = await crew.tracker.create({ description: 'Tides' })
    const report = crew.reports.generate('summary')
    const told = report.toMarkdown()
    await crew.close()
    expect([task.isOpen, report.data.totals.tasks, report.toMarkdown()]).toEqual([true, 1, told])
  })

  it('closed: the handles of its members refuse, too', async () => {
    const { crew } = await openTeam()
    const ana = crew.as('ana')
    await crew.close()
    expect(() => ana.inbox).toThrow(expect.objectContaining({ code: 'closed' }))
    expect(() => ana.tasks).toThrow(expect.objectContaining({ code: 'closed' }))
    await expect(ana.claim()).rejects.toMatchObject({ code: 'closed' })
    expect(() => ana.work(() => undefined)).toThrow(expect.objectContaining({ code: 'closed' }))
    expect(() => ana.listen(() => undefined)).toThrow(expect.objectContaining({ code: 'closed' }))
    await expect(ana.mail()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'closed' })
    await expect(ana.attempts()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'closed' })
  })
})
