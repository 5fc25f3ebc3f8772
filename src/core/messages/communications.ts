import { type Abortable, abortable, awaited, readAbortable, until } from '../abortable.js'
import { Access, type AccessOptions, accessFields } from '../access.js'
import { type Delivery, type DeliveryRef, deliveryRef, type Letter } from './delivery.js'
import type { Environment, Off } from '../environment.js'
import { invalid } from '../errors.js'
import type { Observable, OffEvent, On } from '../events.js'
import { type Idempotent, idempotent, IdempotencyKeys, keyed } from '../idempotency.js'
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
  object,
  read,
  type Reader,
  text,
  whole,
  withMore,
} from '../input.js'
import { type LocalJournal, journalFields, journalOf, leaseMs } from '../journal/local-journal.js'
import { Mailboxes } from './mailboxes.js'
import { Members } from '../members.js'
import { Message, type MessageDraft, threadOfTask } from './message.js'
import { MessageCommands } from './message-commands.js'
import { messageFilter, type MessageFilter, passes } from './message-filter.js'
import { type CommunicationsEvents, MessageNews } from './message-news.js'
import { type Thread, threadOf } from './thread.js'

export interface CommunicationsOptions extends AccessOptions {
  /** Shared with a tracker, or kept somewhere; default: in memory, at once. */
  readonly journal?: LocalJournal
  /** Without a journal. */
  readonly environment?: Environment
  /** Only members can send and be written to; default false: an id becomes a member at its first use. */
  readonly strictMembers?: boolean
  readonly limits?: Limits
  /** How long what is received holds without a renewal, ms; default 60 s, at least 1 s. */
  readonly leaseMs?: number
}

export interface TopicFollowers {
  readonly topic: Id
  readonly followers: readonly Id[]
}

const DEFAULT_MS = 60_000

const communicationsOptions = object({ ...journalFields, ...accessFields })
const sendOptions = object(idempotent)
const askOptions = object({ ...abortable, ...idempotent })
const receiveOptions = object({ limit: whole(1, 1000), leaseMs })
const giveBackOptions = object({ reason: text, delayMs: duration(), final: flag })
const threadName = either((value) => typeof value === 'string', filledText, object({ taskId: id }, ['taskId']))
const draftOf: Reader<MessageDraft> = (value, name, limits) =>
  (value instanceof Message ? value.draft() : anyFields(value, name, limits)) as MessageDraft
const idOrMessage: Reader<unknown> = (value) => (value instanceof Message ? value.id : value)

/** What members say to each other: mailboxes, threads, questions. Commands reject with CrewError; queries answer at once. */
export class Communications implements Observable<CommunicationsEvents> {
  readonly #journal: LocalJournal
  readonly #limits: Required<Limits>
  readonly #leaseMs: number
  readonly #mailboxes: Mailboxes
  readonly #commands: MessageCommands
  readonly #news: MessageNews

  readonly on: On<CommunicationsEvents>
  readonly once: On<CommunicationsEvents>
  readonly off: OffEvent<CommunicationsEvents>

  constructor(options: CommunicationsOptions = {}) {
    const given = read(communicationsOptions, options, 'options')
    const { strictMembers = false, limits = DEFAULT_LIMITS, leaseMs = DEFAULT_MS, ...rest } = given
    const journal = journalOf(rest)
    this.#journal = journal
    this.#limits = limits
    this.#leaseMs = leaseMs
    this.#mailboxes = journal.add('message', new Mailboxes(journal, limits))
    const access = Access.of(rest, journal.onError)
    const keys = IdempotencyKeys.of(journal)
    keys.keepWhile((message) => this.#mailboxes.isOpen(message))
    const rules = { strictMembers, limits, keys, access }
    this.#commands = new MessageCommands(journal, this.#mailboxes, Members.of(journal), rules)
    this.#news = new MessageNews(journal, this.#mailboxes, this.#commands)
    const { on, once, off } = this.#news.events
    this.on = on
    this.once = once
    this.off = off
    journal.observe(this.#news)
    journal.leases?.keep('message', { end: (turn, lease, how) => this.#commands.endLease(turn, lease, how) })
  }

  /** Resolves to the committed message. Rejects with `invalid_input`, `not_found`, `permission_denied`, `limit_exceeded`. */
  async send(message: Message | MessageDraft, options: Idempotent = {}): Promise<Message> {
    const draft = read(draftOf, message, 'message')
    if (draft.recipient === undefined && draft.topic === undefined)
      throw invalid('message.recipient is missing; name one or several members, or a topic, or call broadcast')
    return this.#send('send', draft, options)
  }

  /** To all members but the sender. */
  async broadcast(
    draft: Message | Omit<MessageDraft, 'recipient' | 'topic'>,
    options: Idempotent = {},
  ): Promise<Message> {
    const { recipient, topic, ...rest } = read(draftOf, draft, 'message')
    if (recipient !== undefined || topic !== undefined)
      throw invalid('A broadcast goes to all; leave recipient and topic out, or call send')
    return this.#send('broadcast', rest, options)
  }

  /** To all who follow the topic when it is sent, but the sender; nobody may. */
  async publish(
    topic: Id,
    draft: Message | Omit<MessageDraft, 'recipient' | 'topic'>,
    options: Idempotent = {},
  ): Promise<Message> {
    return this.#send('publish', withMore(read(draftOf, draft, 'message'), { topic }, 'message'), options)
  }

  /** In the thread of the message, to its sender. */
  async reply(
    to: Message | Id,
    draft: Message | Omit<MessageDraft, 'recipient' | 'replyTo'>,
    options: Idempotent = {},
  ): Promise<Message> {
    const { sender, id: replyTo = '' } = await this.#find(read(idOrMessage, to, 'message'))
    const more = { recipient: sender, replyTo }
    return this.#send('reply', withMore(read(draftOf, draft, 'message'), more, 'message'), options)
  }

  /** From now on the member gets what is published to the topic. */
  async follow(member: Id, topic: Id): Promise<void> {
    await this.#follow(member, topic, true)
  }

  async unfollow(member: Id, topic: Id): Promise<void> {
    await this.#follow(member, topic, false)
  }

  /**
   * Hands out what waits for a member, by priority and age, at most `limit` (default 10, at most 1,000), for `leaseMs`
   * (default as in the options, at least 1 s; renewed while the journal is open). Each is handed out again only when it is
   * lost or given back.
   */
  async receive(
    member: Id,
    options: { readonly limit?: number; readonly leaseMs?: number } = {},
  ): Promise<readonly Delivery[]> {
    const recipient = read(id, member, 'member')
    const { limit = 10, leaseMs = this.#leaseMs } = read(receiveOptions, options, 'options')
    const handed = await this.#journal.decide((turn) => this.#commands.receive(turn, recipient, limit, leaseMs))
    return handed.map((letter) => this.#mailboxes.delivery(letter))
  }

  /** Settles a delivery. Rejects with `stale_delivery` if it is not leased with that count. */
  async acknowledge(delivery: DeliveryRef): Promise<void> {
    const ref = read(deliveryRef, delivery, 'delivery')
    await this.#journal.decide((turn) => this.#commands.acknowledge(turn, ref))
  }

  /** Ready again at once, or after `delayMs`; dead when it was handed out as often as `limits.deliveries` says, or `final`. */
  async giveBack(
    delivery: DeliveryRef,
    options: { readonly reason?: string; readonly delayMs?: number; readonly final?: boolean } = {},
  ): Promise<void> {
    const ref = read(deliveryRef, delivery, 'delivery')
    const {
      reason = 'given back',
      delayMs = 0,
      final = false,
    } = read(giveBackOptions, options, 'options', this.#limits)
    await this.#journal.decide((turn) => this.#commands.giveBack(turn, ref, reason, delayMs, final))
  }

  /** Puts what is dead back into the mailboxes, as if it were new; of one recipient, or of all. */
  async resend(messageId: Id, recipient?: Id): Promise<void> {
    const { id: message = '' } = await this.#find(messageId)
    const only = recipient === undefined ? undefined : read(id, recipient, 'recipient')
    await this.#journal.decide((turn) => this.#commands.resend(turn, message, only))
  }

  /**
   * Sends a question to one member, and resolves to its reply. Rejects with `timed_out` (default 60 s), `cancelled` or
   * `closed`; the question stands, and `awaitReply` can wait again.
   */
  async ask(draft: MessageDraft, options: Abortable & Idempotent = {}): Promise<Message> {
    const { timeoutMs = DEFAULT_MS, idempotencyKey, ...rest } = read(askOptions, options, 'options')
    const limits = { ...rest, timeoutMs }
    const key = idempotencyKey === undefined ? {} : { idempotencyKey }
    // Both have limits: sending can hang, and who has given up must not be remembered.
    const asked = this.#send('ask', read(draftOf, draft, 'message'), key, timeoutMs).then(({ id: question = '' }) =>
      this.#awaitReply(question, limits),
    )
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
    return this.among(filter)
  }

  /** Of those that are seen. @internal */
  among(filter: MessageFilter, sees: (message: Message) => boolean = () => true): readonly Message[] {
    this.#journal.assertOpen()
    const wanted = read(messageFilter, filter, 'filter')
    const { limit = Infinity, after } = wanted
    if (after !== undefined) this.#commands.expect(after)
    const found: Message[] = []
    for (const message of this.#mailboxes.among(wanted, after)) {
      if (found.length >= limit) break
      if (passes(message, wanted) && sees(message)) found.push(message)
    }
    return found
  }

  get(messageId: Id): Message | undefined {
    this.#journal.assertOpen()
    return this.#mailboxes.get(messageId)
  }

  deliveries(messageId: Id): readonly Delivery[] {
    this.#journal.assertOpen()
    return this.#mailboxes.letters(messageId).map((letter) => this.#mailboxes.delivery(letter))
  }

  /** All that was said about a task, or in the thread of that id; as Markdown with what happened to the task. */
  thread(of: Id | { readonly taskId: Id }): Thread {
    this.#journal.assertOpen()
    const which = read(threadName, of, 'thread')
    const id = typeof which === 'string' ? which : threadOfTask(which.taskId)
    return threadOf(this.#mailboxes.thread(id), this.#commands.taskOf(id))
  }

  /** Those that somebody follows, by name, each with its followers in the order in which they came. */
  topics(): readonly TopicFollowers[] {
    this.#journal.assertOpen()
    const topics = this.#mailboxes.topics
      .names()
      .map((topic) => ({ topic, followers: this.#commands.followers(topic) }))
    return topics.filter(({ followers }) => followers.length > 0)
  }

  subscribe(listener: () => void): Off {
    return this.#news.events.subscribe(listener)
  }

  getSnapshot(): object {
    return this.#news.events.getSnapshot()
  }

  /** Calls `wake` when `member` may have something to receive. @internal */
  onMail(member: Id, wake: () => void): Off {
    return this.#news.onMail(member, wake)
  }

  /** What decides. @internal */
  get commands(): MessageCommands {
    return this.#commands
  }

  /** What crews and reports are built on. @internal */
  get mailboxes(): Mailboxes {
    return this.#mailboxes
  }

  async #send(command: string, draft: MessageDraft, options: Idempotent, askMs?: number): Promise<Message> {
    const { idempotencyKey } = read(sendOptions, options, 'options')
    const message = new Message(draft, this.#limits)
    const key = keyed(command, idempotencyKey, message.sender, message.draft())
    if (askMs !== undefined && message.recipients.length !== 1) throw invalid('A question is asked of one member')
    return this.#journal.decide((turn) => this.#commands.send(turn, command, message, key, askMs))
  }

  async #follow(member: Id, name: Id, isToFollow: boolean): Promise<void> {
    const follower = read(id, member, 'member')
    const topic = read(id, name, 'topic')
    await this.#journal.decide((turn) => this.#commands.follow(turn, follower, topic, isToFollow))
  }

  async #awaitReply(messageId: Id, limits: Abortable): Promise<Message> {
    const reply = this.#mailboxes.replyTo(messageId)
    if (reply) return reply
    this.#journal.assertGoesOn()
    return this.#news.replies.wait(messageId, (promise) => awaited(promise, limits, this.#journal.environment))
  }

  #open(member: Id): readonly Letter[] {
    this.#journal.assertOpen()
    return this.#commands.open(member)
  }

  /** Another process may have sent it: that there is none is decided like any refusal. */
  async #find(given: unknown): Promise<Message> {
    const messageId = read(id, given, 'message')
    return this.get(messageId) ?? this.#journal.decide(() => this.#commands.expect(messageId))
  }
}
