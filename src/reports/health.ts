import { isPast } from '../core/tasks/attempt-record.js'
import { isFor } from '../core/tasks/eligibility.js'
import { unavailability } from '../core/members.js'
import type { Card, Stage } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import type { ReportDefinition } from './report.js'
import type { ReportView } from './report-view.js'
import { untaken } from './untaken.js'

export interface Finding {
  readonly kind:
    'overdue' | 'waiting' | 'failed' | 'stuck' | 'nobody' | 'untaken' | 'dead' | 'budget' | 'cascade' | 'rounds'
  readonly taskId?: string
  readonly member?: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly text: string
  /** What a person can do about it: Markdown, calls in code spans. Of others it holds ids alone, which have no marks of it. */
  readonly help: string
}

export interface HealthData {
  /** What needs a person now, the oldest first. */
  readonly findings: readonly (Finding & { readonly agoMs: number })[]
}

/** What needs a person now. */
export const health: ReportDefinition<HealthData> = {
  name: 'health',
  clocked: ['agoMs'],

  run(view) {
    const found = [
      ...waiting(view),
      ...overdue(view),
      ...failed(view),
      ...stuck(view),
      ...nobody(view),
      ...idle(view),
      ...dead(view),
      ...spent(view),
      ...falling(view),
      ...circling(view),
    ]
    const findings = found
      .filter(({ since, taskId }) => view.isIn(since) && view.lets(taskId))
      .sort((a, b) => a.since - b.since)
      .map((finding) => ({ ...finding, agoMs: Math.max(0, view.now - finding.since) }))
    return { findings }
  },

  page: ({ findings }) => ({
    title: 'Health',
    parts: [
      {
        columns: ['What', 'Where', { name: 'For', as: 'duration' }, 'Finding', { name: 'Help', as: 'markdown' }],
        rows: findings.map(({ kind, taskId, member, text, help, agoMs }) => [
          kind,
          taskId ?? member,
          agoMs,
          text,
          help,
        ]),
        empty: 'Nothing needs a person now.',
      },
    ],
  }),
}

const OPEN: readonly Stage[] = ['scheduled', 'blocked', 'new', 'assigned', 'in_progress', 'waiting']
/** So often a task is asked about, or sent back by its reviewers, without anybody wondering. */
const ROUNDS = 10

/** What is told of texts of others; nothing to outsiders. */
const said = ({ redact }: ReportView, ...texts: readonly (string | undefined)[]): string =>
  redact ? '' : texts.flatMap((text) => (text === undefined ? [] : `: ${text}`)).join('')
const name = ({ title, description }: Task): string => title ?? description.slice(0, 80)
/** In the order of creation, as what indexes hold has an order in each process of its own. */
const tasks = (cards: Iterable<Card>): readonly Task[] => [...cards].sort(byAge).map(({ task }) => task)
const byAge = (a: { readonly order: number }, b: { readonly order: number }): number => a.order - b.order

const waiting = (view: ReportView): readonly Finding[] =>
  tasks(view.tracker.parts.board.inStage('waiting')).map((task) => {
    const { for: reason = 'external', of = [], since = 0, question } = task.waitingFor ?? {}
    const who = of.length > 0 ? of.map((id) => `\`${id}\``).join(', ') : 'anybody'
    const text = `Waits for ${reason}${said(view, name(task), question)}`
    const help = `\`${reason === 'review' ? 'review' : 'answer'}('${task.id}')\` by ${who}`
    return { kind: 'waiting', taskId: task.id, since, text, help }
  })

const overdue = (view: ReportView): readonly Finding[] =>
  tasks(view.tracker.parts.board.overdue).map((task) => ({
    kind: 'overdue',
    taskId: task.id,
    since: task.dueAt ?? 0,
    text: `Overdue and ${task.status}${said(view, name(task))}`,
    help: 'Raise its priority, give it to somebody, or change dueAt',
  }))

const why = ({ failure: { code } = { code: 'failed', message: '' } }: Task): string =>
  code === 'failed' ? '' : `, ${code}`

/** First causes only: what fell with them is mended with them. */
const failed = (view: ReportView): readonly Finding[] =>
  tasks(view.tracker.parts.board.inStage('failed'))
    .filter(({ failure }) => failure?.rootId === undefined)
    .map((task) => ({
      kind: 'failed',
      taskId: task.id,
      since: task.endedAt ?? 0,
      text: `Failed${why(task)}${said(view, name(task), task.failure?.message ?? '')}`,
      help: `\`retry('${task.id}', { cascade: true })\` once the cause is mended, or leave it`,
    }))

/** Blocked by a dependency that has ended otherwise than hoped. */
const stuck = (view: ReportView): readonly Finding[] =>
  tasks(view.tracker.parts.board.inStage('blocked')).flatMap((task) => {
    const { board } = view.tracker.parts
    // What falls is not stuck.
    if (board.card(task.id)?.cascades) return []
    const bad = task.dependsOn
      .filter((edge) => board.isOpenEdge(edge))
      .map(({ id }) => board.get(id))
      .find((other) => other?.status === 'failed' || other?.status === 'cancelled')
    if (!bad) return []
    const text = `Blocked for good by ${bad.id}, which is ${bad.status}${said(view, name(task))}`
    return {
      kind: 'stuck' as const,
      taskId: task.id,
      since: bad.endedAt ?? 0,
      text,
      help: `\`retry('${bad.id}')\`, or \`removeDependency('${task.id}', '${bad.id}')\``,
    }
  })

const ready = ({ tracker: { parts } }: ReportView): readonly Task[] =>
  tasks([...parts.board.inStage('new'), ...parts.board.inStage('assigned')])

/** Ready, but for nobody in the crew. */
const nobody = (view: ReportView): readonly Finding[] => {
  const crew = view.tracker.parts.members.list()
  return ready(view)
    .filter((task) => !crew.some((member) => unavailability(member) === undefined && isFor(member, task)))
    .map((task) => {
      const wanted = Object.entries(task.requires)
        .map(([skill, level]) => `${skill} ${level}`)
        .join(', ')
      const text =
        task.assignees.length > 0
          ? `None of its assignees is available${said(view, name(task))}`
          : `Nobody available has ${wanted || 'time'}${said(view, name(task))}`
      return {
        kind: 'nobody',
        taskId: task.id,
        since: task.createdAt,
        text,
        help: 'Let somebody join who can, or assign it with `{ force: true }`',
      }
    })
}

/** Ready, and left lying; one finding for each kind, as all of it is left for one reason. */
const idle = (view: ReportView): readonly Finding[] =>
  untaken(view, ready(view)).flatMap(({ tasks: [first, ...others], since, member }) => {
    if (!first) return []
    const more = others.length > 0 ? ` and ${others.length} more` : ''
    const what = first.kind === undefined ? `it${more}, without a kind` : `it${more}, of kind ${first.kind}`
    return {
      kind: 'untaken',
      taskId: first.id,
      since,
      text: `Nobody takes ${what}, though ${member} is free${said(view, name(first))}`,
      help: `See whether a handler of \`${member}\` runs and takes that kind, and whether the kind is misspelt`,
    }
  })

const dead = (view: ReportView): readonly Finding[] =>
  [...(view.communications?.mailboxes.dead ?? [])].sort(byAge).map(({ message, standing }) => ({
    kind: 'dead',
    member: standing.recipient,
    since: message.sentAt ?? 0,
    text: `Message ${message.id ?? ''} was handed out ${standing.count} times in vain${said(view, standing.reasons.at(-1) ?? '')}`,
    help: `\`resend('${message.id ?? ''}', '${standing.recipient}')\` once the cause is mended`,
  }))

/** Members that get no more work, as they have spent what they may. */
const spent = ({ tracker }: ReportView): readonly Finding[] =>
  tracker.parts.members
    .list()
    .filter(({ usage, budget }) => budget && isPast(usage, budget))
    .map(({ id, joinedAt }) => ({
      kind: 'budget',
      member: id,
      since: joinedAt,
      text: `Is past its budget: ${id}`,
      help: `\`join('${id}', { budget })\` with a higher one, or leave it`,
    }))

/** What is cut short: others have yet to fall with a task that has ended. */
const falling = (view: ReportView): readonly Finding[] =>
  view.tracker.parts.desk.cascades.all.map(([id]) => {
    const task = view.tracker.get(id)
    return {
      kind: 'cascade',
      taskId: id,
      since: task?.endedAt ?? 0,
      text: `Others have yet to fall with it${said(view, task && name(task))}`,
      help: 'Wait: any open crew goes on with it',
    }
  })

/** Asked or sent back again and again: they may turn in circles. */
const circling = (view: ReportView): readonly Finding[] => {
  const open = OPEN.flatMap((stage) => [...view.tracker.parts.board.inStage(stage)])
  return tasks(open.filter(({ task }) => (task.counted.rounds ?? 0) > ROUNDS)).map((task) => {
    const { counted, answers } = task
    const { rounds = 0 } = counted
    const first = answers.at(-Math.min(rounds, answers.length))
    return {
      kind: 'rounds',
      taskId: task.id,
      since: first?.at ?? task.createdAt,
      text: `Asked or sent back ${rounds} times in a row${said(view, name(task), answers.at(-1)?.remarks)}`,
      help: `Read its answers; say more in its description, change its reviewers, or \`cancel('${task.id}')\``,
    }
  })
}
