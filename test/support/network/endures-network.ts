import { type Crew, type CrewError, type CrewOptions, openCrew } from 'crewlog'
import { checkJournal } from 'crewlog/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { engineOf } from '../all-engines.js'
import { compileProgram } from '../child-programs.js'
import type { Connection } from '../engines.js'
import { hurriedEnvironment } from '../hurried-environment.js'
import { addressOf, isMissing } from '../services.js'
import { TcpProxy } from '../tcp-proxy.js'
import type { Stranded } from './stranded.js'

/** How fast clocks run here: 10 s until a call counts as unanswered become one. */
const TIMES = 10
const LEASE_MS = 15_000

/** Of an engine with a server, by its name in `all-engines.ts`; `isCommit` tells what a client sends to commit a task. */
export async function enduresNetwork(
  engine: string,
  isCommit: (sent: string, description: string) => boolean,
): Promise<void> {
  const over = await engineOf(engine)
  const { name, service } = over
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** A place, and a bad way there. */
  const behindProxy = async (): Promise<{ place: string; proxy: TcpProxy }> => {
    const place = await over.make()
    ends.push(() => over.remove(place))
    const proxy = await TcpProxy.before(addressOf(service!))
    ends.push(() => proxy.close())
    return { place, proxy }
  }
  const connected = async (place: string, proxy?: TcpProxy): Promise<Connection> => {
    const connection = await over.connect(place, {
      silenceMs: 15_000 / TIMES,
      ...(proxy && { address: proxy.address }),
    })
    // Clients complain at their end of connections that broke.
    ends.push(() => connection.close().catch(() => undefined))
    return connection
  }
  const opened = async ({ storage }: Connection, errors: unknown[] = [], more: CrewOptions = {}): Promise<Crew> => {
    const environment = hurriedEnvironment(TIMES)
    const crew = await openCrew({ storage, environment, onError: (error) => errors.push(error), ...more })
    ends.push(() => crew.close())
    return crew
  }

  describe.skipIf(await isMissing(service))(`A crew over ${name} behind a bad network`, () => {
    it.each(['before', 'after'] as const)(
      'makes a commit once whose connection breaks %s it reaches the server, or it answers',
      async (when) => {
        const { place, proxy } = await behindProxy()
        const crew = await opened(await connected(place, proxy))
        await crew.join('ana')

        const isCut = proxy.cutAt(when, (sent) => isCommit(sent, 'break here'))
        const task = await crew.tracker.create({ description: 'break here' })
        await isCut
        const next = await crew.tracker.create({ description: 'and then' })

        const direct = await connected(place)
        expect((await opened(direct)).tracker.list().map(({ id }) => id)).toEqual([task.id, next.id])
        expect(await checkJournal(direct.storage)).toEqual([])
      },
    )

    it('waits for a slow server', async () => {
      const { place, proxy } = await behindProxy()
      proxy.delayMs = 50
      const errors: unknown[] = []
      const crew = await opened(await connected(place, proxy), errors)
      const ana = await crew.join('ana', { capacity: 3 })
      const tasks = await Promise.all(['a', 'b', 'c'].map((description) => crew.tracker.create({ description })))
      for (const { id } of tasks) expect((await ana.claim())?.task.id).toBe(id)
      expect(errors).toEqual([])
    })

    it('gives up on a connection that swallows everything, says so once, and comes back by itself (MP-07)', async () => {
      const { place, proxy } = await behindProxy()
      const errors: unknown[] = []
      const crew = await opened(await connected(place, proxy), errors)
      await crew.join('ana')

      proxy.silence()
      const unknown = crew.tracker.create({ description: 'into silence' })
      await expect(unknown).rejects.toMatchObject({ code: 'outcome_unknown' })
      proxy.open()
      const after = await untilDone(() => crew.tracker.create({ description: 'after it' }))

      const direct = await connected(place)
      const seen = (await opened(direct)).tracker.list()
      expect(seen.filter(({ id }) => id === after.id)).toHaveLength(1)
      expect(seen.filter(({ description }) => description === 'into silence').length).toBeLessThanOrEqual(1)
      expect(await checkJournal(direct.storage)).toEqual([])
      expect(errors.length).toBeLessThanOrEqual(2)
    }, 60_000)

    it.each(['shut', 'silence'] as const)(
      'stops an attempt before another process can take over, when its network is a %s one',
      async (how) => {
        const { place, proxy } = await behindProxy()
        const holder = await opened(await connected(place, proxy), [], { leaseMs: LEASE_MS })
        const observer = await opened(await connected(place), [], { leaseMs: LEASE_MS })
        const ana = await holder.join('ana')
        const task = await holder.tracker.create({ description: 'Take long' })
        const attempt = (await ana.claim())!
        const order: string[] = []
        attempt.signal.addEventListener('abort', () => order.push('stopped'))
        const bo = await observer.join('bo')
        observer.on('task.started', () => order.push('taken over'))
        const worker = bo.work(() => 'done by another')

        proxy[how]()
        const { attempts } = await observer.tracker.whenEnded(task.id)
        expect(order).toEqual(['stopped', 'taken over'])
        expect(attempts.map(({ member, outcome }) => [member, outcome])).toEqual([
          ['ana', 'lost'],
          ['bo', 'completed'],
        ])

        proxy.open()
        await untilDone(() => holder.sync())
        expect(holder.tracker.get(task.id)).toMatchObject({ status: 'completed', result: 'done by another' })
        await expect(attempt.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
        expect(await untilDone(() => holder.tracker.create({ description: 'It is back' }))).toBeDefined()
        await worker.stop()
      },
      60_000,
    )

    it('takes its state up from a checkpoint, when what it missed was trimmed while it was cut off', async () => {
      const { place, proxy } = await behindProxy()
      const crew = await opened(await connected(place, proxy))
      await crew.join('ana')
      const gaps: object[] = []
      crew.on('resynced', (gap) => gaps.push(gap))

      proxy.shut()
      const direct = await connected(place)
      const other = await opened(direct)
      for (let number = 0; number < 5; number++) await other.tracker.create({ description: 'Missed' })
      await other.checkpoint()
      const { seq } = other.journal.head!
      await direct.storage.trim('crew', seq - 1)
      proxy.open()
      await untilDone(() => crew.sync())

      expect(gaps).toEqual([{ from: 2, to: seq }])
      expect(crew.tracker.list()).toEqual(other.tracker.list())
    })

    it('is closed, and its process ends, though the store is gone', async () => {
      const { place, proxy } = await behindProxy()
      const program = await compileProgram('test/support/network/program.ts')
      ends.push(() => program.remove())
      const heard: string[] = []
      let tell = (): void => undefined
      const hears = (line: string): Promise<void> =>
        new Promise((resolve) => {
          tell = () => heard.includes(line) && resolve()
          tell()
        })
      const stranded: Stranded = { engine, place, address: proxy.address, times: TIMES }
      const child = program.start(stranded, (line) => {
        heard.push(line)
        tell()
      })
      ends.push(async () => {
        child.signal('SIGKILL')
      })
      await Promise.race([hears('at work'), child.ended])
      proxy.shut()
      await Promise.race([hears('error'), child.ended])
      child.tell('close')
      await child.ended

      expect([child.complaint, child.wasKilled]).toEqual(['', false])
      expect(heard.at(-1)).toBe('closed')
    }, 60_000)
  })
}

/** The answer of a command that is called again while the store is not quite back. */
async function untilDone<T>(command: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await command()
    } catch (error) {
      expect(['storage_unavailable', 'outcome_unknown']).toContain((error as CrewError).code)
    }
  }
}
