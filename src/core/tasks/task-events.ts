import type { AttemptRecord } from './attempt-record.js'
import type { Id } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import type { CommitInfo } from '../journal/projection.js'
import { type Json, NONE, NOTHING } from '../json.js'
import type { Message } from '../messages/message.js'
import type { Answer, Failure, Task } from './task.js'

export interface TaskEvent {
  readonly task: Task
  readonly by?: Id
  readonly commit: CommitInfo
}

// A type, as an interface is no map of events by name.

export type TrackerEvents = {
  created: [event: TaskEvent]
  updated: [event: TaskEvent & { readonly changed: readonly string[] }]
  assigned: [event: TaskEvent & { readonly before: readonly Id[]; readonly after: readonly Id[] }]
  unassigned: [event: TaskEvent & { readonly before: readonly Id[]; readonly after: readonly Id[] }]
  started: [event: TaskEvent & { readonly attempt: AttemptRecord }]
  progressed: [event: TaskEvent]
  released: [event: TaskEvent & { readonly reason: string }]
  waiting: [event: TaskEvent]
  resumed: [event: TaskEvent & { readonly answer?: Answer }]
  completed: [event: TaskEvent & { readonly attempt: AttemptRecord; readonly result?: Json }]
  /** `cause`: the task because of which it fell. */
  failed: [event: TaskEvent & { readonly failure: Failure; readonly cause?: Id }]
  cancelRequested: [event: TaskEvent]
  cancelled: [event: TaskEvent]
  retried: [event: TaskEvent]
  commented: [event: TaskEvent & { readonly message: Message }]
  dependencyAdded: [event: TaskEvent & { readonly on: Id }]
  dependencyRemoved: [event: TaskEvent & { readonly on: Id }]
  /** Of this process, not stored: a task became ready, through a dependency or the clock. */
  ready: [event: { readonly task: Task }]
  /** Of this process, not stored. */
  overdue: [event: { readonly task: Task }]
}

interface Told {
  readonly changes: JournalEvent['changes']
  readonly before: Task | undefined
  readonly after: Task
  /** The newest message of the same commit. */
  readonly message: Message | undefined
}

const nothing = (): object => NOTHING
const attempt = ({ after }: Told): object => ({ attempt: after.attempts.at(-1) })
const assignees = ({ before, after }: Told): object => ({
  before: before?.assignees ?? NONE,
  after: after.assignees,
})

/** What each event carries beside the task. */
export const TASK_EVENTS: Readonly<Record<keyof TrackerEvents, (told: Told) => object>> = {
  created: nothing,
  updated: ({ changes }) => ({ changed: Object.keys(changes) }),
  assigned: assignees,
  unassigned: assignees,
  started: attempt,
  progressed: nothing,
  released: ({ after }) => ({ reason: after.attempts.at(-1)?.reason }),
  waiting: nothing,
  resumed: ({ changes, after }) => (changes['answers'] === undefined ? NOTHING : { answer: after.answers.at(-1) }),
  completed: (told) => ({ ...attempt(told), ...(told.after.result !== undefined && { result: told.after.result }) }),
  failed: ({ after: { failure } }) => ({
    failure,
    ...(failure?.rootId !== undefined && { cause: failure.rootId }),
  }),
  cancelRequested: nothing,
  cancelled: nothing,
  retried: nothing,
  commented: ({ message }) => ({ message }),
  dependencyAdded: ({ changes }) => ({ on: dependencies(changes).added?.[0]?.id }),
  dependencyRemoved: ({ changes }) => ({ on: dependencies(changes).removed?.[0] }),
  ready: nothing,
  overdue: nothing,
}

const dependencies = ({ dependsOn = {} }: JournalEvent['changes']) =>
  dependsOn as { readonly added?: readonly { readonly id: Id }[]; readonly removed?: readonly Id[] }
