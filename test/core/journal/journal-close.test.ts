import { Journal, MemoryStorage, TaskTracker } from 'crewlog'
import { faultyStorage, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../../src/core/environment.js'
import { watch } from '../../support/team.js'

/** An environment that counts the timers which would keep a process alive, or all. */
function counting(environment: ManualEnvironment, all = false): Environment & { readonly alive: () => number } {
  const alive = new Set<object>()
  return {
    ...environment,
    alive: () => alive.size,
    setTimer(run, ms, background) {
      const timer = {}
      if (all || !background) alive.add(timer)
      const off = environment.setTimer(
        () => {
          alive.delete(timer)
          run()
        },
        ms,
        background,
      )
      return () => {
        alive.delete(timer)
        off()
      }
    },
  }
}

/** A storage whose openings end when the test says so; it counts who holds it. */
class Latch extends MemoryStorage {
  holders = 0
  readonly openings: (() => void)[] = []

  open(): Promise<void> {
    return new Promise((resolve) => {
      this.openings.push(() => {
        this.holders++
        resolve()
      })
    })
  }

  close(): Promise<void> {
    this.holders--
    return Promise.resolve()
  }
}

describe('a journal whose storage hangs as it opens', () => {
  it('opens it a second time only when what the first took is let go', async () => {
    const environment = manualEnvironment()
    const storage = new Latch()
    const journal = new Journal({ storage, environment })
    const first = watch(journal.open({ timeoutMs: 1000 }))
    await environment.advance('1s')
    expect(first.state).toBe('timed_out')
    const second = watch(journal.open())
    await environment.settle()
    // Guards `await this.#letGone`: otherwise the first, when it ends, closes what the second has.
    expect(storage.openings).toHaveLength(1)
    storage.openings[0]!()
    await environment.settle()
    expect(storage.openings).toHaveLength(2)
    storage.openings[1]!()
    await environment.settle()
    expect([second.state, storage.holders]).toEqual([undefined, 1])
    await journal.close()
    expect(storage.holders).toBe(0)
  })

  it('takes nothing any more when it was closed meanwhile, and tells so who opens it', async () => {
    const environment = manualEnvironment()
    const storage = new Latch()
    const journal = new Journal({ storage, environment, onError: () => undefined })
    const opening = watch(journal.open())
    await environment.settle()
    const closing = watch(journal.close())
    await environment.advance('10s')
    expect([opening.state, closing.state]).toEqual(['closed', undefined])
    storage.openings[0]!()
    await environment.settle()
    expect(storage.holders).toBe(0)
  })
})

describe('a journal that cannot be opened', () => {
  /** Its storage opens, and ends neither a read nor its closing before the test says so. */
  function stuck() {
    const environment = manualEnvironment()
    let fail = (): void => undefined
    let letGo = (): void => undefined
    const storage = Object.assign(new MemoryStorage(), {
      open: async () => undefined,
      loadCheckpoint: () =>
        new Promise<never>((_, reject) => {
          fail = () => {
            reject(new Error('away'))
          }
        }),
      close: () => new Promise<void>((resolve) => (letGo = resolve)),
    })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    return { environment, journal, fail: () => fail(), letGo: () => letGo() }
  }

  it('says so when it has let the storage go, so that it can be opened again', async () => {
    const { environment, journal, fail, letGo } = stuck()
    const opening = watch(journal.open())
    await environment.settle()
    fail()
    await environment.settle()
    expect(opening.state).toBe('pending')
    letGo()
    await environment.settle()
    expect(opening.state).toBe('storage_unavailable')
  })

  it('says so at once to who waits no longer', async () => {
    const { environment, journal } = stuck()
    const abort = new AbortController()
    const opening = watch(journal.open({ signal: abort.signal }))
    await environment.settle()
    abort.abort()
    await environment.settle()
    expect(opening.state).toBe('cancelled')
  })
})

describe('a journal to which nobody else writes', () => {
  it.each([
    ['its own memory', {}],
    ['a storage for one', { storage: Object.assign(new MemoryStorage(), { writers: 'one' as const }) }],
  ])('looks for nothing in %s: it has no timer', async (_, options) => {
    const environment = counting(manualEnvironment(), true)
    const journal = new Journal({ ...options, environment })
    await journal.open()
    expect(environment.alive()).toBe(0)
    await journal.close()
  })
})

describe('a journal that was closed', () => {
  it.each(['hang', 'error', 'open'] as const)(
    'leaves no timer behind that keeps the process alive, after: %s',
    async (fault) => {
      const manual = manualEnvironment()
      const environment = counting(manual)
      const bad = faultyStorage(new MemoryStorage(), { environment: manual })
      const storage = fault === 'open' ? new Latch() : bad
      const journal = new Journal({ storage, environment, onError: () => undefined })
      const tracker = new TaskTracker({ journal })
      const opening = watch(journal.open())
      await manual.settle()
      if (fault !== 'open') {
        bad.fail(fault)
        watch(tracker.create({ description: 'Tides' }))
      }
      await manual.advance('1s')
      expect(environment.alive()).toBeGreaterThan(0)
      const closing = watch(journal.close())
      await manual.advance('10s')
      expect([closing.state, environment.alive()]).toEqual([undefined, 0])
      expect(opening.state).toBe(fault === 'open' ? 'closed' : undefined)
    },
  )

  it('ends all pauses, not only the newest', async () => {
    const manual = manualEnvironment()
    const environment = counting(manual)
    const storage = faultyStorage(new MemoryStorage(), { environment: manual })
    const append = storage.append.bind(storage)
    let sent: Parameters<typeof append>
    Object.assign(storage, { append: (...call: typeof sent) => append(...(sent = call)) })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    const tracker = new TaskTracker({ journal })
    await journal.open()
    storage.fail('error', 'append')
    const first = watch(tracker.create({ id: 'a', description: 'a' }))
    // By now it pauses for seconds; a read tells before that is over that it was stored after all.
    await manual.advance('25s')
    await storage.real.append(...sent!)
    await journal.sync()
    expect(first.state).toMatchObject({ id: 'a' })
    watch(tracker.create({ id: 'b', description: 'b' }))
    await manual.settle()
    storage.heal()
    await manual.advance(50)
    expect(environment.alive()).toBe(1)
    await journal.close()
    expect(environment.alive()).toBe(0)
  })

  it('answers who waits for a sync that hangs', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    await journal.open()
    storage.fail('hang')
    const synced = watch(journal.sync())
    const closing = watch(journal.close())
    await environment.advance('9s')
    expect([synced.state, closing.state]).toEqual(['closed', undefined])
  })

  it('pauses no more after an append that hung until then', async () => {
    const manual = manualEnvironment()
    const environment = counting(manual)
    const storage = faultyStorage(new MemoryStorage(), { environment: manual })
    const journal = new Journal({ storage, environment, onError: () => undefined })
    const tracker = new TaskTracker({ journal })
    await journal.open()
    storage.fail('hang', 'append')
    watch(tracker.create({ description: 'Tides' }))
    const closing = watch(journal.close())
    await manual.advance('8s')
    expect([closing.state, environment.alive()]).toEqual([undefined, 0])
  })
})
