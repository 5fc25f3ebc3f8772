import { filledText, type Id, id, object, text, time, type TimeInput, whole } from '../input.js'
import { type Message, textOf } from './message.js'

export interface MessageFilter {
  readonly sender?: Id
  readonly recipient?: Id
  readonly kind?: string
  readonly topic?: Id
  readonly taskId?: Id
  readonly threadId?: Id
  /** Part of the content, in upper or lower case. */
  readonly text?: string
  readonly since?: TimeInput
  readonly limit?: number
  /** Those after this message. */
  readonly after?: Id
}

export const messageFilter = object(
  {
    sender: id,
    recipient: id,
    kind: id,
    topic: id,
    taskId: id,
    threadId: filledText,
    text,
    since: time,
    limit: whole(0),
    after: id,
  },
  [],
  true,
)

/** Whether a message passes, be it chosen by an index or not. */
export function passes(
  message: Message,
  { sender, recipient, kind, topic, taskId, threadId, text: part, since }: ReturnType<typeof messageFilter>,
): boolean {
  return (
    (sender ?? message.sender) === message.sender &&
    (recipient === undefined || message.recipients.includes(recipient)) &&
    (kind ?? message.kind) === message.kind &&
    (topic ?? message.topic) === message.topic &&
    (taskId ?? message.taskId) === message.taskId &&
    (since ?? 0) <= (message.sentAt as number) &&
    (threadId ?? message.threadId) === message.threadId &&
    (part === undefined || textOf(message).toLowerCase().includes(part.toLowerCase()))
  )
}
