import type { Access } from '../access.js'
import { type Handed, type Letter, moveLetter, type Reference } from './delivery.js'
import { CrewError, invalid, notFound } from '../errors.js'
import type { IdempotencyKeys, KeyedCommand } from '../idempotency.js'
import type { Id, Limits } from '../input.js'
import type { LeaseEnd, LeaseTerms } from '../journal/session.js'
import type { LocalJournal } from '../journal/local-journal.js'
import type { Hindrance, Mailboxes } from './mailboxes.js'
import type { Members } from '../members.js'
import { commandFor, type Message, post, TASK_THREAD, threadOfTask } from './message.js'
import type { Projection, Turn } from '../journal/projection.js'
import type { Task } from '../tasks/task.js'

/** What a mailbox is asked to do. */
interface MessageRules {
  readonly strictMembers: boolean
  readonly limits: Required<Limits>
  readonly keys: IdempotencyKeys
  readonly access: Access | undefined
}

/** Expired deliveries that one command settles; the rest follows in the next. */
const EXPIRED_AT_ONCE = 500

const hasExpired = ({ expiresAt = Infinity }: Message, { now }: Turn): boolean => expiresAt <= now

/** What each command about messages decides, on what is folded. */
export class MessageCommands {
  readonly #journal: LocalJournal
  readonly #mailboxes: Mailboxes
  readonly #members: Members
  readonly #rules: MessageRules

  constructor(journal: LocalJournal, mailboxes: Mailboxes, members: Members, rules: MessageRules) {
    this.#journal = journal
    this.#mailboxes = mailboxes
    this.#members = members
    this.#rules = rules
  }

  /** Throws `not_found`, also for what `by` cannot see. */
  expect(messageId: Id, by?: Id): Message {
    const known = this.#mailboxes.get(messageId)
    if (!known || this.#rules.access?.sees(by, known) === false) throw notFound('Message', messageId)
    return known
  }

  /** To whom it names, to those who follow its topic, or to all. With `askMs` it is a question that waits so long for its one reply. */
  send(turn: Turn, command: string, message: Message, key?: KeyedCommand, askMs?: number): Message {
    const { sender, topic, taskId, replyTo, expiresAt } = message
    const { access, keys } = this.#rules
    this.#admit(turn, [sender, ...message.recipients])
    if (taskId !== undefined) this.#expectTask(taskId, sender)
    const parent = replyTo === undefined ? undefined : this.expect(replyTo, sender)
    // Those of this commit: who follows or joins later gets only what comes later.
    const isToAll = message.recipient === undefined
    const recipients = isToAll ? this.#everybody(sender, topic) : message.recipients
    const draft = isToAll ? { ...message.draft(), recipient: recipients } : message.draft()
    access?.permit(sender, command, { ...draft })
    const made = key && keys.made(turn, key)
    if (made) return this.expect(made.ids[0] as Id)
    if (hasExpired(message, turn))
      throw invalid(`message.expiresAt has passed: ${new Date(expiresAt as number).toISOString()}; give a later time`)

    const reply = parent && this.#reply(turn, parent, sender)
    const { settled } = reply ?? {}
    const mailed = settled ? recipients.filter((member) => !settled.includes(member)) : recipients
    const hindrances = this.#mailboxes.hindrances(turn, message, mailed)
    const [first] = hindrances
    // Who writes to a topic or to all does not answer for who is there.
    if (first && !isToAll && hindrances.length === recipients.length) throw refusal(sender, first)

    const id = this.#journal.environment.id()
    const stamp = {
      threadId: parent?.threadId ?? (taskId === undefined ? id : threadOfTask(taskId)),
      ...reply,
      ...(askMs !== undefined && { answerBy: turn.now + askMs }),
    }
    post(turn, id, draft, stamp, hindrances)
    if (key) keys.keep(turn, key, { ids: [id] })
    return this.#mailboxes.get(id) as Message
  }

  /** Whose thread that is, where tasks are known, too. */
  taskOf(threadId: Id): Task | undefined {
    return threadId.startsWith(TASK_THREAD) ? this.#tasks()?.get(threadId.slice(TASK_THREAD.length)) : undefined
  }

  follow(turn: Turn, member: Id, topic: Id, isToFollow: boolean): void {
    this.#admit(turn, [member])
    this.#rules.access?.permit(member, isToFollow ? 'follow' : 'unfollow', { topic })
    if (this.#mailboxes.topics.of(topic).includes(member) === isToFollow) return
    turn.emit(isToFollow ? 'message.followed' : 'message.unfollowed', topic, { member }, member)
  }

  /** Who follows a topic; those who have left the crew do again when they join again. */
  followers(topic: Id): readonly Id[] {
    return this.#mailboxes.topics.of(topic).filter((member) => this.#members.get(member))
  }

  receive(turn: Turn, recipient: Id, limit: number, leaseMs: number): readonly Handed[] {
    const { session, leases } = this.#journal
    this.#admit(turn, [recipient])
    this.#rules.access?.permit(recipient, 'receive', { limit, leaseMs })
    this.expire(turn, recipient)
    const letters: Handed[] = []
    for (let letter = this.next(recipient); letter && letters.length < limit; letter = this.next(recipient)) {
      leases?.prove(turn, leaseMs)
      const count = letter.standing.count + 1
      moveLetter(turn, letter, 'leased', { state: 'leased', count, session, leaseMs }, recipient)
      letters.push({ message: letter.message, standing: letter.standing })
    }
    return letters
  }

  /** The oldest that a member can be handed. */
  next(member: Id): Letter | undefined {
    return this.#mailboxes.queues.next(member, this.#rules.access?.sightOf(member))
  }

  /** Those queued and leased for a member that it can see, oldest first. */
  open(member: Id): readonly Letter[] {
    const sees = this.#rules.access?.sightOf(member)
    const letters = this.#mailboxes.open(member)
    return sees ? letters.filter(({ message }) => sees(message)) : letters
  }

  acknowledge(turn: Turn, ref: Reference): void {
    this.#permitRef('acknowledge', ref)
    moveLetter(turn, this.#expectLeased(ref), 'acknowledged', { state: 'acknowledged' }, ref.recipient)
  }

  giveBack(turn: Turn, ref: Reference, reason: string, delayMs: number, isFinal: boolean): void {
    this.#permitRef('giveBack', ref, { reason, delayMs, ...(isFinal && { final: true }) })
    this.#return(turn, this.#expectLeased(ref), reason, turn.now + delayMs, ref.recipient, isFinal)
  }

  resend(turn: Turn, id: Id, recipient?: Id): void {
    if (hasExpired(this.expect(id), turn))
      throw new CrewError('invalid_transition', `Message ${id} has expired; send it anew`, { id })
    const dead = this.#mailboxes
      .letters(id)
      .filter(({ standing }) => standing.state === 'dead' && (recipient ?? standing.recipient) === standing.recipient)
    const [first] = dead
    if (!first) throw new CrewError('invalid_transition', `No such delivery of message ${id} is dead`, { id })
    const fitting = dead.filter(({ standing }) => !this.#mailboxes.isFull(standing.recipient))
    if (fitting.length === 0) throw full(first.standing.recipient, this.#rules.limits.mailbox)
    for (const letter of fitting) moveLetter(turn, letter, 'returned', { state: 'queued', count: 0 })
  }

  /** Says of what has expired, for one member or all, that it has. */
  expire(turn: Turn, recipient?: Id): void {
    const due = [...this.#mailboxes.queues.expired()].filter(
      ({ standing }) => (recipient ?? standing.recipient) === standing.recipient,
    )
    for (const letter of due.slice(0, EXPIRED_AT_ONCE)) moveLetter(turn, letter, 'expired', { state: 'expired' })
  }

  endLease(turn: Turn, { id, recipient = '', number }: LeaseTerms, how: LeaseEnd): void {
    const letter = this.#mailboxes.letter(id, recipient)
    if (letter?.standing.state !== 'leased' || letter.standing.count !== number) return
    if (how === 'lost') this.#return(turn, letter, 'lost', turn.now)
    else if (hasExpired(letter.message, turn)) moveLetter(turn, letter, 'expired', { state: 'expired' })
    else moveLetter(turn, letter, 'returned', { state: 'queued', count: number - 1 })
  }

  /** By right of the hand-out, be the message seen any more or not. */
  #permitRef(command: string, { recipient, ...ref }: Reference, more: object = {}): void {
    this.#rules.access?.permit(recipient, command, { ...ref, ...more })
  }

  /** Where tasks are known, too. Throws `not_found`, also for what `by` cannot see. */
  #expectTask(id: Id, by: Id): void {
    const tasks = this.#tasks()
    const task = tasks?.get(id)
    if (tasks && (!task || this.#rules.access?.sees(by, task) === false)) throw notFound('Task', id)
  }

  #tasks(): { get(id: Id): Task | undefined } | undefined {
    return this.#journal.projection<Projection & { get(id: Id): Task | undefined }>('task')
  }

  #admit(turn: Turn, members: readonly Id[]): void {
    this.#members.admit(turn, members, this.#rules.strictMembers)
  }

  /** Whoever says it knows it. */
  #everybody(sender: Id, topic: Id | undefined): readonly Id[] {
    const all = topic === undefined ? this.#members.list().map(({ id }) => id) : this.followers(topic)
    const others = all.filter((member) => member !== sender)
    const { recipients: most } = this.#rules.limits
    if (others.length <= most) return others
    const whom = topic === undefined ? 'members' : `followers of ${topic}`
    throw new CrewError(
      'limit_exceeded',
      `There are over ${most} ${whom}; write to some of them, or raise limits.recipients`,
      { limit: most },
    )
  }

  /** What a reply says of its place in the chain; one in time is settled by being sent. */
  #reply(
    turn: Turn,
    parent: Message,
    by: Id,
  ): { readonly hops: number; readonly late?: true; readonly settled?: readonly Id[] } {
    const { id = '', sender, recipients, answerBy, hops: before } = parent
    const { hops: most } = this.#rules.limits
    const call = commandFor(parent)
    if (call !== undefined)
      throw invalid(
        `Message ${id} is not answered by a reply: call ${call}; comment() says what else there is to say`,
        { id },
      )
    const hops = before + 1
    if (hops > most) {
      throw new CrewError(
        'loop_detected',
        `Message ${id} is at the end of a chain of ${before} replies, and ${most} are the limit: stop answering, or send a message that is no reply`,
        { id, hops, limit: most },
      )
    }
    if (answerBy === undefined) return { hops }
    if (!recipients.includes(by)) {
      throw new CrewError('permission_denied', `Question ${id} was asked of ${recipients.join()}: only they reply`, {
        id,
      })
    }
    const isLate = turn.now > answerBy || this.#mailboxes.replyTo(id) !== undefined
    return isLate ? { hops, late: true } : { hops, settled: [sender] }
  }

  #expectLeased({ messageId, recipient, count }: Reference): Letter {
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

  #return(turn: Turn, letter: Letter, reason: string, readyAt: number, by?: Id, isFinal = false): void {
    const isDead = isFinal || letter.standing.count >= this.#rules.limits.deliveries
    if (hasExpired(letter.message, turn)) moveLetter(turn, letter, 'expired', { state: 'expired', reason }, by)
    else if (isDead) moveLetter(turn, letter, 'dead', { state: 'dead', reason }, by)
    else moveLetter(turn, letter, 'returned', { state: 'queued', reason, readyAt }, by)
  }
}

const refusal = (sender: Id, { recipient, limit, waitMs }: Hindrance): CrewError =>
  waitMs === undefined
    ? full(recipient, limit)
    : new CrewError(
        'backpressure',
        `${sender} writes to ${recipient} more than ${limit} times a minute; write again in ${waitMs} ms`,
        { sender, recipient, limit, retryAfterMs: waitMs },
      )

const full = (recipient: Id, limit: number): CrewError =>
  new CrewError(
    'backpressure',
    `The mailbox of ${recipient} is full: ${limit} messages wait in it; write when ${recipient} has acknowledged some`,
    { recipient, limit },
  )
