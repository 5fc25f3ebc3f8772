import type { Letter } from './delivery.js'
import type { Id } from '../input.js'
import { NONE } from '../json.js'
import type { Message } from './message.js'

/** A message in its lists. */
export interface Filed {
  readonly message: Message
  readonly letters: readonly Letter[]
  /** Of sending, in the journal. */
  readonly order: number
  /** Taken out, though lists still have it: it is put back in no time, until it is swept. */
  isOut: boolean
}

/** What an index has messages by. */
interface Among {
  readonly threadId?: Id | undefined
  readonly taskId?: Id | undefined
  readonly topic?: Id | undefined
  readonly sender?: Id | undefined
  readonly recipient?: Id | undefined
}

type Lists = Map<Id, Filed[]>

/** All messages, by id and in lists in the order of sending, by what they are looked for. */
export class MessageIndex {
  readonly #filed = new Map<Id, Filed>()
  readonly #all: Filed[] = []
  readonly #bySender: Lists = new Map()
  readonly #byRecipient: Lists = new Map()
  readonly #byThread: Lists = new Map()
  readonly #byTask: Lists = new Map()
  readonly #byTopic: Lists = new Map()
  readonly #replies: Lists = new Map()
  #ordersGiven = 0
  /** How many have been taken out of a list for good since it was last rid of them. */
  readonly #swept = new Map<Filed[], number>()

  get size(): number {
    return this.#filed.size
  }

  get(id: Id): Filed | undefined {
    return this.#filed.get(id)
  }

  /** In the order of sending. */
  all(): readonly Filed[] {
    return this.#all.filter(isIn)
  }

  /** The newest first. */
  *latest(): Generator<Message> {
    for (let at = this.#all.length - 1; at >= 0; at--) {
      const filed = this.#all[at] as Filed
      if (!filed.isOut) yield filed.message
    }
  }

  thread(id: Id): readonly Filed[] {
    return this.#byThread.get(id)?.filter(isIn) ?? NONE
  }

  about(taskId: Id): readonly Filed[] {
    return this.#byTask.get(taskId)?.filter(isIn) ?? NONE
  }

  replies(id: Id): readonly Filed[] {
    return this.#replies.get(id)?.filter(isIn) ?? NONE
  }

  /** In the order of sending, those after a message, from the smallest list that has all that is asked for. */
  *among({ threadId, taskId, topic, sender, recipient }: Among, after?: Id): Iterable<Message> {
    const lists = [
      this.#all,
      ...(threadId === undefined ? [] : [this.#byThread.get(threadId) ?? NONE]),
      ...(taskId === undefined ? [] : [this.#byTask.get(taskId) ?? NONE]),
      ...(topic === undefined ? [] : [this.#byTopic.get(topic) ?? NONE]),
      ...(recipient === undefined ? [] : [this.#byRecipient.get(recipient) ?? NONE]),
      ...(sender === undefined ? [] : [this.#bySender.get(sender) ?? NONE]),
    ]
    const list = lists.reduce((best, other) => (other.length < best.length ? other : best))
    const start = after === undefined ? 0 : placeAfter(list, this.get(after)?.order ?? 0)
    for (let at = start; at < list.length; at++) {
      const filed = list[at] as Filed
      if (!filed.isOut) yield filed.message
    }
  }

  /** Adds the newest. */
  add(message: Message, letters: readonly Letter[]): void {
    const filed = { message, letters, order: ++this.#ordersGiven, isOut: false }
    for (const letter of letters) letter.order = filed.order
    this.#filed.set(message.id as Id, filed)
    this.#all.push(filed)
    for (const [lists, key] of this.#places(message)) {
      const list = lists.get(key)
      if (list) list.push(filed)
      else lists.set(key, [filed])
    }
  }

  /** Takes back the adding of the newest. */
  pop(message: Message): void {
    this.#filed.delete(message.id as Id)
    this.#all.pop()
    for (const [lists, key] of this.#places(message)) {
      const list = lists.get(key)
      list?.pop()
      if (list?.length === 0) lists.delete(key)
    }
  }

  /** Takes one out. */
  out(filed: Filed): void {
    filed.isOut = true
    this.#filed.delete(filed.message.id as Id)
  }

  /** Takes that back. */
  in(filed: Filed): void {
    filed.isOut = false
    this.#filed.set(filed.message.id as Id, filed)
  }

  /** One that was taken out stays out: lists are rid of such once they are the half. */
  sweep(filed: Filed): void {
    this.#sweep(this.#all)
    for (const [lists, key] of this.#places(filed.message)) {
      const list = lists.get(key)
      if (list) this.#sweep(list)
      if (list?.length === 0) lists.delete(key)
    }
  }

  clear(): void {
    this.#all.length = 0
    this.#swept.clear()
    for (const index of [
      this.#filed,
      this.#bySender,
      this.#byRecipient,
      this.#byThread,
      this.#byTask,
      this.#byTopic,
      this.#replies,
    ])
      index.clear()
  }

  #sweep(list: Filed[]): void {
    const swept = (this.#swept.get(list) ?? 0) + 1
    if (swept * 2 < list.length) {
      this.#swept.set(list, swept)
      return
    }
    this.#swept.delete(list)
    let kept = 0
    for (const filed of list) if (!filed.isOut) list[kept++] = filed
    list.length = kept
  }

  /** Where a message is listed, beside all. */
  #places({ sender, recipients, topic, threadId = '', taskId, replyTo }: Message): readonly (readonly [Lists, Id])[] {
    const places: (readonly [Lists, Id])[] = [
      [this.#bySender, sender],
      [this.#byThread, threadId],
    ]
    for (const recipient of recipients) places.push([this.#byRecipient, recipient])
    if (taskId !== undefined) places.push([this.#byTask, taskId])
    if (topic !== undefined) places.push([this.#byTopic, topic])
    if (replyTo !== undefined) places.push([this.#replies, replyTo])
    return places
  }
}

const isIn = ({ isOut }: Filed): boolean => !isOut

/** Found by halves, be that message among them or not. */
function placeAfter(list: readonly Filed[], order: number): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((list[middle]?.order ?? 0) > order) to = middle
    else from = middle + 1
  }
  return from
}
