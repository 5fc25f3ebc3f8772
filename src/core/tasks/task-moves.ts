import { type AttemptRecord, type Outcome, sum, type Usage } from './attempt-record.js'
import { CrewError, invalid } from '../errors.js'
import type { Id } from '../input.js'
import { isEmpty, type Json, NONE, NOTHING } from '../json.js'
import {
  type Answer,
  type Failure,
  type Move,
  NOT_COUNTED,
  type RetryPolicy,
  type Task,
  type TaskStatus,
  type WaitingFor,
} from './task.js'

/** The table of legal moves: what can be done with a task in each status. */
const MOVES: Readonly<Record<TaskStatus, readonly string[]>> = {
  pending: [
    'start',
    'claim',
    'offer',
    'accept',
    'assign',
    'unassign',
    'addDependency',
    'removeDependency',
    'cancel',
    'update',
  ],
  in_progress: ['progress', 'complete', 'fail', 'release', 'handOff', 'askForHelp', 'wait', 'cancel', 'update'],
  waiting: ['resume', 'review', 'assign', 'unassign', 'cancel', 'update'],
  completed: ['update'],
  failed: ['retry', 'update'],
  cancelled: ['retry', 'update'],
}

/** Lost leases in a row after which the task, not its takers, is to blame. */
const POISONED_AFTER = 3
export const FREE_RELEASES = 10
/** Attempts and answers that a task remembers. */
const HISTORY = 20

/** How an attempt ended that did not succeed. */
export interface Mishap {
  readonly outcome: Outcome
  readonly code: Failure['code']
  readonly message: string
  /** Whether another attempt may do better; default true. */
  readonly retryable?: boolean | undefined
  readonly usage?: Usage | undefined
}

/** What the next try depends on. */
export interface Chances {
  readonly now: number
  readonly retry: RetryPolicy
  /** 0 ≤ x < 1: the share of the backoff to wait. */
  readonly chance: number
}

/** Throws `invalid_transition` unless `move` is legal in this status; `why` says it otherwise than by its name. */
export function expectMove({ id, status }: Task, move: string, why = `cannot ${move}`): void {
  const moves = MOVES[status]
  if (!moves.includes(move))
    throw new CrewError('invalid_transition', `Task ${id} is ${status}: ${why}; it can ${moves.join(', ')}`, {
      id,
      status,
    })
}

/** Throws unless `move` is legal, and made by the attempt that runs now; one started by hand needs no fence. */
export function expectFrom(task: Task, move: string, fence: number | undefined): void {
  const { id, status, running, attempts, fence: current } = task
  if (fence === undefined) {
    if (running?.leaseMs !== undefined)
      throw invalid(`Task ${id} is claimed: pass { fence } of the attempt, or call its ${move}()`, { id })
  } else if (running?.fence !== fence) {
    const { outcome = 'gone' } = attempts.find((attempt) => attempt.fence === fence) ?? {}
    throw new CrewError(
      'stale_attempt',
      `Attempt ${fence} of task ${id} is ${outcome}, the task ${status}: stop, and claim another`,
      { id, fence, current },
    )
  }
  expectMove(task, move)
}

/** An attempt begins; `leaseMs` makes it a claim. */
export function start(task: Task, member: Id, session: Id, leaseMs: number | undefined, startedAt: number): Move {
  const number = task.attemptCount + 1
  const fence = task.fence + 1
  const attempt: AttemptRecord =
    leaseMs === undefined
      ? { number, member, session, fence, startedAt, usage: NOTHING }
      : { number, member, session, fence, startedAt, leaseMs, usage: NOTHING }
  return {
    status: 'in_progress',
    holder: member,
    startedAt: task.startedAt ?? startedAt,
    fence,
    attemptCount: number,
    attempts: [...task.attempts.slice(1 - HISTORY), attempt],
    keptFor: undefined,
    offers: NONE,
  }
}

/** The running attempt tells of itself. */
export function spend(task: Task, usage: Usage | undefined, more: Partial<AttemptRecord> = NOTHING): Move {
  const running = task.attempts.at(-1) as AttemptRecord
  const attempts = task.attempts.with(-1, { ...running, ...more, usage: sum(running.usage, usage) })
  return usage ? { attempts, usage: sum(task.usage, usage) } : { attempts }
}

/** The running attempt ends. */
export function close(
  task: Task,
  outcome: Outcome,
  endedAt: number,
  usage?: Usage,
  reason?: string,
  more?: Partial<AttemptRecord>,
): Move {
  const how = reason === undefined ? { endedAt, outcome } : { endedAt, outcome, reason }
  return spend(task, usage, more ? { ...how, ...more } : how)
}

/** The task ends, for now. */
export function end(status: TaskStatus, endedAt: number, ...more: readonly Move[]): Move {
  const over = {
    status,
    endedAt,
    holder: undefined,
    waitingFor: undefined,
    keptFor: undefined,
    offers: NONE,
    notBefore: undefined,
    failure: undefined,
    cancelRequested: false,
  }
  return Object.assign(over, ...more) as Move
}

export function complete(task: Task, now: number, result: Json | undefined, usage: Usage | undefined): Move {
  return end('completed', now, close(task, 'completed', now, usage), {
    result,
    progress: { ...task.progress, value: 1 },
  })
}

/** The attempt ends, and the task waits. */
export function wait(task: Task, waitingFor: WaitingFor, usage?: Usage): Move {
  const counted = { ...task.counted, lost: 0, released: 0 }
  const closed = close(task, 'waiting', waitingFor.since, usage)
  return {
    ...closed,
    status: 'waiting',
    holder: undefined,
    waitingFor,
    counted,
    cancelRequested: false,
    failure: undefined,
  }
}

/** The running attempt failed, was lost or ran out of time: the task is tried again, or has failed. */
export function giveUp(
  task: Task,
  { outcome, code, message, retryable = true, usage }: Mishap,
  { now, retry, chance }: Chances,
): Move {
  const closed = close(task, outcome, now, usage, message)
  if (task.cancelRequested) return stop(task, now, closed)
  const failures = task.counted.failures + 1
  const lost = outcome === 'lost' ? task.counted.lost + 1 : 0
  const counted = { ...task.counted, failures, lost, released: 0 }
  const { attempts = 5, backoffMs: { base, cap } = { base: 1000, cap: 600_000 } } = { ...retry, ...task.retry }
  const isPoisoned = lost >= POISONED_AFTER
  if (isPoisoned || !retryable || failures >= attempts) {
    const failure: Failure = isPoisoned
      ? {
          code: 'poisoned',
          message: `Lost ${lost} times in a row, perhaps by what it does to its process; look at it before you retry it`,
        }
      : { code, message }
    return end('failed', now, closed, { counted, failure })
  }
  // The exponent is held down, as 0 × ∞ is no time.
  // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
  // 2^1024 is Infinity, and no share of 0 × Infinity is a time.
  const notBefore = Math.ceil(now + Math.min(cap, base * 2 ** Math.min(failures - 1, 1000)) * chance)
  return { ...closed, status: 'pending', holder: undefined, counted, notBefore }
}

/** Back to pending, free of charge, but not for ever; not counted when a session ends. */
export function release(
  task: Task,
  reason: string,
  isCounted: boolean,
  chances: Chances,
  usage?: Usage,
  handedTo?: readonly Id[],
): Move {
  const released = task.counted.released + (isCounted ? 1 : 0)
  if (released > FREE_RELEASES)
    return giveUp(
      task,
      { outcome: 'failed', code: 'failed', message: `Released ${released} times in a row: ${reason}`, usage },
      chances,
    )
  const closed = close(task, 'released', chances.now, usage, reason, handedTo && { handedTo })
  if (task.cancelRequested) return stop(task, chances.now, closed)
  return { ...closed, status: 'pending', holder: undefined, counted: { ...task.counted, lost: 0, released } }
}

/** The holder stopped, as it was asked to. */
export function stop({ failure }: Task, now: number, closed: Move): Move {
  return end('cancelled', now, closed, { failure })
}

/** Ends it at once; if it runs, its attempt with it, and the fence moves past that. */
export function cancel(task: Task, failure: Failure, now: number): Move {
  return end(
    'cancelled',
    now,
    task.running ? { ...close(task, 'cancelled', now, undefined, failure.message), fence: task.fence + 1 } : {},
    { failure },
  )
}

/** Failed by its deadline or a dependency, whatever it was doing. */
export function fail(task: Task, failure: Failure, now: number): Move {
  return end('failed', now, task.running ? close(task, 'timed_out', now, undefined, failure.message) : {}, { failure })
}

/** What the task waited for has been answered. */
export function answered({ waitingFor, answers }: Task, answer: Omit<Answer, 'number' | 'for' | 'question'>): Move {
  const { for: reason, question } = waitingFor as WaitingFor
  const number = (answers.at(-1)?.number ?? 0) + 1
  const kept = { number, for: reason, ...(question !== undefined && { question }), ...answer }
  return { waitingFor: undefined, answers: [...answers.slice(1 - HISTORY), kept] }
}

/** Starts anew, with what is counted; fence and history stay. A deadline that has passed is dropped. */
export function reopen({ failAt = 0, usage }: Task, now: number): Move {
  return {
    status: 'pending',
    failure: undefined,
    endedAt: undefined,
    counted: isEmpty(usage) ? NOT_COUNTED : { ...NOT_COUNTED, spent: usage },
    failAt: failAt > now ? failAt : undefined,
  }
}
