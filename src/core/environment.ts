import { nanoid } from 'nanoid'
import { invalid } from './errors.js'

/** Ends what it was handed out for: a subscription, a timer. Calling it again does nothing. */
export type Off = () => void

/** All that comes from outside: time, timers, ids and chance. Pass another one to steer them (see `crewlog/testing`). */
export interface Environment {
  /** Wall clock, milliseconds since the epoch. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes backwards. */
  monotonic(): number
  /** Calls `run` once after `ms`. A `background` timer does not keep a process alive. */
  setTimer(run: () => void, ms: number, background?: boolean): Off
  /** A new id, at least 122 random bits. */
  id(): string
  /** 0 ≤ x < 1 */
  random(): number
  /** Of tests: hears of each claim that a loop is about to make; when it throws, the loop pauses. @internal */
  attempting?(task: string, member: string): void
}

/** What a platform's timer can hold: longer delays overflow and would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Resolves after `ms`; one in the `background` does not keep a process alive. */
export const pause = (environment: Clock, ms: number, background?: boolean): Promise<void> =>
  new Promise((resolve) => environment.setTimer(resolve, ms, background))

const monotonic = (): number => performance.now()
const random = (): number => Math.random()

const setTimer: Environment['setTimer'] = (run, ms, background) => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (left: number): void => {
    const piece = Math.min(left, LONGEST_TIMER_MS)
    timer = setTimeout(() => {
      if (left > piece) wait(left - piece)
      else run()
    }, piece)
    // Only Node's timers keep a process alive; a browser's is a number.
    if (background && typeof timer === 'object') (timer as { unref?: () => void }).unref?.()
  }
  wait(ms)
  return () => {
    clearTimeout(timer)
  }
}

/** What storages wait by: without ids, and without checks of what they pass themselves. */
export type Clock = Pick<Environment, 'monotonic' | 'setTimer' | 'random'>
export const systemClock: Clock = { monotonic, setTimer, random }

/** The platform's own clocks, timers and random numbers. */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  monotonic,
  setTimer(run, ms, background) {
    if (typeof run !== 'function') throw invalid(`A timer takes a function, not a ${typeof run}`)
    if (!Number.isFinite(ms) || ms < 0)
      throw invalid(
        `A timer takes a finite delay of 0 ms or more, not ${typeof ms === 'number' ? ms : `a ${typeof ms}`}`,
      )
    return setTimer(run, ms, background)
  },
  id: () => nanoid(),
  random,
}
