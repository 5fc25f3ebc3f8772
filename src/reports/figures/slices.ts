/** How many ended in each of equal slices of time. */
export interface Slices {
  readonly counts: readonly number[]
  readonly lengthMs: number
}

const SLICES = 100
/** Beyond so many times the time that is on record nothing is said. */
const TIMES = 100

/** From the first end on record up to `to`; undefined where that is no time, or nothing ended. */
export function slicesOf(ends: readonly number[], to: number): Slices | undefined {
  const from = ends.reduce((least, at) => Math.min(least, at), Infinity)
  const lengthMs = (to - from) / SLICES
  if (!(lengthMs > 0)) return undefined
  const counts = Array.from({ length: SLICES }, () => 0)
  for (const at of ends) (counts[Math.min(SLICES - 1, Math.floor((at - from) / lengthMs))] as number)++
  return { counts, lengthMs }
}

/**
 * How long so many take, in a time made of slices that are drawn from the record: the Monte Carlo forecast by throughput
 * (Vacanti, When Will It Be Done?, 2020), with slices instead of days. Infinity beyond a hundred times the record.
 */
export function timeToEnd({ counts, lengthMs }: Slices, tasks: number, random: () => number): number {
  let left = tasks
  for (let slice = 0; slice < SLICES * TIMES; slice++) {
    if (left <= 0) return slice * lengthMs
    const ended = counts[Math.floor(random() * SLICES)] as number
    // The last one is not needed to its end.
    if (ended >= left) return (slice + left / ended) * lengthMs
    left -= ended
  }
  return Infinity
}
