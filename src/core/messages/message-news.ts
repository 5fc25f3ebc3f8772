import type { Delivery } from './delivery.js'
import type { Off } from '../environment.js'
import { CrewError, notFound } from '../errors.js'
import { Events } from '../events.js'
import type { Id } from '../input.js'
import { type Chore, doChore } from '../journal/chore.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import type { LocalJournal } from '../journal/local-journal.js'
import type { Mailboxes, MailChange } from './mailboxes.js'
import type { Message, Refused } from './message.js'
import type { MessageCommands } from './message-commands.js'
import { MultiMap } from '../multi-map.js'
import type { CommitInfo, Observer } from '../journal/projection.js'
import { Waits } from '../waits.js'

export interface MessageEvent {
  readonly message: Message
  readonly by?: Id
  readonly commit: CommitInfo
}
export interface DeliveryEvent extends MessageEvent {
  readonly delivery: Delivery
  readonly reason?: string
}
export interface TopicEvent {
  readonly member: Id
  readonly topic: Id
  readonly commit: CommitInfo
}
// A type, as an interface is no map of events by name.

export type CommunicationsEvents = {
  sent: [event: MessageEvent]
  leased: [event: DeliveryEvent]
  acknowledged: [event: DeliveryEvent]
  returned: [event: DeliveryEvent]
  expired: [event: DeliveryEvent]
  refused: [event: Refused & { readonly message: Message; readonly commit: CommitInfo }]
  dead: [event: DeliveryEvent]
  followed: [event: TopicEvent]
  unfollowed: [event: TopicEvent]
}

export const MESSAGE_EVENTS: Readonly<Record<keyof CommunicationsEvents, unknown>> = {
  sent: 1,
  leased: 1,
  acknowledged: 1,
  returned: 1,
  expired: 1,
  refused: 1,
  dead: 1,
  followed: 1,
  unfollowed: 1,
}

/**
 * What one process makes of message events: typed events, the replies that are waited for, who listens to a mailbox; and
 * the clock, which is looked at when the next message expires.
 */
export class MessageNews implements Observer {
  readonly events: Events<CommunicationsEvents>
  readonly replies = new Waits<Message>()

  readonly #journal: LocalJournal
  readonly #mailboxes: Mailboxes
  readonly #commands: MessageCommands
  /** Who is to hear when there may be something to receive. */
  readonly #listeners = new MultiMap<Id, () => void>()
  #delayed: Off | undefined
  #expiry: { readonly at: number; readonly off: Off } | undefined
  /** Of expired messages. */
  readonly #settling: Chore = { isBusy: false }
  #isClosed = false

  constructor(journal: LocalJournal, mailboxes: Mailboxes, commands: MessageCommands) {
    this.#journal = journal
    this.#mailboxes = mailboxes
    this.#commands = commands
    this.events = new Events(journal.environment, journal.onError, MESSAGE_EVENTS)
  }

  /** Calls `wake` when `member` may have something to receive. */
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

  heard({ type, by: who, changes }: JournalEvent, commit: CommitInfo, change: unknown): void {
    if (type === 'crew.pruned') this.events.changed()
    if (!type.startsWith('message.')) return
    const by = who === undefined ? {} : { by: who }
    const news = change as MailChange
    if ('topic' in news) {
      const { member, topic } = news
      this.events.emit(type.slice(8) as 'followed', Object.freeze({ member, topic, commit }))
    } else if ('refused' in news) {
      const { message, refused } = news
      this.events.emit('refused', Object.freeze({ ...refused, message, commit }))
    } else if ('letter' in news) {
      const { message } = news.letter
      const { reason } = changes['delivery'] as { readonly reason?: string }
      const delivery = this.#mailboxes.delivery({ message, standing: news.after })
      this.events.emit(
        type.slice(8) as 'leased',
        Object.freeze({ message, delivery, ...by, commit, ...(reason !== undefined && { reason }) }),
      )
      this.#wake([delivery.recipient])
    } else {
      const { message } = news
      this.events.emit('sent', Object.freeze({ message, ...by, commit }))
      const { replyTo = '' } = message
      const reply = this.#mailboxes.replyTo(replyTo)
      if (reply) this.replies.resolve(replyTo, reply)
      this.#wake(message.recipients)
    }
    this.events.changed()
  }

  opened(): void {
    this.#armExpiry()
  }

  rebuilt(): void {
    this.replies.look(
      (id) => this.#mailboxes.replyTo(id) ?? (this.#mailboxes.get(id) ? undefined : notFound('Message', id)),
    )
    this.events.changed()
    this.#wake([...this.#listeners.keys()])
  }

  settled(): void {
    this.#wakeDelayed()
    this.#armExpiry()
  }

  closed(): void {
    this.#isClosed = true
    this.#delayed?.()
    this.#expiry?.off()
    this.replies.rejectAll(
      new CrewError('closed', 'The crew was closed while a reply was waited for; the question stands'),
    )
    this.events.close()
  }

  #wake(members: Iterable<Id>): void {
    for (const member of members)
      for (const wake of this.#listeners.of(member)) if (this.#mailboxes.queues.next(member)) wake()
  }

  /** Wakes the listeners when something given back for later is ready. */
  #wakeDelayed(): void {
    this.#delayed?.()
    this.#delayed = undefined
    const at = this.#mailboxes.queues.nextReadyAt()
    if (at === Infinity || this.#listeners.size === 0) return
    const { environment } = this.#journal
    const wake = (): void => {
      this.#wake([...this.#listeners.keys()])
      this.#wakeDelayed()
    }
    this.#delayed = environment.setTimer(wake, Math.max(1, at - environment.now()))
  }

  /** Sets the timer to when the next message expires. */
  #armExpiry(): void {
    const at = this.#isClosed || this.#settling.isBusy ? Infinity : this.#mailboxes.queues.nextExpiryAt()
    if (this.#expiry?.at === at) return
    this.#expiry?.off()
    this.#expiry = undefined
    if (at === Infinity) return
    const { environment } = this.#journal
    const off = environment.setTimer(
      () => {
        this.#settleExpired()
      },
      Math.max(1, at - environment.now()),
      true,
    )
    this.#expiry = { at, off }
  }

  #settleExpired(): void {
    this.#expiry = undefined
    const settle = (): Promise<unknown> => this.#journal.decide((turn) => this.#commands.expire(turn))
    void doChore(this.#settling, this.#journal, settle, () => {
      this.#armExpiry()
    })
  }
}
