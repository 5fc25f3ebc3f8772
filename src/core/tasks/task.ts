import type { AttemptRecord, Budget, Usage } from './attempt-record.js'
import { changesOf, type Collections, fieldsOf } from '../changes.js'
import type { CrewErrorCode } from '../errors.js'
import type { Id } from '../input.js'
import { type Json, NONE, NOTHING } from '../json.js'

export type TaskStatus = 'pending' | 'in_progress' | 'waiting' | 'completed' | 'failed' | 'cancelled'
export type WaitReason = 'input' | 'approval' | 'review' | 'authorization' | 'external'
/** What a dependent does when its dependency fails or is cancelled. */
export type EdgePolicy = 'fail' | 'cancel' | 'continue' | 'block'

/** An edge of the graph: the task cannot start before the task `id` is completed, or has ended as the policy allows. */
export interface Dependency {
  readonly id: Id
  readonly onFailure: EdgePolicy
  readonly onCancel: EdgePolicy
}

export interface RetryPolicy {
  /** How many attempts may fail or be lost; default 5. */
  readonly attempts?: number
  /** Before the attempt after the nth failure: a random share of min(cap, base × 2^(n−1)) ms; default base 1 s, cap 10 min. */
  readonly backoffMs?: { readonly base: number; readonly cap: number }
}

export interface Failure {
  readonly code: CrewErrorCode | 'failed' | 'poisoned' | 'deadline' | 'abandoned' | 'dependency'
  readonly message: string
  /** The first cause in the graph, when the task fell because of another. */
  readonly rootId?: Id
}

export interface Answer {
  readonly number: number
  readonly for: WaitReason
  readonly question?: string
  readonly answer?: Json
  /** Of a review. */
  readonly passed?: boolean
  readonly remarks?: string
  readonly by: Id
  readonly at: number
}

/** What happens when nobody has answered in time. */
export type OnTimeout =
  | 'fail'
  | 'resume'
  /** It goes on with this, as if somebody had answered so. */
  | { readonly answer: Json }
  /** Others are asked, and with `withinMs` that has an end, too. */
  | { readonly ask: readonly Id[]; readonly withinMs?: number; readonly onTimeout?: OnTimeout }

/** A pending task that somebody may take by accepting; all offers of a task are over once one is. */
export interface Offer {
  /** Of the message that says so. */
  readonly id: Id
  readonly by: Id
  /** Those who have not declined. */
  readonly to: readonly Id[]
  readonly expiresAt?: number
}

export interface WaitingFor {
  /** Of this question, and of the message that puts it to those who are named. */
  readonly id: Id
  readonly for: WaitReason
  readonly question?: string
  /** Who may answer; nobody named means anybody. */
  readonly of: readonly Id[]
  readonly since: number
  readonly until?: number
  readonly onTimeout?: OnTimeout
  /** Of a review: how many must pass it, and who has. */
  readonly quorum?: number
  readonly passedBy?: readonly Id[]
  /** Of a review: subtasks that need not have ended well when it is passed. */
  readonly waive?: readonly Id[]
}

const NOT_BEGUN = Object.freeze({ value: 0 })
export const NOT_COUNTED: Task['counted'] = Object.freeze({ failures: 0, lost: 0, released: 0 })

const COLLECTIONS: Collections = {
  assignees: (id: Id) => id,
  reviewers: (id: Id) => id,
  watchers: (id: Id) => id,
  labels: (label: string) => label,
  dependsOn: ({ id }: Dependency) => id,
  offers: ({ id }: Offer) => id,
  attempts: ({ number }: AttemptRecord) => number,
  answers: ({ number }: Answer) => number,
}
/** Fields in which `null` is a value like any other. */
const PAYLOADS = ['input', 'result']
/** The fields of a task, without what is derived from them. */
type TaskFields = {
  readonly [K in Exclude<keyof Task, 'durationMs' | 'isOpen' | 'running' | MethodOf<Task>>]: Task[K]
}
type MethodOf<T> = { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T]
/** What a move makes of a task: the fields that become new; `undefined` for one that is removed. */
export type Move = { readonly [K in keyof TaskFields]?: TaskFields[K] | undefined }

/** What every task begins with. */
const BLANK: Move = Object.freeze({
  version: 0,
  status: 'pending',
  priority: 1,
  assignees: NONE,
  requires: NOTHING,
  dependsOn: NONE,
  offers: NONE,
  reviewers: NONE,
  watchers: NONE,
  labels: NONE,
  metadata: NOTHING,
  progress: NOT_BEGUN,
  answers: NONE,
  usage: NOTHING,
  commentCount: 0,
  fence: 0,
  attemptCount: 0,
  attempts: NONE,
  cancelRequested: false,
  counted: NOT_COUNTED,
})

/** A piece of work, as an immutable value. Times are milliseconds since the epoch. */
export class Task<Input = Json | undefined> {
  declare readonly id: Id
  /** +1 at every change. */
  declare readonly version: number
  declare readonly description: string
  declare readonly title?: string
  declare readonly kind?: string
  declare readonly input: Input
  declare readonly result?: Json
  declare readonly failure?: Failure
  declare readonly status: TaskStatus
  /** The higher is taken first; default 1. */
  declare readonly priority: number
  /** Who it is given to; the first is the lead. A claim does not change it. */
  declare readonly assignees: readonly Id[]
  /** It was given by a strategy and not by hand: until it is started, automatic assignment may give it to another. */
  declare readonly autoAssigned?: boolean
  /** Who works on it now. */
  declare readonly holder?: Id
  /** Overdue after it. */
  declare readonly dueAt?: number
  /** Fails after it. */
  declare readonly failAt?: number
  declare readonly notBefore?: number
  /** Skill → least level, 0–1. */
  declare readonly requires: Readonly<Record<string, number>>
  declare readonly dependsOn: readonly Dependency[]
  declare readonly parentId?: Id
  declare readonly supersedes?: Id
  /** Who may take it by accepting, until it is given to somebody, begun or ended. */
  declare readonly offers: readonly Offer[]
  declare readonly reviewers: readonly Id[]
  /** How many of the reviewers must pass it; default 1. */
  declare readonly quorum?: number
  /** Whether who did it may review it. */
  declare readonly selfReview?: boolean
  declare readonly watchers: readonly Id[]
  declare readonly labels: readonly string[]
  declare readonly metadata: Readonly<Record<string, Json>>
  declare readonly progress: { readonly value: number; readonly note?: string }
  declare readonly waitingFor?: WaitingFor
  /** What was asked and answered, reviews included; the newest 20, newest last. */
  declare readonly answers: readonly Answer[]
  /** Until then nobody else takes it: after an answer its last holder may go on, after a hand-off those whom it was offered to. */
  declare readonly keptFor?: { readonly members: readonly Id[]; readonly until: number }
  declare readonly estimateMs?: number
  /** Of one attempt; passing it is a retryable failure. */
  declare readonly timeLimitMs?: number
  declare readonly retry?: RetryPolicy
  /** What all attempts since it was opened may spend together; passing it fails the task. */
  declare readonly budget?: Budget
  /** Summed over all attempts. */
  declare readonly usage: Usage
  declare readonly commentCount: number
  declare readonly createdAt: number
  declare readonly createdBy?: Id
  declare readonly assignedAt?: number
  /** Of the first attempt. */
  declare readonly startedAt?: number
  declare readonly endedAt?: number
  /** Number of the newest attempt's right to write; it only grows. */
  declare readonly fence: number
  declare readonly attemptCount: number
  /** The newest 20, newest last; a running one is the last. */
  declare readonly attempts: readonly AttemptRecord[]
  /** The holder has been asked to stop. */
  declare readonly cancelRequested: boolean
  /**
   * What the retry policy counts: failures since the task was opened; lost leases and releases in a row; rounds, in which
   * it was asked or reviewed and came back. And what had been spent when it was last opened anew, which its budget does
   * not count.
   */
  declare readonly counted: {
    readonly failures: number
    readonly lost: number
    readonly released: number
    readonly rounds?: number
    readonly spent?: Usage
  }

  /** @internal */
  constructor(from: Move, change: Move) {
    // A lie for fields that are left out: they stay undefined.
    const base = from as { readonly [K in keyof TaskFields]: Exclude<TaskFields[K], undefined> }
    // One by one, so that all tasks have one shape: that makes them small, and their fields quick to read.
    this.id = base.id
    this.version = base.version
    this.description = base.description
    this.title = base.title
    this.kind = base.kind
    this.input = base.input as Input
    this.result = base.result
    this.failure = base.failure
    this.status = base.status
    this.priority = base.priority
    this.assignees = base.assignees
    this.autoAssigned = base.autoAssigned
    this.holder = base.holder
    this.dueAt = base.dueAt
    this.failAt = base.failAt
    this.notBefore = base.notBefore
    this.requires = base.requires
    this.dependsOn = base.dependsOn
    this.parentId = base.parentId
    this.supersedes = base.supersedes
    this.offers = base.offers
    this.reviewers = base.reviewers
    this.quorum = base.quorum
    this.selfReview = base.selfReview
    this.watchers = base.watchers
    this.labels = base.labels
    this.metadata = base.metadata
    this.progress = base.progress
    this.waitingFor = base.waitingFor
    this.answers = base.answers
    this.keptFor = base.keptFor
    this.estimateMs = base.estimateMs
    this.timeLimitMs = base.timeLimitMs
    this.retry = base.retry
    this.budget = base.budget
    this.usage = base.usage
    this.commentCount = base.commentCount
    this.createdAt = base.createdAt
    this.createdBy = base.createdBy
    this.assignedAt = base.assignedAt
    this.startedAt = base.startedAt
    this.endedAt = base.endedAt
    this.fence = base.fence
    this.attemptCount = base.attemptCount
    this.attempts = base.attempts
    this.cancelRequested = base.cancelRequested
    this.counted = base.counted
    const self = this as Record<string, unknown>
    for (const field in change) self[field] = change[field as keyof Move]
    Object.freeze(this)
  }

  /** What the event of a move says of `before`; of none for a new task. @internal */
  static changes(before: Task | undefined, move: Move): Record<string, Json> {
    return changesOf(before ?? BLANK, move, COLLECTIONS, PAYLOADS)
  }

  /** What an event makes of `before`. @internal */
  static fold(before: Task | undefined, id: Id, version: number, changes: Readonly<Record<string, Json>>): Task {
    const base = before ?? BLANK
    const fields: { id?: Id; version?: number } = fieldsOf(base, changes, COLLECTIONS, PAYLOADS)
    fields.id = id
    fields.version = version
    return new Task(base, fields)
  }

  /** From its first start to its end. */
  get durationMs(): number | undefined {
    const { startedAt, endedAt } = this
    return startedAt === undefined || endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt)
  }

  /** Neither completed, failed nor cancelled. */
  get isOpen(): boolean {
    return this.status === 'pending' || this.status === 'in_progress' || this.status === 'waiting'
  }

  toJSON(): Json {
    const fields = [...Object.entries(this), ['durationMs', this.durationMs]]
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as Json
  }

  /** The attempt that runs now. @internal */
  get running(): AttemptRecord | undefined {
    return this.status === 'in_progress' ? this.attempts.at(-1) : undefined
  }
}

/** As people call it. */
export const nameOf = ({ title, description }: Pick<Task, 'title' | 'description'>): string => title ?? description
