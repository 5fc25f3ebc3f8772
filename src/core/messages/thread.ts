import { flag, object, read } from '../input.js'
import { escapeMarkdown } from '../markdown.js'
import { type Message, textOf } from './message.js'

/** Messages that answer each other, oldest first. */
export interface Thread extends ReadonlyArray<Message> {
  /** With `redact`, who wrote to whom and when, without what. */
  toMarkdown(options?: { readonly redact?: boolean }): string
}

const markdownOptions = object({ redact: flag })

export function threadOf(messages: readonly Message[]): Thread {
  const thread = [...messages]
  const toMarkdown = (options: { readonly redact?: boolean } = {}): string => {
    const { redact = false } = read(markdownOptions, options, 'options')
    return thread.map((message) => paragraph(message, redact)).join('\n\n')
  }
  return Object.freeze(Object.defineProperty(thread, 'toMarkdown', { value: toMarkdown })) as unknown as Thread
}

const paragraph = (message: Message, redact: boolean): string => {
  const { sender, recipients, topic, sentAt = 0 } = message
  const to = topic === undefined ? recipients.join(', ') || 'nobody' : `topic ${topic}`
  return `**${escapeMarkdown(sender)}** to ${escapeMarkdown(to)}, ${new Date(sentAt).toISOString()}${redact ? '' : `:\n${escapeMarkdown(textOf(message))}`}`
}
