import { object, oneOf, read } from '../core/input.js'
import type { Task } from '../core/tasks/task.js'
import { calendarFields, type CalendarSettings, periodsOf, withDefaults } from './calendar-settings.js'
import type { Periods, Unit } from './figures/calendar.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

export interface BurndownSettings extends CalendarSettings {
  /** What is counted: tasks (the default), or what was estimated for them (`estimateMs`). */
  readonly of?: 'tasks' | 'estimates'
}

export interface BurndownRow {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** As the calendar calls it. */
  readonly name: string
  /** What was left to do; left out where it is yet to come, like `completed` and `dropped`. */
  readonly open?: number
  readonly completed?: number
  /** Failed or cancelled. */
  readonly dropped?: number
  /** A straight line from what was open at the beginning to nothing at the end; where a window has an end. */
  readonly ideal?: number
}

export interface BurndownData {
  readonly per: Unit
  readonly timeZone: string
  readonly of: 'tasks' | 'estimates'
  /** At the beginning of the window, where each hour, day or week begins, and at its end. */
  readonly rows: readonly BurndownRow[]
  /** Tasks without an estimate: where estimates are counted, they count nothing. */
  readonly withoutEstimate: number
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

const burndownSettings = object({ ...calendarFields, of: oneOf('tasks', 'estimates') })

/**
 * How much was left to do at each edge of an hour, day or week. A window may end later than now: its ideal line does then.
 * Throws `invalid_input` for settings that cannot be.
 */
export function burndown(settings: BurndownSettings = {}): PicturedDefinition<BurndownData> {
  const { of = 'tasks', ...calendar } = withDefaults(read(burndownSettings, settings, 'settings'))
  const weigh = ({ estimateMs = 0 }: Task): number => (of === 'tasks' ? 1 : estimateMs)
  return {
    name: 'burndown',

    run(view) {
      const { to } = view.window
      const periods = periodsOf(view, calendar, to === Infinity ? view.now : to)
      const rows = rowsOf(view, periods, weigh)
      const withoutEstimate = view.tasks.filter(({ estimateMs }) => estimateMs === undefined).length
      return {
        ...calendar,
        of,
        rows: to === Infinity ? rows : withIdeal(rows),
        withoutEstimate,
        uncounted: uncountedIn(view),
      }
    },

    page: ({ of: what, rows, withoutEstimate, uncounted }) => ({
      title: what === 'tasks' ? 'Burndown' : 'Burndown of estimates',
      parts: [
        {
          columns: [
            { name: 'At', as: 'markdown' },
            ...['Open', 'Completed', 'Dropped', 'Ideal'].map((name) => ({
              name,
              as: what === 'tasks' ? ('number' as const) : ('duration' as const),
            })),
          ],
          rows: rows.map(({ name, open, completed, dropped, ideal }) => [name, open, completed, dropped, ideal]),
        },
        ...(what === 'estimates' && withoutEstimate > 0
          ? [`Not counted: ${withoutEstimate} tasks without an estimate.`]
          : []),
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ of: what, rows }) =>
      seriesChart({
        title: 'Burndown',
        kind: 'line',
        unit: what === 'tasks' ? 'number' : 'duration',
        x: rows.map(({ at }) => at),
        series: [
          { name: 'open', values: rows.map(({ open }) => open) },
          ...(rows[0]?.ideal === undefined ? [] : [{ name: 'ideal', values: rows.map(({ ideal }) => ideal) }]),
        ],
      }),
  }
}

/** What comes and goes is noted at the first edge that has seen it, and then summed up. */
function rowsOf(view: ReportView, periods: Periods, weigh: (task: Task) => number): readonly BurndownRow[] {
  const made = new Float64Array(periods.count + 2)
  const completed = new Float64Array(periods.count + 2)
  const dropped = new Float64Array(periods.count + 2)
  for (const task of view.tasks) {
    const { createdAt, endedAt, status } = task
    const weight = weigh(task)
    ;(made[periods.edgeFrom(createdAt)] as number) += weight
    if (endedAt === undefined) continue
    const ended = status === 'completed' ? completed : dropped
    ;(ended[periods.edgeFrom(Math.max(createdAt, endedAt))] as number) += weight
  }
  const sums = { made: 0, completed: 0, dropped: 0 }
  return periods.edges.map((at, edge) => {
    const name = periods.name(edge)
    sums.made += made[edge] as number
    sums.completed += completed[edge] as number
    sums.dropped += dropped[edge] as number
    if (at > view.now) return { at, name }
    const { completed: done, dropped: gone } = sums
    return { at, name, open: sums.made - done - gone, completed: done, dropped: gone }
  })
}

function withIdeal(rows: readonly BurndownRow[]): readonly BurndownRow[] {
  const [first] = rows
  const last = rows.at(-1)
  if (!first || !last || first.open === undefined || last.at <= first.at) return rows
  const { at: from, open } = first
  return rows.map((row) => ({ ...row, ideal: (open * (last.at - row.at)) / (last.at - from) }))
}
