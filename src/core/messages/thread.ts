import { flag, object, read } from '../input.js'
import { escapeMarkdown } from '../markdown.js'
import { NONE } from '../json.js'
import type { Task } from '../tasks/task.js'
import { isVerdict, type Message, textOf } from './message.js'

/** Messages that answer each other, oldest first. */
export interface Thread extends ReadonlyArray<Message> {
  /**
   * A page of them; of the thread of a task its story: who made it, took it, asked, answered, handed it over, passed it.
   * With `redact` only who and when, without what.
   */
  toMarkdown(options?: { readonly redact?: boolean }): string
}

/** One paragraph: who did what when, and perhaps said what. */
interface Entry {
  readonly at: number
  /** Of what happens in the same millisecond, what is said lies between what ends and what begins. */
  readonly rank: number
  readonly who: string
  readonly did: string
  readonly said: string | undefined
}

const markdownOptions = object({ redact: flag })

/** With the task that it is about, where that is known. */
export function threadOf(messages: readonly Message[], task?: Task): Thread {
  const thread = [...messages]
  const toMarkdown = (options: { readonly redact?: boolean } = {}): string => {
    const { redact = false } = read(markdownOptions, options, 'options')
    const entries = [...(task ? lifeOf(task) : NONE), ...thread.map(entryOf)]
    return entries
      .sort((a, b) => a.at - b.at || a.rank - b.rank)
      .map((entry) => paragraph(entry, redact))
      .join('\n\n')
  }
  return Object.freeze(Object.defineProperty(thread, 'toMarkdown', { value: toMarkdown })) as unknown as Thread
}

const paragraph = ({ at, who, did, said }: Entry, redact: boolean): string =>
  `**${escapeMarkdown(who)}** ${escapeMarkdown(did)}, ${new Date(at).toISOString()}` +
  (redact || said === undefined ? '' : `:\n${escapeMarkdown(said)}`)

/** What the commands that write mail do, said of who is written to. */
const DEEDS: Readonly<Record<string, (to: string) => string>> = {
  'task.assigned': (to) => `gives it to ${to}`,
  'task.request': () => 'asks for work',
  'task.offer': (to) => `offers it to ${to}`,
  'task.accept': (to) => `accepts what ${to} offers`,
  'task.decline': (to) => `declines what ${to} offers`,
  'task.handoff': (to) => `hands it off to ${to}`,
  'task.question': (to) => `asks ${to}`,
  'task.answer': (to) => `answers ${to}`,
  'task.comment': (to) => `comments to ${to}`,
  'task.help': (to) => `asks ${to} for help`,
}

function entryOf(message: Message): Entry {
  const { sender: who, recipients, topic, sentAt: at = 0, kind = '' } = message
  const to = topic === undefined ? recipients.join(', ') || 'nobody' : `topic ${topic}`
  const deed = kind === 'task.review' ? reviewDeed(message, to) : DEEDS[kind]?.(to)
  return { at, rank: 2, who, did: deed ?? `to ${to}`, said: textOf(message) }
}

/** A request for a review, or what came of it. */
const reviewDeed = (message: Message, to: string): string =>
  !isVerdict(message)
    ? `asks ${to} for a review`
    : message.metadata['passed'] === true
      ? 'passes it'
      : `sends it back to ${to}`

/** What is known of a task besides what was said: how it began, each attempt that it remembers, how it ended. */
function lifeOf(task: Task): readonly Entry[] {
  const { createdAt, createdBy = 'somebody', attempts, endedAt, status, failure } = task
  const entries: Entry[] = [{ at: createdAt, rank: 0, who: createdBy, did: 'makes it', said: nameOf(task) }]
  for (const { member: who, number, startedAt, endedAt: end, outcome, reason, handedTo } of attempts) {
    entries.push({ at: startedAt, rank: 3, who, did: `begins attempt ${number}`, said: undefined })
    // What these end with is a message.
    if (end === undefined || handedTo || outcome === 'waiting' || outcome === 'completed') continue
    entries.push({
      at: end,
      rank: end > startedAt ? 1 : 4,
      who,
      did: `ends attempt ${number}: ${outcome ?? ''}`,
      said: reason,
    })
  }
  if (endedAt !== undefined)
    entries.push({
      at: endedAt,
      rank: 5,
      who: nameOf(task),
      did: `is ${status}`,
      said: failure?.message ?? resultOf(task),
    })
  return entries
}

const nameOf = ({ title, description }: Task): string => title ?? description

const resultOf = ({ result }: Task): string | undefined =>
  result === undefined || typeof result === 'string' ? result : JSON.stringify(result)
