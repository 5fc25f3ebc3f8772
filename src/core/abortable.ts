import type { Clock, Off } from './environment.js'
import { CrewError } from './errors.js'
import { duration, object, type Reader } from './input.js'

export interface Abortable {
  readonly signal?: AbortSignal
  /** Milliseconds after which the caller no longer waits. */
  readonly timeoutMs?: number
}

const signal: Reader<AbortSignal> = (value, name) => {
  if (value instanceof AbortSignal) return value
  throw new CrewError('invalid_input', `${name} must be an AbortSignal`)
}

/** The fields of Abortable, for the readers of options. */
export const abortable = { signal, timeoutMs: duration() }

export const readAbortable = object(abortable)

/** Who waits on a signal: one listener on it serves any number of waits. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls `run` when the signal aborts. */
export function onAbort(signal: AbortSignal, run: () => void): Off {
  let waits = waiting.get(signal)
  if (!waits) {
    const all = new Set<() => void>()
    signal.addEventListener(
      'abort',
      () => {
        for (const wait of all) wait()
      },
      { once: true },
    )
    waiting.set(signal, (waits = all))
  }
  waits.add(run)
  return () => waits.delete(run)
}

/** Calls `end` once, unless ended before: with `cancelled` when the signal aborts, with `timed_out` after `timeoutMs`. */
export function endBy({ signal, timeoutMs }: Abortable, environment: Clock, end: (error: CrewError) => void): Off {
  const offs: Off[] = []
  const off = (): void => {
    for (const each of offs.splice(0)) each()
  }
  const endWith = (error: CrewError): void => {
    off()
    end(error)
  }
  if (signal) {
    const aborted = (): void => {
      endWith(new CrewError('cancelled', 'The caller aborted the wait', {}, signal.reason))
    }
    if (signal.aborted) aborted()
    else offs.push(onAbort(signal, aborted))
  }
  if (timeoutMs !== undefined && !signal?.aborted) {
    const late = new CrewError('timed_out', `No answer within ${timeoutMs} ms`, { timeoutMs })
    offs.push(
      environment.setTimer(() => {
        endWith(late)
      }, timeoutMs),
    )
  }
  return off
}

/** `promise`, or the rejection of `endBy`, whichever comes first. What it waited for goes on. */
export function until<T>(promise: Promise<T>, options: Abortable, environment: Clock): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const off = endBy(options, environment, reject)
    promise.then(resolve, reject).finally(off)
  })
}

/** The same for what a caller awaits: meanwhile the process stays alive, though other timers are in the background. */
export async function awaited<T>(promise: Promise<T>, options: Abortable, environment: Clock): Promise<T> {
  const letGo = environment.setTimer(() => undefined, 2 ** 31 - 1)
  try {
    return await until(promise, options, environment)
  } finally {
    letGo()
  }
}

/** Throws once the caller has left; asked before each step. */
export type Check = () => void

/**
 * Runs `work` until the caller leaves, by signal or time-out: `check` throws then. `stay` does so too, and else lets the
 * caller leave no more. What `work` throws is told as `asError` says.
 */
export function whileWanted<T>(
  options: Abortable,
  environment: Clock,
  work: (check: Check, stay: Check) => Promise<T>,
  asError: (error: unknown) => unknown = (error) => error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let left: CrewError | undefined
    const off = endBy(options, environment, (error) => {
      left = error
      reject(error)
    })
    const check = (): void => {
      if (left) throw left
    }
    const stay = (): void => {
      check()
      off()
    }
    const failed = (error: unknown): void => {
      reject(asError(error))
    }
    if (!left) work(check, stay).then(resolve, failed).finally(off)
  })
}
