import { abortable, type Abortable } from '../core/abortable.js'
import { Attempt } from '../core/tasks/attempt.js'
import type { WorkAnswer } from '../core/tasks/collaboration.js'
import type { Delivery, DeliveryRef } from '../core/messages/delivery.js'
import { CrewError, invalid } from '../core/errors.js'
import {
  anyFields,
  id as anId,
  type Id,
  object,
  read,
  type Reader,
  type TimeInput,
  whole,
  withMore,
} from '../core/input.js'
import { isEmpty, type Json } from '../core/json.js'
import type { Kinds } from '../core/kinds.js'
import type { Idempotent } from '../core/idempotency.js'
import { Message, type MessageDraft, messageId } from '../core/messages/message.js'
import { readFilter, type TaskFilter } from '../core/tasks/task-filter.js'
import type { ClaimOptions } from '../core/tasks/task-tracker.js'
import type { Task } from '../core/tasks/task.js'
import {
  type ForwardMessageOptions,
  forwardMessage,
  type ForwardTaskOptions,
  forwardTask,
  type OtherCrew,
} from './forward.js'
import {
  expectHandler,
  type Handler,
  type Handlers,
  readHandler,
  type ReviewHandler,
  type Verdict,
} from './handlers.js'
import { MemberView } from './member-view.js'
import { type Running, Stopper } from './stopper.js'

/** What else a message says, or how it is sent. */
export type MessageOptions = Omit<MessageDraft, 'sender' | 'recipient' | 'topic' | 'content'>

export interface WorkOptions {
  /** Attempts at once; default: the member's capacity when it begins. */
  readonly concurrency?: number
  readonly filter?: TaskFilter
  /** Stops when it aborts. */
  readonly signal?: AbortSignal
}

const workOptions = object({ concurrency: whole(1, 100_000), filter: readFilter, signal: abortable.signal })
const attemptsOptions = object({ filter: readFilter, signal: abortable.signal })
const listenOptions = object({ signal: abortable.signal })

/** One member of a crew, acting only as itself: it has no way to name another as sender, taker or reader. */
export class Member<K extends Kinds = Kinds> extends MemberView<K> {
  async send(to: Id | readonly Id[], content: Json, options: MessageOptions & Idempotent = {}): Promise<Message> {
    const { more, once } = this.#options(options)
    return this.of.communications.send(withMore(more, { sender: this.id, recipient: to, content }), once)
  }

  /** To all other members. */
  async broadcast(content: Json, options: MessageOptions & Idempotent = {}): Promise<Message> {
    const { more, once } = this.#options(options)
    return this.of.communications.broadcast(withMore(more, { sender: this.id, content }), once)
  }

  /** To all others who follow the topic when it is sent. */
  async publish(topic: Id, content: Json, options: MessageOptions & Idempotent = {}): Promise<Message> {
    const { more, once } = this.#options(options)
    return this.of.communications.publish(topic, withMore(more, { sender: this.id, content }), once)
  }

  /** From now on it gets what others publish to the topic. */
  follow(topic: Id): Promise<void> {
    return this.of.communications.follow(this.id, topic)
  }

  unfollow(topic: Id): Promise<void> {
    return this.of.communications.unfollow(this.id, topic)
  }

  reply(to: Message | Id, content: Json, options: Idempotent = {}): Promise<Message> {
    return this.of.communications.reply(to, { sender: this.id, content }, options)
  }

  /** Sends a question, and resolves to the reply. Rejects with `timed_out` (default 60 s), `cancelled` or `closed`. */
  async ask(
    to: Id,
    content: Json,
    options: Abortable & Idempotent & { readonly taskId?: Id; readonly kind?: string } = {},
  ): Promise<Message> {
    const { signal, timeoutMs, idempotencyKey, ...about } = read(anyFields, options, 'options')
    const limits = { signal, timeoutMs, idempotencyKey } as Abortable & Idempotent
    return this.of.communications.ask(withMore(about, { sender: this.id, recipient: to, content }), limits)
  }

  receive(options: { readonly limit?: number; readonly leaseMs?: number } = {}): Promise<readonly Delivery[]> {
    return this.of.communications.receive(this.id, options)
  }

  async acknowledge(delivery: DeliveryRef): Promise<void> {
    await this.of.communications.acknowledge(this.#mine(delivery))
  }

  async giveBack(
    delivery: DeliveryRef,
    options: { readonly reason?: string; readonly delayMs?: number; readonly final?: boolean } = {},
  ): Promise<void> {
    await this.of.communications.giveBack(this.#mine(delivery), options)
  }

  /** Runs the handler on one message after another; each is acknowledged when it resolves, given back when it throws. */
  listen(handler: (message: Message) => unknown, options: { readonly signal?: AbortSignal } = {}): Running {
    expectHandler(handler)
    this.of.tracker.parts.journal.assertOpen()
    const stopper = Stopper.of(read(listenOptions, options, 'options').signal)
    return stopper.running([this.of.work.listen({ member: this.id, stopper }, handler)])
  }

  /** One message after another; each is acknowledged when the next is asked for, or the loop is left. */
  mail(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Message> {
    const stopper = Stopper.of(read(listenOptions, options, 'options').signal)
    return this.of.work.mail({ member: this.id, stopper })
  }

  /** The best ready task that it may do, or undefined. */
  claim(options: ClaimOptions = {}): Promise<Attempt | undefined> {
    return this.of.tracker.claim(this.id, options)
  }

  /**
   * Works off tasks as they become ready, with one handler or one for each kind. What the handler returns is the
   * result; a throw is a failure, and tried again unless the error has `retryable: false`.
   */
  work<T extends Kinds>(this: Member<T>, handler: Handler | Handlers<T>, options: WorkOptions = {}): Running {
    const { capacity } = this.info
    const { concurrency = capacity, filter: wanted, signal } = read(workOptions, options, 'options')
    const stopper = Stopper.of(signal)
    const { run, kinds } = read(readHandler, handler, 'handler')
    const filter = { ...kinds, ...wanted }
    const loop = { member: this.id, stopper, ...(!isEmpty(filter) && { filter }) }
    return stopper.running(Array.from({ length: concurrency }, () => this.of.work.work({ ...loop }, run)))
  }

  /** One attempt after another; one that is left without an outcome fails as abandoned. */
  attempts(options: { readonly filter?: TaskFilter; readonly signal?: AbortSignal } = {}): AsyncIterable<Attempt> {
    const { filter: wanted, signal } = read(attemptsOptions, options, 'options')
    const stopper = Stopper.of(signal)
    return this.of.work.attempts({ member: this.id, filter: wanted, stopper })
  }

  /**
   * Answers what a task waits for. With the message that asked it answers that question and no later one: rejects with
   * `stale_version` when another is asked by now.
   */
  async answer(asked: Id | Message, answer: Json): Promise<Task> {
    const { taskId, question } = read(call, asked, 'asked')
    return this.of.tracker.resume(taskId, { by: this.id, answer, ...question })
  }

  /**
   * Passes a result, or sends it back with remarks to who did it; `final` lets the task fail. With the message that asked
   * it judges that result and no later one, like `answer`.
   */
  async review(asked: Id | Message, verdict: Verdict): Promise<Task> {
    const { taskId, question } = read(call, asked, 'asked')
    return this.of.tracker.review(
      taskId,
      withMore(read(anyFields, verdict, 'options') as unknown as Verdict, { by: this.id, ...question }),
    )
  }

  /**
   * Runs the handler on each task that waits for its review; what it returns is the verdict. One that throws is called
   * again after a pause.
   */
  reviews(handler: ReviewHandler, options: { readonly signal?: AbortSignal } = {}): Running {
    expectHandler(handler)
    this.of.tracker.parts.journal.assertOpen()
    const stopper = Stopper.of(read(listenOptions, options, 'options').signal)
    return stopper.running([this.of.work.review({ member: this.id, stopper }, handler)])
  }

  /** Claims, told in the thread of the task; or answers why there is nothing, and when to ask again. */
  request(filter?: TaskFilter): Promise<WorkAnswer> {
    return this.of.tracker.request(this.id, filter === undefined ? {} : { filter })
  }

  /** Says to others that they may take a pending task; the first who accepts has it. */
  async offer(
    taskId: Id,
    to: Id | readonly Id[],
    options: { readonly note?: string; readonly expiresAt?: TimeInput } = {},
  ): Promise<Message> {
    return this.of.tracker.offer(taskId, to, withMore(read(anyFields, options, 'options'), { by: this.id }))
  }

  /** Takes what was offered or handed to it. Rejects with `already_claimed`, which names who was faster. */
  accept(offer: Message | Id): Promise<Attempt> {
    return this.of.tracker.accept(offer, { by: this.id })
  }

  /** Who has offered it is told why. */
  decline(offer: Message | Id, reason: string): Promise<Task> {
    return this.of.tracker.decline(offer, { by: this.id, reason })
  }

  /** Ends its attempt, and offers others to go on with what it knows; for one lease only they may. */
  async handOff(attempt: Attempt, to: Id | readonly Id[], note: string): Promise<Message> {
    const { task, fence } = this.#own(attempt)
    return this.of.tracker.handOff(task.id, to, { note, fence })
  }

  /** Asks those who have the skills, by default those of the task; `awaitReply` waits for the first answer. */
  async askForHelp(
    attempt: Attempt,
    question: string,
    options: { readonly skills?: Readonly<Record<string, number>> } = {},
  ): Promise<Message> {
    const { task, fence } = this.#own(attempt)
    return this.of.tracker.askForHelp(task.id, question, withMore(read(anyFields, options, 'options'), { fence }))
  }

  /**
   * Has another crew do what it works on, and ends the attempt with the outcome: the result or failure there, and what
   * was spent. The copy there is made once, however often this is called, by whichever process; it is cancelled with the
   * task here, if that can be (else `cancelled` has the reason as `cause`). Rejects with what ended the attempt; with
   * `not_found` when `by` is no member there, `loop_detected` for what came from that crew, `storage_unavailable` when it
   * is away or closed, or `already_exists` (a task of the same id that is no copy).
   */
  forward<Input, Result>(attempt: Attempt<Input, Result>, to: OtherCrew, options?: ForwardTaskOptions): Promise<Task>
  /**
   * Sends a message on to members of another crew, once for each list of them (for a day) however often it is called, and
   * resolves to the copy. Of a question to this member that waits for its reply it brings that back, and resolves to it; to
   * undefined when it is too late.
   */
  forward(message: Message, to: OtherCrew, options: ForwardMessageOptions): Promise<Message | undefined>
  async forward(what: unknown, to: OtherCrew, options: object = {}): Promise<Task | Message | undefined> {
    const forwarder = { ...this.of, member: this.id }
    if (what instanceof Message) return forwardMessage(forwarder, what, to, options as ForwardMessageOptions)
    return forwardTask(forwarder, this.#own(what as Attempt), to, options)
  }

  /** The reply to a message that it sent. Rejects with `timed_out`, `cancelled` or `closed`. */
  async awaitReply(message: Message | Id, options: Abortable = {}): Promise<Message> {
    const id = read(messageId, message, 'message')
    const sent = this.of.communications.get(id)
    if (sent && sent.sender !== this.id)
      throw new CrewError('permission_denied', `${this.id} waits only for replies to messages of its own`, { id })
    return this.of.communications.awaitReply(id, options)
  }

  comment(taskId: Id, text: string): Promise<Message> {
    return this.of.tracker.comment(taskId, text, { by: this.id })
  }

  /** Whether it takes work. */
  async setAvailability(available: boolean): Promise<void> {
    const { members, tracker } = this.of
    const { journal, desk } = tracker.parts
    await journal.decide((turn) => {
      members.expect(this.id)
      members.join(turn, this.id, { available })
      desk.access?.permit(this.id, 'setAvailability', { available })
    })
  }

  /** What a message says, and how it is sent. */
  #options(options: object): { readonly more: Readonly<Record<string, unknown>>; readonly once: Idempotent } {
    const { idempotencyKey, ...more } = read(anyFields, options, 'options')
    return { more, once: { idempotencyKey } as Idempotent }
  }

  #own(attempt: Attempt): Attempt {
    const own = read(anAttempt, attempt, 'attempt')
    if (own.member === this.id) return own
    throw new CrewError('permission_denied', `The attempt is of ${own.member}, not of ${this.id}`, { id: this.id })
  }

  /** A copy, so that what is checked is what is settled. */
  #mine(delivery: DeliveryRef): DeliveryRef {
    const ref = read(anyFields, delivery, 'delivery')
    if (ref['recipient'] !== this.id)
      throw new CrewError('permission_denied', `${this.id} settles only its own deliveries`, { id: this.id })
    return ref as unknown as DeliveryRef
  }
}

/** The task that is answered for, and the question, where that is said. */
const call: Reader<{ readonly taskId: Id; readonly question?: { readonly question: Id } }> = (asked, name, limits) => {
  if (!(asked instanceof Message)) return { taskId: anId(asked, name, limits) }
  const { id: question, taskId } = asked
  if (question === undefined || taskId === undefined) throw invalid('That message asks nothing about a task')
  return { taskId, question: { question } }
}

const anAttempt: Reader<Attempt> = (value, name) => {
  if (value instanceof Attempt) return value as Attempt
  throw invalid(`${name} must be an Attempt, as claim() answers one`)
}
