import { CrewError, type CrewErrorCode, invalid } from '../errors.js'
import {
  anyFields,
  type Id,
  id,
  json,
  jsonObject,
  object,
  number,
  oneOrMore,
  read,
  time,
  type TimeInput,
  type Limits,
  type Reader,
} from '../input.js'
import { type Json, NONE, NOTHING } from '../json.js'
import type { Turn } from '../journal/projection.js'

export interface MessageDraft {
  readonly sender: Id
  /** One or several members; left out with `topic`, or for a broadcast. */
  readonly recipient?: Id | readonly Id[]
  /** Goes to all who follow it. */
  readonly topic?: Id
  /** Text or other JSON. */
  readonly content: Json
  /** A name for what it is about; those that begin with `task.` are the crew's own, and refused. */
  readonly kind?: string
  readonly metadata?: Readonly<Record<string, Json>>
  /** The message that this answers; it is in the thread of that one. */
  readonly replyTo?: Id
  /** The task that it is about; without `replyTo` it is in the thread of the task. */
  readonly taskId?: Id
  /** Not handed out any more from then on. */
  readonly expiresAt?: TimeInput
  /** What is higher is handed out first; default 1; ties by age. */
  readonly priority?: number
}

/** What the journal adds to a draft. */
export interface MessageStamp {
  readonly id: Id
  readonly seq: number
  readonly sentAt: number
  readonly threadId: Id
  readonly hops?: number
  readonly late?: boolean
  /** Of a question: until when its reply is waited for. */
  readonly answerBy?: number
  readonly refused?: readonly Refused[]
}

/** A recipient that a message could not reach. */
export interface Refused {
  readonly recipient: Id
  readonly reason: CrewErrorCode
}

const recipient: Reader<Id | readonly Id[]> = (value, name, limits) => {
  if (!Array.isArray(value)) return id(value, name, limits)
  const ids = oneOrMore(id, 'recipients')(value, name, limits)
  if (ids.length === 0) throw invalid(`${name} is empty; name at least one recipient`)
  return ids
}

/** What looks like a word of the crew is one: a request or an answer is made by its command, and not forged. */
const kind: Reader<Id> = (value, name, limits) => {
  const given = id(value, name, limits)
  if (!given.startsWith('task.')) return given
  const help = 'kinds that begin with task. are written by the commands that they tell of; choose another'
  throw new CrewError('permission_denied', `${name} cannot be ${given}: ${help}`)
}

const draftFields = object(
  {
    sender: id,
    recipient,
    topic: id,
    content: json,
    kind,
    metadata: jsonObject,
    replyTo: id,
    taskId: id,
    expiresAt: time,
    priority: number(),
  },
  ['sender', 'content'],
)
const messageDraft: typeof draftFields = (value, name, limits) => {
  const draft = draftFields(value, name, limits)
  if (draft.recipient === undefined || draft.topic === undefined) return draft
  throw invalid(`${name} has a recipient and a topic; give one of the two`)
}
const DRAFTED = [
  'sender',
  'recipient',
  'topic',
  'content',
  'kind',
  'metadata',
  'replyTo',
  'taskId',
  'expiresAt',
  'priority',
] as const
/** What need not be written. */
const DEFAULTS: Readonly<Partial<Record<keyof MessageDraft, unknown>>> = { metadata: NOTHING, priority: 1 }

/** A draft as it was checked. */
export type Draft = ReturnType<typeof messageDraft>

type Defaulted = 'metadata' | 'priority' | 'hops' | 'late' | 'refused'
type Given = Omit<Draft, 'expiresAt'> & MessageStamp & { readonly expiresAt?: number }
type Fields = { readonly [K in Exclude<keyof Given, Defaulted>]-?: Exclude<Given[K], undefined> } & Partial<
  Pick<Given, Defaulted>
>

/** Marks fields that come from the journal, and are not checked again. */
class Stored {
  constructor(readonly fields: MessageDraft & MessageStamp) {}
}

const storedOrDraft: Reader<Draft> = (value, name, limits) =>
  value instanceof Stored ? (value.fields as Draft) : messageDraft(value, name, limits)

/**
 * What one member says to others, as an immutable value: a draft until `send` resolves to the committed one, which has
 * `id`, `seq`, `sentAt` and `threadId`. Sending a draft twice sends two. Throws `invalid_input`, `limit_exceeded`, and
 * `permission_denied` for a kind of the crew's own.
 */
export class Message {
  /** undefined on a draft, like `seq`, `sentAt` and `threadId`. */
  declare readonly id?: Id
  /** Number of the commit that it was sent in. */
  declare readonly seq?: number
  /** Milliseconds since the epoch. */
  declare readonly sentAt?: number
  declare readonly threadId?: Id
  declare readonly sender: Id
  /** Of a committed one: all whom it reached, also by a topic or as a broadcast. */
  declare readonly recipient?: Id | readonly Id[]
  declare readonly topic?: Id
  declare readonly content: Json
  declare readonly kind?: string
  declare readonly metadata: Readonly<Record<string, Json>>
  declare readonly replyTo?: Id
  declare readonly taskId?: Id
  /** Milliseconds since the epoch. */
  declare readonly expiresAt?: number
  declare readonly priority: number
  /** Length of the chain of messages that this one answers. */
  declare readonly hops: number
  /** A reply that came when its question had already ended. */
  declare readonly late: boolean
  /** Of a question: until when its reply is waited for, milliseconds since the epoch. */
  declare readonly answerBy?: number
  /** Of many recipients, those whom it could not reach, and why; they are not in `recipient`. */
  declare readonly refused: readonly Refused[]

  constructor(draft: MessageDraft, limits?: Required<Limits>) {
    const given = read(storedOrDraft, draft, 'message', limits)
    // A lie for fields that are left out: they stay undefined.
    const base = given as Fields
    // One by one, so that all messages have one shape: that makes them small, and their fields quick to read.
    this.id = base.id
    this.seq = base.seq
    this.sentAt = base.sentAt
    this.threadId = base.threadId
    this.sender = base.sender
    this.recipient = base.recipient
    this.topic = base.topic
    this.content = base.content
    this.kind = base.kind
    this.metadata = base.metadata ?? NOTHING
    this.replyTo = base.replyTo
    this.taskId = base.taskId
    this.expiresAt = base.expiresAt
    this.priority = base.priority ?? 1
    this.hops = base.hops ?? 0
    this.late = base.late ?? false
    this.answerBy = base.answerBy
    this.refused = base.refused ?? NONE
    Object.freeze(this)
  }

  /** @internal */
  static stored(fields: MessageDraft & MessageStamp): Message {
    return new Message(new Stored(fields) as never)
  }

  /** Everybody that it is for. @internal */
  get recipients(): readonly Id[] {
    return recipientsOf(this)
  }

  /** A new draft with the change. */
  with(change: Partial<MessageDraft>): Message {
    return new Message({ ...this.draft(), ...read(anyFields, change, 'change') })
  }

  /** What the user wrote, without what the journal added. @internal */
  draft(): Draft {
    const { topic } = this
    const written = DRAFTED.filter(
      (field) => this[field] !== DEFAULTS[field] && (field !== 'recipient' || topic === undefined),
    )
    return Object.fromEntries(written.map((field) => [field, this[field]])) as unknown as Draft
  }

  toJSON(): Json {
    return Object.fromEntries(Object.entries(this).filter(([, value]) => value !== undefined))
  }
}

const recipientsOf = ({ recipient = NONE }: Pick<MessageDraft, 'recipient'>): readonly Id[] =>
  typeof recipient === 'string' ? [recipient] : recipient

/** Its content in words. */
export const textOf = ({ content }: Message): string =>
  typeof content === 'string' ? content : JSON.stringify(content)

/** The thread in which all about one task is said. */
export const TASK_THREAD = 'task:'
export const threadOfTask = (taskId: Id): Id => TASK_THREAD + taskId

/** Of two messages of one kind, what came of a review says whether it passed; what asks for one does not. */
export const isVerdict = ({ kind, metadata }: Message): boolean => kind === 'task.review' && 'passed' in metadata

/** What a message asks for by a command, which is no reply: by which. */
export function commandFor(message: Message): string | undefined {
  if (message.kind === 'task.review') return isVerdict(message) ? undefined : 'review(message, { passed })'
  return COMMANDS_FOR[message.kind ?? '']
}
const COMMANDS_FOR: Readonly<Record<string, string>> = {
  'task.question': 'answer(message, answer)',
  'task.offer': 'accept(message), or decline(message, reason)',
  'task.handoff': 'accept(message), or decline(message, reason)',
}

/** Messages that tell of a command; whoever called it did not write to anybody, and writes no less for it. */
const NOTICES: readonly (string | undefined)[] = ['task.assigned', 'task.question', 'task.answer', 'task.review']
export const isNotice = ({ kind }: Pick<MessageDraft, 'kind'>): boolean => NOTICES.includes(kind)

/** Emits a message, by the one event by which one comes into being, and whom of its recipients it does not reach. */
export function post(
  turn: Turn,
  id: Id,
  draft: Draft,
  stamp: Omit<MessageStamp, 'id' | 'seq' | 'sentAt' | 'refused'> & { readonly settled?: readonly Id[] },
  missed: readonly { readonly recipient: Id }[] = NONE,
): void {
  const { sender } = draft
  if (missed.length === 0) {
    turn.emit('message.sent', id, { ...draft, ...stamp }, sender)
    return
  }
  const refused = missed.map(({ recipient }) => ({ recipient, reason: 'backpressure' }))
  const gone = new Set(missed.map(({ recipient }) => recipient))
  const recipient = recipientsOf(draft).filter((member) => !gone.has(member))
  turn.emit('message.sent', id, { ...draft, ...stamp, recipient, refused }, sender)
  for (const one of refused) turn.emit('message.refused', id, one, sender)
}

/** Of a message, or the id itself. */
export const messageId: Reader<Id> = (value, name, limits) =>
  id(value instanceof Message ? value.id : value, name, limits)
