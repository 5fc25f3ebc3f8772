import { sum, type Usage } from '../core/tasks/attempt-record.js'
import { NOTHING } from '../core/json.js'
import type { Stage } from '../core/tasks/task-card.js'
import type { TaskStatus } from '../core/tasks/task.js'
import type { DurationStats } from './percentile.js'
import { figure, span } from './render/markdown.js'
import type { ReportDefinition } from './report.js'
import type { ReportView } from './report-view.js'

export interface SummaryData {
  /**
   * Every status is there, zero included. In a window: of tasks that were open at some time in it, those that ended in it
   * by how they ended, the others by where they stood at its end.
   */
  readonly totals: {
    readonly tasks: number
    readonly ready: number
    readonly blocked: number
    readonly overdue: number
  } & {
    readonly [S in TaskStatus]: number
  }
  /** Of tasks that were completed (in the window), from their first start to their end. */
  readonly durations: DurationStats
  /** Of all attempts; in a window, of those that ended in it, or still run when it is open to the end. */
  readonly usage: Usage
  /** Tasks that are forgotten (`retention`), and so missing here when there is a window or a filter; 0 without. */
  readonly uncounted: number
}

/** How many tasks stand where, and how long they take. */
export const summary: ReportDefinition<SummaryData> = {
  name: 'summary',

  run: (view) => (view.isWhole ? kept(view) : counted(view)),

  page({ totals, durations, usage, uncounted }) {
    const { count, meanMs, p50Ms, p90Ms } = durations
    const times =
      count === 0
        ? 'No task has been completed yet.'
        : `Completed tasks took ${span(meanMs)} on average, half of them at most ${span(p50Ms)}, nine in ten at most ${span(p90Ms)}.`
    const spent = [
      usage.tokens === undefined ? [] : `Tokens: ${figure(usage.tokens)}.`,
      usage.cost === undefined ? [] : `Cost: ${figure(usage.cost)}.`,
      uncounted === 0 ? [] : `Without ${uncounted} that are forgotten.`,
    ].flat()
    const rows = Object.entries(totals)
    return {
      title: 'Summary',
      parts: [{ columns: ['Tasks', { name: 'Number', as: 'number' }], rows }, times, ...spent],
    }
  },
}

/** From counts that are kept as tasks change. */
function kept({ tracker, statistics, percentile }: ReportView): SummaryData {
  const { board } = tracker.parts
  const { forgotten } = board
  const of = (stage: Stage): number => board.inStage(stage).size
  const ready = of('new') + of('assigned')
  const blocked = of('blocked')
  const totals = {
    tasks: board.all.size + forgotten.size,
    pending: ready + blocked + of('scheduled'),
    in_progress: of('in_progress'),
    waiting: of('waiting'),
    completed: of('completed') + forgotten.count('completed'),
    failed: of('failed') + forgotten.count('failed'),
    cancelled: of('cancelled') + forgotten.count('cancelled'),
    ready,
    blocked,
    overdue: board.overdue.size,
  }
  return { totals, durations: statistics.durations(percentile), usage: statistics.usage, uncounted: 0 }
}

const PENDING: Readonly<Partial<Record<Stage, 'ready' | 'blocked' | undefined>>> = {
  new: 'ready',
  assigned: 'ready',
  blocked: 'blocked',
  scheduled: undefined,
}

/** In one pass. */
function counted(view: ReportView): SummaryData {
  const totals = { tasks: 0, pending: 0, in_progress: 0, waiting: 0, completed: 0, failed: 0, cancelled: 0, ready: 0, blocked: 0, overdue: 0 } // prettier-ignore
  const durations: number[] = []
  for (const task of view.tasks) {
    const stage = view.stageOf(task)
    const status = stage in PENDING ? 'pending' : (stage as TaskStatus)
    const more = PENDING[stage]
    totals.tasks++
    totals[status]++
    if (more) totals[more]++
    const isOpen = status === 'pending' || status === 'in_progress' || status === 'waiting'
    if (isOpen && (task.dueAt ?? Infinity) <= view.until) totals.overdue++
    if (status === 'completed' && task.durationMs !== undefined) durations.push(task.durationMs)
  }
  return { totals, durations: view.durations(durations), usage: spent(view), uncounted: view.uncounted }
}

function spent(view: ReportView): Usage {
  let usage: Usage = NOTHING
  if (view.isOpenEnded) for (const task of view.tasks) usage = sum(usage, task.usage)
  else for (const { attempt } of view.attempts()) if (view.isEndedIn(attempt.endedAt)) usage = sum(usage, attempt.usage)
  return usage
}
