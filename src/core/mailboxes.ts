import { type Delivery, type Handed, Letter, type Standing } from './delivery.js'
import type { Environment } from './environment.js'
import { Heap } from './heap.js'
import type { Id, Limits } from './input.js'
import type { JournalEvent } from './journal-storage.js'
import { type Json, NONE } from './json.js'
import type { Leases } from './leases.js'
import type { LocalJournal } from './local-journal.js'
import { type Draft, isNotice, Message, type MessageDraft, type MessageStamp, type Refused } from './message.js'
import { MessageIndex } from './message-index.js'
import { PairRates } from './pair-rates.js'
import { cannotFold, type CommitInfo, pieces, type Projection, type Turn } from './projection.js'
import { type TopicChange, Topics } from './topics.js'

/** What waits for one member. */
interface Mailbox {
  /** Queued and leased, by message. */
  readonly open: Map<Id, Letter>
  /** Ready to be handed out, by priority and age. */
  readonly queue: Heap<Letter>
}

interface SentChange {
  readonly message: Message
  readonly letters: readonly Letter[]
  readonly settled: readonly Id[]
  /** Counts of the minute before, when this is the first message of another. */
  former?: ReturnType<PairRates['turnTo']>
}
/** Tells, and changes nothing: that it did not reach everybody, a message says itself. */
interface RefusedChange {
  readonly message: Message
  readonly refused: Refused
}
interface MovedChange {
  readonly letter: Letter
  readonly before: Standing
  readonly after: Standing
}
export type MailChange = SentChange | RefusedChange | MovedChange | TopicChange

/** Why a message cannot reach somebody now. */
export interface Hindrance {
  readonly recipient: Id
  /** Of the mailbox or the rate. */
  readonly limit: number
  /** Of a rate: for how long. */
  readonly waitMs?: number
}

/** Fields of a sent event that are not of the message. */
interface Settled {
  /** Recipients that have it already: a reply in time goes to the one who asked, not to the mailbox. */
  readonly settled?: readonly Id[]
}

/** All messages and their deliveries, folded from the journal. */
export class Mailboxes implements Projection<MailChange> {
  readonly #environment: Environment
  readonly #leases: Leases | undefined
  readonly #index = new MessageIndex()
  readonly #mailboxes = new Map<Id, Mailbox>()
  /** Given back for later, by when. */
  readonly #delayed = new Heap<Letter>((a, b) => (a.standing.readyAt ?? 0) < (b.standing.readyAt ?? 0))
  /** Queued, by when their message expires. */
  readonly #expiring = new Heap<Letter>((a, b) => expiryOf(a) < expiryOf(b))
  /** Expired by the clock, which is not yet an event: they are not handed out. */
  readonly #expired = new Set<Letter>()
  /** Handed out in vain too often. */
  readonly dead = new Set<Letter>()
  readonly topics = new Topics()
  readonly #rates = new PairRates()
  readonly #limits: Required<Limits>

  constructor({ environment, leases }: LocalJournal, limits: Required<Limits>) {
    this.#environment = environment
    this.#limits = limits
    this.#leases = leases
  }

  /** In the order of sending, those after a message. */
  among(filter: Parameters<MessageIndex['among']>[0], after?: Id): Iterable<Message> {
    return this.#index.among(filter, after)
  }

  get(id: Id): Message | undefined {
    return this.#index.get(id)?.message
  }

  thread(id: Id): readonly Message[] {
    return this.#index.thread(id).map(({ message }) => message)
  }

  /** The first reply, by one whom it was sent to, to its sender. */
  replyTo(id: Id): Message | undefined {
    const message = this.get(id)
    return (
      message &&
      this.#index
        .replies(id)
        .find(
          ({ message: reply }) =>
            message.recipients.includes(reply.sender) && reply.recipients.includes(message.sender),
        )?.message
    )
  }

  letters(id: Id): readonly Letter[] {
    return this.#index.get(id)?.letters ?? NONE
  }

  /** Whether somebody has it still before them. */
  isOpen(id: Id): boolean {
    return this.letters(id).some(({ standing: { state } }) => state === 'queued' || state === 'leased')
  }

  letter(id: Id, recipient: Id): Letter | undefined {
    return this.letters(id).find(({ standing }) => standing.recipient === recipient)
  }

  /** Queued and leased, oldest first. */
  open(member: Id): readonly Letter[] {
    return [...(this.#mailboxes.get(member)?.open.values() ?? [])].sort((a, b) => a.order - b.order)
  }

  /** The first that can be handed out, of those that are seen. */
  next(member: Id, sees?: (message: Message) => boolean): Letter | undefined {
    this.#tick()
    const queue = this.#mailboxes.get(member)?.queue
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

  /** Whom of its recipients a message cannot reach now: whose mailbox is full, to whom its sender writes too often. */
  hindrances({ now }: Turn, message: Pick<Draft, 'sender' | 'kind'>, recipients: readonly Id[]): readonly Hindrance[] {
    const { mailbox: most, pairRate } = this.#limits
    const isRated = !isNotice(message)
    let hindrances: Hindrance[] | undefined
    for (const recipient of recipients) {
      const waitMs = isRated ? this.#rates.waitMs(message.sender, recipient, now, pairRate) : 0
      if (waitMs > 0) (hindrances ??= []).push({ recipient, limit: pairRate, waitMs })
      else if (this.isFull(recipient)) (hindrances ??= []).push({ recipient, limit: most })
    }
    return hindrances ?? NONE
  }

  isFull(member: Id): boolean {
    const { mailbox: most } = this.#limits
    const { size = 0 } = this.#mailboxes.get(member)?.open ?? {}
    if (size < most) return false
    const gone = [...this.expired()].filter(({ standing }) => standing.recipient === member)
    return size - gone.length >= most
  }

  /** As it is seen from outside. */
  delivery({ message, standing }: Handed): Delivery {
    const { recipient, state, count, session = '', leaseMs = 0, reasons } = standing
    const expiresInMs = this.#leases?.expiresInMs(session, leaseMs) ?? leaseMs
    return Object.freeze({ message, recipient, state, count, expiresInMs, reasons })
  }

  fold(event: JournalEvent, commit: CommitInfo): MailChange {
    const { type } = event
    if (type === 'message.sent') return this.#foldSent(event, commit)
    if (type === 'message.refused') return this.#foldRefused(event)
    return type.endsWith('followed') ? this.topics.fold(event) : this.#foldMoved(event)
  }

  apply(change: MailChange): void {
    if ('letter' in change) this.#stand(change.letter, change.after)
    else if ('topic' in change) this.topics.set(change.topic, change.after)
    else if ('letters' in change) this.#applySent(change)
  }

  revert(change: MailChange): void {
    if ('letter' in change) this.#stand(change.letter, change.before)
    else if ('topic' in change) this.topics.set(change.topic, change.before)
    else if ('letters' in change) this.#revertSent(change)
  }

  #applySent(change: SentChange): void {
    const { message, letters, settled } = change
    this.#index.add(message, letters)
    const isRated = !isNotice(message)
    if (isRated) change.former = this.#rates.turnTo(message.sentAt as number)
    for (const letter of letters) {
      const { recipient } = letter.standing
      if (settled.includes(recipient)) continue
      this.#stand(letter, { ...letter.standing, state: 'queued' })
      if (isRated) this.#rates.count(message.sender, recipient, 1)
    }
  }

  #revertSent({ message, letters, settled, former }: SentChange): void {
    const isRated = !isNotice(message)
    for (const letter of letters) {
      const { recipient } = letter.standing
      this.#stand(letter, { ...letter.standing, state: 'acknowledged' })
      if (isRated && !settled.includes(recipient)) this.#rates.count(message.sender, recipient, -1)
    }
    this.#rates.turnBack(former)
    this.#index.pop(message)
  }

  #foldRefused(event: JournalEvent): RefusedChange {
    const message = this.get(event.id)
    if (!message) throw cannotFold(event, 'there is no such message')
    return { message, refused: event.changes as unknown as Refused }
  }

  save(): Iterable<Json> {
    const sent = this.#index.all().map(({ message, letters }) => ({
      message,
      standings: letters.map(({ standing }) => standing),
    }))
    const others = [...this.topics.save(), ...this.#rates.save()]
    return chain(
      pieces(sent, ({ message, standings }) => [message.toJSON(), standings as unknown as Json]),
      others,
    )
  }

  load(piece: Json): void {
    if (!Array.isArray(piece)) {
      if ('topic' in (piece as object)) this.topics.load(piece)
      else this.#rates.load(piece)
      return
    }
    const [fields, standings] = piece as unknown as [MessageDraft & MessageStamp, Standing[]]
    const message = Message.stored(fields)
    const letters = standings.map(({ recipient }) => new Letter(message, recipient))
    this.#index.add(message, letters)
    letters.forEach((letter, index) => {
      this.#stand(letter, standings[index] as Standing)
    })
  }

  clear(): void {
    for (const { letters } of this.#index.all())
      for (const letter of letters) this.#stand(letter, { ...letter.standing, state: 'acknowledged' })
    this.#index.clear()
    this.#mailboxes.clear()
    this.topics.clear()
    this.#rates.clear()
  }

  #foldSent(event: JournalEvent, { seq }: CommitInfo): SentChange {
    const { id, at: sentAt } = event
    if (this.#index.get(id)) throw cannotFold(event, 'the message is there already')
    const { settled = [], ...fields } = event.changes as unknown as MessageDraft & MessageStamp & Settled
    const message = Message.stored({ ...fields, id, seq, sentAt })
    const letters = message.recipients.map((recipient) => new Letter(message, recipient))
    return { message, letters, settled }
  }

  #foldMoved(event: JournalEvent): MovedChange {
    const { reason, ...standing } = (event.changes['delivery'] ?? {}) as unknown as Omit<Standing, 'reasons'> & {
      readonly reason?: string
    }
    const letter = this.letter(event.id, standing.recipient)
    if (!letter) throw cannotFold(event, 'there is no such delivery')
    const { reasons } = letter.standing
    const leasedAt = standing.state === 'leased' && { leasedAt: event.at }
    return {
      letter,
      before: letter.standing,
      after: {
        ...standing,
        ...leasedAt,
        reasons: reason === undefined ? reasons : Object.freeze([...reasons.slice(-9), reason]),
      },
    }
  }

  /** The one way in which a delivery changes, forwards and backwards. */
  #stand(letter: Letter, standing: Standing): void {
    const { open, queue } = this.#mailbox(standing.recipient)
    const id = letter.message.id as Id
    letter.queue?.delete(letter.slot)
    letter.queue = undefined
    if (letter.expiry) {
      this.#expiring.delete(letter.expiry)
      this.#expired.delete(letter)
    }
    if (letter.lease) this.#leases?.drop(letter.lease)
    letter.lease = undefined

    letter.standing = standing
    if (standing.state === 'dead') this.dead.add(letter)
    else this.dead.delete(letter)
    const { state, recipient, session = '', leaseMs = 0, leasedAt: at = 0, readyAt = 0, count: number } = standing
    if (state === 'queued' || state === 'leased') open.set(id, letter)
    else open.delete(id)
    if (state === 'queued') {
      this.#lineUp(letter, readyAt > this.#environment.now() ? this.#delayed : queue)
      if (letter.expiry) this.#expiring.add(letter.expiry)
    }
    if (state === 'leased')
      letter.lease = this.#leases?.hold({ kind: 'message', id, recipient, session, leaseMs, at, number })
  }

  #lineUp(letter: Letter, queue: Heap<Letter>): void {
    letter.queue = queue
    queue.add(letter.slot)
  }

  /** Puts in line what was given back for later, once that is now, and takes out what has expired. */
  #tick(): void {
    if (this.#delayed.size + this.#expiring.size === 0) return
    const now = this.#environment.now()
    for (let letter = this.#expiring.peek(); letter && expiryOf(letter) <= now; letter = this.#expiring.peek()) {
      this.#expiring.shift()
      letter.queue?.delete(letter.slot)
      letter.queue = undefined
      this.#expired.add(letter)
    }
    for (
      let letter = this.#delayed.peek();
      letter && (letter.standing.readyAt ?? 0) <= now;
      letter = this.#delayed.peek()
    ) {
      this.#delayed.delete(letter.slot)
      this.#lineUp(letter, this.#mailbox(letter.standing.recipient).queue)
    }
  }

  #mailbox(member: Id): Mailbox {
    let mailbox = this.#mailboxes.get(member)
    if (!mailbox) {
      mailbox = { open: new Map(), queue: new Heap(isBefore) }
      this.#mailboxes.set(member, mailbox)
    }
    return mailbox
  }
}

const expiryOf = ({ message }: Letter): number => message.expiresAt ?? Infinity

/** Higher priority first, ties by age. */
const isBefore = (a: Letter, b: Letter): boolean =>
  a.message.priority === b.message.priority ? a.order < b.order : a.message.priority > b.message.priority

function* chain<T>(...parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part
}
