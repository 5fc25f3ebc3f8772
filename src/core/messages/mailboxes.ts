import { type Delivery, type Handed, isOpen, Letter, type Standing } from './delivery.js'
import type { Forgetting } from '../journal/forgetting.js'
import type { Id, Limits } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import { type Json, NONE } from '../json.js'
import type { Leases } from '../journal/leases.js'
import type { LocalJournal } from '../journal/local-journal.js'
import { type Draft, isNotice, Message, type MessageDraft, type MessageStamp, type Refused } from './message.js'
import { MailQueues } from './mail-queues.js'
import { MessageIndex } from './message-index.js'
import { PairRates } from './pair-rates.js'
import { cannotFold, chain, type CommitInfo, pieces, type Projection, type Turn } from '../journal/projection.js'
import { type TopicChange, Topics } from './topics.js'

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
  readonly #leases: Leases | undefined
  readonly #index = new MessageIndex()
  /** Queued and leased, by member and message. */
  readonly #open = new Map<Id, Map<Id, Letter>>()
  readonly queues: MailQueues
  /** Handed out in vain too often. */
  readonly dead = new Set<Letter>()
  readonly topics = new Topics()
  readonly #rates = new PairRates()
  readonly limits: Required<Limits>

  constructor({ environment, leases }: LocalJournal, limits: Required<Limits>) {
    this.queues = new MailQueues(environment)
    this.limits = limits
    this.#leases = leases
  }

  /** In the order of sending, those after a message. */
  among(filter: Parameters<MessageIndex['among']>[0], after?: Id): Iterable<Message> {
    return this.#index.among(filter, after)
  }

  /** The newest first. */
  latest(): Iterable<Message> {
    return this.#index.latest()
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

  /** Whether somebody has something of the thread before them. */
  isOpenThread(id: Id): boolean {
    return this.#index.thread(id).findLast(({ letters }) => !letters.every(isOver)) !== undefined
  }

  letters(id: Id): readonly Letter[] {
    return this.#index.get(id)?.letters ?? NONE
  }

  /** Whether somebody has it still before them. */
  isOpen(id: Id): boolean {
    return this.letters(id).some(isOpen)
  }

  letter(id: Id, recipient: Id): Letter | undefined {
    return this.letters(id).find(({ standing }) => standing.recipient === recipient)
  }

  /** Queued and leased, oldest first. */
  open(member: Id): readonly Letter[] {
    return [...(this.#open.get(member)?.values() ?? [])].sort((a, b) => a.order - b.order)
  }

  /** Whom of its recipients a message cannot reach now: whose mailbox is full, to whom its sender writes too often. */
  hindrances({ now }: Turn, message: Pick<Draft, 'sender' | 'kind'>, recipients: readonly Id[]): readonly Hindrance[] {
    const { mailbox: most, pairRate } = this.limits
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
    const { mailbox: most } = this.limits
    const { size = 0 } = this.#open.get(member) ?? {}
    if (size < most) return false
    const gone = [...this.queues.expired()].filter(({ standing }) => standing.recipient === member)
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

  /** How a message leaves for good that nobody has before them. */
  forgetting(id: Id): Forgetting | undefined {
    const filed = this.#index.get(id)
    if (!filed?.letters.every(isOver)) return undefined
    return {
      apply: () => {
        this.#index.out(filed)
      },
      revert: () => {
        this.#index.in(filed)
      },
      settle: () => {
        this.#index.sweep(filed)
      },
    }
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
    this.#open.clear()
    this.queues.clear()
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
    const id = letter.message.id as Id
    this.queues.delete(letter)
    if (letter.lease) this.#leases?.drop(letter.lease)
    letter.lease = undefined

    letter.standing = standing
    if (standing.state === 'dead') this.dead.add(letter)
    else this.dead.delete(letter)
    const { state, recipient, session = '', leaseMs = 0, leasedAt: at = 0, count: number } = standing
    if (state === 'queued' || state === 'leased') this.#openOf(recipient).set(id, letter)
    else this.#open.get(recipient)?.delete(id)
    if (state === 'queued') this.queues.add(letter)
    if (state === 'leased')
      letter.lease = this.#leases?.hold({ kind: 'message', id, recipient, session, leaseMs, at, number })
  }

  #openOf(member: Id): Map<Id, Letter> {
    let open = this.#open.get(member)
    if (!open) this.#open.set(member, (open = new Map<Id, Letter>()))
    return open
  }
}

const isOver = ({ standing: { state } }: Letter): boolean =>
  state !== 'queued' && state !== 'leased' && state !== 'dead'
