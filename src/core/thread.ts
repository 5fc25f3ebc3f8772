import { escapeMarkdown } from './markdown.js'
import { type Message, textOf } from './message.js'

/** Messages that answer each other, oldest first. */
export interface Thread extends ReadonlyArray<Message> {
  toMarkdown(): string
}

export function threadOf(messages: readonly Message[]): Thread {
  const thread = [...messages]
  const toMarkdown = (): string => thread.map(paragraph).join('\n\n')
  return Object.freeze(Object.defineProperty(thread, 'toMarkdown', { value: toMarkdown })) as unknown as Thread
}

const paragraph = (message: Message): string => {
  const { sender, recipients, topic, sentAt = 0 } = message
  const to = topic === undefined ? recipients.join(', ') || 'nobody' : `topic ${topic}`
  return `**${escapeMarkdown(sender)}** to ${escapeMarkdown(to)}, ${new Date(sentAt).toISOString()}:\n${escapeMarkdown(textOf(message))}`
}
