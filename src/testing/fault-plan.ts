import { invalid } from '../core/errors.js'
import { many, number, object, read, type Reader, record, whole } from '../core/input.js'
import { randomFrom } from '../core/random.js'
import { choice } from './choice.js'
import { type Span, span } from './span.js'

/** A method of the storage; a 'wake' is one call of who watches. */
export type StorageCall = 'open' | 'append' | 'read' | 'saveCheckpoint' | 'loadCheckpoint' | 'trim' | 'close' | 'wake'
export const CALLS: readonly StorageCall[] = [
  'open',
  'append',
  'read',
  'saveCheckpoint',
  'loadCheckpoint',
  'trim',
  'close',
  'wake',
]

const FAULTS: readonly Fault[] = [
  'error',
  'throw',
  'lost call',
  'lost answer',
  'delay',
  'slow answer',
  'hang',
  'late',
  'refusal',
  'false refusal',
  'regress',
  'lost wake',
]
/**
 * How a call goes wrong. `error`: it rejects, and nothing was done. `throw`: it throws instead of rejecting. `lost call`
 * and `lost answer`: it rejects, not done or done, after `ms`. `delay` and `slow answer`: it is done, or answered, after
 * `ms` (20). `hang`: it is not done and never answered. `late`: it is done after `ms` (12 s), when nobody waits any more.
 * `refusal`: an append that answers as if a rival had been first; `false refusal`: and is done, as with client libraries
 * that resend by themselves. `regress`: before the call, the storage loses its newest `commits` (1). `lost wake`: who
 * watches is not woken.
 */
export type Fault =
  | 'error'
  | 'throw'
  | 'lost call'
  | 'lost answer'
  | 'delay'
  | 'slow answer'
  | 'hang'
  | 'late'
  | 'refusal'
  | 'false refusal'
  | 'regress'
  | 'lost wake'

export interface FaultDetails {
  readonly fault: Fault
  readonly ms?: Span
  /** Of a regress. */
  readonly commits?: number
}

/** As it was read: its span is milliseconds. */
export interface TimedFault extends FaultDetails {
  readonly ms?: number
}

/** The nth call of a method, and with `times` the ones after it. */
export interface PlannedFault extends FaultDetails {
  readonly call: StorageCall
  /** 1 for the first. */
  readonly nth: number
  /** Default 1; Infinity for all from there. */
  readonly times?: number
}

/** What goes wrong when, or a function that says it of each call. */
export type FaultPlan = readonly PlannedFault[] | ((call: StorageCall, nth: number) => Fault | FaultDetails | undefined)

const DEFAULT_RATES: Readonly<Partial<Record<Fault, number>>> = {
  error: 0.03,
  throw: 0.01,
  'lost call': 0.02,
  'lost answer': 0.03,
  delay: 0.1,
  'slow answer': 0.05,
  hang: 0.005,
  late: 0.005,
  'false refusal': 0.01,
  'lost wake': 0.2,
}
const DEFAULT_MS: Readonly<Partial<Record<Fault, number>>> = {
  'lost call': 0,
  'lost answer': 0,
  delay: 20,
  'slow answer': 20,
  // Beyond what a journal waits for.
  late: 12_000,
}

const fault = choice(...FAULTS)
export const storageCall = choice(...CALLS)
const details = { fault, ms: span, commits: whole(1) }
const faultDetails = object(details, ['fault'])
const times: Reader<number> = (value, name, limits) => (value === Infinity ? Infinity : whole(1)(value, name, limits))
const planned = object({ call: storageCall, nth: whole(1), times, ...details }, ['call', 'nth', 'fault'])

/** Of each call: how it goes wrong, if it does. */
export type Oracle = (call: StorageCall, nth: number) => TimedFault | undefined

export const plan: Reader<Oracle> = (value, name, limits) => {
  if (typeof value === 'function') {
    return (call, nth) => {
      const answer = (value as (call: StorageCall, nth: number) => unknown)(call, nth)
      return answer === undefined ? undefined : detailed(answer, `${name}('${call}', ${nth})`)
    }
  }
  if (!Array.isArray(value)) throw invalid(`${name} must be a list of { call, nth, fault }, or a function`)
  const list = many(planned)(value, name, limits)
  for (const each of list)
    if (!fits(each.call, each.fault)) throw invalid(`A call of ${each.call} cannot suffer '${each.fault}'`)
  return (call, nth) => list.find((each) => each.call === call && each.nth <= nth && nth < each.nth + (each.times ?? 1))
}
export const rates: Reader<Readonly<Record<string, number>>> = (value, name, limits) => {
  const chances = record(number(0, 1))(value, name, limits)
  for (const key of Object.keys(chances)) fault(key, `a key of ${name}`, limits)
  return chances
}
export const msOf = ({ fault: name, ms = DEFAULT_MS[name] ?? 0 }: TimedFault): number => ms

export const detailed = (how: unknown, name: string): TimedFault =>
  typeof how === 'string' ? { fault: read(fault, how, name) } : read(faultDetails, how, name)

/** Whether such a call can go wrong so. */
export function fits(call: StorageCall, name: Fault): boolean {
  if (call === 'wake') return name === 'lost wake' || name === 'delay'
  if (name === 'refusal' || name === 'false refusal') return call === 'append'
  return name !== 'lost wake'
}

/** One draw a call, so that what one call suffers does not move the others. */
export function bySeed(seed: number, chances: Readonly<Record<string, number>> = DEFAULT_RATES): Oracle {
  const random = randomFrom(seed)
  const entries = Object.entries(chances) as [Fault, number][]
  return (call) => {
    let draw = random()
    for (const [name, chance] of entries) {
      if (!fits(call, name)) continue
      if (draw < chance) return { fault: name }
      draw -= chance
    }
    return undefined
  }
}
