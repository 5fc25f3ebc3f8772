import { invalid } from '../core/errors.js'
import { read, type Reader } from '../core/input.js'

/** Milliseconds, or a number with its unit: '250ms', '90s', '1m', '2h', '3d'. */
export type Span = number | string

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SPAN = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(UNITS).join('|')})$`)

/** Reads a span as milliseconds. */
export const span: Reader<number> = (value, name) => {
  const [, amount, unit = ''] = (typeof value === 'string' && SPAN.exec(value)) || []
  const ms = typeof value === 'number' ? value : Number(amount) * (UNITS[unit] ?? NaN)
  if (ms >= 0 && ms < Infinity) return ms
  const given = typeof value === 'string' ? `'${value}'` : typeof value === 'number' ? value : `a ${typeof value}`
  throw invalid(
    `${name} must be milliseconds, or a number with its unit (${Object.keys(UNITS).join(', ')}) such as '250ms', '90s' or '1.5h', not ${given}`,
  )
}

/** A span as milliseconds. */
export const milliseconds = (value: Span, name = 'A span'): number => read(span, value, name)
