import { type Budget, isPast, readUsage, type Usage } from './tasks/attempt-record.js'
import { CrewError, notFound } from './errors.js'
import { flag, type Id, number, object, oneOf, record, read, whole } from './input.js'
import type { LocalJournal } from './journal/local-journal.js'
import type { JournalEvent } from './journal/journal-storage.js'
import { isEmpty, type Json, NOTHING, sameJson } from './json.js'
import { pieces, type Projection, type Turn } from './journal/projection.js'

export type MemberKind = 'llm' | 'human' | 'service'

export interface MemberOptions {
  /** Default 'llm'. */
  readonly kind?: MemberKind
  /** Name → level, 0–1. */
  readonly skills?: Readonly<Record<string, number>>
  /** Attempts at once; default 1. */
  readonly capacity?: number
  /** Whether it takes work; default true. */
  readonly available?: boolean
  /** What it may spend on all tasks together; past it, it gets no more work. */
  readonly budget?: Budget
}

export interface MemberInfo extends Required<Omit<MemberOptions, 'budget'>>, Pick<MemberOptions, 'budget'> {
  readonly id: Id
  /** What its attempts have told that they spent. */
  readonly usage: Usage
  readonly joinedAt: number
  /** On a crew: when it last did something, or the process that works for it told that it lives; milliseconds since the epoch. */
  readonly lastSeenAt?: number
  /**
   * Since when it seems not to be there: its lease was lost, or it did not start in time what automatic assignment gave
   * it. Strategies give it nothing until it is seen again: it starts or asks to claim something, joins again, or says
   * whether it is available. Milliseconds since the epoch.
   */
  readonly missingSince?: number
}

/** Who the crew itself writes as; nobody can join under it. */
export const CREW: Id = 'crew'

export const memberOptions = object({
  kind: oneOf('llm', 'human', 'service'),
  skills: record(number(0, 1)),
  capacity: whole(1, 1_000_000),
  available: flag,
  budget: readUsage,
})
const NEWCOMER: Required<Omit<MemberOptions, 'budget'>> = {
  kind: 'llm',
  skills: Object.freeze({}),
  capacity: 1,
  available: true,
}

interface MemberChange {
  readonly id: Id
  readonly before: MemberInfo | undefined
  readonly after: MemberInfo | undefined
  /** Of one that leaves: where it goes back to when that is taken back. */
  readonly place?: number
}

/** Who takes part, folded from the journal. */
export class Members implements Projection<MemberChange> {
  #byId = new Map<Id, MemberInfo>()
  /** Of those who have left, too: whoever comes again goes on with it. */
  readonly #usage = new Map<Id, Usage>()

  /** All that fold one journal share one. */
  static of(journal: LocalJournal): Members {
    return journal.project('member', () => new Members())
  }

  /** In the order of joining. */
  list(): readonly MemberInfo[] {
    return [...this.#byId.values()]
  }

  get(id: Id): MemberInfo | undefined {
    return this.#byId.get(id)
  }

  /** Throws `not_found`. */
  expect(id: Id): MemberInfo {
    const member = this.#byId.get(id)
    if (!member) throw notFound('Member', id, '; join it first, or mend the id')
    return member
  }

  /** Makes sure that all are members: where members are strict, unknown ones are `not_found`, else they join by this. */
  admit(turn: Turn, ids: readonly Id[], isStrict: boolean): void {
    for (const id of ids) {
      if (isStrict) this.expect(id)
      else if (!this.#byId.has(id)) this.join(turn, id, {})
    }
  }

  /** Joins, or changes what is different when joined already. */
  join(turn: Turn, id: Id, options: unknown): MemberInfo {
    const given = read(memberOptions, options, 'options')
    if (id === CREW)
      throw new CrewError('already_exists', `"${CREW}" is who the crew itself writes as; join under another id`)
    const known = this.#byId.get(id)
    if (!known) turn.emit('member.joined', id, { ...NEWCOMER, ...given })
    else {
      const changes: (readonly [string, unknown])[] = Object.entries(given).filter(
        ([field, value]) => !sameJson(known[field as keyof MemberOptions] as Json, value as Json),
      )
      if (known.missingSince !== undefined) changes.push(['missingSince', null])
      if (changes.length > 0) turn.emit('member.updated', id, Object.fromEntries(changes) as JournalEvent['changes'])
    }
    return this.expect(id)
  }

  /** Tells the crew of a member that has passed its budget. */
  tellPast(turn: Turn, id: Id): void {
    turn.emit('member.budgetSpent', id, {})
  }

  usageOf(id: Id): Usage {
    return this.#usage.get(id) ?? NOTHING
  }

  /** For who folds what attempts spend, forwards and backwards. */
  setUsage(id: Id, usage: Usage): void {
    if (usage === NOTHING) this.#usage.delete(id)
    else this.#usage.set(id, usage)
    const member = this.#byId.get(id)
    if (member) this.#byId.set(id, Object.freeze({ ...member, usage }))
  }

  /** It did not start what it was given. */
  tellMissing(turn: Turn, id: Id): void {
    turn.emit('member.updated', id, { missingSince: turn.now })
  }

  /** It is there. */
  tellSeen(turn: Turn, id: Id): void {
    if (this.get(id)?.missingSince !== undefined) turn.emit('member.updated', id, { missingSince: null })
  }

  /** For who folds what attempts tell, forwards and backwards. */
  setMissing(id: Id, since: number | undefined): void {
    const member = this.#byId.get(id)
    if (!member || member.missingSince === since) return
    const { missingSince: _, ...rest } = member
    this.#byId.set(id, Object.freeze(since === undefined ? rest : { ...rest, missingSince: since }))
  }

  leave(turn: Turn, id: Id): void {
    this.expect(id)
    turn.emit('member.left', id, {})
  }

  fold({ type, id, at, changes }: JournalEvent): MemberChange {
    const before = this.#byId.get(id)
    if (type === 'member.left') return { id, before, after: undefined, place: [...this.#byId.keys()].indexOf(id) }
    const known = before ?? { ...NEWCOMER, id, usage: this.usageOf(id), joinedAt: at }
    const { missingSince, ...after } = { ...known, ...changes }
    return { id, before, after: Object.freeze(missingSince == null ? after : { ...after, missingSince }) }
  }

  apply({ id, after }: MemberChange): void {
    this.#set(id, after)
  }

  revert({ id, before, place }: MemberChange): void {
    if (before && place !== undefined) this.#byId = new Map([...this.#byId].toSpliced(place, 0, [id, before]))
    else this.#set(id, before)
  }

  save(): Iterable<Json> {
    // What who has left has spent comes after, as a pair.
    const left = [...this.#usage].filter(([id]) => !this.#byId.has(id))
    return pieces([...this.list(), ...left], (piece) => piece as unknown as Json)
  }

  load(piece: Json): void {
    if (Array.isArray(piece)) {
      const [id, usage] = piece as [Id, Usage]
      this.#usage.set(id, usage)
      return
    }
    const member = piece as unknown as MemberInfo
    this.#byId.set(member.id, member)
    if (!isEmpty(member.usage)) this.#usage.set(member.id, member.usage)
  }

  clear(): void {
    this.#byId.clear()
    this.#usage.clear()
  }

  #set(id: Id, member: MemberInfo | undefined): void {
    if (member) this.#byId.set(id, member)
    else this.#byId.delete(id)
  }
}

/** Why a member gets no work at all for now. */
export function unavailability({ id, available, usage, budget }: MemberInfo): string | undefined {
  if (!available) return `${id} is not available`
  return budget && isPast(usage, budget) ? `${id} is past its budget; let it join again with a higher one` : undefined
}
