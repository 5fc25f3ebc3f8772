import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Stage } from '../core/tasks/task-card.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'
import { isFailure } from './statistics.js'

export interface WorkloadData {
  readonly rows: readonly {
    readonly member: string
    /** Open tasks that it is given; in a window, open at its end. */
    readonly assigned: number
    readonly inProgress: number
    readonly completed: number
    /** Its attempts that failed, were lost, ran out of time or were abandoned. */
    readonly failed: number
    /** Of all completed tasks, those completed by it: 0–1. */
    readonly share: number
    /** Time in attempts by capacity and time since it joined, of both the part that is in the window: 0–1. */
    readonly utilisation: number
  }[]
  /** Tasks that are forgotten (`retention`), and so missing here when there is a window or a filter; 0 without. */
  readonly uncounted: number
}

/** What is counted of one member. */
interface Load {
  assigned: number
  inProgress: number
  completed: number
  failed: number
  busyMs: number
}

/** Who does how much. */
export const workload: PicturedDefinition<WorkloadData> = {
  name: 'workload',
  clocked: ['utilisation'],

  run(view) {
    const { all, of } = view.isWhole ? kept(view) : counted(view)
    const rows = view.members.map((member) => {
      const { busyMs, completed, ...load } = of(member.id)
      return {
        member: member.id,
        ...load,
        completed,
        share: all > 0 ? completed / all : 0,
        utilisation: utilisation(view, member, busyMs),
      }
    })
    return { rows, uncounted: view.uncounted }
  },

  page: ({ rows }) => ({
    title: 'Workload',
    parts: [
      {
        columns: [
          'Member',
          { name: 'Assigned', as: 'number' },
          { name: 'In progress', as: 'number' },
          { name: 'Completed', as: 'number' },
          { name: 'Failed', as: 'number' },
          { name: 'Share', as: 'share' },
          { name: 'Utilisation', as: 'share' },
        ],
        rows: rows.map((row) => [
          row.member,
          row.assigned,
          row.inProgress,
          row.completed,
          row.failed,
          row.share,
          row.utilisation,
        ]),
      },
    ],
  }),

  chart: ({ rows }) =>
    seriesChart({
      title: 'Tasks by member',
      kind: 'bar',
      x: rows.map(({ member }) => member),
      series: [
        { name: 'completed', values: rows.map(({ completed }) => completed) },
        { name: 'open', values: rows.map(({ assigned }) => assigned) },
      ],
    }),
}

interface Loads {
  /** Completed tasks, by whomever. */
  readonly all: number
  readonly of: (member: Id) => Load
}

/** From counts that are kept as tasks change. */
function kept({ tracker, statistics, now }: ReportView): Loads {
  const { board } = tracker.parts
  return {
    all: board.inStage('completed').size + board.forgotten.count('completed'),
    of: (id) => ({
      assigned: board.index.assigned.of(id),
      inProgress: board.index.held.of(id),
      completed: statistics.of(id).completed,
      failed: statistics.of(id).failed,
      busyMs: statistics.busyMs(id, now),
    }),
  }
}

const OPEN: ReadonlySet<Stage> = new Set(['scheduled', 'blocked', 'new', 'assigned', 'in_progress', 'waiting'])

/** In one pass. */
function counted(view: ReportView): Loads {
  const loads = new Map<Id, Load>()
  const of = (member: Id): Load => {
    let load = loads.get(member)
    if (!load) loads.set(member, (load = { assigned: 0, inProgress: 0, completed: 0, failed: 0, busyMs: 0 }))
    return load
  }
  let all = 0
  for (const task of view.tasks) {
    const stage = view.stageOf(task)
    if (OPEN.has(stage)) for (const id of task.assignees) of(id).assigned++
    if (stage !== 'completed') continue
    all++
    const completer = task.attempts.at(-1)?.member
    if (completer !== undefined) of(completer).completed++
  }
  for (const { attempt } of view.attempts()) {
    const { member, startedAt, endedAt = Infinity, outcome } = attempt
    const load = of(member)
    load.busyMs += view.overlapMs(startedAt, endedAt)
    if (endedAt >= view.window.to || endedAt === Infinity) load.inProgress++
    else if (isFailure(outcome)) load.failed++
  }
  return { all, of }
}

function utilisation(view: ReportView, { capacity, joinedAt }: MemberInfo, busyMs: number): number {
  const possibleMs = capacity * view.overlapMs(joinedAt)
  return possibleMs > 0 ? Math.min(1, busyMs / possibleMs) : 0
}
