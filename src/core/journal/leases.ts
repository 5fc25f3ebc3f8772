import type { Environment, Off } from '../environment.js'
import { doChore } from './chore.js'
import { CrewError } from '../errors.js'
import type { Id } from '../input.js'
import type { JournalEvent } from './journal-storage.js'
import type { Json } from '../json.js'
import type { Gap, Observer, Projection, Turn } from './projection.js'
import { inOrder, type Lease, type LeaseEnd, type LeaseTerms, OwnSession, Session } from './session.js'

/** Knows what ends with a lease. */
export interface LeaseKeeper {
  /** Ends it, if it is still the current one. */
  end(turn: Turn, lease: LeaseTerms, how: LeaseEnd): void
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

/** What a session told of itself, or another of its end. */
interface Sign {
  readonly id: Id
  readonly at: number
  readonly isLife: boolean
  readonly before: Partial<Pick<Session, 'heardAt' | 'toldAt'>>
}

/** Leases that one command ends. */
const ENDED_AT_ONCE = 100

/**
 * Which session holds what. Renews what this session holds, once for all; ends what another one has not renewed within
 * its lease by this process's own stopwatch: the rule of Kubernetes' leader election. Two processes' clocks are compared
 * only at the opening, so that a process which lives shorter than a lease ends something, too.
 */
export class Leases implements Projection<Sign>, Observer {
  readonly #journal: Decider
  /** Nobody else can write while this is open. */
  readonly #isSoleWriter: boolean
  /** How much the wall clocks of two processes may differ. */
  readonly #clockSkewMs: number
  readonly #keepers = new Map<LeaseTerms['kind'], LeaseKeeper>()
  #own: OwnSession
  readonly #others = new Map<Id, Session>()
  #timer: { readonly at: number; readonly off: Off } | undefined
  /** The wall clock less the monotonic one, when the timer was first set. */
  #aheadMs = 0
  #isClosed = false
  /** This session, while the state is taken up anew. */
  #before: OwnSession | undefined

  constructor(journal: Decider, isSoleWriter: boolean, clockSkewMs: number) {
    this.#journal = journal
    this.#isSoleWriter = isSoleWriter
    this.#clockSkewMs = clockSkewMs
    this.#own = new OwnSession(journal.session, journal.environment, isSoleWriter)
  }

  keep(kind: LeaseTerms['kind'], keeper: LeaseKeeper): void {
    this.#keepers.set(kind, keeper)
  }

  /** Called as changes are applied and reverted; what it answers is for `drop`. */
  hold(terms: LeaseTerms): Lease {
    const { decidedAt, isDeciding } = this.#journal
    if (terms.session === this.#own.id) {
      this.#own.take(terms, decidedAt, isDeciding)
      return this.#own.add(terms)
    }
    const session = this.#session(terms.session)
    // It is known to live by what it takes; what is only tried proves nothing.
    if (!isDeciding) session.hear(terms.at)
    return session.add(terms)
  }

  drop(lease: Lease): void {
    const { item } = lease
    this.#find(item.session)?.drop(lease)
    if (item.session === this.#own.id && !this.#journal.isDeciding) this.#own.forget(item)
  }

  /** Somebody here works on it, though the command that took it was given up. */
  takeUp({ item }: Lease): void {
    this.#own.forget(item)
  }

  /** Before this session takes a lease: renews, if it was not heard of for so long that the lease would be late already. */
  prove(turn: Turn, leaseMs: number): void {
    const { id, leases, silentMs } = this.#own
    if (leases.size > 0 && silentMs * 3 >= leaseMs) turn.emit('session.renewed', id, {})
  }

  /** Milliseconds until a lease of this session or, as far as this process can tell, of another one runs out. */
  expiresInMs(id: Id, leaseMs: number): number {
    const session = this.#find(id)
    return session && session.leases.size > 0 ? Math.max(0, leaseMs - session.silentMs) : 0
  }

  fold({ type, id, at }: JournalEvent): Sign {
    const { heardAt, toldAt } = this.#find(id) ?? {}
    const before = heardAt === undefined || toldAt === undefined ? {} : { heardAt, toldAt }
    return { id, at, isLife: type === 'session.renewed', before }
  }

  apply({ id, at, isLife }: Sign): void {
    if (!isLife) return
    if (id === this.#own.id) this.#own.prove(at, this.#journal.decidedAt)
    else this.#others.get(id)?.hear(at)
  }

  revert({ id, before }: Sign): void {
    const session = this.#find(id)
    if (session) Object.assign(session, before)
  }

  /** When sessions were heard of last, by their own clocks; what they hold is derived from tasks and messages. */
  save(): Iterable<Json> {
    return [this.#own, ...this.#others.values()]
      .filter(({ leases }) => leases.size > 0)
      .map(({ id, toldAt }) => ({ id, toldAt }))
  }

  load(piece: Json): void {
    const { id, toldAt } = piece as unknown as Pick<Session, 'id' | 'toldAt'>
    if (id !== this.#own.id) this.#session(id).hear(toldAt)
  }

  clear(): void {
    this.#others.clear()
    this.#own = new OwnSession(this.#own.id, this.#journal.environment, this.#isSoleWriter)
  }

  rebuilding(): void {
    this.#before = this.#own
  }

  rebuilt(gap?: Gap): void {
    if (this.#before) this.#lapse(this.#own.goOnFrom(this.#before, gap?.hasDiverged ?? false))
    this.#before = undefined
  }

  /**
   * Ends what is lost already: where nobody else can write, all of others; else what was not renewed for longer than its
   * lease and what two clocks may differ by. The stopwatches of the rest have run for that long.
   */
  async opened(): Promise<void> {
    const { environment } = this.#journal
    const ends: Promise<void>[] = []
    for (const session of this.#others.values()) {
      const silentMs = this.#isSoleWriter ? Infinity : environment.now() - session.toldAt - this.#clockSkewMs
      session.heardAt = environment.monotonic() - Math.max(0, silentMs)
      const over = session.over()
      if (over.length > 0) ends.push(this.#end(session, over))
    }
    await Promise.all(ends).catch((error: unknown) => {
      // The past stays as it was.
      if (!CrewError.is(error, 'read_only')) throw error
    })
    this.#arm()
  }

  settled(): void {
    this.#arm()
  }

  giveBack(turn: Turn): void {
    const { id, leases, hasHeld } = this.#own
    for (const lease of inOrder(leases)) this.#keepers.get(lease.kind)?.end(turn, lease, 'closed')
    if (hasHeld) turn.emit('session.ended', id, {})
  }

  closed(): void {
    this.#isClosed = true
    this.#timer?.off()
  }

  #find(id: Id): Session | undefined {
    return id === this.#own.id ? this.#own : this.#others.get(id)
  }

  #session(id: Id): Session {
    let session = this.#others.get(id)
    if (!session) this.#others.set(id, (session = new Session(id, this.#journal.environment)))
    return session
  }

  #arm(): void {
    const { environment } = this.#journal
    for (const { id, leases } of this.#others.values()) if (leases.size === 0) this.#others.delete(id)
    const at = Math.min(
      this.#own.leases.size > 0 ? this.#own.lookAt : Infinity,
      ...Array.from(this.#others.values(), ({ lookAt }) => lookAt),
    )
    if (this.#timer && this.#timer.at <= at) return
    if (this.#timer) this.#timer.off()
    else this.#aheadMs = environment.now() - environment.monotonic()
    this.#timer = undefined
    if (at === Infinity || this.#isClosed) return
    // Time passes between two looks, however the arithmetic is rounded.
    const waitMs = Math.max(1, at - environment.monotonic())
    const dueAt = environment.monotonic() + waitMs
    const look = (): void => {
      this.#timer = undefined
      this.#look(this.#gapMs(dueAt))
      this.#arm()
    }
    this.#timer = { at, off: environment.setTimer(look, waitMs, true) }
  }

  /** For how long no timer ran that should have: the process stood still, or the machine, of which only the wall clock may know. */
  #gapMs(dueAt: number): number {
    const { environment } = this.#journal
    const now = environment.monotonic()
    return Math.max(now - dueAt, environment.now() - now - this.#aheadMs)
  }

  #look(gapMs: number): void {
    for (const session of [this.#own, ...this.#others.values()]) {
      session.missed(gapMs)
      const over = session.over()
      if (session === this.#own) this.#lapse(over)
      if (over.length > 0) this.#whileBusy(session, () => this.#end(session, over))
    }
    if (this.#own.isRenewalDue) this.#renew()
  }

  /** Tells the holders in this process, once, that others may have taken over. */
  #lapse(over: readonly LeaseTerms[]): void {
    for (const lease of over) if (this.#own.lapse(lease)) this.#keepers.get(lease.kind)?.lapsed?.(lease)
  }

  #renew(): void {
    this.#whileBusy(this.#own, () =>
      this.#journal.decide((turn) => {
        turn.emit('session.renewed', this.#own.id, {})
      }),
    )
  }

  async #end(session: Session, over: readonly LeaseTerms[]): Promise<void> {
    const leases = inOrder(over)
    const ends: Promise<void>[] = []
    for (let at = 0; at < leases.length; at += ENDED_AT_ONCE) {
      const some = leases.slice(at, at + ENDED_AT_ONCE)
      ends.push(
        this.#journal.decide((turn) => {
          this.#endSome(turn, session, some)
        }),
      )
    }
    await Promise.all(ends)
  }

  #endSome(turn: Turn, session: Session, some: readonly LeaseTerms[]): void {
    const { size } = session.leases
    for (const lease of some) {
      // It may have been renewed in a commit that is folded only when this decision loses against it; or taken up here.
      if (session.isOver(lease)) this.#keepers.get(lease.kind)?.end(turn, lease, session.endOf(lease))
    }
    if (session !== this.#own && size > 0 && session.leases.size === 0) turn.emit('session.ended', session.id, {})
  }

  #whileBusy(session: Session, run: () => Promise<void>): void {
    void doChore(session, this.#journal, run, () => {
      this.#arm()
    })
  }
}
