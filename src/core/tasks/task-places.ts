import { type Choice, ClaimQueues } from './claim-queues.js'
import type { Environment } from '../environment.js'
import { Bag, Heap, Slot } from '../heap.js'
import type { Id } from '../input.js'
import { NONE } from '../json.js'
import type { MemberInfo } from '../members.js'
import { audience, type Card, type Stage, stageOf, timeLimit } from './task-card.js'
import type { Task } from './task.js'

const OPEN_STAGES: readonly Stage[] = ['scheduled', 'blocked', 'new', 'assigned', 'in_progress', 'waiting']

/** Where the cards of a board stand: in which stage, in whose queue, and when the clock alone moves them. */
export abstract class TaskPlaces {
  readonly overdue = new Set<Card>()
  /** Past a limit in time, for which an event is due. */
  readonly expired = new Set<Card>()
  /** Called with each card that lines up to be claimed, be it only tried. */
  readonly lineUps = new Set<(card: Card) => void>()

  readonly #environment: Environment
  readonly #byStage: Readonly<Record<Stage, Bag<Card>>> = {
    scheduled: new Bag(),
    blocked: new Bag(),
    new: new Bag(),
    assigned: new Bag(),
    in_progress: new Bag(),
    waiting: new Bag(),
    completed: new Bag(),
    failed: new Bag(),
    cancelled: new Bag(),
  }
  readonly #queues = new ClaimQueues<Card>()
  /** By `turnsAt`. */
  readonly #timeline = new Heap<Card>((a, b) => a.turnsAt < b.turnsAt)
  /** The latest time that cards were placed by. */
  #placedAt = -Infinity
  /** What the clock did since somebody asked. */
  #turned: { readonly ready: Card[]; readonly overdue: Card[] } = { ready: [], overdue: [] }

  constructor(environment: Environment) {
    this.#environment = environment
  }

  now(): number {
    return this.#environment.now()
  }

  /** In no order. */
  inStage(stage: Stage): Bag<Card> {
    return this.#byStage[stage]
  }

  /** How many ready tasks are a member's own: given to it, or kept for it. */
  ownReady(member: Id): number {
    return this.#queues.countOf(member)
  }

  /** Ready tasks that nobody has and none is kept for, in the order of claiming: those that require what passes. */
  *openTasks(passes: (requires: Task['requires']) => boolean): Generator<Card> {
    const now = this.now()
    // The wall clock may have gone back, or on past a limit.
    for (const card of this.#queues.open(passes))
      if (stageOf(card, now) === 'new' && timeLimit(card.task) > now) yield card
  }

  /** The first ready task for a member; see ClaimQueues. */
  firstFor({ id, skills }: MemberInfo, choice?: Choice<Card>): Card | undefined {
    for (;;) {
      const card = this.#queues.first(id, skills, choice)
      const now = this.now()
      if (!card || stageOf(card, now) === card.stage) return card
      // The wall clock went back, so that it is not ready yet.
      this.#move(card, now)
    }
  }

  /** Keeps cards from being ready, or lets them again. */
  hold(cards: readonly Card[], amount: 1 | -1): void {
    const now = this.now()
    for (const card of cards) {
      card.cascades += amount
      if (card.isPlaced && card.task.status === 'pending') this.#move(card, now)
    }
  }

  /** Lets the clock move cards: what was scheduled becomes ready, what has a limit overdue or expired. */
  tick(now = this.now()): void {
    if (now < this.#placedAt) this.#turnBack(now)
    for (let card = this.#timeline.peek(); card && card.turnsAt <= now; card = this.#timeline.peek()) {
      const wasReady = card.isReady
      const wasOverdue = this.overdue.has(card)
      this.#move(card, now)
      if (!wasReady && card.isReady) this.#turned.ready.push(card)
      if (!wasOverdue && this.overdue.has(card)) this.#turned.overdue.push(card)
    }
  }

  /** Whether ticks have moved anything that nobody has taken yet. */
  get hasTurned(): boolean {
    return this.#turned.ready.length > 0 || this.#turned.overdue.length > 0
  }

  /** What ticks have moved since the last call. */
  takeTurned(): { readonly ready: readonly Card[]; readonly overdue: readonly Card[] } {
    // What was only tried is gone.
    const stands = ({ isPlaced }: Card): boolean => isPlaced
    const { ready, overdue } = this.#turned
    this.#turned = { ready: [], overdue: [] }
    return { ready: ready.filter(stands), overdue: overdue.filter(stands) }
  }

  /** When the clock next moves something. */
  nextTurnAt(): number {
    return this.#timeline.peek()?.turnsAt ?? Infinity
  }

  /** @internal */
  protected unplace(card: Card): void {
    this.#byStage[card.stage].delete(card.stageSlot)
    for (const ticket of card.tickets) ticket.leave()
    if (!card.timeSlot) return
    this.#timeline.delete(card.timeSlot)
    this.overdue.delete(card)
    this.expired.delete(card)
  }

  /** @internal */
  protected place(card: Card, now: number): void {
    const { task } = card
    card.stage = stageOf(card, now)
    card.priority = task.priority
    this.#byStage[card.stage].add(card.stageSlot)
    card.tickets = card.isReady ? this.#queues.add(card, audience(task, now)) : NONE
    if (card.isReady) for (const hear of this.lineUps) hear(card)
    if (task.isOpen) this.#setTime(card, now)
  }

  #setTime(card: Card, now: number): void {
    const { task } = card
    this.#placedAt = Math.max(this.#placedAt, now)
    const { dueAt = Infinity, notBefore = 0, keptFor } = task
    const limit = timeLimit(task)
    if (dueAt === Infinity && limit === Infinity && notBefore <= now && !keptFor) return
    card.timeSlot ??= new Slot<Card>(card)
    if (dueAt <= now) this.overdue.add(card)
    if (limit <= now) this.expired.add(card)
    card.turnsAt = Math.min(...[dueAt, limit, notBefore, keptFor?.until ?? 0].filter((at) => at > now))
    if (card.turnsAt < Infinity) this.#timeline.add(card.timeSlot)
  }

  #move(card: Card, now: number): void {
    this.unplace(card)
    this.place(card, now)
  }

  /** The wall clock was set back: what has turned by the later time turns again. */
  #turnBack(now: number): void {
    this.#placedAt = now
    for (const card of OPEN_STAGES.flatMap((stage) => [...this.#byStage[stage]])) this.#move(card, now)
  }
}
