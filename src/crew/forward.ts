import { CrewError, type CrewErrorCode, invalid } from '../core/errors.js'
import { hashOf } from '../core/idempotency.js'
import { anyFields, id as anId, type Id, many, object, read, type Reader, withMore } from '../core/input.js'
import { type Json, NONE, sameJson } from '../core/json.js'
import type { Communications } from '../core/messages/communications.js'
import type { Message, MessageDraft } from '../core/messages/message.js'
import { difference } from '../core/tasks/attempt-record.js'
import type { Attempt } from '../core/tasks/attempt.js'
import type { CompleteOptions, TaskDraft } from '../core/tasks/task-input.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Answer, Task } from '../core/tasks/task.js'

// How one crew has another do its work. The copy there has a name that only this task, or this message, can have: so
// whoever hands it over again, after a crash or beside another process, finds it instead of making a second one.

/** Another crew, as openCrew answers it. */
export interface OtherCrew {
  readonly name: string
  readonly tracker: TaskTracker
  readonly communications: Pick<Communications, 'send' | 'ask'>
}

export interface ForwardTaskOptions {
  /** Who makes the copy: a member there; default: the one of the same id. */
  readonly by?: Id
  /** What is to be otherwise there than here, such as `assignees`. */
  readonly draft?: Partial<Omit<TaskDraft, 'id'>>
}

export interface ForwardMessageOptions {
  /** Who gets the copy: members there. */
  readonly to: Id | readonly Id[]
  /** Who sends it: a member there; default: the one of the same id. */
  readonly by?: Id
}

/** Who hands something on, and of which crew. */
export interface Forwarder {
  readonly crew: string
  readonly member: Id
  readonly communications: Communications
  readonly tracker: TaskTracker
}

/** Of a copy, in its metadata as `forwarded`: what it is a copy of, and the crews that it came through. */
interface Origin {
  readonly [field: string]: Json
  readonly crew: string
  readonly id: Id
  readonly at: number
  readonly through: readonly string[]
}

const otherCrew: Reader<OtherCrew> = (value, name) => {
  const { tracker, communications } = (value ?? {}) as Partial<OtherCrew>
  if (!tracker || !communications) throw invalid(`${name} must be a crew, as openCrew() answers it`)
  return value as OtherCrew
}
const taskOptions = object({ by: anId, draft: anyFields })
/** In one order, each once. */
const recipients: Reader<readonly Id[]> = (value, name, limits) =>
  [...new Set(many(anId)(Array.isArray(value) ? value : [value], name, limits))].sort()
const messageOptions = object({ by: anId, to: recipients }, ['to'])

/** What of a task also holds elsewhere. */
const SHARED = [
  'title',
  'description',
  'kind',
  'input',
  'priority',
  'labels',
  'requires',
  'estimateMs',
  'budget',
  'retry',
  'dueAt',
  'failAt',
  'timeLimitMs',
] as const

/** Has the other crew do it, and gives the attempt the outcome. */
export async function forwardTask(
  { crew, member }: Forwarder,
  attempt: Attempt,
  to: unknown,
  options: ForwardTaskOptions,
): Promise<Task> {
  const { tracker, name } = read(otherCrew, to, 'to')
  const { by = member, draft = {} } = read(taskOptions, options, 'options')
  const { task, signal } = attempt
  const forwarded = originOf(task, task.createdAt, crew, name)
  // After a review that sent it back it is another piece of work.
  const sentBack = task.answers.findLast(({ passed }) => passed === false)
  const copyId = `${crew}/${task.id}${sentBack ? `.${sentBack.number}` : ''}`
  const id = read(anId, copyId, `The id ${copyId} of the copy`)
  const metadata = { ...task.metadata, ...(draft as Partial<TaskDraft>).metadata, forwarded }
  const copy = { ...copyOf(task, sentBack), ...withMore(draft, { id }, 'options.draft'), metadata } as TaskDraft
  // Rejects with what became of it: no stale attempt begins work, there as little as here.
  if (attempt.isOver) await attempt.progress({})
  try {
    signal.throwIfAborted()
    await handOver(tracker, copy, forwarded, by)
    return await bringBack(attempt, await tracker.whenEnded(id, { signal }), name)
  } catch (error) {
    if (!signal.aborted) throw temporary(error)
    // What this crew gave up the other need not do. Of any other end of the attempt the next one finds the copy.
    if (CrewError.is(signal.reason, 'cancelled')) await giveUp(tracker, id, forwarded, by)
    throw signal.reason
  }
}

/** Sends it there once; of a question that somebody waits for, brings the reply back, if one comes in time. */
export async function forwardMessage(
  { crew, member, communications, tracker }: Forwarder,
  message: Message,
  to: unknown,
  options: ForwardMessageOptions,
): Promise<Message | undefined> {
  const other = read(otherCrew, to, 'to')
  const { by: sender = member, to: recipients } = read(messageOptions, options, 'options')
  const { sentAt = 0, content, kind, priority, expiresAt, answerBy } = message
  const id = read(anId, message.id, 'message.id')
  const forwarded = originOf(message, sentAt, crew, other.name)
  const recipient = recipients.length === 1 ? recipients[0] : recipients
  const metadata = { ...message.metadata, forwarded }
  const draft = { sender, recipient, content, kind, priority, expiresAt, metadata } as MessageDraft
  // One list of recipients is one copy, in whatever order they are named.
  const idempotencyKey = `${crew}/${id}/${hashOf(recipients.join())}`
  // Only who was asked can answer.
  if (answerBy === undefined || !message.recipients.includes(member))
    return other.communications.send(draft, { idempotencyKey })
  const timeoutMs = answerBy - tracker.parts.journal.environment.now()
  if (timeoutMs <= 0) return undefined
  const reply = await unless('timed_out', other.communications.ask(draft, { idempotencyKey, timeoutMs }))
  return reply && communications.reply(id, { sender: member, content: reply.content }, { idempotencyKey })
}

function copyOf(task: Task, sentBack: Answer | undefined): Partial<TaskDraft> {
  const shared = Object.fromEntries(SHARED.map((field) => [field, task[field]]))
  const { by, remarks } = sentBack ?? {}
  if (remarks === undefined) return shared
  return { ...shared, description: `${task.description}\n\nSent back by ${by}: ${remarks}` }
}

/** Throws `loop_detected` when it has been there before. */
function originOf({ id = '', metadata }: Task | Message, at: number, crew: string, to: string): Origin {
  const { through = NONE } = (metadata['forwarded'] ?? {}) as Partial<Origin>
  const path = [...through, crew]
  if (path.includes(to))
    throw new CrewError(
      'loop_detected',
      `${id} came from crew ${to} (${path.join(' → ')}): give crews different names, and forward it to another`,
      { id },
    )
  return { crew, id, at, through: path }
}

/** Makes the copy, or finds it; one that ended badly is begun again. */
async function handOver(tracker: TaskTracker, copy: TaskDraft, origin: Origin, by: Id): Promise<void> {
  const { id = '' } = copy
  try {
    await tracker.create(copy, { by })
  } catch (error) {
    if (!CrewError.is(error, 'already_exists') || !isCopy(tracker.get(id), origin)) throw error
    const { isOpen, status } = tracker.get(id) as Task
    // Of two at once the second finds it open.
    if (!isOpen && status !== 'completed') await unless('invalid_transition', tracker.retry(id, { by }))
  }
}

const isCopy = (task: Task | undefined, origin: Origin): boolean => sameJson(task?.metadata['forwarded'], origin)

function bringBack(attempt: Attempt, task: Task, crew: string): Promise<Task> {
  const { id, status, result, failure, counted } = task
  // What was spent before it was opened again was brought back then.
  const usage = difference(task.usage, counted.spent)
  if (status === 'completed') return attempt.complete({ result, usage } as CompleteOptions)
  const message = `Task ${id} of crew ${crew} is ${status}: ${failure?.message ?? 'without a reason'}`
  return attempt.fail({ error: new Error(message), retryable: false, usage })
}

/** Cancels a copy that is open; what has its id by chance stays. */
async function giveUp(tracker: TaskTracker, id: Id, origin: Origin, by: Id): Promise<void> {
  if (!isCopy(tracker.get(id), origin)) return
  try {
    await unless('invalid_transition', tracker.cancel(id, { reason: `Cancelled in crew ${origin.crew}`, by }))
  } catch (error) {
    throw new CrewError('cancelled', `Its copy ${id} is not cancelled: do it there`, { id }, error)
  }
}

/** What comes of it; undefined when it is refused for that. */
async function unless<T>(code: CrewErrorCode, command: Promise<T>): Promise<T | undefined> {
  try {
    return await command
  } catch (error) {
    if (CrewError.is(error, code)) return undefined
    throw error
  }
}

/** Of a crew that is away the next attempt may find it back, and the copy there. */
const temporary = (error: unknown): unknown =>
  CrewError.is(error, 'closed') || CrewError.is(error, 'outcome_unknown')
    ? new CrewError('storage_unavailable', error.message, {}, error)
    : error
