import { type CalendarSettings, periodsOf, readCalendar } from './calendar-settings.js'
import type { Unit } from './figures/calendar.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { figure } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'

interface Counts {
  created: number
  completed: number
  failed: number
  cancelled: number
}

/** What came and what went in one hour, day or week. */
export interface ThroughputRow extends Readonly<Counts> {
  /** As the calendar calls it: `2026-12-01`, of a week its Monday, of an hour `2026-12-01 14:00`. */
  readonly name: string
  /** Milliseconds since the epoch; the window can cut the first and the last row short. */
  readonly from: number
  /** The first moment after it: of the last row, just after now. */
  readonly to: number
}

export interface ThroughputData {
  readonly per: Unit
  readonly timeZone: string
  /** Those in which nothing happened are there, too. */
  readonly rows: readonly ThroughputRow[]
  readonly totals: Readonly<Counts>
  /** Completed tasks in an hour, day or week, over the whole time; 0 over none. */
  readonly mean: number
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

const NONE_YET: Readonly<Counts> = { created: 0, completed: 0, failed: 0, cancelled: 0 }

/**
 * How many tasks were created, completed, failed and cancelled per hour, day or week. One that was retried counts where it
 * ended last. Throws `invalid_input` for settings that cannot be.
 */
export function throughput(settings: CalendarSettings = {}): PicturedDefinition<ThroughputData> {
  const calendar = readCalendar(settings)
  return {
    name: 'throughput',

    run(view) {
      // What happens now is in it.
      const periods = periodsOf(view, calendar, Math.min(view.window.to, view.now + 1))
      const rows = Array.from({ length: periods.count }, (_, index) => ({
        name: periods.name(index),
        from: periods.start(index),
        to: periods.end(index),
        ...NONE_YET,
      }))
      const totals = { ...NONE_YET }
      const count = (what: keyof Counts, at: number): void => {
        const row = rows[periods.of(at)]
        if (!row) return
        row[what]++
        totals[what]++
      }
      for (const { createdAt, endedAt, status } of view.tasks) {
        count('created', createdAt)
        if (endedAt !== undefined) count(status as keyof Counts, endedAt)
      }
      const { from = 0 } = rows[0] ?? {}
      const lengthMs = view.until - from
      const mean = lengthMs > 0 ? (totals.completed * periods.lengthMs) / lengthMs : 0
      return { ...calendar, rows, totals, mean, uncounted: uncountedIn(view) }
    },

    page: ({ per, rows, totals, mean, uncounted }) => ({
      title: `Throughput per ${per}`,
      parts: [
        {
          columns: [
            { name: capitalized(per), as: 'markdown' },
            { name: 'Created', as: 'number' },
            { name: 'Completed', as: 'number' },
            { name: 'Failed', as: 'number' },
            { name: 'Cancelled', as: 'number' },
          ],
          rows: rows.map(({ name, created, completed, failed, cancelled }) => [
            name,
            created,
            completed,
            failed,
            cancelled,
          ]),
          empty: 'There were no tasks in that time.',
        },
        `Completed: ${totals.completed} in all, ${figure(mean)} per ${per}.`,
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ per, rows }) =>
      seriesChart({
        title: `Throughput per ${per}`,
        kind: 'line',
        x: rows.map(({ name }) => name),
        series: (['created', 'completed', 'failed'] as const).map((what) => ({
          name: what,
          values: rows.map((row) => row[what]),
        })),
      }),
  }
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
