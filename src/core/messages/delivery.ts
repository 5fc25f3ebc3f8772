import { type Heap, Slot } from '../heap.js'
import { type Id, id, object, type Reader, whole } from '../input.js'
import { NONE } from '../json.js'
import type { Turn } from '../journal/projection.js'
import type { Lease } from '../journal/session.js'
import { Message } from './message.js'

export type DeliveryState = 'queued' | 'leased' | 'acknowledged' | 'expired' | 'dead'

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

/** Where a delivery stands, as events say it. */
export interface Standing {
  readonly recipient: Id
  readonly state: DeliveryState
  /** How often it was handed out. */
  readonly count: number
  readonly session?: Id
  readonly leaseMs?: number
  /** When it was handed out. */
  readonly leasedAt?: number
  /** Given back for later: not handed out before. */
  readonly readyAt?: number
  /** Why it came back or is dead; the newest ten. */
  readonly reasons: readonly string[]
}

/** A delivery with its places in a member's mailbox. */
export class Letter {
  readonly message: Message
  standing: Standing
  /** Of sending, in the journal. */
  order = 0
  /** In the queue of its mailbox, or among those given back for later. */
  readonly slot = new Slot<Letter>(this)
  queue: Heap<Letter> | undefined
  /** Among those that expire, if its message does. */
  readonly expiry: Slot<Letter> | undefined
  lease: Lease | undefined

  constructor(message: Message, recipient: Id) {
    this.message = message
    this.expiry = message.expiresAt === undefined ? undefined : new Slot<Letter>(this)
    this.standing = { recipient, state: 'acknowledged', count: 0, reasons: NONE }
  }
}

/** Whether it waits in a mailbox, or somebody has it in hand. */
export const isOpen = ({ standing: { state } }: Handed): boolean => state === 'queued' || state === 'leased'

/** A delivery as it was at one moment. */
export type Handed = Pick<Letter, 'message' | 'standing'>

/** Emits what becomes of a delivery. */
export function moveLetter(
  turn: Turn,
  { message, standing: { recipient, count } }: Letter,
  type: 'leased' | 'acknowledged' | 'returned' | 'expired' | 'dead',
  change: Partial<Omit<Standing, 'reasons'>> & Pick<Standing, 'state'> & { readonly reason?: string },
  by?: Id,
): void {
  turn.emit(`message.${type}`, message.id as Id, { delivery: { recipient, count, ...change } }, by)
}

const reference = object({ messageId: id, recipient: id, count: whole(1) }, ['messageId', 'recipient', 'count'])
/** Which hand-out of which delivery is meant. */
export type Reference = ReturnType<typeof reference>
export const deliveryRef: Reader<Reference> = (value, name, limits) => {
  const { message, recipient, count } = value as Delivery
  return reference(message instanceof Message ? { messageId: message.id, recipient, count } : value, name, limits)
}
