/**
 * How a percentile is read off sorted values. `nearest-rank`: the smallest value that at least the share p is not above,
 * so always one of them. `linear`: between the two nearest, by R's type 7 (as in NumPy, and in PERCENTILE.INC of sheets).
 */
export type PercentileRule = 'nearest-rank' | 'linear'

/** How long things took, in milliseconds; all 0 while there are none. */
export interface DurationStats {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly minMs: number
  readonly maxMs: number
  /** The rule of the percentiles. */
  readonly percentile: PercentileRule
}

/** Values in ascending order, by their place: 0 is the least. */
export interface Ascending {
  readonly count: number
  readonly at: (place: number) => number
}

/** In ascending order, for `percentile`. */
export function ascending(values: readonly number[]): Ascending {
  const sorted = new Float64Array(values).sort()
  return { count: sorted.length, at: (place) => sorted[place] ?? 0 }
}

/** The value below which the share `p` (0–1) lies; 0 of none. */
export function percentile({ count, at }: Ascending, p: number, rule: PercentileRule = 'nearest-rank'): number {
  if (count === 0) return 0
  // What binary fractions add (0.07 × 100 is 7.000000000000001) is no rank more.
  if (rule === 'nearest-rank') return at(Math.max(0, Math.ceil(Number((p * count).toPrecision(12))) - 1))
  const place = p * (count - 1)
  const below = Math.floor(place)
  const low = at(below)
  const share = place - below
  return share === 0 ? low : low + share * (at(below + 1) - low)
}

export function statsOf(sorted: Ascending, sumMs: number, rule: PercentileRule): DurationStats {
  const { count } = sorted
  return Object.freeze({
    count,
    meanMs: count > 0 ? sumMs / count : 0,
    p50Ms: percentile(sorted, 0.5, rule),
    p90Ms: percentile(sorted, 0.9, rule),
    p95Ms: percentile(sorted, 0.95, rule),
    p99Ms: percentile(sorted, 0.99, rule),
    minMs: percentile(sorted, 0, rule),
    maxMs: percentile(sorted, 1, rule),
    percentile: rule,
  })
}

/** Of durations in milliseconds, in any order. */
export const durationStats = (durations: readonly number[], rule: PercentileRule): DurationStats =>
  statsOf(
    ascending(durations),
    durations.reduce((sum, ms) => sum + ms, 0),
    rule,
  )
