import { type Environment, type Off } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { Heap, Slot } from '../core/heap.js'
import { number, object, read, type Reader, time, type TimeInput } from '../core/input.js'
import { randomFrom } from '../core/random.js'
import { Rounds } from './rounds.js'
import { settle } from './settle.js'
import { milliseconds, type Span } from './span.js'
import { Standstill } from './standstill.js'

/** An environment in which time passes only when told to, and chance and ids repeat with the seed. */
export interface ManualEnvironment extends Environment {
  /**
   * Lets time pass: runs what falls due, in order, and waits after each for what it started. Real I/O is not waited for.
   * Rejects with `loop_detected` when something goes round without time passing, and so does `settle`.
   */
  advance(span: Span): Promise<void>
  /**
   * Lets time pass, from one timer to the next, until the promise settles, and answers as it does. Rejects with
   * `timed_out` when it is not settled after `within` (default '1d'), or when nothing falls due any more.
   */
  run<T>(promise: PromiseLike<T>, within?: Span): Promise<T>
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
  /** Of a timer without a delay: by how many of its kind it was set, one by another. */
  readonly depth: number
}

export interface ManualEnvironmentOptions {
  /** Decides chance; default 1. */
  readonly seed?: number
  /** Where the wall clock starts; default 2026-01-01T00:00:00Z. */
  readonly now?: TimeInput
  /** Instead of chance by the seed, 0 ≤ x < 1: `() => 0.5` makes every pause before another attempt half of its most. */
  readonly random?: () => number
}

const BEGINNING = Date.UTC(2026, 0, 1)
const chance: Reader<() => number> = (value, name) => {
  if (typeof value !== 'function') throw invalid(`${name} must be a function that answers a number from 0 to below 1`)
  return () => {
    const drawn: unknown = (value as () => unknown)()
    if (typeof drawn === 'number' && drawn >= 0 && drawn < 1) return drawn
    throw invalid(`${name} must answer a number from 0 to below 1, not ${String(drawn)}`)
  }
}
const manualOptions = object({ seed: number(), now: time, random: chance })

export function manualEnvironment(options: ManualEnvironmentOptions = {}): ManualEnvironment {
  const { seed = 1, now = BEGINNING, random = randomFrom(seed) } = read(manualOptions, options, 'options')
  let monotonic = 0
  /** Of the wall clock against the monotonic one. A sum of what has passed would lose fractions, and time with them. */
  let aheadMs = now
  let timersMade = 0
  let idsMade = 0
  const timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  const awaited = new Set<Timer>()
  /** Of the timer that ran last. */
  let depth = 0

  /** Runs the next timer, if it is due by then. */
  const step = async (until: number): Promise<boolean> => {
    const due = timers.peek()
    if (!due || due.at > until) return false
    timers.shift()
    awaited.delete(due)
    if (due.at > monotonic) rounds.passed()
    monotonic = due.at
    depth = due.depth
    due.run()
    await rounds.watch(settle)
    return true
  }

  const advance = async (span: Span): Promise<void> => {
    const end = monotonic + milliseconds(span)
    depth = 0
    await rounds.watch(settle)
    while (await step(end));
    if (end > monotonic) rounds.passed()
    monotonic = end
  }

  const run = async <T>(promise: PromiseLike<T>, within: Span = '1d'): Promise<T> => {
    const end = monotonic + milliseconds(within)
    depth = 0
    if (typeof (promise as Partial<typeof promise> | undefined)?.then !== 'function')
      throw invalid('run takes a promise: environment.run(crew.tracker.whenEnded(id))')
    const waiting = { isOver: false }
    const settled = (): void => {
      waiting.isOver = true
    }
    const ended = Promise.resolve(promise)
    ended.then(settled, settled)
    await rounds.watch(settle)
    while (!waiting.isOver && (await step(end)));
    if (waiting.isOver) return ended
    const when = timers.peek() ? `within ${within}` : 'though nothing is due any more'
    throw new CrewError(
      'timed_out',
      `The promise did not settle ${when}; pass a longer span, or await what does real I/O before`,
    )
  }

  const environment: ManualEnvironment = {
    // Whole, as a platform's wall clock is.
    now() {
      rounds.look()
      standstill.stir()
      return Math.floor(aheadMs + monotonic)
    },
    monotonic: () => monotonic,
    setTimer(run, ms, isBackground = false): Off {
      if (typeof run !== 'function') throw invalid(`A timer takes a function, not a ${typeof run}`)
      const at = monotonic + read(number(0), ms, 'delay')
      const timer = { at, order: ++timersMade, run, depth: at > monotonic ? 0 : depth + 1 }
      rounds.deepen(timer.depth)
      const slot = new Slot<Timer>(timer)
      timers.add(slot)
      if (!isBackground) {
        awaited.add(timer)
        standstill.watch()
      }
      return () => {
        timers.delete(slot)
        awaited.delete(timer)
      }
    },
    id: () => `id-${String(++idsMade).padStart(6, '0')}`,
    random,
    attempting: (task, member) => {
      rounds.attempt(task, member)
    },
    advance: (span) => standstill.during(() => advance(span)),
    run: (promise, within) => standstill.during(() => run(promise, within)),
    settle: () => standstill.during(() => rounds.watch(settle)),
    setWallClock(to) {
      aheadMs = read(time, to, 'time') - monotonic
    },
    suspend(span) {
      aheadMs += milliseconds(span)
    },
  }
  const rounds = new Rounds(environment)
  const standstill = new Standstill(() => waitingFor(awaited, monotonic))
  return environment
}

/** What is awaited, in words. Who awaits something without a time limit has a timer that is never due. */
function waitingFor(awaited: ReadonlySet<Timer>, now: number): string | undefined {
  if (awaited.size === 0) return undefined
  const next = Math.min(...[...awaited].map(({ at }) => at)) - now
  return next < NEVER_MS ? `what is due in ${next} ms is waited for` : 'something is waited for'
}

/** Beyond what any test waits. */
const NEVER_MS = 2 ** 30
