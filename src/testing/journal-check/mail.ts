import type { JournalEvent } from '../../core/journal-storage.js'
import type { Findings } from './findings.js'
import type { Membership } from './membership.js'

interface MessageState {
  readonly threadId: string
  readonly hops: number
  readonly recipients: readonly string[]
  readonly isQuestion: boolean
  isAnswered: boolean
  readonly deliveries: Map<string, { readonly state: string; readonly count: number }>
}

const SETTLED = ['acknowledged', 'dead', 'expired']

/** Messages and their deliveries. */
export class Mail {
  readonly #findings: Findings
  readonly #members: Membership
  readonly #isPartial: boolean
  readonly #messages = new Map<string, MessageState>()

  constructor(findings: Findings, members: Membership, isPartial: boolean) {
    this.#findings = findings
    this.#members = members
    this.#isPartial = isPartial
  }

  check(event: JournalEvent): void {
    if (event.type === 'message.sent') this.#send(event)
    else if ('delivery' in event.changes) this.#deliver(event)
  }

  /** Whether somebody has not settled it. */
  isOpen(id: string): boolean {
    return [...(this.#messages.get(id)?.deliveries.values() ?? [])].some(({ state }) => !SETTLED.includes(state))
  }

  forget(id: string): void {
    this.#messages.delete(id)
  }

  #send({ id, changes }: JournalEvent): void {
    const {
      sender,
      recipient = [],
      replyTo,
      threadId = id,
      hops = 0,
      late = false,
      answerBy,
      settled = [],
    } = changes as {
      readonly sender?: string
      readonly recipient?: string | readonly string[]
      readonly replyTo?: string
      readonly threadId?: string
      readonly hops?: number
      readonly late?: boolean
      readonly answerBy?: number
      readonly settled?: readonly string[]
    }
    this.#findings.expect(!this.#messages.has(id), 'once', `message ${id} is there already`)
    const recipients = typeof recipient === 'string' ? [recipient] : recipient
    this.#members.expect(recipients, 'recipient')
    const state = (member: string): string => (settled.includes(member) ? 'acknowledged' : 'queued')
    this.#messages.set(id, {
      threadId,
      hops,
      recipients,
      isQuestion: answerBy !== undefined,
      isAnswered: false,
      deliveries: new Map(recipients.map((member) => [member, { state: state(member), count: 0 }])),
    })
    if (replyTo !== undefined) this.#reply(replyTo, { sender, threadId, hops, late })
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
    if (!parent.isQuestion || late || !parent.recipients.includes(sender)) return
    this.#findings.expect(
      !parent.isAnswered,
      'threads',
      `question ${replyTo} has a reply already, and this one is not late`,
    )
    parent.isAnswered = true
  }

  #deliver({ type, id, changes }: JournalEvent): void {
    const { recipient, state, count } = changes['delivery'] as {
      readonly recipient: string
      readonly state: string
      readonly count: number
    }
    const message = this.#messages.get(id)
    const delivery = message?.deliveries.get(recipient)
    if (!message || !delivery) {
      this.#findings.expect(this.#isPartial, 'existence', `there is no delivery of message ${id} to ${recipient}`)
      return
    }
    message.deliveries.set(recipient, { state, count })
    const findings = this.#findings
    const where = `to ${recipient}, which is ${delivery.state} after ${delivery.count} times`
    switch (type) {
      case 'message.leased':
        findings.expect(delivery.state === 'queued', 'deliveries', `handed out ${where}`)
        findings.expect(count === delivery.count + 1, 'deliveries', `handed out for the time ${count} ${where}`)
        break
      case 'message.acknowledged':
        findings.expect(
          delivery.state === 'leased' && count === delivery.count,
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
        findings.expect(!SETTLED.includes(delivery.state), 'deliveries', `expired ${where}`)
    }
  }
}
