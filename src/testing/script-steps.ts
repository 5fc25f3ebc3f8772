import type { Attempt } from '../core/tasks/attempt.js'
import type { Usage } from '../core/tasks/attempt-record.js'
import { onAbort } from '../core/abortable.js'
import type { Environment } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { type Id, read, text } from '../core/input.js'
import type { Json } from '../core/json.js'
import { type ProgressOptions, readers, type WaitOptions } from '../core/tasks/task-input.js'
import type { Member } from '../crew/member.js'
import { milliseconds, type Span } from './span.js'

/** Where a step is played. */
export interface Scene {
  readonly attempt: Attempt
  readonly member: Member
  readonly environment: Environment
  /** The death of its process; it comes back after so long, if that is said. */
  readonly die: (backAfterMs: number | undefined) => void
}

/** What a scripted member does at one point of an attempt. */
export interface Step {
  /** For the log. */
  readonly does: string
  /** Whether the attempt is over with it: the next step belongs to the next attempt. */
  readonly isLast: boolean
  /** A function can end an attempt, too. @internal */
  readonly mayEnd?: boolean
  /** It has to come back. @internal */
  readonly comesBack?: boolean
  /** @internal */
  play(scene: Scene): Promise<void>
}

const step = (does: string, play: Step['play'], isLast = false): Step => Object.freeze({ does, isLast, play })
const ending = (does: string, play: Step['play']): Step => step(does, play, true)

/** Thinks for so long. */
export function takes(span: Span): Step {
  const ms = milliseconds(span, 'takes')
  return step(`takes ${span}`, ({ attempt, environment }) => pause(ms, attempt, environment))
}

/** Tells how far it is. */
export function reports(progress: ProgressOptions): Step {
  read(readers.progress, progress, 'reports')
  return step('reports', async ({ attempt }) => {
    await attempt.progress(progress)
  })
}

/** Sends a message about the task. */
export const says = (to: Id | readonly Id[], content: Json): Step =>
  step(`says to ${String(to)}`, async ({ attempt, member }) => {
    await member.send(to, content, { taskId: attempt.task.id })
  })

export function completes(result?: Json, options: { readonly usage?: Usage } = {}): Step {
  read(readers.complete, options, 'options of completes')
  return ending('completes', (scene) =>
    written(scene, () => scene.attempt.complete({ ...(result !== undefined && { result }), ...options })),
  )
}

export function fails(error: string, options: { readonly retryable?: boolean; readonly usage?: Usage } = {}): Step {
  read(readers.fail, { ...options, error: read(text, error, 'error of fails') }, 'options of fails')
  return ending(`fails: ${error}`, (scene) => written(scene, () => scene.attempt.fail({ error, ...options })))
}

export const releases = (reason?: string): Step =>
  ending('releases', (scene) => written(scene, () => scene.attempt.release(reason === undefined ? {} : { reason })))

/** Waits for somebody's answer; the steps behind it are of the attempt that goes on with it. */
export function asks(
  question: string,
  of?: Id | readonly Id[],
  options: Omit<Partial<WaitOptions>, 'question' | 'of' | 'withinMs'> & { readonly withinMs?: Span } = {},
): Step {
  const { withinMs, ...others } = options
  const limited = {
    ...others,
    ...(withinMs !== undefined && { withinMs: milliseconds(withinMs, 'withinMs of asks') }),
  }
  read(readers.wait, { for: 'input', of, ...limited }, 'options of asks')
  return ending(`asks: ${question}`, (scene) =>
    written(scene, () => scene.attempt.wait({ for: 'input', question, ...(of !== undefined && { of }), ...limited })),
  )
}

/** Does nothing more until the attempt is taken from it. */
export const stalls = (): Step => ending('stalls', ({ attempt }) => pause(Infinity, attempt, undefined))

/** Its whole process dies, as by `crash(crew)`; with a span, it comes back after that: see `reopen`. */
export function dies(backAfter?: Span): Step {
  const ms = backAfter === undefined ? undefined : milliseconds(backAfter, 'dies')
  const play: Step['play'] = ({ die }) => {
    die(ms)
    return new Promise<never>(() => undefined)
  }
  return Object.freeze({ ...ending('dies', play), comesBack: ms !== undefined })
}

/** A function as a step: a throw fails the attempt, and what it returns, unless that is undefined, completes it. */
export const stepOf = (value: unknown): Step => {
  if (typeof value === 'function') {
    const acts = step('acts', async ({ attempt, member }) => {
      const result = (await (value as (attempt: Attempt, member: Member) => unknown)(attempt, member)) as
        Json | undefined
      if (result !== undefined && !attempt.isOver) await attempt.complete({ result })
    })
    return Object.freeze({ ...acts, mayEnd: true })
  }
  if (typeof (value as Step | null | undefined)?.play === 'function') return value as Step
  throw invalid("A script is a list of steps: takes('5s'), fails('overloaded'), completes({ … }), or functions")
}

/** Rejects with the reason when the attempt is taken away meanwhile. */
function pause(ms: number, { signal }: Attempt, environment: Environment | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const offTimer = environment?.setTimer(() => {
      offAbort()
      resolve()
    }, ms)
    const abort = (): void => {
      offTimer?.()
      reject(signal.reason as CrewError)
    }
    const offAbort = signal.aborted ? () => undefined : onAbort(signal, abort)
    if (signal.aborted) abort()
  })
}

/** Before a write is tried again that the storage did not take. */
const AGAIN_MS = 1000

/** An outcome is written when the storage is there again, as the outcome of any handler is. */
async function written({ attempt, environment }: Scene, write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write()
      return
    } catch (error) {
      const isAway = CrewError.is(error, 'storage_unavailable') || CrewError.is(error, 'outcome_unknown')
      if (!isAway || attempt.isOver) throw error
      await pause(AGAIN_MS, attempt, environment)
    }
  }
}
