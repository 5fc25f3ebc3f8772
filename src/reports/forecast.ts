import { object, read, whole } from '../core/input.js'
import { randomFrom } from '../core/random.js'
import { Backlog, type LeftOut } from './backlog.js'
import type { Basis } from './figures/records.js'
import { slicesOf, timeToEnd } from './figures/slices.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { durationFunction, type DurationSettings, Expectations, graphOfOpen } from './outlook.js'
import { ascending, percentile, type PercentileRule } from './percentile.js'
import { moment } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

export interface ForecastSettings extends DurationSettings {
  /** How often it is played through, 1–10,000; default 1,000. Of many tasks less often: see `ForecastData.runs`. */
  readonly runs?: number
  /** Decides chance: the same seed and state make the same forecast; default 1. */
  readonly seed?: number
}

export interface ForecastData {
  /** Open tasks that are asked for. */
  readonly open: number
  /**
   * `simulation`: of the graph, members and capacities, up to 10,000 open tasks. `throughput`: by how many ended in a time,
   * for more. `none`: nothing is open, or nothing is known that it could rest on.
   */
  readonly method: 'simulation' | 'throughput' | 'none'
  /** When all is done, by chance: milliseconds since the epoch; left out where that is unknown or beyond all measure. */
  readonly endsAt: { readonly p50?: number; readonly p85?: number; readonly p95?: number }
  readonly percentile: PercentileRule
  /** By when it is done with which chance: 0.05, 0.1 … 0.95. */
  readonly chances: readonly { readonly share: number; readonly at: number }[]
  /** As many as asked for while all of them play a million tasks at most, else fewer; never less than 100 for that. */
  readonly runs: number
  readonly seed: number
  /** What it rests on. */
  readonly rests: {
    /** Completed tasks on record. */
    readonly records: number
    /** When the first and the last of them ended, milliseconds since the epoch; left out when there are none. */
    readonly from?: number
    readonly to?: number
    /** Of open tasks: by what their durations are drawn. */
    readonly on: { readonly [B in Basis]: number }
  }
  /** Open tasks that are asked for and not in it, as they cannot end as things are. */
  readonly left: LeftOut
  /** Tasks that are forgotten (`retention`), and not on record. */
  readonly uncounted: number
}

const forecastSettings = object({ runs: whole(1, 10_000), seed: whole(0, 2 ** 32 - 1), duration: durationFunction })
/** Tasks played in all runs together. */
const MOST_PLAYED = 1_000_000
const FEWEST_RUNS = 100
const MOST_SIMULATED = MOST_PLAYED / FEWEST_RUNS

/**
 * When all is done, by chance: what is open is played through again and again, with durations drawn from what is on record.
 * A filter says which tasks are to be done, while all of them compete for the members; the window, of which time completed
 * tasks count as the record. It takes for granted that nothing is added, nobody joins or leaves, and all is completed.
 * Throws `invalid_input` for settings that cannot be.
 */
export function forecast(settings: ForecastSettings = {}): PicturedDefinition<ForecastData> {
  const { runs = 1000, seed = 1, duration } = read(forecastSettings, settings, 'settings')
  return {
    name: 'forecast',
    clocked: ['endsAt', 'chances'],

    run(view) {
      const expectations = new Expectations(view, duration)
      const backlog = new Backlog(view, graphOfOpen(view), expectations)
      const { method, endsMs } = played(view, backlog, runs, randomFrom(seed))
      const sorted = ascending(endsMs)
      const dateAt = (share: number): number | undefined => {
        const ms = percentile(sorted, share, view.percentile)
        return Number.isFinite(ms) && endsMs.length > 0 ? Math.round(view.now + ms) : undefined
      }
      const { count, from, to } = expectations
      return {
        open: backlog.open,
        method,
        endsAt: defined({ p50: dateAt(0.5), p85: dateAt(0.85), p95: dateAt(0.95) }),
        percentile: view.percentile,
        chances: SHARES.flatMap((share) => {
          const at = dateAt(share)
          return at === undefined ? [] : { share, at }
        }),
        runs: endsMs.length,
        seed,
        rests: { records: count, ...(count > 0 && { from, to }), on: backlog.bases },
        left: backlog.left,
        uncounted: uncountedIn(view),
      }
    },

    page: (data) => ({
      title: 'Forecast',
      parts: [
        {
          columns: ['Chance', { name: 'Done by', as: 'time' }],
          rows: (['p50', 'p85', 'p95'] as const).map((p) => [`${p.slice(1)} %`, data.endsAt[p]]),
        },
        ...inWords(data),
        ...uncountedNote(data.uncounted),
      ],
    }),

    chart: ({ chances }) =>
      seriesChart({
        title: 'Forecast: chance that all is done by then',
        kind: 'line',
        unit: 'share',
        x: chances.map(({ at }) => at),
        series: [{ name: 'done', values: chances.map(({ share }) => share) }],
      }),
  }
}

/** 0.05 to 0.95. */
const SHARES = Array.from({ length: 19 }, (_, index) => (index + 1) / 20)

/** After how many milliseconds all was done, in each run. */
function played(
  view: ReportView,
  backlog: Backlog,
  runs: number,
  random: () => number,
): { readonly method: ForecastData['method']; readonly endsMs: readonly number[] } {
  const few = Math.max(FEWEST_RUNS, Math.floor(MOST_PLAYED / Math.max(1, backlog.size)))
  const isMany = backlog.size > MOST_SIMULATED
  const endsMs = isMany ? byThroughput(view, backlog.open, runs, random) : backlog.play(Math.min(runs, few), random)
  return { method: endsMs.length === 0 ? 'none' : isMany ? 'throughput' : 'simulation', endsMs }
}

function byThroughput(view: ReportView, open: number, runs: number, random: () => number): readonly number[] {
  const ends = view.tasks.flatMap(({ status, endedAt = NaN }) =>
    status === 'completed' && view.isIn(endedAt) ? endedAt : [],
  )
  const slices = slicesOf(ends, view.until)
  return slices && open > 0 ? Array.from({ length: runs }, () => timeToEnd(slices, open, random)) : []
}

function inWords({ open, method, runs, seed, rests, left, percentile: rule }: ForecastData): readonly string[] {
  const { records, from = 0, to = 0 } = rests
  const out = left.nobody + left.unknown + left.hindered
  const sentences: Record<ForecastData['method'], string> = {
    none: open === 0 ? 'Nothing is open.' : 'Nothing is known that a forecast could rest on.',
    simulation: `Played through ${runs} times (seed ${seed}), with the graph, the members and what they can do at once.`,
    throughput: `Played through ${runs} times (seed ${seed}), by how many tasks ended in a time: too many are open for their graph.`,
  }
  return [
    `${sentences[method]} Percentiles by ${rule === 'linear' ? 'linear interpolation' : 'nearest rank'}.`,
    records === 0
      ? 'No completed task is on record.'
      : `It rests on ${records} completed tasks, from ${moment(from)} to ${moment(to)}${records < FEW ? '; that is few' : ''}.`,
    ...(out > 0
      ? [
          `Not in it: ${out} of ${open} open tasks. For ${left.nobody} there is nobody, of ${left.unknown} nothing tells how long they take, ${left.hindered} wait for what cannot end.`,
        ]
      : []),
  ]
}

/** With fewer the report says that it is few. */
const FEW = 11

/** Without what is not known. */
const defined = <T extends Readonly<Record<string, number | undefined>>>(
  values: T,
): { readonly [K in keyof T]?: number } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: number }
