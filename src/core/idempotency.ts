import { CrewError } from './errors.js'
import { Heap, Slot } from './heap.js'
import { type Id, id } from './input.js'
import type { JournalEvent } from './journal/journal-storage.js'
import type { Json } from './json.js'
import type { LocalJournal } from './journal/local-journal.js'
import { MultiMap } from './multi-map.js'
import { pieces, type Projection, type Turn } from './journal/projection.js'

export interface Idempotent {
  /**
   * Called again with the same key and the same arguments, the command answers with what it made the first time; with
   * other arguments it rejects with `idempotency_conflict`. An id; kept while what it made is open, and for 24 hours at
   * least, apart for each command and member.
   */
  readonly idempotencyKey?: string
}

export const idempotent = { idempotencyKey: id }

/** How long a key is kept at least, milliseconds; longer while what it made is open. */
const KEPT_MS = 24 * 60 * 60_000
/** Old keys looked at for each new one: more than one, so that those that are over do not pile up. */
const LOOKS = 4

/** What a command with a key made, so that the same command answers with it. */
export interface Made {
  /** Of the tasks, or of the message. */
  readonly ids: readonly Id[]
  /** Of a claim: which attempt at the task. */
  readonly attempt?: { readonly number: number; readonly fence: number }
}

/** A command called with a key: the same one, if it is called again. */
export interface KeyedCommand {
  readonly command: string
  readonly key: Id
  /** Who calls it: keys of others are other keys. */
  readonly by: Id | undefined
  /** Of what is asked for. */
  readonly hash: string
}

/** A key in use. */
interface Entry extends Made {
  /** Command, member and key. */
  readonly name: string
  readonly hash: string
  /** Of its use, in the journal. */
  readonly order: number
  /** When it is looked at whether it can be forgotten. */
  readonly dueAt: number
  readonly slot: Slot<Entry>
}

/** What one event changes: keys that come, and keys that go. */
interface KeyChange {
  readonly added: readonly Entry[]
  readonly removed: readonly Entry[]
}

/**
 * The idempotency keys in use, folded from the journal: an event beside what the command made keeps a hash of what was
 * asked for, and the ids of what was made. What is forgotten is decided by the events' own times, so that all replicas
 * forget the same.
 */
export class IdempotencyKeys implements Projection<KeyChange> {
  readonly #entries = new Map<string, Entry>()
  /** By `dueAt`. */
  readonly #line = new Heap<Entry>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order))
  readonly #byMade = new MultiMap<Id, Entry>()
  readonly #tests: ((id: Id) => boolean)[] = []
  #ordersGiven = 0

  /** All that fold one journal share one. */
  static of(journal: LocalJournal): IdempotencyKeys {
    return journal.project('key', () => new IdempotencyKeys())
  }

  /** Whether a key in use stands for it. */
  hasMade(id: Id, now: number): boolean {
    for (const entry of this.#byMade.of(id)) if (!this.#isOver(entry, now)) return true
    return false
  }

  /** Keeps keys longer while `isOpen` says so of something that they made. */
  keepWhile(isOpen: (id: Id) => boolean): void {
    this.#tests.push(isOpen)
  }

  /** What an earlier call of the command made; undefined when this is the first. Throws `idempotency_conflict`. */
  made({ now }: Turn, keyed: KeyedCommand): Made | undefined {
    const entry = this.#entries.get(nameOf(keyed))
    if (!entry || this.#isOver(entry, now)) return undefined
    const { command, key } = keyed
    if (entry.hash !== keyed.hash)
      throw new CrewError(
        'idempotency_conflict',
        `The idempotency key ${key} was used for another ${command}; take a new key, or repeat what it was used for`,
        { key },
      )
    return entry
  }

  /** Remembers what the command made. */
  keep(turn: Turn, { command, key, by, hash }: KeyedCommand, { ids, attempt }: Made): void {
    const { number = 0, fence = 0 } = attempt ?? {}
    turn.emit('key.used', key, { command, hash, ids, ...(attempt && { attempt: { number, fence } }) }, by)
  }

  /** Takes in a key, and looks at the oldest ones: what is over goes, what is open is looked at again a day later. */
  fold({ id: key, by, at, changes }: JournalEvent): KeyChange {
    const { command, ...rest } = changes as unknown as Made & { readonly command: string; readonly hash: string }
    const name = nameOf({ command, key, by })
    const added = [entry({ ...rest, name, order: ++this.#ordersGiven, dueAt: at + KEPT_MS })]
    const known = this.#entries.get(name)
    const removed = known ? [known] : []
    for (const old of this.#oldest(at)) {
      if (old === known) continue
      removed.push(old)
      if (!this.#isOver(old, at)) added.push(entry({ ...old, dueAt: at + KEPT_MS }))
    }
    return { added, removed }
  }

  apply({ added, removed }: KeyChange): void {
    this.#replace(removed, added)
  }

  revert({ added, removed }: KeyChange): void {
    this.#replace(added, removed)
  }

  save(): Iterable<Json> {
    const entries = [...this.#entries.values()].sort((a, b) => a.order - b.order)
    return pieces(entries, ({ slot: _slot, order: _order, ...fields }) => fields as unknown as Json)
  }

  load(piece: Json): void {
    const fields = piece as unknown as Omit<Entry, 'slot' | 'order'>
    this.#replace([], [entry({ ...fields, order: ++this.#ordersGiven })])
  }

  clear(): void {
    this.#replace([...this.#entries.values()], [])
  }

  #replace(these: readonly Entry[], those: readonly Entry[]): void {
    for (const entry of these) {
      const { name, slot } = entry
      this.#entries.delete(name)
      this.#byMade.move(entry, entry.ids, [])
      this.#line.delete(slot)
    }
    for (const entry of those) {
      this.#entries.set(entry.name, entry)
      this.#byMade.move(entry, [], entry.ids)
      this.#line.add(entry.slot)
    }
  }

  /** Some that are due, in order. */
  #oldest(now: number): readonly Entry[] {
    const found: Entry[] = []
    for (let old = this.#line.peek(); old && old.dueAt <= now && found.length < LOOKS; old = this.#line.peek()) {
      this.#line.delete(old.slot)
      found.push(old)
    }
    for (const { slot } of found) this.#line.add(slot)
    return found
  }

  #isOver({ dueAt, ids }: Entry, now: number): boolean {
    return dueAt <= now && !ids.some((id) => this.#tests.some((isOpen) => isOpen(id)))
  }
}

const nameOf = ({ command, by = '', key }: Omit<KeyedCommand, 'hash'>): string => `${command}\n${by}\n${key}`

/** An entry is the item of its own slot. */
function entry(fields: Omit<Entry, 'slot'>): Entry {
  const made: Omit<Entry, 'slot'> & { slot?: Slot<Entry> } = { ...fields }
  made.slot = new Slot<Entry>(made as Entry)
  return made as Entry
}

/** Nothing without a key, so that a command without one pays nothing. */
export const keyed = (
  command: string,
  key: Id | undefined,
  by: Id | undefined,
  body: unknown,
): KeyedCommand | undefined => (key === undefined ? undefined : { command, key, by, hash: hashOf(canonical(body)) })

/** JSON in which the order of keys does not matter. */
const canonical = (body: unknown): string =>
  JSON.stringify(body, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )

/**
 * 64 bits of a text, in hexadecimal: two lanes of FNV-1a (32 bits, over UTF-16 units) with offsets of their own, each
 * stirred by the finalizer of MurmurHash3. It tells a changed body from the same one; it is no proof against somebody who
 * looks for two bodies with one hash, and who could only confuse their own keys.
 */
export function hashOf(text: string): string {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    a = Math.imul(a ^ unit, 0x01000193)
    // Another multiplier, as with the same one the lanes would collide together.
    b = Math.imul(b ^ unit, 0x85ebca6b)
  }
  return stir(a) + stir(b)
}

function stir(hash: number): string {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0')
}
