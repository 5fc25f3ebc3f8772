import { CrewError, invalid } from './errors.js'

/** What a journal can keep: plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The one empty list and the one empty object: what has none of something shares them, and is told apart at a glance. */
export const NONE: readonly never[] = /* @__PURE__ */ Object.freeze([])
export const NOTHING: Readonly<Record<string, never>> = /* @__PURE__ */ Object.freeze({})

export interface JsonLimits {
  /** Largest text or payload, in bytes of its JSON as UTF-8. */
  readonly payloadBytes: number
  /** Deepest nesting. */
  readonly depth: number
}

/** Bytes of `text` as UTF-8, without the memory that encoding it would take. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // A pair of surrogates is two units and four bytes: two for each half.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}

/** The copying of one payload. */
interface Copying {
  readonly name: string
  readonly limits: JsonLimits
  /** Bytes that it may still have. */
  left: number
  /** What the value being copied is inside of. */
  readonly above: object[]
}

/**
 * A frozen copy of `value`, so that later changes by the caller do not reach in. Rejects what JSON would lose or change
 * silently: cycles, functions, BigInt, NaN, class instances, `__proto__`. Properties that are `undefined` are left out.
 */
export const copyJson = (value: unknown, name: string, limits: JsonLimits): Json =>
  copy(value, { name, limits, left: limits.payloadBytes, above: [] })

function copy(value: unknown, state: Copying): Json {
  switch (typeof value) {
    case 'string':
      return copyText(value, state)
    case 'boolean':
      return value
    case 'number':
      spend(8, state)
      // Adding 0 turns -0, which JSON does not know, into 0.
      return Number.isFinite(value) ? value + 0 : refuse(`${value} is not a JSON number`, state)
    case 'object':
      return value === null ? null : copyInside(value, state)
    default:
      return refuse(`it holds a ${typeof value}`, state)
  }
}

function copyInside(outer: object, state: Copying): Json {
  const { above, limits, name } = state
  if (above.includes(outer)) return refuse('it contains itself', state)
  if (above.length >= limits.depth) {
    throw new CrewError('limit_exceeded', `${name} is nested deeper than ${limits.depth} levels; flatten it`, {
      limit: limits.depth,
    })
  }
  above.push(outer)
  const copied = Array.isArray(outer) ? copyArray(outer, state) : copyObject(outer as Record<string, unknown>, state)
  above.pop()
  return Object.freeze(copied)
}

function copyArray(items: readonly unknown[], state: Copying): Json[] {
  spend(items.length, state)
  return Array.from(items, (item) => copy(item, state))
}

function copyObject(outer: Record<string, unknown>, state: Copying): Record<string, Json> {
  const prototype: unknown = Object.getPrototypeOf(outer)
  // Plain objects of other realms (a frame, a test runner's sandbox) have another Object.prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse('it holds an instance of a class; pass its data (a Date as a number or ISO text)', state)
  }
  const copied: Record<string, Json> = {}
  for (const key of Object.keys(outer)) {
    if (key === '__proto__') return refuse('the key __proto__ is not allowed', state)
    const inner = outer[key]
    if (inner !== undefined) copied[copyText(key, state)] = copy(inner, state)
  }
  return copied
}

function copyText(text: string, state: Copying): string {
  // Its length comes first, so that a huge text costs nothing.
  spend(text.length, state)
  spend(utf8Bytes(text) - text.length + 3, state)
  return text
}

function spend(bytes: number, state: Copying): void {
  state.left -= bytes
  if (state.left >= 0) return
  const limit = state.limits.payloadBytes
  throw new CrewError(
    'limit_exceeded',
    `${state.name} is over ${limit} bytes; store it elsewhere and pass a reference`,
    { limit },
  )
}

function refuse(why: string, { name }: Copying): never {
  throw invalid(`${name} must be plain JSON: ${why}`)
}

/** Whether an object has no fields. */
export function isEmpty(fields: object): boolean {
  // Without a list of them, as every command asks.
  for (const field in fields) if (Object.hasOwn(fields, field)) return false
  return true
}

/** Whether two JSON values say the same; the order of keys does not matter. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const one = a as Readonly<Record<string, Json>>
  const other = b as Readonly<Record<string, Json>>
  let left = Object.keys(other).length
  for (const key in one) {
    if (!Object.hasOwn(one, key)) continue
    if (!Object.hasOwn(other, key) || !sameJson(one[key], other[key])) return false
    left--
  }
  return left === 0
}

/** Freezes plain JSON all the way down. */
export function freezeJson<T extends object>(value: T): T {
  Object.freeze(value)
  for (const key in value) {
    const inner = value[key]
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) freezeJson(inner)
  }
  return value
}
