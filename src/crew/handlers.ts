import type { Attempt } from '../core/tasks/attempt.js'
import { invalid } from '../core/errors.js'
import { flag, object, type Reader, text } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { Kept, Kinds, StandardSchema, Taken } from '../core/kinds.js'
import type { Task } from '../core/tasks/task.js'
import type { Wanted } from '../core/tasks/task-filter.js'

/** Does a task: what it returns is the result, a throw is a failure, final if the error has `retryable: false`. */
export type Handler<Input = Json | undefined, Result = Json, Returned = unknown> = (
  attempt: Attempt<Input, Result>,
) => Returned

/** A handler for each kind, typed by its schemas. What one returns counts only if its attempt has no outcome yet. */
export type Handlers<K extends Kinds> = string extends keyof K
  ? Readonly<Record<string, Handler>>
  : {
      readonly [N in keyof K & string]?: Handler<
        Kept<K[N]['input']>,
        Exclude<Taken<K[N]['result']>, undefined>,
        K[N]['result'] extends StandardSchema ? Returned<Taken<K[N]['result']>> : unknown
      >
    }
type Returned<Result> = Result | Task | void | Promise<Result | Task | void>

/** What a reviewer finds: it passes; or is sent back with remarks, or with `final` has failed. */
export interface Verdict {
  readonly passed: boolean
  readonly remarks?: string
  readonly final?: boolean
}
export type ReviewHandler = (task: Task) => Verdict | Promise<Verdict>

export const readVerdict = object({ passed: flag, remarks: text, final: flag }, ['passed'])

/** One for all tasks that a loop takes. */
interface Handling {
  readonly run: Handler
  /** The tasks that it is for. */
  readonly kinds: Pick<Wanted, 'kind'>
}

/** One handler for all tasks, or one for each kind. */
export const readHandler: Reader<Handling> = (value) => {
  if (typeof value === 'function') return { run: value as Handler, kinds: {} }
  if (typeof value !== 'object' || value === null)
    throw invalid('work takes a function, or an object of functions by kind')
  const table = new Map(Object.entries(value as Readonly<Record<string, Handler>>))
  for (const handler of table.values()) expectHandler(handler)
  return { run: (attempt) => table.get(attempt.task.kind ?? '')?.(attempt), kinds: { kind: [...table.keys()] } }
}

export function expectHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw invalid('A handler must be a function')
}
