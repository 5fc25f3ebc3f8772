import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import type { Membership } from './membership.js'
import type { Sessions } from './sessions.js'
import { Topics } from './topics.js'

interface DeliveryState {
  readonly state: string
  readonly count: number
  readonly session?: string
}

interface MessageState {
  readonly threadId: string
  readonly hops: number
  readonly recipients: readonly string[]
  /** Whom it could not reach. */
  readonly refused: readonly string[]
  readonly sender: string | undefined
  readonly taskId: string | undefined
  readonly kind: string | undefined
  /** Of a question. */
  readonly answerBy: number | undefined
  readonly expiresAt: number | undefined
  /** In time, by who was asked. */
  isAnswered: boolean
  /** In time or not. */
  hasReply: boolean
  readonly deliveries: Map<string, DeliveryState>
}

const BEFORE = ['queued', 'leased']
/** Kinds of messages that ask for a command as their answer. */
const CALLS = ['task.offer', 'task.handoff', 'task.question', 'task.review']
const SETTLED = ['acknowledged', 'dead', 'expired']

/** Messages and their deliveries. */
export class Mail {
  readonly #findings: Findings
  readonly #members: Membership
  readonly #sessions: Sessions
  readonly #isPartial: boolean
  readonly #topics: Topics
  readonly #messages = new Map<string, MessageState>()
  readonly #threads = new Map<string, Set<MessageState>>()
  readonly #byTask = new Map<string, Set<MessageState>>()

  constructor(findings: Findings, members: Membership, sessions: Sessions, isPartial: boolean) {
    this.#findings = findings
    this.#members = members
    this.#sessions = sessions
    this.#isPartial = isPartial
    this.#topics = new Topics(findings, members, isPartial)
  }

  check(event: JournalEvent): void {
    const { type } = event
    if (type === 'message.sent') this.#send(event)
    else if (type === 'message.refused') this.#refuse(event)
    else if (type === 'message.followed' || type === 'message.unfollowed') this.#topics.change(event)
    else if ('delivery' in event.changes) this.#deliver(event)
  }

  has(id: string): boolean {
    return this.#messages.has(id)
  }

  /** Whether somebody has it before them. */
  isBefore(id: string): boolean {
    return [...(this.#messages.get(id)?.deliveries.values() ?? [])].some(({ state }) => BEFORE.includes(state))
  }

  /** What a message is still needed for, itself or by its thread; undefined when it can be forgotten. */
  needs(id: string, at: number): string | undefined {
    const { answerBy = 0, hasReply = false, threadId } = this.#messages.get(id) ?? {}
    if (answerBy > at && !hasReply) return 'it waits for its reply'
    return threadId !== undefined && this.isOpenThread(threadId) ? `its thread ${threadId} is not settled` : undefined
  }

  /** Whether anything in it is before somebody, or is dead and can be sent again. */
  isOpenThread(threadId: string): boolean {
    for (const { deliveries } of this.#threads.get(threadId) ?? [])
      for (const { state } of deliveries.values()) if (BEFORE.includes(state) || state === 'dead') return true
    return false
  }

  /** Threads in which a task is talked of. */
  threadsAbout(taskId: string): ReadonlySet<string> {
    return new Set(Array.from(this.#byTask.get(taskId) ?? [], ({ threadId }) => threadId))
  }

  taskOf(id: string): string | undefined {
    return this.#messages.get(id)?.taskId
  }

  forget(id: string): void {
    const message = this.#messages.get(id)
    if (!message) return
    this.#messages.delete(id)
    remove(this.#threads, message.threadId, message)
    if (message.taskId !== undefined) remove(this.#byTask, message.taskId, message)
  }

  #send({ id, changes }: JournalEvent): void {
    const {
      sender,
      recipient = [],
      replyTo,
      threadId = id,
      hops = 0,
      late = false,
      settled = [],
      refused = [],
      topic,
      ...rest
    } = changes as {
      readonly sender?: string
      readonly recipient?: string | readonly string[]
      readonly replyTo?: string
      readonly threadId?: string
      readonly hops?: number
      readonly late?: boolean
      readonly answerBy?: number
      readonly expiresAt?: number
      readonly taskId?: string
      readonly kind?: string
      readonly topic?: string
      readonly settled?: readonly string[]
      readonly refused?: readonly { readonly recipient: string }[]
    }
    this.#findings.expect(!this.#messages.has(id), 'once', `message ${id} is there already`)
    const recipients = typeof recipient === 'string' ? [recipient] : recipient
    const missed = refused.map((one) => one.recipient)
    this.#members.expect([...recipients, ...missed], 'recipient')
    if (topic !== undefined) this.#topics.expect(topic, sender, [...recipients, ...missed])
    const state = (member: string): string => (settled.includes(member) ? 'acknowledged' : 'queued')
    const message: MessageState = {
      threadId,
      hops,
      recipients,
      refused: missed,
      sender,
      taskId: rest.taskId,
      kind: rest.kind,
      answerBy: rest.answerBy,
      expiresAt: rest.expiresAt,
      isAnswered: false,
      hasReply: false,
      deliveries: new Map(recipients.map((member) => [member, { state: state(member), count: 0 }])),
    }
    this.#messages.set(id, message)
    add(this.#threads, threadId, message)
    if (rest.taskId !== undefined) add(this.#byTask, rest.taskId, message)
    if (replyTo !== undefined) this.#reply(replyTo, { sender, threadId, hops, late }, recipients)
  }

  /** It tells what the message has said. */
  #refuse({ id, changes }: JournalEvent): void {
    const message = this.#messages.get(id)
    const recipient = changes['recipient'] as string
    this.#findings.expect(
      message ? message.refused.includes(recipient) : this.#isPartial,
      message ? 'deliveries' : 'existence',
      message ? `does not say that it could not reach ${recipient}` : `there is no message ${id}`,
    )
  }

  #reply(
    replyTo: string,
    {
      sender = '',
      threadId,
      hops,
      late,
    }: {
      readonly sender: string | undefined
      readonly threadId: string
      readonly hops: number
      readonly late: boolean
    },
    recipients: readonly string[],
  ): void {
    const parent = this.#messages.get(replyTo)
    this.#findings.expect(
      parent !== undefined || this.#isPartial,
      'existence',
      `it answers message ${replyTo}, which is not there`,
    )
    if (!parent) return
    this.#findings.expect(
      threadId === parent.threadId,
      'threads',
      `it is in thread ${threadId}, what it answers in ${parent.threadId}`,
    )
    this.#findings.expect(hops === parent.hops + 1, 'threads', `it has ${hops} hops, what it answers ${parent.hops}`)
    if (!parent.recipients.includes(sender)) return
    if (parent.sender !== undefined && recipients.includes(parent.sender)) parent.hasReply = true
    if (parent.answerBy === undefined || late) return
    this.#findings.expect(
      !parent.isAnswered,
      'threads',
      `question ${replyTo} has a reply already, and this one is not late`,
    )
    parent.isAnswered = true
  }

  #deliver({ type, id, at, changes }: JournalEvent): void {
    const { recipient, state, count, session } = changes['delivery'] as unknown as DeliveryState & {
      readonly recipient: string
    }
    const message = this.#messages.get(id)
    const delivery = message?.deliveries.get(recipient)
    if (!message || !delivery) {
      this.#findings.expect(this.#isPartial, 'existence', `there is no delivery of message ${id} to ${recipient}`)
      return
    }
    const what = `message ${id} to ${recipient}`
    if (delivery.session !== undefined) this.#sessions.drop(delivery.session, what)
    if (state === 'leased' && session !== undefined) this.#sessions.hold(session, what)
    message.deliveries.set(recipient, { state, count, ...(state === 'leased' && session !== undefined && { session }) })
    const findings = this.#findings
    const { expiresAt = Infinity } = message
    // What asks for an answer is settled by the answer, and over when nobody needs one any more.
    const isCall = CALLS.includes(message.kind ?? '')
    const where = `to ${recipient}, which is ${delivery.state} after ${delivery.count} times`
    switch (type) {
      case 'message.leased':
        findings.expect(delivery.state === 'queued', 'deliveries', `handed out ${where}`)
        findings.expect(count === delivery.count + 1, 'deliveries', `handed out for the time ${count} ${where}`)
        findings.expect(at < expiresAt, 'deliveries', `handed out at ${at}, expired at ${expiresAt}`)
        break
      case 'message.acknowledged':
        findings.expect(
          (delivery.state === 'leased' || (isCall && delivery.state === 'queued')) && count === delivery.count,
          'deliveries',
          `acknowledged hand-out ${count} ${where}`,
        )
        break
      case 'message.returned':
      case 'message.dead':
        findings.expect(
          (delivery.state === 'leased' && (count === delivery.count || count === delivery.count - 1)) ||
            (delivery.state === 'dead' && state === 'queued' && count === 0),
          'deliveries',
          `given back hand-out ${count} ${where}`,
        )
        break
      case 'message.expired':
        findings.expect(
          !SETTLED.includes(delivery.state) && (expiresAt < Infinity || isCall),
          'deliveries',
          `expired ${where}, ${expiresAt < Infinity ? 'by its time' : 'but never expires'}`,
        )
    }
  }
}

function add(sets: Map<string, Set<MessageState>>, key: string, message: MessageState): void {
  const set = sets.get(key)
  if (set) set.add(message)
  else sets.set(key, new Set([message]))
}

function remove(sets: Map<string, Set<MessageState>>, key: string, message: MessageState): void {
  const set = sets.get(key)
  set?.delete(message)
  if (set?.size === 0) sets.delete(key)
}
