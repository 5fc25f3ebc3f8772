import { CrewError, invalid, wordsOf } from '../errors.js'
import { idempotent } from '../idempotency.js'
import {
  duration,
  either,
  filledText,
  flag,
  type Id,
  id,
  json,
  jsonObject,
  list,
  many,
  number,
  object,
  oneOf,
  oneOrMore,
  type Reader,
  record,
  text,
  time,
  type TimeInput,
  whole,
} from '../input.js'
import type { Json } from '../json.js'
import { type Budget, readUsage as usage, type Usage } from './attempt-record.js'
import type { Dependency, EdgePolicy, Move, OnTimeout, RetryPolicy, WaitReason } from './task.js'

export interface DependencyInput {
  readonly id: Id
  /** Default 'fail'. */
  readonly onFailure?: EdgePolicy
  /** Default 'cancel'. */
  readonly onCancel?: EdgePolicy
}

export interface TaskDraft {
  /** Default: a new one. */
  readonly id?: Id
  readonly description: string
  readonly title?: string
  readonly kind?: string
  readonly input?: Json
  /** Higher is taken first; default 1; ties by age. */
  readonly priority?: number
  readonly assignees?: Id | readonly Id[]
  /** Overdue after it. */
  readonly dueAt?: TimeInput
  /** Fails after it. */
  readonly failAt?: TimeInput
  readonly notBefore?: TimeInput
  /** Skill → least level, 0–1. */
  readonly requires?: Readonly<Record<string, number>>
  readonly dependsOn?: readonly (Id | DependencyInput)[]
  readonly parentId?: Id
  /** The ended task that this one takes up again. */
  readonly supersedes?: Id
  /** Who reviews the result before the task is completed. */
  readonly reviewers?: readonly Id[]
  /** How many of them must pass it; default 1. */
  readonly quorum?: number
  /** Whether who did it may review it; default false. */
  readonly selfReview?: boolean
  readonly watchers?: readonly Id[]
  readonly labels?: readonly string[]
  readonly metadata?: Readonly<Record<string, Json>>
  readonly estimateMs?: number
  /** Of one attempt; passing it is a retryable failure. */
  readonly timeLimitMs?: number
  readonly retry?: RetryPolicy
  /** What all its attempts may spend together; passing it fails the task. */
  readonly budget?: Budget
  readonly createdBy?: Id
}

/** What `update` changes; `null` removes a field that need not be there. */
export type TaskChanges = {
  readonly [K in Exclude<keyof TaskDraft, 'id' | 'dependsOn' | 'assignees' | 'parentId' | 'createdBy'>]?:
    TaskDraft[K] | null
}

export interface CommandOptions {
  /** Who asks for it; kept with the event. */
  readonly by?: Id
}
export interface Fenced {
  /** Of the attempt; needed when the task is claimed. */
  readonly fence?: number
}
export interface CompleteOptions<Result = Json> {
  readonly result?: Result
  readonly usage?: Usage
  /** Subtasks that need not have ended well: open ones are cancelled with it. */
  readonly waive?: readonly Id[]
}
export interface FailOptions {
  /** An Error, or what was thrown. */
  readonly error: unknown
  /** Default: true, unless the error has `retryable: false`. */
  readonly retryable?: boolean
  readonly usage?: Usage
}
export interface ReleaseOptions {
  readonly reason?: string
  readonly usage?: Usage
}
export interface ProgressOptions {
  /** 0–1 */
  readonly value?: number
  readonly note?: string
  /** Spent since the last report. */
  readonly usage?: Usage
}
export type OnTimeoutInput =
  | 'fail'
  | 'resume'
  /** It goes on with this, as if somebody had answered so. */
  | { readonly answer: Json }
  /** Others are asked; with `withinMs` that has an end, too. */
  | { readonly ask: Id | readonly Id[]; readonly withinMs?: number; readonly onTimeout?: OnTimeoutInput }
export interface WaitOptions {
  readonly for: WaitReason
  readonly question?: string
  /** Who may answer; they get the question by mail. Nobody named means anybody. */
  readonly of?: Id | readonly Id[]
  readonly withinMs?: number
  /** When nobody answers in time; default 'fail'. */
  readonly onTimeout?: OnTimeoutInput
  readonly usage?: Usage
}

const edgePolicy = oneOf('fail', 'cancel', 'continue', 'block')
const edge = object({ id, onFailure: edgePolicy, onCancel: edgePolicy }, ['id'])

const dependency: Reader<Dependency> = (value, name, limits) => {
  if (typeof value !== 'string' && typeof value !== 'object')
    throw invalid(`${name} must be an id, or { id, onFailure }`)
  const given = typeof value === 'string' ? { id: id(value, name, limits) } : edge(value, name, limits)
  return Object.freeze({ onFailure: 'fail', onCancel: 'cancel', ...given })
}

const backoffMs = object({ base: duration(), cap: duration() }, ['base', 'cap'])
export const retryPolicy = object({ attempts: whole(1, 1_000_000), backoffMs })

const label: Reader<string> = (value, name, limits) => {
  const given = filledText(value, name, limits)
  if (given.length > 128) throw new CrewError('limit_exceeded', `${name} is over 128 characters; shorten it`)
  return given
}

/** Whatever can be changed later. */
const common = {
  description: filledText,
  title: text,
  kind: id,
  input: json,
  priority: number(),
  dueAt: time,
  failAt: time,
  notBefore: time,
  requires: record(number(0, 1)),
  supersedes: id,
  reviewers: list(id),
  quorum: whole(1, 1000),
  selfReview: flag,
  watchers: list(id),
  labels: list(label),
  metadata: jsonObject,
  estimateMs: duration(),
  timeLimitMs: duration(1),
  retry: retryPolicy,
  budget: usage,
}

const assigneeIds = oneOrMore(id)

export const taskDraft = object(
  {
    ...common,
    id,
    assignees: assigneeIds,
    dependsOn: list(dependency, 'dependencies', (given) => given.id),
    parentId: id,
    createdBy: id,
  },
  ['description'],
)

export const taskDrafts = many(taskDraft)

/** What every task has: taking it away puts the default back. */
const DEFAULTS: Readonly<Record<string, unknown>> = Object.freeze({
  priority: 1,
  requires: {},
  reviewers: [],
  watchers: [],
  labels: [],
  metadata: {},
})

const removable = (field: string, reader: Reader<unknown>): Reader<unknown> =>
  field === 'description' || field === 'input'
    ? reader
    : either(
        (value) => value === null,
        () => null,
        reader,
      )
const changeFields = object(
  Object.fromEntries(Object.entries(common).map(([field, reader]) => [field, removable(field, reader)])),
)

/** `undefined` for what is to be removed. */
const change: Reader<Move> = (value, name, limits) => {
  const fields = changeFields(value, name, limits)
  return Object.fromEntries(
    Object.entries(fields).map(([field, given]) => [
      field,
      given === null && field !== 'input' ? DEFAULTS[field] : given,
    ]),
  )
}

/** What an attempt failed with: its own words, short enough to keep; retryable unless it says otherwise. */
const thrown: Reader<{ readonly message: string; readonly retryable: boolean }> = (error) => {
  return {
    message: (wordsOf(error) ?? `threw ${error === null ? 'null' : `a ${typeof error}`}`).slice(0, 2000),
    retryable: !isFinal(error),
  }
}

/** Never throws, as an attempt must come to its end whatever its handler throws. */
function isFinal(error: unknown): boolean {
  try {
    // What does not fit its kind this time may fit the next.
    if (CrewError.is(error, 'invalid_input') && error.details['issues'] !== undefined) return false
    return (
      typeof error === 'object' && error !== null && (error as { readonly retryable?: unknown }).retryable === false
    )
  } catch {
    return false
  }
}

/** One escalation after another, but each is kept with the task. */
const ESCALATIONS = 8
const onTimeoutWithin =
  (levels: number): Reader<OnTimeout> =>
  (value, name, limits) => {
    if (levels === 0)
      throw new CrewError('limit_exceeded', `${name} is over ${ESCALATIONS} escalations deep; leave some out`)
    if (typeof value === 'string') return oneOf('fail', 'resume')(value, name, limits)
    if (typeof value === 'object' && value !== null && 'answer' in value) return anAnswer(value, name, limits)
    const onTimeout = onTimeoutWithin(levels - 1)
    return object({ ask: assigneeIds, withinMs: duration(), onTimeout }, ['ask'])(value, name, limits)
  }
const anAnswer = object({ answer: json }, ['answer'])
const onTimeout = onTimeoutWithin(ESCALATIONS)
const fence = whole(1)
const by = object({ by: id })
export const creation = object({ by: id, ...idempotent })

/** What each command on a task takes. */
export const readers = {
  by,
  update: object({ change, by: id, version: whole(1) }, ['change']),
  assign: object({ to: assigneeIds, by: id, force: flag }, ['to']),
  start: by,
  progress: object({ fence, value: number(0, 1), note: text, usage }),
  complete: object({ fence, result: json, usage, waive: list(id) }),
  fail: object({ fence, error: thrown, retryable: flag, usage }, ['error']),
  release: object({ fence, reason: text, usage }),
  wait: object(
    {
      fence,
      for: oneOf('input', 'approval', 'review', 'authorization', 'external'),
      question: text,
      of: assigneeIds,
      withinMs: duration(),
      onTimeout,
      usage,
    },
    ['for'],
  ),
  resume: object({ by: id, answer: json, question: id }),
  review: object({ by: id, passed: flag, remarks: text, final: flag, question: id }, ['passed']),
  cancel: object({ by: id, reason: text, force: flag }),
  retry: object({ by: id, cascade: flag }),
  addDependency: object({ on: dependency, by: id }, ['on']),
  removeDependency: object({ on: id, by: id }, ['on']),
  comment: object({ text: filledText, by: id }, ['text']),
  offer: object({ to: assigneeIds, by: id, note: text, expiresAt: time }, ['to', 'by']),
  handOff: object({ to: assigneeIds, note: filledText, fence }, ['to', 'note']),
  askForHelp: object({ question: filledText, skills: record(number(0, 1)), fence }, ['question']),
} satisfies Record<string, Reader<unknown>>

/** The same once read. */
export type Given = { readonly [K in keyof typeof readers]: ReturnType<(typeof readers)[K]> } & {
  readonly taskDraft: ReturnType<typeof taskDraft>
}
