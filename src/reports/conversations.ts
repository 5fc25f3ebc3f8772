import type { Id } from '../core/input.js'
import { isNotice, type Message } from '../core/messages/message.js'
import { type ListSettings, moreNote, readMost } from './list-settings.js'
import type { DurationStats } from './percentile.js'
import { span } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

export interface MailCounts {
  /** Sent, once for each recipient. */
  messages: number
  /** Of them, those that their recipient replied to. */
  answered: number
  /** Waiting in the mailbox, or handed out and not acknowledged yet. */
  unread: number
  /** Handed out in vain too often. */
  dead: number
  /** Not read before their time was over. */
  expired: number
}

/** What one member wrote to another. */
export interface PairRow extends Readonly<MailCounts> {
  readonly from: Id
  readonly to: Id
  /** From a message to the first reply of its recipient. */
  readonly answers: DurationStats
}

/** What one member wrote and got. */
export interface CorrespondentRow {
  readonly member: Id
  readonly sent: number
  readonly received: number
  /** Of what it got. */
  readonly answered: number
  readonly unread: number
  readonly dead: number
  readonly expired: number
  /** How long it took to reply to what it got. */
  readonly answers: DurationStats
}

export interface ConversationsData {
  readonly messages: number
  /** Messages times recipients. */
  readonly deliveries: number
  readonly answers: DurationStats
  /** Who wrote to whom, the most first. */
  readonly pairs: readonly PairRow[]
  /** How many pairs there are. */
  readonly pairCount: number
  /** Who got the most first. */
  readonly members: readonly CorrespondentRow[]
  readonly memberCount: number
}

/** Counts with the times of answers. */
interface Mail extends MailCounts {
  readonly answersMs: number[]
}

/**
 * Who writes to whom, how soon they reply, and what lies unread: of messages sent in the window, and with a filter, about
 * the tasks that it lets pass. Messages that tell of a command (`task.assigned`, `task.question`, `task.review`) are
 * written by nobody, and not counted. Where there are no communications, there is nothing in it.
 */
export function conversations(settings: ListSettings = {}): PicturedDefinition<ConversationsData> {
  const most = readMost(settings)
  return {
    name: 'conversations',

    run(view) {
      const { pairs, sent, messages } = mailOf(view)
      const received = new Map<Id, Mail>()
      const all = newMail()
      for (const { to, mail } of pairs.values()) {
        add(all, mail)
        add(mailAt(received, to), mail)
      }
      const rows = [...pairs.values()]
        .map(({ from, to, mail }) => ({ from, to, ...told(view, mail) }))
        .sort((a, b) => b.messages - a.messages || byText(a.from, b.from) || byText(a.to, b.to))
      const members = [...new Set([...sent.keys(), ...received.keys()])]
        .map((member) => {
          const { messages: got, ...counts } = told(view, received.get(member) ?? newMail())
          return { member, sent: sent.get(member) ?? 0, received: got, ...counts }
        })
        .sort((a, b) => b.received - a.received || b.sent - a.sent || byText(a.member, b.member))
      return {
        messages,
        deliveries: all.messages,
        answers: view.durations(all.answersMs),
        pairs: rows.slice(0, most),
        pairCount: rows.length,
        members: members.slice(0, most),
        memberCount: members.length,
      }
    },

    page: ({ messages, deliveries, answers, pairs, pairCount, members, memberCount }) => ({
      title: 'Conversations',
      parts: [
        `Sent: ${messages} messages to ${deliveries} recipients. ${answers.count === 0 ? 'None was answered.' : `Answered: ${answers.count}, half of them within ${span(answers.p50Ms)}, nine in ten within ${span(answers.p90Ms)}.`}`,
        {
          title: 'Who to whom',
          columns: ['From', 'To', { name: 'Messages', as: 'number' }, ...COLUMNS],
          rows: pairs.map((row) => [row.from, row.to, row.messages, ...cells(row)]),
          empty: 'Nobody wrote.',
        },
        ...moreNote(pairCount, pairs.length, 'pairs'),
        {
          title: 'Members',
          columns: ['Member', { name: 'Sent', as: 'number' }, { name: 'Received', as: 'number' }, ...COLUMNS],
          rows: members.map((row) => [row.member, row.sent, row.received, ...cells(row)]),
          empty: 'Nobody wrote.',
        },
        ...moreNote(memberCount, members.length, 'members'),
      ],
    }),

    chart: ({ pairs }) =>
      seriesChart({
        title: 'Conversations',
        kind: 'bar',
        x: pairs.slice(0, IN_PICTURE).map(({ from, to }) => `${from} → ${to}`),
        series: [{ name: 'messages', values: pairs.slice(0, IN_PICTURE).map(({ messages }) => messages) }],
      }),
  }
}

const IN_PICTURE = 8
const COLUMNS = [
  { name: 'Answered', as: 'number' as const },
  { name: 'Half within', as: 'duration' as const },
  { name: '90 % within', as: 'duration' as const },
  { name: 'Unread', as: 'number' as const },
  { name: 'Dead', as: 'number' as const },
  { name: 'Expired', as: 'number' as const },
]
const cells = ({ answered, answers, unread, dead, expired }: Omit<PairRow, 'from' | 'to' | 'messages'>) => [
  answered,
  answered > 0 ? answers.p50Ms : undefined,
  answered > 0 ? answers.p90Ms : undefined,
  unread,
  dead,
  expired,
]

const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)
const newMail = (): Mail => ({ messages: 0, answered: 0, unread: 0, dead: 0, expired: 0, answersMs: [] })

function mailAt(mails: Map<Id, Mail>, member: Id): Mail {
  let mail = mails.get(member)
  if (!mail) mails.set(member, (mail = newMail()))
  return mail
}

function add(sum: Mail, { answersMs, ...counts }: Mail): void {
  for (const name of Object.keys(counts) as (keyof MailCounts)[]) sum[name] += counts[name]
  for (const ms of answersMs) sum.answersMs.push(ms)
}

const told = (view: ReportView, { answersMs, ...counts }: Mail): MailCounts & { readonly answers: DurationStats } => ({
  ...counts,
  answers: view.durations(answersMs),
})

interface Pair {
  readonly from: Id
  readonly to: Id
  readonly mail: Mail
}

function mailOf(view: ReportView): {
  readonly pairs: ReadonlyMap<string, Pair>
  readonly sent: ReadonlyMap<Id, number>
  readonly messages: number
} {
  const pairs = new Map<string, Pair>()
  const sent = new Map<Id, number>()
  const repliedAt = repliesOf(view)
  let messages = 0
  for (const message of view.messages()) {
    if (isNotice(message)) continue
    const { id = '', sender: from, sentAt = 0 } = message
    messages++
    sent.set(from, (sent.get(from) ?? 0) + 1)
    for (const { standing } of view.communications?.mailboxes.letters(id) ?? []) {
      const { recipient: to, state } = standing
      // No id has a line break in it.
      const name = `${from}\n${to}`
      let pair = pairs.get(name)
      if (!pair) pairs.set(name, (pair = { from, to, mail: newMail() }))
      const { mail } = pair
      mail.messages++
      if (state === 'queued' || state === 'leased') mail.unread++
      else if (state === 'dead') mail.dead++
      else if (state === 'expired') mail.expired++
      const answeredAt = repliedAt.get(`${id}\n${to}`)
      if (answeredAt === undefined) continue
      mail.answered++
      mail.answersMs.push(Math.max(0, answeredAt - sentAt))
    }
  }
  return { pairs, sent, messages }
}

/** When each recipient first replied to a message, to its sender; whenever that was. */
function repliesOf({ communications }: ReportView): ReadonlyMap<string, number> {
  const firsts = new Map<string, number>()
  for (const { replyTo, sender, recipients, sentAt = 0 } of communications?.mailboxes.among({}) ?? []) {
    if (replyTo === undefined) continue
    const asked: Message | undefined = communications?.mailboxes.get(replyTo)
    const name = `${replyTo}\n${sender}`
    if (asked && recipients.includes(asked.sender) && !firsts.has(name)) firsts.set(name, sentAt)
  }
  return firsts
}
