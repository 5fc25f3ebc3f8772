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
  const { sender, recipients, sentAt = 0 } = message
  return `**${escapeMarkdown(sender)}** to ${escapeMarkdown(recipients.join(', '))}, ${new Date(sentAt).toISOString()}:\n${escapeMarkdown(textOf(message))}`
}
