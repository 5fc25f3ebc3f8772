import { CrewError, invalid } from '../core/errors.js'
import { anyFields, id as anId, type Id, object, read, type Reader } from '../core/input.js'
import { type Json, NONE } from '../core/json.js'
import type { Communications } from '../core/messages/communications.js'
import type { Message } from '../core/messages/message.js'
import type { Attempt } from '../core/tasks/attempt.js'
import type { TaskDraft } from '../core/tasks/task-input.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Task } from '../core/tasks/task.js'

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
  readonly now: number
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
const messageOptions = object({ by: anId, to: (value: unknown) => value as Id | readonly Id[] }, ['to'])

/** What of a task also holds elsewhere. */
const SHARED = [
  ...['title', 'description', 'kind', 'input', 'priority', 'labels', 'requires', 'estimateMs', 'budget', 'retry'],
  ...['dueAt', 'failAt', 'timeLimitMs'],
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
  const id = read(anId, copyId(crew, attempt), `The name of crew ${crew}, with the id of task ${task.id},`)
  const copy = {
    ...copyOf(attempt),
    ...draft,
    id,
    metadata: { ...task.metadata, ...(draft as Partial<TaskDraft>).metadata, forwarded },
  }
  await handOver(tracker, copy as TaskDraft, forwarded, by)
  try {
    const ended = await tracker.whenEnded(id, { signal })
    return await bringBack(attempt, ended, name)
  } catch (error) {
    // What this crew gave up the other need not do. Of any other end of the attempt the next one finds the copy.
    if (CrewError.is(signal.reason, 'cancelled')) await giveUp(tracker, id, `Cancelled in crew ${crew}`, by)
    throw signal.aborted ? signal.reason : error
  }
}

/** Sends it there once; of a question that somebody waits for, brings the reply back, if one comes in time. */
export async function forwardMessage(
  { crew, member, communications, now }: Forwarder,
  message: Message,
  to: unknown,
  options: ForwardMessageOptions,
): Promise<Message | undefined> {
  const other = read(otherCrew, to, 'to')
  const { by: sender = member, to: recipient } = read(messageOptions, options, 'options')
  const { id = '', sentAt = 0, content, kind, priority, expiresAt, answerBy } = message
  const forwarded = originOf(message, sentAt, crew, other.name)
  const draft = {
    ...{ sender, recipient, content, priority, metadata: { ...message.metadata, forwarded } },
    ...(kind !== undefined && { kind }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
  const idempotencyKey = `${crew}/${id}`
  if (answerBy === undefined) return other.communications.send(draft, { idempotencyKey })
  const reply = await inTime(answerBy - now, (timeoutMs) =>
    other.communications.ask(draft, { idempotencyKey, timeoutMs }),
  )
  return reply && communications.reply(id, { sender: member, content: reply.content }, { idempotencyKey })
}

/** After a review that sent it back it is another piece of work. */
function copyId(crew: string, { task, answer }: Attempt): Id {
  return `${crew}/${task.id}${answer ? `.${answer.number}` : ''}`
}

function copyOf({ task, answer }: Attempt): Partial<TaskDraft> {
  const shared = Object.fromEntries(
    SHARED.flatMap((field) => (task[field] === undefined ? [] : [[field, task[field]]])),
  )
  if (answer?.remarks === undefined) return shared
  return { ...shared, description: `${task.description}\n\nSent back by ${answer.by}: ${answer.remarks}` }
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
async function handOver(tracker: OtherCrew['tracker'], copy: TaskDraft, origin: Origin, by: Id): Promise<void> {
  const { id = '' } = copy
  try {
    await tracker.create(copy, { by })
  } catch (error) {
    if (!CrewError.is(error, 'already_exists')) throw error
    const known = tracker.get(id)
    const { crew, id: original, at } = (known?.metadata['forwarded'] ?? {}) as Partial<Origin>
    if (!known || crew !== origin.crew || original !== origin.id || at !== origin.at) throw error
    if (!known.isOpen && known.status !== 'completed') await tracker.retry(id, { by })
  }
}

async function inTime<T>(leftMs: number, wait: (timeoutMs: number) => Promise<T>): Promise<T | undefined> {
  if (leftMs <= 0) return undefined
  try {
    return await wait(leftMs)
  } catch (error) {
    if (CrewError.is(error, 'timed_out')) return undefined
    throw error
  }
}

function bringBack(attempt: Attempt, { id, status, result, usage, failure }: Task, crew: string): Promise<Task> {
  if (status === 'completed') return attempt.complete({ ...(result !== undefined && { result }), usage })
  const message = `Task ${id} of crew ${crew} is ${status}: ${failure?.message ?? 'without a reason'}`
  return attempt.fail({ error: new Error(message), retryable: false, usage })
}

async function giveUp(tracker: OtherCrew['tracker'], id: Id, reason: string, by: Id): Promise<void> {
  try {
    await tracker.cancel(id, { reason, by })
  } catch (error) {
    // It has ended meanwhile.
    if (!CrewError.is(error, 'invalid_transition')) throw error
  }
}
