import type { Unit } from '../report.js'
import { figure, percent, span } from './markdown.js'

/**
 * Round values from 0 to at least `max`, about `count` of them: steps of 1, 2 or 5 times a power of ten, chosen as
 * d3-array's `ticks` does. What is next to nothing has an axis up to 1.
 */
export function ticks(max: number, count = 5): readonly number[] {
  if (!(max > 1e-9)) return [0, 1]
  const power = Math.floor(Math.log10(max / count))
  const rest = max / count / 10 ** power
  const factor = rest >= Math.sqrt(50) ? 10 : rest >= Math.sqrt(10) ? 5 : rest >= Math.sqrt(2) ? 2 : 1
  // Dividing by a whole number keeps tenths what they are.
  const at = (index: number): number => (power < 0 ? (index * factor) / 10 ** -power : index * factor * 10 ** power)
  const last = Math.ceil(max / at(1) - 1e-9)
  return Array.from({ length: last + 1 }, (_, index) => at(index))
}

const DURATIONS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1000 },
] as const

/** In what an axis of durations up to `max` is best read. */
export const durationUnit = (max: number): { readonly name: string; readonly ms: number } =>
  DURATIONS.find(({ ms }) => max >= 2 * ms) ?? { name: 'ms', ms: 1 }

/** A value in words. */
export const inWords = (value: number, unit: Unit): string =>
  unit === 'duration' ? span(value) : unit === 'share' ? percent(value) : figure(value)

/** Below it, times differ by seconds. */
const SHORT_MS = 600_000

/** Times as short as they all can be, UTC; names as they are. */
export function labels(places: readonly (number | string)[]): readonly string[] {
  const times = places.filter((at) => typeof at === 'number')
  const areDays = times.every((at) => at % 86_400_000 === 0)
  const isShort = times.length > 1 && (times.at(-1) ?? 0) - (times[0] ?? 0) < SHORT_MS
  const [from, to] = isShort ? [11, 19] : [0, areDays ? 10 : 16]
  return places.map((at) =>
    typeof at === 'string' ? at : new Date(at).toISOString().slice(from, to).replace('T', ' '),
  )
}
