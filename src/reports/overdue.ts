import type { Id } from '../core/input.js'
import type { Stage } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import { type ListSettings, moreNote, readMost } from './list-settings.js'
import { uncountedIn, uncountedNote } from './notes.js'
import type { DurationStats } from './percentile.js'
import { percent, span } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

export interface OverdueRow {
  readonly taskId: Id
  /** Its title or the beginning of its description; empty for outsiders. */
  readonly name: string
  readonly stage: Stage
  readonly assignees: readonly Id[]
  /** Milliseconds since the epoch. */
  readonly dueAt: number
  readonly lateMs: number
}

export interface OverdueData {
  /** Open and past their `dueAt`, the latest first. */
  readonly rows: readonly OverdueRow[]
  readonly open: number
  /** Of completed tasks that had a `dueAt`. */
  readonly completed: {
    readonly onTime: number
    readonly late: number
    /** 0–1; 0 of none. */
    readonly shareOnTime: number
    /** By how much the late ones were late. */
    readonly lateness: DurationStats
  }
  /** Failed or cancelled, so neither on time nor late. */
  readonly dropped: number
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

/** What is late, and how much was done on time: of tasks whose `dueAt` is in the window, and has passed or was kept. */
export function overdue(settings: ListSettings = {}): PicturedDefinition<OverdueData> {
  const most = readMost(settings)
  return {
    name: 'overdue',
    clocked: ['lateMs'],

    run(view) {
      const late: Task[] = []
      const latenessMs: number[] = []
      let onTime = 0
      let dropped = 0
      for (const task of view.passing) {
        const { dueAt, endedAt, status } = task
        if (dueAt === undefined || !view.isIn(dueAt)) continue
        if (task.isOpen) {
          if (dueAt <= view.now) late.push(task)
        } else if (status !== 'completed') dropped++
        else if (endedAt !== undefined && endedAt > dueAt) latenessMs.push(endedAt - dueAt)
        else onTime++
      }
      const ended = onTime + latenessMs.length
      const shareOnTime = ended > 0 ? onTime / ended : 0
      return {
        rows: late
          .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
          .slice(0, most)
          .map((task) => rowOf(view, task)),
        open: late.length,
        completed: { onTime, late: latenessMs.length, shareOnTime, lateness: view.durations(latenessMs) },
        dropped,
        uncounted: uncountedIn(view),
      }
    },

    page: ({ rows, open, completed: { onTime, late, shareOnTime, lateness }, uncounted }) => ({
      title: 'Overdue',
      parts: [
        {
          columns: [
            'Task',
            'Name',
            'Stage',
            'Assigned to',
            { name: 'Due', as: 'time' },
            { name: 'Late by', as: 'duration' },
          ],
          rows: rows.map((row) => [row.taskId, row.name, row.stage, row.assignees.join(', '), row.dueAt, row.lateMs]),
          empty: 'Nothing is overdue.',
        },
        ...moreNote(open, rows.length, 'are overdue'),
        onTime + late === 0
          ? 'Nothing that had a due time was completed.'
          : `Completed on time: ${onTime} of ${onTime + late}, ${percent(shareOnTime)}.${late > 0 ? ` Half of the late ones were late by at most ${span(lateness.p50Ms)}, nine in ten by at most ${span(lateness.p90Ms)}.` : ''}`,
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ rows }) =>
      seriesChart({
        title: 'Overdue',
        kind: 'bar',
        unit: 'duration',
        x: rows.map(({ taskId, name }) => name || taskId),
        series: [{ name: 'late by', values: rows.map(({ lateMs }) => lateMs) }],
      }),
  }
}

const rowOf = (view: ReportView, task: Task): OverdueRow => {
  const { id: taskId, assignees, dueAt = 0 } = task
  const stage = view.tracker.parts.board.card(taskId)?.stage ?? 'new'
  return { taskId, name: view.named(task), stage, assignees, dueAt, lateMs: view.now - dueAt }
}
