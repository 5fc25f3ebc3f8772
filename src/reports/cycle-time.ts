import { type Phase, PHASES } from './figures/life.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { tellPast } from './past.js'
import type { DurationStats } from './percentile.js'
import { percent } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

/** What tasks spent in one phase; of those that were in it at all. */
export interface PhaseTime extends DurationStats {
  /** Of the time of all tasks: 0–1. */
  readonly share: number
}

export interface CycleTimeData {
  /** From creation to end. */
  readonly total: DurationStats
  /** From the first start to the end. */
  readonly active: DurationStats
  readonly phases: { readonly [P in Phase]: PhaseTime }
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

/** How long completed tasks took, and with what: those that were completed in the window. */
export function cycleTime(): PicturedDefinition<CycleTimeData> {
  return {
    name: 'cycleTime',

    run(view) {
      const times = timesOf(view)
      const totalMs = times.total.reduce((sum, ms) => sum + ms, 0)
      const phaseTime = (phase: Phase): PhaseTime => {
        const stats = view.durations(times[phase])
        return { ...stats, share: totalMs > 0 ? (stats.meanMs * stats.count) / totalMs : 0 }
      }
      const phases = Object.fromEntries(PHASES.map((phase) => [phase, phaseTime(phase)])) as CycleTimeData['phases']
      const { total, active } = times
      return { total: view.durations(total), active: view.durations(active), phases, uncounted: uncountedIn(view) }
    },

    page: ({ total, active, phases, uncounted }) => ({
      title: 'Cycle time',
      parts: [
        {
          columns: [
            'Phase',
            { name: 'Tasks', as: 'number' },
            { name: 'Share', as: 'share' },
            ...['Mean', 'Half at most', '90 %', '95 %', '99 %'].map((name) => ({ name, as: 'duration' as const })),
          ],
          rows: [
            ...PHASES.map((phase) => [phase, ...rowOf(phases[phase], phases[phase].share)]),
            ['start to end', ...rowOf(active)],
            ['creation to end', ...rowOf(total)],
          ],
        },
        total.count === 0
          ? 'No task was completed in that time.'
          : `Of ${total.count} completed tasks. They were worked on ${percent(phases.working.share)} of their time. Percentiles by ${total.percentile === 'linear' ? 'linear interpolation' : 'nearest rank'}.`,
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ phases, total }) => {
      const rows = [...PHASES.map((phase) => ({ name: phase, ...phases[phase] })), { name: 'in all', ...total }]
      return seriesChart({
        title: 'Mean time by phase',
        kind: 'bar',
        unit: 'duration',
        x: rows.map(({ name }) => name),
        series: [{ name: 'mean', values: rows.map(({ meanMs }) => meanMs) }],
      })
    },
  }
}

const rowOf = ({ count, meanMs, p50Ms, p90Ms, p95Ms, p99Ms }: DurationStats, share?: number) => [
  count,
  share,
  meanMs,
  p50Ms,
  p90Ms,
  p95Ms,
  p99Ms,
]

type Times = Readonly<Record<Phase | 'total' | 'active', number[]>>

/** Of each completed task, in milliseconds. */
function timesOf(view: ReportView): Times {
  const times: Times = { waiting: [], blocked: [], working: [], asking: [], review: [], total: [], active: [] }
  const spent: Record<Phase, number> = { waiting: 0, blocked: 0, working: 0, asking: 0, review: 0 }
  const tell = (phase: Phase, from: number, to: number): void => {
    spent[phase] += to - from
  }
  for (const task of view.tasks) {
    const { status, createdAt, startedAt = createdAt, endedAt = createdAt } = task
    if (status !== 'completed' || !view.isIn(endedAt)) continue
    for (const phase of PHASES) spent[phase] = 0
    tellPast(view, task, tell)
    for (const phase of PHASES) if (spent[phase] > 0) times[phase].push(spent[phase])
    times.total.push(Math.max(0, endedAt - createdAt))
    times.active.push(Math.max(0, endedAt - startedAt))
  }
  return times
}
