import { type CalendarSettings, periodsOf, readCalendar } from './calendar-settings.js'
import type { Periods, Unit } from './figures/calendar.js'
import type { Phase } from './figures/life.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { tellPast } from './past.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

/** How many tasks stood where at one moment. */
export interface FlowCounts {
  /** Nobody worked on them, though nothing was in their way but time. */
  readonly ready: number
  readonly blocked: number
  readonly inProgress: number
  /** For an answer or a review. */
  readonly waiting: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
}

export interface CumulativeFlowData {
  readonly per: Unit
  readonly timeZone: string
  /** At the beginning of the window, where each hour, day or week begins, and at the end. */
  readonly rows: readonly (FlowCounts & {
    /** Milliseconds since the epoch. */
    readonly at: number
    /** As the calendar calls it. */
    readonly name: string
  })[]
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

const STATES = ['completed', 'failed', 'cancelled', 'waiting', 'inProgress', 'ready', 'blocked'] as const
type State = (typeof STATES)[number]
const STATE_OF: Readonly<Record<Phase, State>> = {
  waiting: 'ready',
  blocked: 'blocked',
  working: 'inProgress',
  asking: 'waiting',
  review: 'waiting',
}

/**
 * How many tasks stood where at each edge of an hour, day or week: a cumulative flow diagram, in which the width of a band
 * is what piles up there. Throws `invalid_input` for settings that cannot be.
 */
export function cumulativeFlow(settings: CalendarSettings = {}): PicturedDefinition<CumulativeFlowData> {
  const calendar = readCalendar(settings)
  return {
    name: 'cumulativeFlow',

    run(view) {
      const periods = periodsOf(view, calendar)
      const counts = countsOf(view, periods)
      const rows = periods.edges.map((at, edge) => ({
        at,
        name: periods.name(edge),
        ...(Object.fromEntries(STATES.map((state) => [state, counts[state][edge]])) as unknown as FlowCounts),
      }))
      return { ...calendar, rows, uncounted: uncountedIn(view) }
    },

    page: ({ rows, uncounted }) => ({
      title: 'Cumulative flow',
      parts: [
        {
          columns: [
            { name: 'At', as: 'markdown' },
            ...['Completed', 'Failed', 'Cancelled', 'Waiting', 'In progress', 'Ready', 'Blocked'].map((name) => ({
              name,
              as: 'number' as const,
            })),
          ],
          rows: rows.map((row) => [row.name, ...STATES.map((state) => row[state])]),
        },
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ rows }) =>
      seriesChart({
        title: 'Cumulative flow',
        kind: 'area',
        x: rows.map(({ at }) => at),
        series: STATES.map((state) => ({ name: state, values: rows.map((row) => row[state]) })),
      }),
  }
}

/** How many were in each state at each edge: what comes and goes is noted where it does, and then summed up. */
function countsOf(view: ReportView, periods: Periods): Readonly<Record<State, Float64Array>> {
  const changes = Object.fromEntries(STATES.map((state) => [state, new Float64Array(periods.count + 2)])) as Record<
    State,
    Float64Array
  >
  const be = (state: State, from: number, to: number): void => {
    ;(changes[state][periods.edgeFrom(from)] as number)++
    ;(changes[state][periods.edgeFrom(to)] as number)--
  }
  const tell = (phase: Phase, from: number, to: number): void => {
    be(STATE_OF[phase], from, to)
  }
  for (const task of view.tasks) {
    // What is open stays where it is beyond the last edge.
    tellPast(view, task, tell, Infinity)
    if (task.endedAt !== undefined) be(task.status as State, Math.max(task.createdAt, task.endedAt), Infinity)
  }
  for (const counts of Object.values(changes))
    for (let edge = 1; edge < counts.length; edge++) (counts[edge] as number) += counts[edge - 1] as number
  return changes
}
