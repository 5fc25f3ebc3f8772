import type { Chore } from './chore.js'
import type { Environment } from '../environment.js'
import { Bag, Slot } from '../heap.js'
import type { Id } from '../input.js'

/** What a session holds as long as it renews it: an attempt at a task, a delivery of a message. */
export interface LeaseTerms {
  readonly session: Id
  readonly leaseMs: number
  /** When it was taken, by its session's wall clock. */
  readonly at: number
  readonly kind: 'task' | 'message'
  /** Of the task or message. */
  readonly id: Id
  /** Of a delivery. */
  readonly recipient?: Id
  /** Tells this lease from later ones of the same thing: a fence, a count. */
  readonly number: number
}

/** A lease that is held. */
export type Lease = Slot<LeaseTerms>

/**
 * Lost counts against what was held; what a closing session gives back does not, nor what was taken by a command whose
 * caller was never told of it.
 */
export type LeaseEnd = 'lost' | 'closed' | 'untold'

/** One open journal in another process, as this one has heard of it. */
export class Session implements Chore {
  readonly id: Id
  readonly leases = new Bag<LeaseTerms>()
  /** A decision about its leases is under way. */
  isBusy = false
  /** When it was last known to take or renew a lease: by this process's monotonic clock, and by its own wall clock. */
  heardAt: number
  toldAt = -Infinity
  /** Of those that have not run out; perhaps too short, until it is looked at. */
  shortestMs = Infinity
  protected readonly clocks: Environment

  constructor(id: Id, clocks: Environment) {
    this.id = id
    this.clocks = clocks
    this.heardAt = clocks.monotonic()
  }

  add(terms: LeaseTerms): Lease {
    const lease = new Slot(terms)
    this.leases.add(lease)
    this.shortestMs = Math.min(this.shortestMs, terms.leaseMs)
    return lease
  }

  drop(lease: Lease): void {
    this.leases.delete(lease)
    if (this.leases.size === 0) this.shortestMs = Infinity
  }

  /** It took or renewed a lease at `at`, and heartbeats never get older. */
  hear(at: number): void {
    this.heardAt = this.clocks.monotonic()
    this.toldAt = Math.max(at, this.toldAt)
  }

  get silentMs(): number {
    return this.clocks.monotonic() - this.heardAt
  }

  /** When to look after it again. Never, while a decision is under way that does it all. */
  get lookAt(): number {
    // Not all at once, when many observe the same.
    return this.isBusy ? Infinity : this.heardAt + this.shortestMs * (1 + this.clocks.random() / 10)
  }

  /** No timer of this process ran for so long: what it did meanwhile was not heard, or it slept, too. */
  missed(gapMs: number): void {
    if (gapMs * 3 >= this.shortestMs) this.heardAt = this.clocks.monotonic()
  }

  isOver({ leaseMs }: LeaseTerms): boolean {
    return leaseMs <= this.silentMs
  }

  /** What becomes of a lease that is over. */
  endOf(_lease: LeaseTerms): LeaseEnd {
    return 'lost'
  }

  /** Those that are over, as far as can be told now. */
  over(): readonly LeaseTerms[] {
    const over: LeaseTerms[] = []
    let shortestMs = Infinity
    for (const lease of this.leases) {
      if (this.isOver(lease)) over.push(lease)
      else shortestMs = Math.min(shortestMs, lease.leaseMs)
    }
    this.shortestMs = shortestMs
    return over
  }
}

/** This process's own. */
export class OwnSession extends Session {
  /** Whether others know of it. */
  hasHeld = false
  /** Nobody else can take over. */
  readonly #isSafe: boolean
  /** Those that ran out before they could be renewed. No late renewal saves them. */
  readonly #lapsed = new Set<string>()
  /** Those that nobody here was told of, as the fate of their commit was given up; each with when it ends. */
  readonly #untold = new Map<string, number>()
  /** Until when a renewal may come late, after a time in which no timer ran. */
  #graceUntil = -Infinity

  constructor(id: Id, clocks: Environment, isSafe: boolean) {
    super(id, clocks)
    this.#isSafe = isSafe
  }

  /** Before a lease is added; `decidedAt` is undefined when its commit was given up before it was read. */
  take(terms: LeaseTerms, decidedAt: number | undefined, isTried: boolean): void {
    const now = this.clocks.monotonic()
    // With others, it is renewed with the oldest of them.
    if (this.leases.size === 0) this.prove(decidedAt === undefined ? this.clocks.now() : terms.at, decidedAt ?? now)
    if (isTried) return
    this.hasHeld = true
    if (decidedAt === undefined) this.#untold.set(keyOf(terms), now + terms.leaseMs)
  }

  /** Others know of it what was sent then, before it was stored. What was given up, and is read later, proves nothing. */
  prove(at: number, decidedAt: number | undefined): void {
    if (decidedAt === undefined) return
    this.heardAt = decidedAt
    this.toldAt = at
  }

  /** No longer held, or taken up by somebody here. */
  forget(lease: LeaseTerms): void {
    if (this.#lapsed.size + this.#untold.size === 0) return
    const key = keyOf(lease)
    this.#lapsed.delete(key)
    this.#untold.delete(key)
  }

  /** By the clock that is further ahead, as a sleeping machine's monotonic clock may stand still. */
  override get silentMs(): number {
    return Math.max(super.silentMs, this.clocks.now() - this.toldAt)
  }

  override get lookAt(): number {
    const { heardAt, shortestMs, silentMs } = this
    const outAt = Math.max(this.clocks.monotonic() + shortestMs - silentMs, this.#graceUntil)
    if (this.isBusy) return this.#isSafe ? Infinity : outAt
    return Math.min(heardAt + (this.#lapsed.size > 0 ? 0 : shortestMs / 3), ...this.#untold.values())
  }

  /** Others, which may have slept, too, hear of it by a third of a lease. */
  override missed(gapMs: number): void {
    if (gapMs * 3 >= this.shortestMs) this.#graceUntil = this.clocks.monotonic() + this.shortestMs / 3
  }

  get isRenewalDue(): boolean {
    return this.leases.size > 0 && this.silentMs * 3 >= this.shortestMs
  }

  override isOver(lease: LeaseTerms): boolean {
    const now = this.clocks.monotonic()
    const key = this.#lapsed.size + this.#untold.size > 0 ? keyOf(lease) : ''
    if (this.#lapsed.has(key)) return true
    const endAt = this.#untold.get(key)
    if (endAt !== undefined) return endAt <= now
    return !this.#isSafe && this.#graceUntil <= now && super.isOver(lease)
  }

  override endOf(lease: LeaseTerms): LeaseEnd {
    return this.#untold.has(keyOf(lease)) ? 'untold' : 'lost'
  }

  /** Says once for each that it is over, however late a renewal comes. */
  lapse(lease: LeaseTerms): boolean {
    const key = keyOf(lease)
    return !this.#lapsed.has(key) && this.#lapsed.add(key).size > 0
  }

  /** After the state was taken up anew. Answers what is given up: what nobody here knows of, or all of it. */
  goOnFrom(before: OwnSession, isNothingLeft: boolean): readonly LeaseTerms[] {
    this.hasHeld ||= before.hasHeld
    const known = new Set(Array.from(before.leases, keyOf))
    if (known.size > 0) {
      this.heardAt = before.heardAt
      this.toldAt = before.toldAt
    }
    for (const key of before.#lapsed) this.#lapsed.add(key)
    for (const key of known) if (!before.#untold.has(key)) this.#untold.delete(key)
    return [...this.leases].filter((lease) => isNothingLeft || !known.has(keyOf(lease)))
  }
}

/** As they were taken, whatever order they are held in: all processes decide alike. A copy, as what ends is held no more. */
export const inOrder = (leases: Iterable<LeaseTerms>): readonly LeaseTerms[] =>
  [...leases].sort((a, b) => a.at - b.at || (keyOf(a) < keyOf(b) ? -1 : 1))

const keyOf = ({ kind, id, recipient = '', number }: LeaseTerms): string => `${kind} ${number} ${id} ${recipient}`
