import { unavailability } from '../core/members.js'
import type { Card, Stage } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import {
  circling,
  dead,
  failed,
  falling,
  type Finding,
  idle,
  nobody,
  overdue,
  spent,
  stuck,
  waiting,
} from './findings.js'
import type { ReportDefinition } from './report.js'
import type { ReportView } from './report-view.js'
import { storms } from './storms.js'
import { takersAmong } from './takers.js'
import { untaken } from './untaken.js'

export interface HealthData {
  /** What needs a person now, the oldest first; in a window, what has done so since some time in it. */
  readonly findings: readonly (Finding & { readonly agoMs: number })[]
}

/** What needs a person now. */
export const health: ReportDefinition<HealthData> = {
  name: 'health',
  clocked: ['agoMs'],

  run(view) {
    const findings = [...ofTasks(view), ...ofMembers(view), ...cascades(view), ...storms(view)]
      .filter(({ since }) => view.isIn(since))
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

/** Those that can need somebody: all that are open, and what has failed. */
const STAGES: readonly Stage[] = ['waiting', 'failed', 'blocked', 'new', 'assigned', 'in_progress', 'scheduled']

/** One look at each task; in the order of creation, as what indexes hold has an order in each process of its own. */
function ofTasks(view: ReportView): readonly Finding[] {
  const { board } = view.tracker.parts
  const takerOf = takersAmong(view.members.filter((member) => unavailability(member) === undefined))
  const found: { readonly order: number; readonly finding: Finding }[] = []
  const ready: Card[] = []
  for (const stage of STAGES)
    for (const card of board.inStage(stage)) {
      const { task, order } = card
      if (!view.lets(task.id)) continue
      const note = (finding: Finding | undefined): unknown => finding && found.push({ order, finding })
      if (board.overdue.has(card)) note(overdue(view, task))
      if (stage === 'failed') note(failed(view, task))
      else note(circling(view, task))
      if (stage === 'waiting') note(waiting(view, task))
      if (stage === 'blocked') note(stuck(view, task))
      if (!card.isReady) continue
      ready.push(card)
      if (!takerOf(task)) note(nobody(view, task))
    }
  const findings = found.sort(byOrder).map(({ finding }) => finding)
  const left = untaken(view, ready.sort(byOrder).map(taskOf)).flatMap((one) => idle(view, one) ?? [])
  return [...findings, ...left]
}

function ofMembers(view: ReportView): readonly Finding[] {
  const letters = [...(view.communications?.mailboxes.dead ?? [])].filter(({ message }) => view.lets(message.taskId))
  const undelivered = letters.sort(byOrder).map((letter) => dead(view, letter))
  return view.lets(undefined) ? [...undelivered, ...view.members.flatMap((member) => spent(member) ?? [])] : undelivered
}

function cascades(view: ReportView): readonly Finding[] {
  const { board, desk } = view.tracker.parts
  return desk.cascades.all.filter(([id]) => view.lets(id)).map(([id]) => falling(view, id, board.get(id)))
}

const taskOf = ({ task }: Card): Task => task
const byOrder = (a: { readonly order: number }, b: { readonly order: number }): number => a.order - b.order
