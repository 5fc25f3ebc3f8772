import { Heap, Slot } from '../heap.js'
import type { Id } from '../input.js'
import { NOTHING } from '../json.js'
import type { Task } from './task.js'

/** A task that can stand in line. */
export interface Queued {
  readonly task: Task
  /** Of the task, for as long as it stands in line. */
  readonly priority: number
  /** Of creation, in the journal. */
  readonly order: number
}

/** A place in a queue. */
export class Ticket<Q extends Queued> extends Slot<Q> {
  readonly #queue: Heap<Q>

  constructor(item: Q, queue: Heap<Q>) {
    super(item)
    this.#queue = queue
    queue.add(this)
  }

  leave(): void {
    this.#queue.delete(this)
  }
}

/** What somebody would take of what is ready. */
export interface Choice<Q extends Queued> {
  readonly kinds?: readonly string[]
  readonly test?: (item: Q) => boolean
  /** Asked in the order of the queue, as it is the user's own and may cost more. */
  readonly sees?: (item: Q) => boolean
}

/** What is left of a queue that is being looked through. */
interface Line<Q> {
  readonly first: Q
  readonly rest: Iterator<Q, unknown>
}

type Skills = Readonly<Record<string, number>>

/** Priority first, then age. The journal's order is the age: two tasks of the same millisecond have one, too. */
const comesFirst = (a: Queued, b: Queued): boolean =>
  a.priority > b.priority || (a.priority === b.priority && a.order < b.order)

/** For sorting in that order. */
export const byClaim = (a: Queued, b: Queued): number => (a === b ? 0 : comesFirst(a, b) ? -1 : 1)

/** Whether someone with these skills can do what requires those. */
export const fits = (skills: Skills, requires: Skills): boolean => {
  for (const skill in requires) {
    if (!Object.hasOwn(skills, skill) || (skills[skill] as number) < (requires[skill] as number)) return false
  }
  return true
}

/** The ready tasks in the order of claiming: one queue a member for its own, and one for each kind of open work. */
export class ClaimQueues<Q extends Queued> {
  readonly #own = new Map<Id, Heap<Q>>()
  /** Open ones of one kind and with the same requirements: whoever fits the first fits all. */
  readonly #open = new Map<string, Heap<Q>>()

  /** Lines up for these members, or for all when there are none. */
  add(item: Q, members: readonly Id[]): readonly Ticket<Q>[] {
    return members.length > 0
      ? members.map((id) => lineUp(this.#own, id, item))
      : [lineUp(this.#open, sortOfWork(item.task), item)]
  }

  /** How many stand in the queue of a member's own. */
  countOf(member: Id): number {
    return this.#own.get(member)?.size ?? 0
  }

  /** The open ones that require what passes, in the order of claiming; none after it is looked at. */
  *open(passes: (requires: Skills) => boolean): Generator<Q> {
    const lines = new Heap<Line<Q>>((a, b) => comesFirst(a.first, b.first))
    const line = (rest: Iterator<Q, unknown>): void => {
      const { done, value } = rest.next()
      if (done !== true) lines.add(new Slot({ first: value, rest }))
    }
    for (const queue of this.#open.values()) {
      const top = queue.peek()
      if (top && passes(top.task.requires)) line(queue.inOrder())
    }
    for (let next = lines.shift(); next; next = lines.shift()) {
      yield next.first
      line(next.rest)
    }
  }

  /** The first for `member`: of its own, else of the open ones that it fits. O(sorts of work + log n), or O(ready) with a test. */
  first(member: Id, skills: Skills, { kinds, test, sees }: Choice<Q> = NOTHING): Q | undefined {
    const isKind = (item: Q): boolean => !kinds || kinds.includes(item.task.kind ?? '')
    const own = this.#own.get(member)
    const mine =
      own && (kinds ? firstOf(own, (item) => isKind(item) && (!test || test(item)), sees) : firstOf(own, test, sees))
    if (mine) return mine
    let best: Q | undefined
    for (const [sort, queue] of this.#open) {
      const top = queue.peek()
      if (!top) this.#open.delete(sort)
      else if (isKind(top) && fits(skills, top.task.requires)) {
        const first = firstOf(queue, test, sees)
        if (first && (!best || comesFirst(first, best))) best = first
      }
    }
    return best
  }
}

const sorts = new WeakMap<object, string>()

/** The same for the same requirements. */
export function keyOf(requires: Skills): string {
  let key = sorts.get(requires)
  if (key === undefined) sorts.set(requires, (key = JSON.stringify(requires)))
  return key
}

/** Tasks of one sort can be done by the same members. */
const sortOfWork = ({ kind = '', requires }: Task): string => kind + keyOf(requires)

function lineUp<Q extends Queued>(queues: Map<string, Heap<Q>>, key: string, item: Q): Ticket<Q> {
  let queue = queues.get(key)
  if (!queue) queues.set(key, (queue = new Heap<Q>(comesFirst)))
  return new Ticket(item, queue)
}

function firstOf<Q extends Queued>(
  queue: Heap<Q>,
  isWanted: Choice<Q>['test'],
  sees: Choice<Q>['sees'],
): Q | undefined {
  if (sees) return queue.find((item) => (!isWanted || isWanted(item)) && sees(item))
  if (!isWanted) return queue.peek()
  let best: Q | undefined
  for (const item of queue) if (isWanted(item) && (!best || comesFirst(item, best))) best = item
  return best
}
