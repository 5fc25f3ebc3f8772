/** What one task took: in attempts, and for answers and verdicts beside that. */
export interface Took {
  readonly endedAt: number
  readonly workMs: number
  readonly lagMs: number
}

/** What tasks took, in milliseconds. */
export interface Records {
  readonly count: number
  /** Ascending. */
  readonly workMs: Float64Array
  /** Of the same tasks, place by place. */
  readonly lagMs: Float64Array
  /** Both together, ascending. */
  readonly totalMs: Float64Array
  /** Only of those that waited for somebody, ascending. */
  readonly waitsMs: Float64Array
}

/** What a duration rests on: what was given, tasks of its kind on record, its estimate, all tasks on record, or nothing. */
export type Basis = 'given' | 'kind' | 'estimate' | 'all' | 'none'

/** How long a task will take in all: a fixed time, or as long as one of these took. */
export type Expected =
  | { readonly basis: 'given' | 'estimate'; readonly workMs: number }
  | { readonly basis: 'kind' | 'all'; readonly records: Records }
  | { readonly basis: 'none' }

/** More than these say no more, and older ones less. */
const NEWEST = 10_000

/** Of the newest 10,000 tasks. */
export function recordsOf(tasks: readonly Took[]): Records {
  const sorted = tasks
    .toSorted((a, b) => b.endedAt - a.endedAt || byWork(a, b))
    .slice(0, NEWEST)
    .sort(byWork)
  return {
    count: sorted.length,
    workMs: Float64Array.from(sorted, ({ workMs }) => workMs),
    lagMs: Float64Array.from(sorted, ({ lagMs }) => lagMs),
    totalMs: Float64Array.from(sorted, ({ workMs, lagMs }) => workMs + lagMs).sort(),
    waitsMs: Float64Array.from(
      sorted.filter(({ lagMs }) => lagMs > 0),
      ({ lagMs }) => lagMs,
    ).sort(),
  }
}

/** When the oldest of the newest 10,000 ended; what ended before counts nothing. */
export function newestSince(ends: readonly number[]): number {
  if (ends.length <= NEWEST) return -Infinity
  return Float64Array.from(ends).sort()[ends.length - NEWEST] as number
}

const byWork = (a: Took, b: Took): number => a.workMs - b.workMs || a.lagMs - b.lagMs
