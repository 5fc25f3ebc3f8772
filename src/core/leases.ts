import type { Environment, Off } from './environment.js'
import { CrewError } from './errors.js'
import { Bag, Slot } from './heap.js'
import type { Id } from './input.js'
import type { JournalEvent } from './journal-storage.js'
import { type Json, NONE } from './json.js'
import type { Gap, Observer, Projection, Turn } from './projection.js'

/** What a session holds as long as it renews it: an attempt at a task, a delivery of a message. */
export interface LeaseTerms {
  readonly session: Id
  readonly leaseMs: number
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

/** Knows what ends with a lease. */
export interface LeaseKeeper {
  /** Ends it, if it is still the current one. Lost counts against it; what a closing session gives back does not. */
  end(turn: Turn, lease: LeaseTerms, how: 'lost' | 'closed'): void
  /** This process could not renew it in time: others may have taken over. */
  lapsed?(lease: LeaseTerms): void
}

/** The journal that leases are taken through. */
interface Decider {
  readonly environment: Environment
  readonly onError: (error: unknown) => void
  readonly session: Id
  /** By the monotonic clock, when what is being decided or folded was decided; undefined where that is not known. */
  readonly decidedAt: number | undefined
  /** Whether changes are only tried, to be taken back at once. */
  readonly isDeciding: boolean
  decide(decide: (turn: Turn) => void): Promise<void>
}

/** One open journal in one process, as this process has heard of it. */
interface Session {
  readonly leases: Bag<LeaseTerms>
  /** Of this process's own: those that ran out before they could be renewed. No late renewal saves them. */
  readonly lapsed: Set<string>
  /** When it last took or renewed a lease, by this process's monotonic and wall clock. Two processes' clocks are never compared. */
  heardAt: number
  heardAtWall: number
  /** Of those that have not run out; perhaps too short, until it is looked at. */
  shortestMs: number
  /** A decision about its leases is under way. */
  isBusy: boolean
}

interface Renewal {
  readonly id: Id
  readonly before: Partial<Session>
}

/** Before something that failed is tried again. */
const PAUSE_MS = 1000

/**
 * Which session holds what. Renews what this session holds, once for all; ends what another one has not renewed within
 * its lease by this process's own stopwatch: the rule of Kubernetes' leader election.
 */
export class Leases implements Projection<Renewal>, Observer {
  readonly #journal: Decider
  /** Nobody else can write while this is open. */
  readonly #isSoleWriter: boolean
  readonly #keepers = new Map<LeaseTerms['kind'], LeaseKeeper>()
  readonly #sessions = new Map<Id, Session>()
  #timer: { readonly at: number; readonly off: Off } | undefined
  #isClosed = false
  /** This session, while the state is taken up anew. */
  #before: Session | undefined

  constructor(journal: Decider, isSoleWriter: boolean) {
    this.#journal = journal
    this.#isSoleWriter = isSoleWriter
  }

  keep(kind: LeaseTerms['kind'], keeper: LeaseKeeper): void {
    this.#keepers.set(kind, keeper)
  }

  /** Called as changes are applied and reverted; what it answers is for `drop`. */
  hold(terms: LeaseTerms): Lease {
    let session = this.#sessions.get(terms.session)
    if (!session) {
      session = {
        leases: new Bag(),
        lapsed: new Set(),
        heardAt: 0,
        heardAtWall: 0,
        shortestMs: Infinity,
        isBusy: false,
      }
      this.#sessions.set(terms.session, session)
      this.#hear(session, terms.session)
    }
    // Others are known to live by what they take; oneself must renew the oldest in time. What is only tried proves nothing.
    const isProof = session.leases.size === 0 || !this.#isOwn(terms.session)
    if (isProof && !this.#journal.isDeciding) this.#hear(session, terms.session)
    const slot = new Slot(terms)
    session.leases.add(slot)
    session.shortestMs = Math.min(session.shortestMs, terms.leaseMs)
    return slot
  }

  drop(lease: Lease): void {
    const session = this.#sessions.get(lease.item.session)
    if (!session) return
    session.leases.delete(lease)
    if (!this.#journal.isDeciding) session.lapsed.delete(keyOf(lease.item))
    if (session.leases.size === 0) session.shortestMs = Infinity
  }

  /** Before this session takes a lease: renews, if it was not heard of for so long that the lease would be late already. */
  prove(turn: Turn, leaseMs: number): void {
    const id = this.#journal.session
    const session = this.#sessions.get(id)
    if (session && session.leases.size > 0 && this.#silentMs(session, id) * 3 >= leaseMs)
      turn.emit('session.renewed', id, {})
  }

  /** Milliseconds until a lease of this session or, as far as this process can tell, of another one runs out. */
  expiresInMs(id: Id, leaseMs: number): number {
    const session = this.#sessions.get(id)
    return session ? Math.max(0, leaseMs - this.#silentMs(session, id)) : 0
  }

  /** Of a renewal. */
  fold({ id }: JournalEvent): Renewal {
    return { id, before: { ...this.#sessions.get(id) } }
  }

  apply({ id }: Renewal): void {
    const session = this.#sessions.get(id)
    if (session) this.#hear(session, id)
  }

  revert({ id, before: { heardAt, heardAtWall } }: Renewal): void {
    const session = this.#sessions.get(id)
    if (session && heardAt !== undefined && heardAtWall !== undefined) Object.assign(session, { heardAt, heardAtWall })
  }

  /** Who holds what is derived from the tasks and messages, and who was heard of when is each process's own. */
  save(): Iterable<Json> {
    return NONE
  }

  load(): void {
    // Saves nothing.
  }

  clear(): void {
    this.#sessions.clear()
  }

  rebuilding(): void {
    this.#before = this.#sessions.get(this.#journal.session)
  }

  /** How long this session has been silent is no other by that. What nobody here knows of, or of another log, is given up. */
  rebuilt(gap?: Gap): void {
    const own = this.#sessions.get(this.#journal.session)
    const { leases = [], heardAt = 0, heardAtWall = 0, lapsed = [] } = this.#before ?? {}
    this.#before = undefined
    if (!own) return
    const known = new Set(Array.from(leases, keyOf))
    if (known.size > 0) Object.assign(own, { heardAt, heardAtWall })
    for (const key of lapsed) own.lapsed.add(key)
    this.#lapse(
      own,
      [...own.leases].filter((lease) => gap?.hasDiverged || !known.has(keyOf(lease))),
    )
  }

  /** Where nobody else can write, a lease of another session is of a process that is gone. */
  async opened(): Promise<void> {
    const others = [...this.#sessions].filter(([id]) => !this.#isOwn(id)).flatMap(([, { leases }]) => [...leases])
    if (this.#isSoleWriter && others.length > 0) await this.#end(others)
    this.#arm()
  }

  settled(): void {
    this.#arm()
  }

  giveBack(turn: Turn): void {
    // A copy, as what ends is dropped from the bag.
    for (const lease of [...(this.#sessions.get(this.#journal.session)?.leases ?? [])])
      this.#keepers.get(lease.kind)?.end(turn, lease, 'closed')
  }

  closed(): void {
    this.#isClosed = true
    this.#timer?.off()
  }

  #isOwn(session: Id): boolean {
    return session === this.#journal.session
  }

  /** What a session does is known to others from when it was sent, which for this one is before it was stored. */
  #hear(session: Session, id: Id): void {
    const { environment, decidedAt } = this.#journal
    const heardAt = this.#isOwn(id) ? decidedAt : environment.monotonic()
    // Given up as unknown, and read later: it proves nothing of now.
    if (heardAt === undefined) return
    session.heardAt = heardAt
    session.heardAtWall = environment.now() - (environment.monotonic() - session.heardAt)
  }

  /** For this session by the clock that is further ahead, as a suspended machine's monotonic clock may stand still. */
  #silentMs(session: Session, id: Id): number {
    const { environment } = this.#journal
    const byStopwatch = environment.monotonic() - session.heardAt
    return this.#isOwn(id) ? Math.max(byStopwatch, environment.now() - session.heardAtWall) : byStopwatch
  }

  #arm(): void {
    let at = Infinity
    for (const [id, session] of this.#sessions) {
      if (session.leases.size === 0) this.#sessions.delete(id)
      else at = Math.min(at, session.heardAt + this.#patienceMs(session, id))
    }
    if (this.#timer && this.#timer.at <= at) return
    this.#timer?.off()
    this.#timer = undefined
    if (at === Infinity || this.#isClosed) return
    const { environment } = this.#journal
    const off = environment.setTimer(
      () => {
        this.#timer = undefined
        this.#look()
        this.#arm()
      },
      // Time passes between two looks, however the arithmetic is rounded.
      Math.max(1, at - environment.monotonic()),
      true,
    )
    this.#timer = { at, off }
  }

  /** How long after it was heard of a session is looked after again. Never, while a decision is under way that does it all. */
  #patienceMs({ isBusy, shortestMs, lapsed }: Session, id: Id): number {
    if (this.#isOwn(id)) {
      if (isBusy) return this.#isSoleWriter ? Infinity : shortestMs
      return lapsed.size > 0 ? 0 : shortestMs / 3
    }
    // Not all at once, when many observe the same.
    return isBusy ? Infinity : shortestMs * (1 + this.#journal.environment.random() / 10)
  }

  #look(): void {
    for (const [id, session] of this.#sessions) {
      const isOwn = this.#isOwn(id)
      const silentMs = this.#silentMs(session, id)
      const over: LeaseTerms[] = []
      session.shortestMs = Infinity
      for (const lease of session.leases) {
        const hasRunOut = lease.leaseMs <= silentMs && !(isOwn && this.#isSoleWriter)
        if (hasRunOut || session.lapsed.has(keyOf(lease))) over.push(lease)
        else session.shortestMs = Math.min(session.shortestMs, lease.leaseMs)
      }
      if (isOwn) this.#lapse(session, over)
      if (over.length > 0) this.#endSoon(session, id, over)
      else if (isOwn && silentMs * 3 >= session.shortestMs) this.#renew(session, id)
    }
  }

  /** Tells the holders in this process, once, that others may have taken over. */
  #lapse({ lapsed }: Session, over: readonly LeaseTerms[]): void {
    for (const lease of over) {
      if (lapsed.has(keyOf(lease))) continue
      lapsed.add(keyOf(lease))
      this.#keepers.get(lease.kind)?.lapsed?.(lease)
    }
  }

  #renew(session: Session, id: Id): void {
    this.#whileBusy(session, () =>
      this.#journal.decide((turn) => {
        turn.emit('session.renewed', id, {})
      }),
    )
  }

  #endSoon(session: Session, id: Id, leases: readonly LeaseTerms[]): void {
    // Another one may have renewed them in a commit that is folded only when this decision loses against it.
    const isLost = ({ leaseMs }: LeaseTerms): boolean => this.#isOwn(id) || leaseMs <= this.#silentMs(session, id)
    this.#whileBusy(session, () => this.#end(leases, isLost))
  }

  #end(leases: readonly LeaseTerms[], isLost: (lease: LeaseTerms) => boolean = () => true): Promise<void> {
    return this.#journal.decide((turn) => {
      for (const lease of leases) if (isLost(lease)) this.#keepers.get(lease.kind)?.end(turn, lease, 'lost')
    })
  }

  #whileBusy(session: Session, run: () => Promise<void>): void {
    if (session.isBusy) return
    const { environment, onError } = this.#journal
    session.isBusy = true
    run()
      .catch((error: unknown) => {
        onError(error)
        return new Promise<void>((resolve) => {
          // What can only be read stays so.
          if (!CrewError.is(error, 'read_only')) environment.setTimer(resolve, PAUSE_MS, true)
        })
      })
      .finally(() => {
        session.isBusy = false
        this.#arm()
      })
  }
}

const keyOf = ({ kind, id, recipient = '', number }: LeaseTerms): string => `${kind} ${number} ${id} ${recipient}`
