import type { AttemptRecord } from '../core/tasks/attempt-record.js'
import { NOTHING } from '../core/json.js'
import { Message, type MessageDraft, type MessageStamp } from '../core/messages/message.js'
import { Task } from '../core/tasks/task.js'
import type { ReportView } from './report-view.js'

/** One try at a task, with the task. */
export interface AttemptRow extends AttemptRecord {
  readonly task: Task
  readonly taskId: string
  /** Undefined while it runs. */
  readonly durationMs: number | undefined
}

/** What a report of one's own can be about. */
export interface Rows {
  readonly tasks: Task
  readonly attempts: AttemptRow
  readonly messages: Message
}

/** The rows of a view, one by one; for outsiders without what members wrote freely. */
export function* rowsOf(view: ReportView, of: keyof Rows): Generator<Rows[keyof Rows]> {
  if (of === 'tasks') for (const task of view.tasks) yield view.redact ? wordless(task) : task
  else if (of === 'messages') for (const message of view.messages()) yield view.redact ? silent(message) : message
  else for (const { task, attempt } of view.attempts()) yield attemptRow(view, task, attempt)
}

/** When a row came to be. */
export function timeOf(row: Rows[keyof Rows]): number {
  if (row instanceof Task) return row.createdAt
  return row instanceof Message ? (row.sentAt ?? 0) : row.startedAt
}

/** With all fields, so that one that is left out is told from one that does not exist. */
function attemptRow({ redact }: ReportView, task: Task, attempt: AttemptRecord): AttemptRow {
  const { startedAt, endedAt, outcome, reason, leaseMs } = attempt
  const row = {
    ...attempt,
    endedAt,
    outcome,
    reason: redact ? undefined : reason,
    leaseMs,
    task: redact ? wordless(task) : task,
    taskId: task.id,
    durationMs: endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt),
  }
  return row as AttemptRow
}

function wordless(task: Task): Task {
  const { failure, progress, waitingFor, answers, attempts } = task
  return new Task(task, {
    title: undefined,
    description: '',
    input: undefined,
    result: undefined,
    metadata: NOTHING,
    failure: failure && { ...failure, message: '' },
    progress: { value: progress.value },
    waitingFor: waitingFor && without(waitingFor, 'question'),
    answers: answers.map((answer) => without(without(without(answer, 'question'), 'answer'), 'remarks')),
    attempts: attempts.map((attempt) => without(attempt, 'reason')),
  })
}

const silent = (message: Message): Message =>
  Message.stored({ ...(message as unknown as MessageDraft & MessageStamp), content: '', metadata: NOTHING })

function without<T extends object, K extends keyof T>(value: T, field: K): Omit<T, K> {
  const { [field]: _, ...rest } = value
  return rest
}
