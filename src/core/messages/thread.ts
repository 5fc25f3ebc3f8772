import { flag, object, read } from '../input.js'
import { escapeMarkdown } from '../markdown.js'
import { NONE } from '../json.js'
import { CREW } from '../members.js'
import { nameOf, type Task } from '../tasks/task.js'
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
  readonly who: string
  readonly did: string
  readonly said: string | undefined
  /** Of what happens in the same millisecond: whether it comes before that message. */
  readonly isBefore?: (message: Message) => boolean
  /** Told by the message that it ends with, if that is still there: what comes after waits for it. */
  readonly isMessage?: true
}

const markdownOptions = object({ redact: flag })

/** With the task that it is about, where that is known. */
export function threadOf(messages: readonly Message[], task?: Task): Thread {
  const thread = [...messages]
  const toMarkdown = (options: { readonly redact?: boolean } = {}): string => {
    const { redact = false } = read(markdownOptions, options, 'options')
    return merged(task ? lifeOf(task) : NONE, thread)
      .map((entry) => paragraph(entry, redact))
      .join('\n\n')
  }
  return Object.freeze(Object.defineProperty(thread, 'toMarkdown', { value: toMarkdown })) as unknown as Thread
}

/** Each in its own order, and both by time. */
function merged(life: readonly Entry[], messages: readonly Message[]): readonly Entry[] {
  const entries: Entry[] = []
  let next = 0
  for (const message of messages) {
    const at = message.sentAt ?? 0
    for (let entry = life[next]; entry; entry = life[++next]) {
      if (entry.at > at || (entry.at === at && !entry.isBefore?.(message))) break
      if (!entry.isMessage) entries.push(entry)
    }
    entries.push(entryOf(message))
    if (life[next]?.isMessage && life[next]?.at === at && isOfAttempt(message)) next++
  }
  return [...entries, ...life.slice(next).filter(({ isMessage }) => !isMessage)]
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
  const why = kind === 'task.question' && who === CREW ? ', as nobody has answered' : ''
  return { at, who, did: deed === undefined ? `to ${to}` : deed + why, said: textOf(message) }
}

/** A request for a review, or what came of it. */
const reviewDeed = (message: Message, to: string): string =>
  !isVerdict(message)
    ? `asks ${to} for a review`
    : message.metadata['passed'] === true
      ? 'passes it'
      : `sends it back to ${to}`

/** What an attempt says. */
const isOfAttempt = (message: Message): boolean =>
  ['task.question', 'task.handoff', 'task.help'].includes(message.kind ?? '') ||
  (message.kind === 'task.review' && !isVerdict(message))

/** What is known of a task besides what was said: how it began, each attempt that it remembers, how it ended. */
function lifeOf(task: Task): readonly Entry[] {
  const { createdAt, createdBy = 'somebody', attempts, endedAt, status, failure } = task
  const made = { at: createdAt, who: createdBy, did: 'makes it', said: nameOf(task), isBefore: () => true }
  const entries: Entry[] = [made]
  for (const { member: who, number, startedAt, endedAt: end, outcome, reason, handedTo } of attempts) {
    entries.push({ at: startedAt, who, did: `begins attempt ${number}`, said: undefined, isBefore: isOfAttempt })
    if (end === undefined || outcome === 'completed') continue
    const did = `ends attempt ${number}: ${outcome ?? ''}`
    const isMessage = outcome === 'waiting' || handedTo !== undefined
    entries.push({
      at: end,
      who,
      did,
      said: reason,
      ...(isMessage ? { isMessage } : { isBefore: ({ sender, kind }) => sender !== who || kind !== 'task.help' }),
    })
  }
  if (endedAt !== undefined)
    entries.push({ at: endedAt, who: nameOf(task), did: `is ${status}`, said: failure?.message ?? resultOf(task) })
  return entries
}

const resultOf = ({ result }: Task): string | undefined =>
  result === undefined || typeof result === 'string' ? result : JSON.stringify(result)
