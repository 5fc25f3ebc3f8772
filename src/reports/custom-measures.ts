import { invalid } from '../core/errors.js'
import { ascending, percentile, type PercentileRule } from './percentile.js'
import type { Unit } from './report.js'

/** A field that holds numbers, or a function; what is no number of a row is left out of its figure. */
export type Field<R> = NumberKey<R> | ((row: R) => number | undefined)
type NumberKey<R> = { [K in keyof R]-?: [NonNullable<R[K]>] extends [number] ? K : never }[keyof R] & string

/** What is figured of the rows of a group. */
export type Measure<R> =
  | 'count'
  | { readonly sum: Field<R> }
  | { readonly mean: Field<R> }
  | { readonly min: Field<R> }
  | { readonly max: Field<R> }
  /** `p`: 0–1; by the rule that the report is asked for. */
  | { readonly percentile: Field<R>; readonly p: number }
  /** Of those for which it is true, among all of the group: 0–1. */
  | { readonly share: (row: R) => boolean }
  /** Of those for which it is true, in the mean over the window; an open one begins with the oldest row. */
  | { readonly rate: (row: R) => boolean; readonly per: 'hour' | 'day' | 'week' }

/** A number; null where there is nothing to take a mean, a percentile, or the least or greatest of. */
export type Measured<M> = M extends 'count' | { readonly sum: unknown } | { readonly share: unknown } | { readonly rate: unknown } ? number : number | null // prettier-ignore

/** What a measure needs to know beside its rows. */
export interface Terms {
  readonly rule: PercentileRule
  readonly windowMs: number
}

/** Takes in the rows of one group, and answers what was measured. */
export interface Gauge {
  add(row: unknown): void
  value(terms: Terms): number | null
}

type Written = Readonly<Record<string, unknown>>
const PER_MS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const
const KINDS = ['sum', 'mean', 'min', 'max', 'percentile', 'share', 'rate'] as const
type Kind = (typeof KINDS)[number]

/** A measure that was checked: makes a gauge for each group. */
export interface Checked {
  readonly unit: Unit
  gauge(): Gauge
}

/** Throws `invalid_input` for what is no measure. */
export function checked(given: unknown, name: string): Checked {
  if (given === 'count') return { unit: 'number', gauge: counting }
  const measure = (typeof given === 'object' && given !== null ? given : {}) as Written
  const kind = KINDS.find((one) => one in measure)
  if (!kind) throw invalid(`${name} must be 'count', or an object with one of ${KINDS.join(', ')}`)
  if (kind === 'share' || kind === 'rate') return ofRows(kind, measure, name)
  const read = fieldOf(measure[kind], `${name}.${kind}`)
  const p = kind === 'percentile' ? measure['p'] : 0
  if (typeof p !== 'number' || !(p >= 0 && p <= 1)) throw invalid(`${name}.p must be a number from 0 to 1 (0.95, say)`)
  return { unit: unitOf(measure[kind]), gauge: () => ofValues(kind, read, p) }
}

function ofRows(kind: 'share' | 'rate', measure: Written, name: string): Checked {
  const isMeant = measure[kind]
  if (typeof isMeant !== 'function') throw invalid(`${name}.${kind} must be a function of a row`)
  const test = isMeant as (row: unknown) => unknown
  if (kind === 'share') return { unit: 'share', gauge: () => sharing(test) }
  const perMs = PER_MS[measure['per'] as keyof typeof PER_MS] as number | undefined
  if (perMs === undefined) throw invalid(`${name}.per must be one of hour, day, week`)
  return { unit: 'number', gauge: () => rating(test, perMs) }
}

function fieldOf(field: unknown, name: string): (row: unknown) => unknown {
  if (typeof field === 'function') return field as (row: unknown) => unknown
  if (typeof field === 'string') return (row) => valueOf(row, field, name)
  throw invalid(`${name} must be the name of a field, or a function of a row`)
}

/** Throws for a field that rows do not have: it would be empty for ever. */
export function valueOf(row: unknown, field: string, name: string): unknown {
  if (field in (row as object)) return (row as Written)[field]
  throw invalid(`${name} names a field that rows do not have: ${JSON.stringify(field).slice(0, 40)}`)
}

const unitOf = (field: unknown): Unit => {
  if (typeof field !== 'string') return 'number'
  return field.endsWith('Ms') ? 'duration' : field.endsWith('At') ? 'time' : 'number'
}

function counting(): Gauge {
  let count = 0
  return { add: () => count++, value: () => count }
}

function sharing(isMeant: (row: unknown) => unknown): Gauge {
  let all = 0
  let meant = 0
  return {
    add(row) {
      all++
      if (isMeant(row) === true) meant++
    },
    value: () => (all > 0 ? meant / all : 0),
  }
}

function rating(isMeant: (row: unknown) => unknown, perMs: number): Gauge {
  let meant = 0
  return {
    add(row) {
      if (isMeant(row) === true) meant++
    },
    value: ({ windowMs }) => (windowMs > 0 ? (meant * perMs) / windowMs : 0),
  }
}

function ofValues(kind: Exclude<Kind, 'share' | 'rate'>, read: (row: unknown) => unknown, p: number): Gauge {
  const values: number[] = []
  let count = 0
  let sum = 0
  let min = Infinity
  let max = -Infinity
  const figures = { sum: () => sum, mean: () => sum / count, min: () => min, max: () => max }
  return {
    add(row) {
      const value = read(row)
      if (typeof value !== 'number' || !Number.isFinite(value)) return
      if (kind === 'percentile') values.push(value)
      count++
      sum += value
      min = Math.min(min, value)
      max = Math.max(max, value)
    },
    value({ rule }) {
      if (kind === 'sum') return sum
      if (count === 0) return null
      return kind === 'percentile' ? percentile(ascending(values), p, rule) : figures[kind]()
    },
  }
}
