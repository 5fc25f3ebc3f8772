import { type Abortable, awaited, readAbortable, until } from './abortable.js'
import type { Environment, Off } from './environment.js'
import { CrewError, invalid, notFound } from './errors.js'
import { Events, type Observable, type OffEvent, type On } from './events.js'
import {
  anyFields,
  DEFAULT_LIMITS,
  duration,
  either,
  filledText,
  flag,
  type Id,
  id,
  type Limits,
  limits,
  object,
  read,
  type Reader,
  text,
  time,
  type TimeInput,
  whole,
  withMore,
} from './input.js'
import type { JournalEvent } from './journal-storage.js'
import type { LeaseTerms } from './leases.js'
import { type LocalJournal, journalFields, journalOf } from './local-journal.js'
import { type DeliveryState, type Letter, Mailboxes, type MailChange } from './mailboxes.js'
import { escapeMarkdown } from './markdown.js'
import { Members } from './members.js'
import { Message, type MessageDraft, threadOfTask } from './message.js'
import { MultiMap } from './multi-map.js'
import type { CommitInfo, Projection, Turn } from './projection.js'
import { Waits } from './waits.js'

export interface CommunicationsOptions {
  /** Shared with a tracker, or kept somewhere; default: in memory, at once. */
  readonly journal?: LocalJournal
  /** Without a journal. */
  readonly environment?: Environment
  /** Only members can send and be written to; default false: an id becomes a member at its first use. */
  readonly strictMembers?: boolean
  readonly limits?: Limits
}

/** A message on its way to one member. */
export interface Delivery {
  readonly message: Message
  readonly recipient: Id
  readonly state: DeliveryState
  /** How often it was handed out. */
  readonly count: number
  /** Of a leased one. */
  readonly expiresInMs: number
  /** Why it came back, or is dead; the newest ten. */
  readonly reasons: readonly string[]
}
export type DeliveryRef = Delivery | { readonly messageId: Id; readonly recipient: Id; readonly count: number }

export interface MessageFilter {
  readonly sender?: Id
  readonly recipient?: Id
  readonly kind?: string
  readonly taskId?: Id
  readonly threadId?: Id
  /** Part of the content, in upper or lower case. */
  readonly text?: string
  readonly since?: TimeInput
  readonly limit?: number
  /** Those after this message. */
  readonly after?: Id
}

/** Messages that answer each other, oldest first. */
export interface Thread extends ReadonlyArray<Message> {
  toMarkdown(): string
}

export interface MessageEvent {
  readonly message: Message
  readonly by?: Id
  readonly commit: CommitInfo
}
export interface DeliveryEvent extends MessageEvent {
  readonly delivery: Delivery
  readonly reason?: string
}
// A type, as an interface is no map of events by name.

export type CommunicationsEvents = {
  sent: [event: MessageEvent]
  leased: [event: DeliveryEvent]
  acknowledged: [event: DeliveryEvent]
  returned: [event: DeliveryEvent]
  dead: [event: DeliveryEvent]
}

/** A delivery as it was at one moment. */
type Handed = Pick<Letter, 'message' | 'standing'>

const DEFAULT_MS = 60_000

const communicationsOptions = object({ ...journalFields, strictMembers: flag, limits })
const receiveOptions = object({ limit: whole(1, 1000), leaseMs: duration(1000) })
const giveBackOptions = object({ reason: text, delayMs: duration() })
const messageFilter = object(
  {
    sender: id,
    recipient: id,
    kind: id,
    taskId: id,
    threadId: filledText,
    text,
    since: time,
    limit: whole(0),
    after: id,
  },
  [],
  true,
)
const threadOf = either((value) => typeof value === 'string', filledText, object({ taskId: id }, ['taskId']))
const draftOf: Reader<MessageDraft> = (value) => (value instanceof Message ? value.draft() : (value as MessageDraft))
const idOrMessage: Reader<unknown> = (value) => (value instanceof Message ? value.id : value)
const reference = object({ messageId: id, recipient: id, count: whole(1) }, ['messageId', 'recipient', 'count'])
const deliveryRef: Reader<ReturnType<typeof reference>> = (value, name, limits) => {
  const { message, recipient, count } = value as Delivery
  return reference(message instanceof Message ? { messageId: message.id, recipient, count } : value, name, limits)
}

/** What members say to each other: mailboxes, threads, questions. Commands reject with CrewError; queries answer at once. */
export class Communications implements Observable<CommunicationsEvents> {
  readonly #journal: LocalJournal
  readonly #isStrict: boolean
  readonly #limits: Required<Limits>
  readonly #members: Members
  readonly #mailboxes: Mailboxes
  readonly #events: Events<CommunicationsEvents>
  readonly #replies = new Waits<Message>()
  /** Who is to hear when there may be something to receive. */
  readonly #listeners = new MultiMap<Id, () => void>()
  #delayed: Off | undefined

  readonly on: On<CommunicationsEvents>
  readonly once: On<CommunicationsEvents>
  readonly off: OffEvent<CommunicationsEvents>

  constructor(options: CommunicationsOptions = {}) {
    const { strictMembers = false, limits = DEFAULT_LIMITS, ...rest } = read(communicationsOptions, options, 'options')
    const journal = journalOf(rest)
    this.#journal = journal
    this.#isStrict = strictMembers
    this.#limits = limits
    this.#members = Members.of(journal)
    this.#mailboxes = journal.add('message', new Mailboxes(journal))
    this.#events = new Events(journal.environment, journal.onError)
    const { on, once, off } = this.#events
    this.on = on
    this.once = once
    this.off = off
    journal.leases?.keep('message', { end: (turn, lease, how) => this.#endLease(turn, lease, how) })
    journal.observe({
      heard: (event, commit, change) => this.#heard(event, commit, change as MailChange),
      settled: () => this.#wakeDelayed(),
      closed: () => this.#close(),
    })
  }

  /** Resolves to the committed message. Rejects with `invalid_input`, `not_found`, `permission_denied`, `limit_exceeded`. */
  async send(message: Message | MessageDraft): Promise<Message> {
    return this.#send(message)
  }

  /** In the thread of the message, to its sender. */
  async reply(to: Message | Id, draft: Omit<MessageDraft, 'recipient' | 'replyTo'>): Promise<Message> {
    const { sender, id: replyTo = '' } = await this.#find(read(idOrMessage, to, 'message'))
    const more = { recipient: sender, replyTo }
    return this.#send(withMore(read(anyFields, draft, 'message'), more, 'message') as unknown as MessageDraft)
  }

  /**
   * Hands out what waits for a member, oldest first, for `leaseMs` (default 60 s, at least 1 s; renewed while the
   * journal is open), at most `limit` (default 10, at most 1,000). Each is handed out again only when it is lost or given back.
   */
  async receive(
    member: Id,
    options: { readonly limit?: number; readonly leaseMs?: number } = {},
  ): Promise<readonly Delivery[]> {
    const recipient = read(id, member, 'member')
    const { limit = 10, leaseMs = DEFAULT_MS } = read(receiveOptions, options, 'options')
    const { session } = this.#journal
    const handed = await this.#journal.decide((turn) => {
      this.#members.admit(turn, [recipient], this.#isStrict)
      const letters: Handed[] = []
      for (
        let letter = this.#mailboxes.next(recipient);
        letter && letters.length < limit;
        letter = this.#mailboxes.next(recipient)
      ) {
        if (letters.length === 0) this.#journal.leases?.prove(turn, leaseMs)
        this.#mailboxes.move(
          turn,
          letter,
          'leased',
          { state: 'leased', count: letter.standing.count + 1, session, leaseMs },
          recipient,
        )
        letters.push({ message: letter.message, standing: letter.standing })
      }
      return letters
    })
    return handed.map((letter) => this.#delivery(letter))
  }

  /** Settles a delivery. Rejects with `stale_delivery` if it is not leased with that count. */
  async acknowledge(delivery: DeliveryRef): Promise<void> {
    const ref = read(deliveryRef, delivery, 'delivery')
    await this.#journal.decide((turn) =>
      this.#mailboxes.move(turn, this.#expectLeased(ref), 'acknowledged', { state: 'acknowledged' }, ref.recipient),
    )
  }

  /** Ready again at once, or after `delayMs`; dead when it was handed out as often as `limits.deliveries` says. */
  async giveBack(
    delivery: DeliveryRef,
    options: { readonly reason?: string; readonly delayMs?: number } = {},
  ): Promise<void> {
    const ref = read(deliveryRef, delivery, 'delivery')
    const { reason = 'given back', delayMs = 0 } = read(giveBackOptions, options, 'options', this.#limits)
    await this.#journal.decide((turn) =>
      this.#return(turn, this.#expectLeased(ref), reason, turn.now + delayMs, ref.recipient),
    )
  }

  /** Puts what is dead back into the mailboxes, as if it were new; of one recipient, or of all. */
  async resend(messageId: Id, recipient?: Id): Promise<void> {
    const { id: message = '' } = await this.#find(messageId)
    await this.#journal.decide((turn) => {
      const dead = this.#mailboxes
        .letters(message)
        .filter(({ standing }) => standing.state === 'dead' && (recipient ?? standing.recipient) === standing.recipient)
      if (dead.length === 0)
        throw new CrewError('invalid_transition', `No such delivery of message ${message} is dead`, { id: message })
      for (const letter of dead) this.#mailboxes.move(turn, letter, 'returned', { state: 'queued', count: 0 })
    })
  }

  /**
   * Sends a question to one member, and resolves to its reply. Rejects with `timed_out` (default 60 s), `cancelled` or
   * `closed`; the question stands, and `awaitReply` can wait again.
   */
  async ask(draft: MessageDraft, options: Abortable = {}): Promise<Message> {
    const { timeoutMs = DEFAULT_MS, ...rest } = read(readAbortable, options, 'options')
    const limits = { ...rest, timeoutMs }
    // Both have limits: sending can hang, and who has given up must not be remembered.
    const asked = this.#send(draft, timeoutMs).then(({ id: question = '' }) => this.#awaitReply(question, limits))
    return until(asked, limits, this.#journal.environment)
  }

  /** The reply to a message, also to one of an earlier process. Rejects with `timed_out`, `cancelled` or `closed`. */
  async awaitReply(messageId: Id, options: Abortable = {}): Promise<Message> {
    const limits = read(readAbortable, options, 'options')
    const { id: message = '' } = await until(this.#find(messageId), limits, this.#journal.environment)
    return this.#awaitReply(message, limits)
  }

  /** Messages queued or leased for a member, oldest first. Changes nothing. */
  inbox(member: Id): readonly Message[] {
    return this.#open(member).map(({ message }) => message)
  }

  /** How many are queued. */
  unread(member: Id): number {
    return this.#open(member).filter(({ standing }) => standing.state === 'queued').length
  }

  /** In the order of sending; `after` need not be among them. */
  messages(filter: MessageFilter = {}): readonly Message[] {
    this.#journal.assertOpen()
    const wanted = read(messageFilter, filter, 'filter')
    const { limit = Infinity, after } = wanted
    if (after !== undefined) this.#expect(after)
    const found: Message[] = []
    for (const message of this.#mailboxes.among(wanted, after)) {
      if (found.length >= limit) break
      if (matches(message, wanted)) found.push(message)
    }
    return found
  }

  get(messageId: Id): Message | undefined {
    this.#journal.assertOpen()
    return this.#mailboxes.get(messageId)
  }

  deliveries(messageId: Id): readonly Delivery[] {
    this.#journal.assertOpen()
    return this.#mailboxes.letters(messageId).map((letter) => this.#delivery(letter))
  }

  /** All that was said about a task, or in the thread of that id. */
  thread(of: Id | { readonly taskId: Id }): Thread {
    this.#journal.assertOpen()
    const which = read(threadOf, of, 'thread')
    const messages = [...this.#mailboxes.thread(typeof which === 'string' ? which : threadOfTask(which.taskId))]
    const toMarkdown = (): string => messages.map(paragraph).join('\n\n')
    return Object.freeze(Object.defineProperty(messages, 'toMarkdown', { value: toMarkdown })) as unknown as Thread
  }

  subscribe(listener: () => void): Off {
    return this.#events.subscribe(listener)
  }

  getSnapshot(): object {
    return this.#events.getSnapshot()
  }

  /** Calls `wake` when `member` may have something to receive. @internal */
  onMail(member: Id, wake: () => void): Off {
    const listener = (): void => {
      wake()
    }
    this.#listeners.add(member, listener)
    this.#wakeDelayed()
    return () => {
      this.#listeners.delete(member, listener)
      if (this.#listeners.size === 0) this.#delayed?.()
    }
  }

  /** What crews and reports are built on. @internal */
  get mailboxes(): Mailboxes {
    return this.#mailboxes
  }

  async #send(given: Message | MessageDraft, askMs?: number): Promise<Message> {
    const message = new Message(read(draftOf, given, 'message'), this.#limits)
    const { sender, recipients, taskId } = message
    if (askMs !== undefined && recipients.length !== 1) throw invalid('A question is asked of one member')
    return this.#journal.decide((turn) => {
      this.#members.admit(turn, [sender, ...recipients], this.#isStrict)
      const tasks = this.#journal.projection<Projection & { get(id: Id): unknown }>('task')
      if (taskId !== undefined && tasks && !tasks.get(taskId)) throw notFound('Task', taskId)
      const messageId = this.#journal.environment.id()
      this.#mailboxes.send(turn, messageId, message.draft(), askMs === undefined ? undefined : turn.now + askMs)
      return this.#mailboxes.get(messageId) as Message
    })
  }

  async #awaitReply(messageId: Id, limits: Abortable): Promise<Message> {
    const reply = this.#mailboxes.replyTo(messageId)
    return reply ?? this.#replies.wait(messageId, (promise) => awaited(promise, limits, this.#journal.environment))
  }

  #open(member: Id): readonly Letter[] {
    this.#journal.assertOpen()
    return this.#mailboxes.open(member)
  }

  /** Another process may have sent it: that there is none is decided like any refusal. */
  async #find(messageId: unknown): Promise<Message> {
    this.#journal.assertOpen()
    const known = this.#mailboxes.get(read(id, messageId, 'message'))
    return known ?? this.#journal.decide(() => this.#expect(messageId))
  }

  #expect(messageId: unknown): Message {
    this.#journal.assertOpen()
    const known = this.#mailboxes.get(read(id, messageId, 'message'))
    if (!known) throw notFound('Message', messageId as Id)
    return known
  }

  #expectLeased({ messageId, recipient, count }: ReturnType<typeof reference>): Letter {
    const letter = this.#mailboxes.letter(messageId, recipient)
    if (!letter) throw notFound(`Delivery to ${recipient} of message`, messageId)
    const { state, count: newest } = letter.standing
    if (state === 'leased' && newest === count) return letter
    throw new CrewError(
      'stale_delivery',
      `Message ${messageId} is ${state} for ${recipient}, handed out ${newest} times: hand-out ${count} is over`,
      { id: messageId, recipient, count },
    )
  }

  #return(turn: Turn, letter: Letter, reason: string, readyAt: number, by?: Id): void {
    const isDead = letter.standing.count >= this.#limits.deliveries
    this.#mailboxes.move(
      turn,
      letter,
      isDead ? 'dead' : 'returned',
      isDead ? { state: 'dead', reason } : { state: 'queued', reason, readyAt },
      by,
    )
  }

  #endLease(turn: Turn, { id: messageId, recipient = '', number }: LeaseTerms, how: 'lost' | 'closed'): void {
    const letter = this.#mailboxes.letter(messageId, recipient)
    if (letter?.standing.state !== 'leased' || letter.standing.count !== number) return
    if (how === 'lost') this.#return(turn, letter, 'lost', turn.now)
    else this.#mailboxes.move(turn, letter, 'returned', { state: 'queued', count: number - 1 })
  }

  #delivery({ message, standing }: Handed): Delivery {
    const { recipient, state, count, session = '', leaseMs = 0, reasons } = standing
    const expiresInMs = this.#journal.leases?.expiresInMs(session, leaseMs) ?? leaseMs
    return Object.freeze({ message, recipient, state, count, expiresInMs, reasons })
  }

  #heard({ type, by: who, changes }: JournalEvent, commit: CommitInfo, change: MailChange): void {
    if (!type.startsWith('message.')) return
    const by = who === undefined ? {} : { by: who }
    if ('after' in change) {
      const { message } = change.letter
      const { reason } = changes['delivery'] as { readonly reason?: string }
      const delivery = this.#delivery({ message, standing: change.after })
      this.#events.emit(
        type.slice(8) as 'leased',
        Object.freeze({ message, delivery, ...by, commit, ...(reason !== undefined && { reason }) }),
      )
      this.#wake([delivery.recipient])
    } else {
      const { message } = change
      this.#events.emit('sent', Object.freeze({ message, ...by, commit }))
      const { replyTo = '' } = message
      const reply = this.#mailboxes.replyTo(replyTo)
      if (reply) this.#replies.resolve(replyTo, reply)
      this.#wake(message.recipients)
    }
    this.#events.changed()
  }

  #wake(members: Iterable<Id>): void {
    for (const member of members)
      for (const wake of this.#listeners.of(member)) if (this.#mailboxes.next(member)) wake()
  }

  /** Wakes the listeners when something given back for later is ready. */
  #wakeDelayed(): void {
    this.#delayed?.()
    this.#delayed = undefined
    const at = this.#mailboxes.nextReadyAt()
    if (at === Infinity || this.#listeners.size === 0) return
    const { environment } = this.#journal
    const wake = (): void => {
      this.#wake([...this.#listeners.keys()])
      this.#wakeDelayed()
    }
    this.#delayed = environment.setTimer(wake, Math.max(1, at - environment.now()))
  }

  #close(): void {
    this.#delayed?.()
    this.#replies.rejectAll(
      new CrewError('closed', 'The crew was closed while a reply was waited for; the question stands'),
    )
    this.#events.close()
  }
}

/** Whether a message passes, be it chosen by an index or not. */
function matches(
  message: Message,
  { sender, recipient, kind, taskId, threadId, text: part, since }: ReturnType<typeof messageFilter>,
): boolean {
  return (
    (sender ?? message.sender) === message.sender &&
    (recipient === undefined || message.recipients.includes(recipient)) &&
    (kind ?? message.kind) === message.kind &&
    (taskId ?? message.taskId) === message.taskId &&
    (since ?? 0) <= (message.sentAt as number) &&
    (threadId ?? message.threadId) === message.threadId &&
    (part === undefined || textOf(message).toLowerCase().includes(part.toLowerCase()))
  )
}

const textOf = ({ content }: Message): string => (typeof content === 'string' ? content : JSON.stringify(content))

const paragraph = (message: Message): string => {
  const { sender, recipients, sentAt = 0 } = message
  return `**${escapeMarkdown(sender)}** to ${escapeMarkdown(recipients.join(', '))}, ${new Date(sentAt).toISOString()}:\n${escapeMarkdown(textOf(message))}`
}
