import { invalid } from './errors.js'
import { anyFields, type Id, id, json, jsonObject, object, oneOrMore, read, type Limits, type Reader } from './input.js'
import { type Json, NOTHING } from './json.js'
import type { Turn } from './projection.js'

export interface MessageDraft {
  readonly sender: Id
  /** One or several members. */
  readonly recipient: Id | readonly Id[]
  /** Text or other JSON. */
  readonly content: Json
  /** A name for what it is about; those that begin with `task.` have a meaning for the crew. */
  readonly kind?: string
  readonly metadata?: Readonly<Record<string, Json>>
  /** The message that this answers; it is in the thread of that one. */
  readonly replyTo?: Id
  /** The task that it is about; without `replyTo` it is in the thread of the task. */
  readonly taskId?: Id
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
}

const recipient: Reader<Id | readonly Id[]> = (value, name, limits) => {
  if (!Array.isArray(value)) return id(value, name, limits)
  const ids = oneOrMore(id, 'recipients')(value, name, limits)
  if (ids.length === 0) throw invalid(`${name} is empty; name at least one recipient`)
  return ids
}

const messageDraft = object(
  { sender: id, recipient, content: json, kind: id, metadata: jsonObject, replyTo: id, taskId: id },
  ['sender', 'recipient', 'content'],
)
const DRAFTED = ['sender', 'recipient', 'content', 'kind', 'metadata', 'replyTo', 'taskId'] as const

/** Marks fields that come from the journal, and are not checked again. */
class Stored {
  constructor(readonly fields: MessageDraft & MessageStamp) {}
}

const storedOrDraft: Reader<ReturnType<typeof messageDraft>> = (value, name, limits) =>
  value instanceof Stored ? value.fields : messageDraft(value, name, limits)

/**
 * What one member says to others, as an immutable value: a draft until `send` resolves to the committed one, which has
 * `id`, `seq`, `sentAt` and `threadId`. Sending a draft twice sends two. Throws `invalid_input` and `limit_exceeded`.
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
  declare readonly recipient: Id | readonly Id[]
  declare readonly content: Json
  declare readonly kind?: string
  declare readonly metadata: Readonly<Record<string, Json>>
  declare readonly replyTo?: Id
  declare readonly taskId?: Id
  /** Length of the chain of messages that this one answers. */
  declare readonly hops: number
  /** A reply that came when its question had already ended. */
  declare readonly late: boolean
  /** Of a question: until when its reply is waited for, milliseconds since the epoch. */
  declare readonly answerBy?: number

  constructor(draft: MessageDraft, limits?: Required<Limits>) {
    const given = read(storedOrDraft, draft, 'message', limits)
    const fields = { metadata: NOTHING, hops: 0, late: false, ...given }
    const self = this as Record<string, unknown>
    for (const field in fields) self[field] = fields[field as never]
    Object.freeze(this)
  }

  /** @internal */
  static stored(fields: MessageDraft & MessageStamp): Message {
    return new Message(new Stored(fields) as never)
  }

  /** Everybody that it is for. @internal */
  get recipients(): readonly Id[] {
    return typeof this.recipient === 'string' ? [this.recipient] : this.recipient
  }

  /** A new draft with the change. */
  with(change: Partial<MessageDraft>): Message {
    return new Message({ ...this.draft(), ...read(anyFields, change, 'change') })
  }

  /** What the user wrote, without what the journal added. @internal */
  draft(): MessageDraft {
    const written = DRAFTED.filter((field) => this[field] !== undefined && this[field] !== NOTHING)
    return Object.fromEntries(written.map((field) => [field, this[field]])) as unknown as MessageDraft
  }

  toJSON(): Json {
    return Object.fromEntries(Object.entries(this))
  }
}

/** Its content in words. */
export const textOf = ({ content }: Message): string =>
  typeof content === 'string' ? content : JSON.stringify(content)

/** The thread in which all about one task is said. */
export const threadOfTask = (taskId: Id): Id => `task:${taskId}`

/** Emits a message: the one event by which one comes into being. */
export function post(
  turn: Turn,
  id: Id,
  draft: MessageDraft,
  stamp: Omit<MessageStamp, 'id' | 'seq' | 'sentAt'> & { readonly settled?: readonly Id[] },
): void {
  turn.emit('message.sent', id, { ...draft, ...stamp }, draft.sender)
}
