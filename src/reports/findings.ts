import { isPast } from '../core/tasks/attempt-record.js'
import type { Letter } from '../core/messages/delivery.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'
import type { ReportView } from './report-view.js'
import type { Untaken } from './untaken.js'

export interface Finding {
  readonly kind:
    | 'overdue'
    | 'waiting'
    | 'failed'
    | 'stuck'
    | 'nobody'
    | 'untaken'
    | 'dead'
    | 'budget'
    | 'cascade'
    | 'rounds'
    | 'echo'
    | 'loop'
    | 'storm'
  readonly taskId?: string
  readonly member?: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly text: string
  /** What a person can do about it: Markdown, calls in code spans. Of others it holds ids alone, which have no marks of it. */
  readonly help: string
}

/** So often a task is asked about, or sent back by its reviewers, without anybody wondering. */
const ROUNDS = 10

/** What is told of texts of others; nothing to outsiders. */
const said = ({ redact }: ReportView, ...texts: readonly (string | undefined)[]): string =>
  redact ? '' : texts.flatMap((text) => (text === undefined ? [] : `: ${text}`)).join('')
export function waiting(view: ReportView, task: Task): Finding {
  const { for: reason = 'external', of = [], since = 0, question } = task.waitingFor ?? {}
  const who = of.length > 0 ? of.map((id) => `\`${id}\``).join(', ') : 'anybody'
  const text = `Waits for ${reason}${said(view, view.named(task), question)}`
  const help = `\`${reason === 'review' ? 'review' : 'answer'}('${task.id}')\` by ${who}`
  return { kind: 'waiting', taskId: task.id, since, text, help }
}

export const overdue = (view: ReportView, task: Task): Finding => ({
  kind: 'overdue',
  taskId: task.id,
  since: task.dueAt ?? 0,
  text: `Overdue and ${task.status}${said(view, view.named(task))}`,
  help: 'Raise its priority, give it to somebody, or change dueAt',
})

const why = ({ failure: { code } = { code: 'failed', message: '' } }: Task): string =>
  code === 'failed' ? '' : `, ${code}`

/** First causes only: what fell with them is mended with them. */
export function failed(view: ReportView, task: Task): Finding | undefined {
  if (task.failure?.rootId !== undefined) return undefined
  return {
    kind: 'failed',
    taskId: task.id,
    since: task.endedAt ?? 0,
    text: `Failed${why(task)}${said(view, view.named(task), task.failure?.message ?? '')}`,
    help: `\`retry('${task.id}', { cascade: true })\` once the cause is mended, or leave it`,
  }
}

/** Blocked by a dependency that has ended otherwise than hoped. */
export function stuck(view: ReportView, task: Task): Finding | undefined {
  const { board } = view.tracker.parts
  // What falls is not stuck.
  if (board.card(task.id)?.cascades) return undefined
  const bad = task.dependsOn
    .filter((edge) => board.isOpenEdge(edge))
    .map(({ id }) => board.get(id))
    .find((other) => other?.status === 'failed' || other?.status === 'cancelled')
  if (!bad) return undefined
  return {
    kind: 'stuck',
    taskId: task.id,
    since: bad.endedAt ?? 0,
    text: `Blocked for good by ${bad.id}, which is ${bad.status}${said(view, view.named(task))}`,
    help: `\`retry('${bad.id}')\`, or \`removeDependency('${task.id}', '${bad.id}')\``,
  }
}

/** Ready, but for nobody in the crew. */
export function nobody(view: ReportView, task: Task): Finding {
  const wanted = Object.entries(task.requires)
    .map(([skill, level]) => `${skill} ${level}`)
    .join(', ')
  const text =
    task.assignees.length > 0
      ? `None of its assignees is available${said(view, view.named(task))}`
      : `Nobody available has ${wanted || 'time'}${said(view, view.named(task))}`
  return {
    kind: 'nobody',
    taskId: task.id,
    since: task.createdAt,
    text,
    help: 'Let somebody join who can, or assign it with `{ force: true }`',
  }
}

/** Asked or sent back again and again: it may turn in circles. */
export function circling(view: ReportView, task: Task): Finding | undefined {
  const { rounds = 0 } = task.counted
  if (rounds <= ROUNDS) return undefined
  const { answers } = task
  const first = answers.at(-Math.min(rounds, answers.length))
  return {
    kind: 'rounds',
    taskId: task.id,
    since: first?.at ?? task.createdAt,
    text: `Asked or sent back ${rounds} times in a row${said(view, view.named(task), answers.at(-1)?.remarks)}`,
    help: `Read its answers; say more in its description, change its reviewers, or \`cancel('${task.id}')\``,
  }
}

/** Ready, and left lying; one finding for each kind, as all of it is left for one reason. */
export function idle(view: ReportView, { tasks: [first, ...others], since, member }: Untaken): Finding | undefined {
  if (!first) return undefined
  const more = others.length > 0 ? ` and ${others.length} more` : ''
  const what = first.kind === undefined ? `it${more}, without a kind` : `it${more}, of kind ${first.kind}`
  return {
    kind: 'untaken',
    taskId: first.id,
    since,
    text: `Nobody takes ${what}, though ${member} is free${said(view, view.named(first))}`,
    help: `See whether a handler of \`${member}\` runs and takes that kind, and whether the kind is misspelt`,
  }
}

/** What is cut short: others have yet to fall with a task that has ended. */
export const falling = (view: ReportView, id: string, task: Task | undefined): Finding => ({
  kind: 'cascade',
  taskId: id,
  since: task?.endedAt ?? 0,
  text: `Others have yet to fall with it${said(view, task && view.named(task))}`,
  help: 'Wait: any open crew goes on with it',
})

export const dead = (view: ReportView, { message, standing }: Letter): Finding => ({
  kind: 'dead',
  member: standing.recipient,
  since: message.sentAt ?? 0,
  text: `Message ${message.id ?? ''} was handed out ${standing.count} times in vain${said(view, standing.reasons.at(-1) ?? '')}`,
  help: `\`resend('${message.id ?? ''}', '${standing.recipient}')\` once the cause is mended`,
})

/** It gets no more work, as it has spent what it may. */
export function spent({ id, joinedAt, usage, budget }: MemberInfo): Finding | undefined {
  if (!budget || !isPast(usage, budget)) return undefined
  return {
    kind: 'budget',
    member: id,
    since: joinedAt,
    text: `Is past its budget: ${id}`,
    help: `\`join('${id}', { budget })\` with a higher one, or leave it`,
  }
}
