import type { Letter } from './delivery.js'
import type { Environment } from '../environment.js'
import { Heap } from '../heap.js'
import type { Id } from '../input.js'
import type { Message } from './message.js'

/** The queued deliveries: who is handed what next, by priority and age; and what waits for the clock. */
export class MailQueues {
  readonly #environment: Environment
  /** Of each member, what can be handed out. */
  readonly #ready = new Map<Id, Heap<Letter>>()
  /** Given back for later, by when. */
  readonly #delayed = new Heap<Letter>((a, b) => (a.standing.readyAt ?? 0) < (b.standing.readyAt ?? 0))
  /** By when their message expires. */
  readonly #expiring = new Heap<Letter>((a, b) => expiryOf(a) < expiryOf(b))
  /** Expired by the clock, which is not yet an event: they are not handed out. */
  readonly #expired = new Set<Letter>()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  add(letter: Letter): void {
    const { recipient, readyAt = 0 } = letter.standing
    this.#lineUp(letter, readyAt > this.#environment.now() ? this.#delayed : this.#readyFor(recipient))
    if (letter.expiry) this.#expiring.add(letter.expiry)
  }

  /** Nothing for one that is in no queue. */
  delete(letter: Letter): void {
    letter.queue?.delete(letter.slot)
    letter.queue = undefined
    if (!letter.expiry) return
    this.#expiring.delete(letter.expiry)
    this.#expired.delete(letter)
  }

  clear(): void {
    this.#ready.clear()
  }

  /** The first that can be handed out, of those that are seen. */
  next(member: Id, sees?: (message: Message) => boolean): Letter | undefined {
    this.#tick()
    const queue = this.#ready.get(member)
    return sees ? queue?.find(({ message }) => sees(message)) : queue?.peek()
  }

  /** When the next of those given back for later is ready. */
  nextReadyAt(): number {
    return this.#delayed.peek()?.standing.readyAt ?? Infinity
  }

  /** When the next message expires; 0 when one has. */
  nextExpiryAt(): number {
    const next = this.#expiring.peek()
    return this.#expired.size > 0 ? 0 : next ? expiryOf(next) : Infinity
  }

  /** Those whose message has expired, which is to be said. */
  expired(): ReadonlySet<Letter> {
    this.#tick()
    return this.#expired
  }

  /** Puts in line what was given back for later, once that is now, and takes out what has expired. */
  #tick(): void {
    if (this.#delayed.size + this.#expiring.size === 0) return
    const now = this.#environment.now()
    for (let letter = this.#expiring.peek(); letter && expiryOf(letter) <= now; letter = this.#expiring.peek()) {
      this.delete(letter)
      this.#expired.add(letter)
    }
    for (
      let letter = this.#delayed.peek();
      letter && (letter.standing.readyAt ?? 0) <= now;
      letter = this.#delayed.peek()
    ) {
      this.#delayed.delete(letter.slot)
      this.#lineUp(letter, this.#readyFor(letter.standing.recipient))
    }
  }

  #lineUp(letter: Letter, queue: Heap<Letter>): void {
    letter.queue = queue
    queue.add(letter.slot)
  }

  #readyFor(member: Id): Heap<Letter> {
    let queue = this.#ready.get(member)
    if (!queue) this.#ready.set(member, (queue = new Heap(isBefore)))
    return queue
  }
}

const expiryOf = ({ message }: Letter): number => message.expiresAt ?? Infinity

/** Higher priority first, ties by age. */
const isBefore = (a: Letter, b: Letter): boolean =>
  a.message.priority === b.message.priority ? a.order < b.order : a.message.priority > b.message.priority
