import { type Environment, type Off } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { Heap, Slot } from '../core/heap.js'
import { number, object, read, time, type TimeInput } from '../core/input.js'
import { randomFrom } from './random.js'

/** Milliseconds, or a number with its unit: '250ms', '90s', '1m', '2h', '3d'. */
export type Span = number | string

/** An environment in which time passes only when told to, and chance and ids repeat with the seed. */
export interface ManualEnvironment extends Environment {
  /** Lets time pass: runs what falls due, in order, and waits after each for what it started. Real I/O is not waited for. */
  advance(span: Span): Promise<void>
  /** Waits, without time passing, for what is under way in memory. */
  settle(): Promise<void>
  /** Sets the wall clock, forwards or backwards; timers and the monotonic clock go on as they were. */
  setWallClock(to: TimeInput): void
  /** A suspended machine: only the wall clock moves. */
  suspend(span: Span): void
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

const BEGINNING = Date.UTC(2026, 0, 1)
const manualOptions = object({ seed: number(), now: time })

/** `seed` (default 1) decides ids and chance; `now` (default 2026-01-01T00:00:00Z) is where the wall clock starts. */
export function manualEnvironment(
  options: { readonly seed?: number; readonly now?: TimeInput } = {},
): ManualEnvironment {
  const { seed = 1, now = BEGINNING } = read(manualOptions, options, 'options')
  let monotonic = 0
  /** Of the wall clock against the monotonic one. A sum of what has passed would lose fractions, and time with them. */
  let aheadMs = now
  let timersMade = 0
  let idsMade = 0
  const timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  const random = randomFrom(seed)

  return {
    // Whole, as a platform's wall clock is.
    now: () => Math.floor(aheadMs + monotonic),
    monotonic: () => monotonic,
    setTimer(run, ms): Off {
      if (typeof run !== 'function') throw invalid(`A timer takes a function, not a ${typeof run}`)
      const slot = new Slot<Timer>({ at: monotonic + read(number(0), ms, 'delay'), order: ++timersMade, run })
      timers.add(slot)
      return () => {
        timers.delete(slot)
      }
    },
    id: () => `id-${String(++idsMade).padStart(6, '0')}`,
    random,
    async advance(span) {
      const end = monotonic + milliseconds(span)
      await settle()
      for (let due = timers.peek(); due && due.at <= end; due = timers.peek()) {
        timers.shift()
        monotonic = due.at
        due.run()
        await settle()
      }
      monotonic = end
    },
    settle,
    setWallClock(to) {
      aheadMs = read(time, to, 'time') - monotonic
    },
    suspend(span) {
      aheadMs += milliseconds(span)
    },
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A span as milliseconds. */
export function milliseconds(span: Span): number {
  const given: unknown = span
  const [, amount, unit = ''] = (typeof given === 'string' && /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(given)) || []
  const ms = typeof given === 'number' ? given : Number(amount) * (UNITS[unit] ?? NaN)
  if (!(ms >= 0 && ms < Infinity))
    throw invalid(
      `A span is milliseconds or like '250ms', '90s', '1m', '2h', '3d', not ${['string', 'number'].includes(typeof given) ? String(given) : `a ${typeof given}`}`,
    )
  return ms
}

// Taken once, so that a test runner's fake timers do not hold it up.
const { setImmediate } = globalThis as { readonly setImmediate?: (run: () => void) => void }
const later = setImmediate ?? overChannel()

/** After all promises that can settle without a timer or I/O have settled. */
export const settle = (): Promise<void> =>
  new Promise((resolve) => {
    later(resolve)
  })

/** Browsers have no setImmediate, and their setTimeout waits at least 4 ms when nested. */
function overChannel(): (run: () => void) => void {
  return (run) => {
    const { port1, port2 } = new MessageChannel()
    const listener = (): void => {
      port1.close()
      run()
    }
    port1.addEventListener('message', listener, { once: true })
    port1.start()
    port2.postMessage(0)
  }
}
