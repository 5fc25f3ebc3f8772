import { CrewError, invalid } from '../../core/errors.js'

export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LENGTHS: Readonly<Record<Unit, number>> = {
  second: 1000,
  minute: 60_000,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
}
/** How much of a stamp names one. */
const LETTERS: Readonly<Record<Unit, number>> = { second: 19, minute: 16, hour: 16, day: 10, week: 10 }
/** Rows of one report. */
const MOST = 100_000

/** Hours, days or weeks, one after the other; the first and the last may be cut short. */
export class Periods {
  /** Each begins at its edge and ends before the next one. */
  readonly edges: readonly number[]
  /** Milliseconds; a day can have an hour more or less. */
  readonly lengthMs: number
  readonly #unit: Unit
  readonly #zone: Zone
  /** When the first would begin, were it whole. */
  readonly #anchor: number

  constructor(edges: readonly number[], unit: Unit, zone: Zone, anchor: number) {
    this.edges = edges
    this.lengthMs = LENGTHS[unit]
    this.#unit = unit
    this.#zone = zone
    this.#anchor = anchor
  }

  get count(): number {
    return this.edges.length - 1
  }

  start(index: number): number {
    return this.edges[index] as number
  }

  end(index: number): number {
    return this.edges[index + 1] as number
  }

  /** What the calendar of its zone calls it: the day, also of a week's Monday, or day and time. */
  name(index: number): string {
    const wall = this.#zone.wallOf(index === 0 ? this.#anchor : this.start(index))
    return new Date(wall).toISOString().slice(0, LETTERS[this.#unit]).replace('T', ' ')
  }

  /** The first edge at a moment or after it; one more than there are edges when it is after them all. */
  edgeFrom(time: number): number {
    const index = this.of(time)
    return index >= 0 && this.start(index) === time ? index : index + 1
  }

  /** Which one a moment is in: -1 before the first, `count` after the last. */
  of(time: number): number {
    if (time < this.start(0)) return -1
    if (time >= this.start(this.count)) return this.count
    // Not far from where it would be if all were of one length: a day can have 23 or 25 hours.
    let index = Math.min(this.count - 1, Math.floor((time - this.#anchor) / this.lengthMs))
    while (time < this.start(index)) index--
    while (time >= this.end(index)) index++
    return index
  }
}

/**
 * The time from `from` to before `to` in units of the calendar of a time zone (IANA name; default UTC). Weeks begin on
 * Monday, as in ISO 8601. A day begins with its first moment, which is not midnight where clocks are put forward then.
 * Throws `limit_exceeded` for over 100,000 of them.
 */
export function periodsBetween(from: number, to: number, unit: Unit, timeZone?: string): Periods {
  const zone = zoneOf(timeZone)
  if (to <= from) return new Periods([from], unit, zone, from)
  if ((to - from) / LENGTHS[unit] > MOST)
    throw new CrewError(
      'limit_exceeded',
      `There are over ${MOST} ${unit}s in that time; take longer ones, or less time`,
      {
        limit: MOST,
      },
    )
  const starts: number[] = []
  for (const start of startsFrom(from, unit, zone)) {
    if (start >= to) break
    if (start <= from) starts.length = 0
    // A day that never was, as a place changed to the other side of the date line, begins with the next one.
    if (start !== starts.at(-1)) starts.push(start)
  }
  return new Periods([from, ...starts.slice(1), to], unit, zone, starts[0] as number)
}

/** Begins of units, from one that is not after `from`. */
function* startsFrom(from: number, unit: Unit, zone: Zone): Generator<number> {
  const first = zone.dayOf(from)
  // Day 0, the first of 1970, was a Thursday.
  const monday = first - ((((first + 3) % 7) + 7) % 7)
  for (let day = unit === 'week' ? monday : first; ; day += unit === 'week' ? 7 : 1) {
    const start = zone.startOf(day)
    yield start
    const lengthMs = LENGTHS[unit]
    if (lengthMs >= DAY_MS) continue
    const next = zone.startOf(day + 1)
    // Not from the first of the day, which can be far before.
    const skipped = Math.max(0, Math.floor((from - start) / lengthMs) - 1)
    for (let at = start + (skipped + 1) * lengthMs; at < next; at += lengthMs) yield at
  }
}

/** Days of a calendar, numbered from the first of January 1970 there. */
interface Zone {
  /** What clocks on the wall show at a moment, as if they were in UTC. */
  wallOf(time: number): number
  dayOf(time: number): number
  startOf(day: number): number
}

const UTC: Zone = {
  wallOf: (time) => time,
  dayOf: (time) => Math.floor(time / DAY_MS),
  startOf: (day) => day * DAY_MS,
}

function zoneOf(timeZone = 'UTC'): Zone {
  if (timeZone === 'UTC') return UTC
  const format = formatOf(timeZone)
  const wallOf = (time: number): number => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) as number
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  }
  const aheadMs = (time: number): number => wallOf(time) - Math.floor(time / 1000) * 1000
  return {
    wallOf,
    dayOf: (time) => Math.floor(wallOf(time) / DAY_MS),
    startOf(day) {
      const midnight = day * DAY_MS
      // By the clock before it and by the one after: they differ where it is put forward or back that night.
      const moments = [midnight - DAY_MS, midnight + DAY_MS].map((near) => midnight - aheadMs(near))
      return Math.min(...moments.filter((moment) => wallOf(moment) >= midnight))
    },
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (error) {
    throw invalid('options.timeZone must be a name of the IANA time zone database: Europe/Berlin', {}, error)
  }
}
