import type { Id } from '../core/input.js'
import type { Mailboxes } from '../core/messages/mailboxes.js'
import { isNotice, type Message, textOf } from '../core/messages/message.js'
import { MultiMap } from '../core/multi-map.js'
import type { Finding } from './findings.js'
import type { ReportView } from './report-view.js'

// Talk that goes round in circles. It is never dropped: the limits refuse what is too much to its sender, and this tells
// a person of it.

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** So often one says the same to another within an hour without anybody wondering. */
const SAME = 5
/** Whoever is refused what is over the rate has not quite come to it. */
const NEARLY = 0.9

/** Of the last hour: who says the same again and again, whose replies to each other never end, and who writes as fast as it may. */
export function storms(view: ReportView): readonly Finding[] {
  const { communications, now } = view
  if (!communications) return []
  const { mailboxes } = communications
  const { hops: mostHops, pairRate } = mailboxes.limits
  const texts = new MultiMap<string, Message>()
  const pairs = new MultiMap<string, Message>()
  const chains: Message[] = []
  for (const message of recent(mailboxes, now)) {
    if (isNotice(message) || !view.lets(message.taskId)) continue
    if (message.hops >= mostHops) chains.push(message)
    for (const recipient of message.recipients) {
      texts.add(JSON.stringify([message.sender, recipient, gist(message)]), message)
      pairs.add(JSON.stringify([message.sender, recipient]), message)
    }
  }
  return [
    ...over(texts, SAME).map(([key, messages]) => echo(view, pairOf(key), messages)),
    ...chains.map((message) => endless(view, message)),
    ...over(pairs, pairRate * NEARLY).flatMap(([key, all]) => storm(pairOf(key), all, pairRate) ?? []),
  ]
}

function* recent(mailboxes: Mailboxes, now: number): Generator<Message> {
  for (const message of mailboxes.latest()) {
    if (sentAt(message) < now - HOUR_MS) return
    yield message
  }
}

/** What it says, whatever is counted in it. */
const gist = (message: Message): string =>
  textOf(message).toLowerCase().replace(/\d+/g, '0').replace(/\s+/g, ' ').trim()

const sentAt = ({ sentAt = 0 }: Message): number => sentAt
const pairOf = (key: string): readonly [Id, Id] => JSON.parse(key) as [Id, Id]
const over = (groups: MultiMap<string, Message>, most: number): (readonly [string, readonly Message[]])[] =>
  [...groups.keys()].filter((key) => groups.of(key).size >= most).map((key) => [key, [...groups.of(key)]])
/** Of messages, the newest first. */
const firstOf = (messages: readonly Message[]): number => sentAt(messages.at(-1) as Message)

const echo = (view: ReportView, [sender, recipient]: readonly [Id, Id], messages: readonly Message[]): Finding => ({
  kind: 'echo',
  member: sender,
  since: firstOf(messages),
  text: `Says the same to ${recipient}, ${messages.length} times within an hour${view.redact ? '' : `: ${textOf(messages[0] as Message).slice(0, 80)}`}`,
  help: `Read \`messages({ sender: '${sender}', recipient: '${recipient}' })\`; stop one of the two, or ask a third`,
})

const endless = (view: ReportView, message: Message): Finding => ({
  kind: 'loop',
  member: message.sender,
  since: sentAt(message),
  text: `Is at the end of a chain of ${message.hops} replies, which is the limit${view.redact ? '' : `: ${textOf(message).slice(0, 80)}`}`,
  help: `Read \`thread('${message.threadId ?? ''}')\`; decide it, or let one begin anew`,
})

function storm(
  [sender, recipient]: readonly [Id, Id],
  messages: readonly Message[],
  pairRate: number,
): Finding | undefined {
  const times = messages.map(sentAt)
  const many = Math.ceil(pairRate * NEARLY)
  // The newest first: as many as that lie within a minute.
  const last = times.findIndex((at, index) => at - (times[index + many - 1] ?? -Infinity) < MINUTE_MS)
  if (last < 0) return undefined
  return {
    kind: 'storm',
    member: sender,
    since: times[last + many - 1] as number,
    text: `Writes to ${recipient} as often as it may: ${many} times within a minute, of ${pairRate}`,
    help: `Stop \`${sender}\`, or raise \`limits.pairRate\``,
  }
}
