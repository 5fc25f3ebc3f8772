import { CrewError, invalid } from './errors.js'
import { copyJson, utf8Bytes, type Json } from './json.js'

export type Id = string
/** Date, milliseconds since the epoch, or ISO 8601 with time and zone. */
export type TimeInput = Date | number | string

/** What may enter; all settable. */
export interface Limits {
  /** Largest text or payload, in bytes of UTF-8; default 262,144 (256 KiB). */
  readonly payloadBytes?: number
  /** Deepest nesting of a payload; default 32. */
  readonly depth?: number
  /** Recipients of one message; default 1,000. */
  readonly recipients?: number
  /** Dependencies of one task, and entries of its other lists; default 1,000. */
  readonly dependencies?: number
  /** How often a delivery is handed out in vain before it is dead; default 10. */
  readonly deliveries?: number
  /** How long a chain of messages that answer each other may be; default 32. */
  readonly hops?: number
  /** Open messages in one mailbox; default 10,000. */
  readonly mailbox?: number
  /** Messages a minute from one member to another; default 120. */
  readonly pairRate?: number
  /** How often in a row a task may wait for an answer or a review and come back to be worked on; default 100. */
  readonly rounds?: number
}

export const DEFAULT_LIMITS: Required<Limits> = {
  payloadBytes: 256 * 1024,
  depth: 32,
  recipients: 1000,
  dependencies: 1000,
  deliveries: 10,
  hops: 32,
  mailbox: 10_000,
  pairRate: 120,
  rounds: 100,
}

/** Checks one value at the door and answers a copy of it, or throws `invalid_input` or `limit_exceeded` by `name`. */
export type Reader<T> = (value: unknown, name: string, limits: Required<Limits>) => T

/**
 * The door: everything that enters passes here once. Whatever a strange value throws while it is read (a getter, a
 * proxy) is `invalid_input` too.
 */
export function read<T>(reader: Reader<T>, value: unknown, name: string, bounds = DEFAULT_LIMITS): T {
  try {
    return reader(value, name, bounds)
  } catch (error) {
    throw CrewError.is(error) ? error : invalid(`${name} cannot be read`, {}, error)
  }
}

/** Throws `invalid_input`, which says what is wanted and what was given. */
export const wrong = (name: string, wanted: string, value: unknown): never => {
  const given =
    // Not what it says: an error is read by others, and a text may be a secret.
    typeof value === 'string'
      ? value === ''
        ? 'an empty text'
        : 'a text'
      : typeof value === 'number' || value === null
        ? String(value)
        : Array.isArray(value)
          ? 'a list'
          : typeof value
  throw invalid(`${name} must be ${wanted}, not ${given}`)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const ID = /^[A-Za-z0-9._:@/-]+(?: [A-Za-z0-9._:@/-]+)*$/

export const id: Reader<Id> = (value, name) =>
  typeof value === 'string' && value.length <= 128 && ID.test(value)
    ? value
    : wrong(name, 'an id: 1–128 characters of A–Z a–z 0–9 . _ : @ / - and single spaces inside', value)

export const text: Reader<string> = (value, name, { payloadBytes }) => {
  if (typeof value !== 'string') return wrong(name, 'a text', value)
  if (value.length * 3 > payloadBytes && utf8Bytes(value) > payloadBytes) {
    throw new CrewError('limit_exceeded', `${name} is over ${payloadBytes} bytes; shorten it`, { limit: payloadBytes })
  }
  return value
}

export const filledText: Reader<string> = (value, name, limits) =>
  text(value, name, limits) || wrong(name, 'a text that is not empty', value)

/** A text of that form, which `wanted` tells. */
export const matching =
  (pattern: RegExp, wanted: string): Reader<string> =>
  (value, name) =>
    typeof value === 'string' && pattern.test(value) ? value : wrong(name, wanted, value)

export const flag: Reader<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : wrong(name, 'true or false', value)

/** A finite number between `least` and `most`, both included; -0 becomes 0. */
export const number =
  (least = -Infinity, most = Infinity, whole = false): Reader<number> =>
  (value, name) =>
    Number.isFinite(value) &&
    (value as number) >= least &&
    (value as number) <= most &&
    (!whole || Number.isInteger(value))
      ? (value as number) + 0
      : wrong(
          name,
          `a ${whole ? 'whole' : 'finite'} number${least > -Infinity ? ` from ${least}` : ''}${most < Infinity ? ` to ${most}` : ''}`,
          value,
        )

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Reader<number> => number(least, most, true)
/** Milliseconds, at most a hundred years. */
export const duration = (least = 0): Reader<number> => number(least, 3.2e12)

const ISO = /^\d{4}-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/

/** Milliseconds since the epoch. */
export const time: Reader<number> = (value, name) => {
  const wanted = 'a Date, milliseconds since the epoch, or ISO 8601 with time and zone (2026-12-01T12:00:00Z)'
  const at = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseIso(value) : value
  // The range of Date itself.
  return Number.isFinite(at) && Math.abs(at as number) <= 8.64e15
    ? Math.trunc(at as number) + 0
    : wrong(name, wanted, value)
}

/** NaN for what is not ISO 8601 with time and zone, or no day of the calendar (Date.parse takes 30 February for 2 March). */
function parseIso(value: string): number {
  const [, month, day] = ISO.exec(value) ?? []
  const lastDay = new Date(Date.UTC(Number(value.slice(0, 4)), Number(month), 0)).getUTCDate()
  return Number(day) <= lastDay ? Date.parse(value) : NaN
}

export const json: Reader<Json> = (value, name, limits) => copyJson(value, name, limits)

export const jsonObject: Reader<Readonly<Record<string, Json>>> = (value, name, limits) =>
  isObject(value) ? (copyJson(value, name, limits) as Readonly<Record<string, Json>>) : wrong(name, 'an object', value)

export const oneOf =
  <const W extends readonly string[]>(...words: W): Reader<W[number]> =>
  (value, name) =>
    words.includes(value as string) ? (value as W[number]) : wrong(name, `one of ${words.join(', ')}`, value)

export const either =
  <A, B>(isFirst: (value: unknown) => boolean, first: Reader<A>, second: Reader<B>): Reader<A | B> =>
  (value, name, limits) =>
    (isFirst(value) ? first : second)(value, name, limits)

/** A frozen list without doubles (by `key`), of at most as many entries as the named limit allows. */
export const list =
  <T>(
    item: Reader<T>,
    limit: 'recipients' | 'dependencies' = 'dependencies',
    key: (item: T) => unknown = (item) => item,
  ): Reader<readonly T[]> =>
  (value, name, limits) => {
    if (!Array.isArray(value)) return wrong(name, 'a list', value)
    const most = limits[limit]
    if (value.length > most)
      throw new CrewError('limit_exceeded', `${name} has over ${most} entries; split it`, { limit: most })
    const items = Array.from(value, (entry, index) => item(entry, `${name}[${index}]`, limits))
    return Object.freeze([...new Map(items.map((entry) => [key(entry), entry])).values()])
  }

/** A list of any length, doubles included. */
export const many =
  <T>(item: Reader<T>): Reader<readonly T[]> =>
  (value, name, limits) =>
    Array.isArray(value)
      ? Array.from(value, (entry, index) => item(entry, `${name}[${index}]`, limits))
      : wrong(name, 'a list', value)

/** One of it, or a list. */
export const oneOrMore = <T>(
  item: Reader<T>,
  limit?: 'recipients' | 'dependencies',
  key?: (item: T) => unknown,
): Reader<readonly T[]> => {
  const many = list(item, limit, key)
  return (value, name, limits) => many(Array.isArray(value) ? value : [value], name, limits)
}

/** Names to values: skills, say. */
export const record =
  <T>(item: Reader<T>): Reader<Readonly<Record<string, T>>> =>
  (value, name, limits) => {
    if (!isObject(value)) return wrong(name, 'an object', value)
    const keys = Object.keys(value)
    list(id)(keys, name, limits)
    if (keys.includes('__proto__')) throw invalid(`${name} cannot have the key __proto__`)
    const entries = keys.map((key) => [key, item((value as Record<string, unknown>)[key], `${name}.${key}`, limits)])
    return Object.freeze(Object.fromEntries(entries) as Record<string, T>)
  }

type Shape = Readonly<Record<string, Reader<unknown>>>
export type Shaped<S extends Shape, R extends keyof S> = { readonly [K in R]: ReturnType<S[K]> } & {
  readonly [K in Exclude<keyof S, R>]?: ReturnType<S[K]>
}

/**
 * An object with these fields and no others; what is `undefined` counts as left out, and as refused if `strict`: in a
 * filter `{ assignee: undefined }` would quietly mean everybody.
 */
export const object =
  <S extends Shape, R extends keyof S & string = never>(
    fields: S,
    required: readonly R[] = [],
    strict = false,
  ): Reader<Shaped<S, R>> =>
  (value, name, limits) => {
    if (!isObject(value)) return wrong(name, 'an object', value)
    const shaped: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined
      if (!field)
        throw invalid(
          `${name} has no field ${JSON.stringify(key).slice(0, 40)}; it has ${Object.keys(fields).join(', ')}`,
        )
      const given = (value as Record<string, unknown>)[key]
      if (given !== undefined) shaped[key] = field(given, `${name}.${key}`, limits)
      else if (strict) throw invalid(`${name}.${key} is undefined; leave it out, or give a value`)
    }
    for (const key of required) if (!(key in shaped)) throw invalid(`${name}.${key} is missing`)
    return shaped as Shaped<S, R>
  }

/** A copy of an object with whatever fields it has, to add to; what they may be is checked later. */
export const anyFields: Reader<Readonly<Record<string, unknown>>> = (value, name) =>
  isObject(value) ? { ...value } : wrong(name, 'an object', value)

/** A copy of options, and what is given beside them; they cannot name that themselves. */
export function withMore<T extends object, M extends object>(options: T, more: M, name = 'options'): T & M {
  for (const key of Object.keys(more))
    if (key in options) throw invalid(`${name} has no field ${key}: it is an argument, or the handle knows it`)
  return { ...options, ...more }
}

/** An object of the caller's own making that has these methods: a storage, an environment. */
export const withMethods =
  <T>(...names: readonly (keyof T & string)[]): Reader<T> =>
  (value, name) =>
    typeof value === 'object' && value !== null && names.every((method) => typeof (value as T)[method] === 'function')
      ? (value as T)
      : wrong(name, `an object with the methods ${names.join(', ')}`, value)

/** A function of the caller's own making; `wanted` may tell its signature. */
export const aFunction =
  <F>(wanted = 'a function'): Reader<F> =>
  (value, name) =>
    typeof value === 'function' ? (value as F) : wrong(name, wanted, value)

export const errorListener = /* @__PURE__ */ aFunction<(error: unknown) => void>()

const limitFields = /* @__PURE__ */ object({
  payloadBytes: whole(1),
  depth: whole(1, 1000),
  recipients: whole(1),
  dependencies: whole(1),
  deliveries: whole(1),
  hops: whole(1),
  mailbox: whole(1),
  pairRate: whole(1),
  rounds: whole(1),
})

/** Limits, with what is left out filled in. */
export const limits: Reader<Required<Limits>> = (value, name) => ({
  ...DEFAULT_LIMITS,
  ...limitFields(value, name, DEFAULT_LIMITS),
})
