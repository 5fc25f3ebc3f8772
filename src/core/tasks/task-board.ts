import { type Json, NONE } from '../json.js'
import type { Forgetting } from '../journal/forgetting.js'
import { ForgottenTasks } from './forgotten-tasks.js'
import type { Id } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import type { Leases } from '../journal/leases.js'
import type { LocalJournal } from '../journal/local-journal.js'
import { applyEffect, type MemberEffect, revertEffect } from './member-effects.js'
import { Members } from '../members.js'
import { cannotFold, chain, pieces, type Projection } from '../journal/projection.js'
import { type Dependency, Task } from './task.js'
import { Card, inOrder } from './task-card.js'
import { isSatisfied, type TaskGraph } from './task-graph.js'
import { TaskIndex } from './task-index.js'
import { TaskPlaces } from './task-places.js'

/** What folding one event changed. */
export interface TaskChange {
  readonly card: Card
  readonly before: Task | undefined
  readonly after: Task
  /** Those that became ready as it was applied, through a dependency. */
  readied: readonly Card[]
  /** How who worked on it was before. */
  effect?: MemberEffect | undefined
  /** Whom a strategy had given something last before it. */
  lastGiven?: Id | undefined
}

/**
 * All tasks, folded from the journal, in the indexes that make a claim cost O(log n) and a query by its answer. What is
 * derived is kept by one method, `#put`, that works in both directions: so taking back a fold is folding it backwards.
 */
export class TaskBoard extends TaskPlaces implements Projection<TaskChange>, TaskGraph {
  readonly index = new TaskIndex()
  readonly forgotten = new ForgottenTasks()
  readonly #leases: Leases | undefined
  readonly #members: Members
  readonly #cards = new Map<Id, Card>()
  /** The one that was asked for last, which is mostly asked for again. */
  #last: Card | undefined
  #ordersGiven = 0

  constructor(journal: LocalJournal) {
    super(journal.environment)
    this.#leases = journal.leases
    this.#members = Members.of(journal)
  }

  /** In no order. */
  get all(): Iterable<Card> & { readonly size: number } {
    const cards = this.#cards
    return { size: cards.size, [Symbol.iterator]: () => cards.values() }
  }

  card(id: Id): Card | undefined {
    if (this.#last?.task.id !== id) this.#last = this.#cards.get(id)
    return this.#last
  }

  get(id: Id): Task | undefined {
    return this.card(id)?.task
  }

  dependents(id: Id): readonly Task[] {
    return listOf(this.index.byDependency.of(id))
  }

  subtasks(id: Id): readonly Task[] {
    return listOf(this.index.byParent.of(id))
  }

  /** Where a dependency stands, be it forgotten or not. */
  standing(id: Id): Pick<Task, 'status'> | undefined {
    return this.get(id) ?? this.forgotten.get(id)
  }

  isOpenEdge(edge: Dependency): boolean {
    return !isSatisfied(edge, this.standing(edge.id))
  }

  /** How many tasks a member works on, or has been given and could start now; what is kept for it included. */
  loadOf(member: Id): number {
    return this.index.held.of(member) + this.ownReady(member)
  }

  fold(event: JournalEvent): TaskChange {
    const { id, type, version = 0, changes } = event
    const known = this.card(id)
    const before = known?.task
    if ((before === undefined) !== (type === 'task.created'))
      throw cannotFold(event, before ? 'the task is there already' : 'there is no such task')
    if (version !== (before?.version ?? 0) + 1)
      throw cannotFold(event, `version ${version} does not follow ${String(before?.version ?? 0)}`)
    const after = Task.fold(before, id, version, changes)
    return { card: known ?? new Card(after, ++this.#ordersGiven), before, after, readied: NONE }
  }

  apply(change: TaskChange): void {
    const { card, before, after } = change
    change.readied = this.#put(card, before, after)
    change.effect = applyEffect(this.#members, before, after)
    change.lastGiven = this.index.given.remember(before, after)
  }

  revert({ card, before, after, effect, lastGiven }: TaskChange): void {
    this.index.given.restore(lastGiven)
    if (effect) revertEffect(this.#members, effect)
    this.#put(card, after, before)
  }

  /** How an ended task leaves the board. Edges to it stay as satisfied as they are, and totals as high. */
  forgetting(id: Id): Forgetting | undefined {
    const card = this.#cards.get(id)
    if (!card || card.task.isOpen) return undefined
    const { task } = card
    let dropped: ReturnType<ForgottenTasks['drop']> = NONE
    return {
      apply: () => {
        const { byDependency } = this.index
        this.unplace(card)
        this.index.move(card, task, undefined)
        this.#delete(id)
        this.forgotten.add(task, byDependency.of(id).size > 0, 1)
        dropped = task.dependsOn.flatMap((edge) =>
          byDependency.of(edge.id).size > 0 ? NONE : this.forgotten.drop(edge.id),
        )
      },
      revert: () => {
        this.forgotten.restore(dropped)
        this.forgotten.add(task, false, -1)
        this.#cards.set(id, card)
        this.index.move(card, undefined, task)
        this.place(card, this.now())
      },
    }
  }

  /** A task is what one event from nothing would make of it. */
  save(): Iterable<Json> {
    const tasks = inOrder(this.#cards.values())
    return chain(
      this.forgotten.save(),
      this.index.given.save(),
      pieces(tasks, (task) => [task.id, task.version, Task.changes(undefined, task)]),
    )
  }

  load(piece: Json): void {
    if (!Array.isArray(piece)) {
      if (Object.hasOwn(piece as object, 'lastGiven')) this.index.given.load(piece as { readonly lastGiven: Id })
      else this.forgotten.load(piece)
      return
    }
    const task = Task.fold(undefined, ...(piece as unknown as [Id, number, JournalEvent['changes']]))
    this.#put(new Card(task, ++this.#ordersGiven), undefined, task)
  }

  clear(): void {
    for (const card of [...this.#cards.values()]) this.#put(card, card.task, undefined)
    this.index.given.clear()
    this.forgotten.clear()
    this.takeTurned()
  }

  /** The one way in which a task changes, forwards and backwards; answers who became ready by it. */
  #put(card: Card, before: Task | undefined, after: Task | undefined): readonly Card[] {
    const now = this.now()
    // Before this places a card by the time, as what turns is told.
    this.tick(now)
    if (before) this.unplace(card)
    this.index.move(card, before, after)
    this.#moveLease(card, after)
    const { id } = card.task
    if (!after) this.#delete(id)
    else {
      card.task = after
      if (!before) this.#cards.set(id, card)
      if (before?.dependsOn !== after.dependsOn)
        card.openDependencies =
          after.dependsOn === NONE ? 0 : after.dependsOn.filter((edge) => this.isOpenEdge(edge)).length
      this.place(card, now)
    }
    return isEnded(before) || isEnded(after) ? this.#tellDependents(id, before, after, now) : NONE
  }

  #delete(id: Id): void {
    this.#cards.delete(id)
    this.#last = undefined
  }

  #moveLease(card: Card, task: Task | undefined): void {
    const attempt = task?.running
    const { lease } = card
    if (lease?.item.number === attempt?.fence) return
    if (lease) this.#leases?.drop(lease)
    card.lease = undefined
    if (attempt?.leaseMs === undefined) return
    const { session, leaseMs, fence, startedAt: at } = attempt
    card.lease = this.#leases?.hold({ kind: 'task', id: card.task.id, session, leaseMs, at, number: fence })
  }

  #tellDependents(id: Id, before: Task | undefined, after: Task | undefined, now: number): readonly Card[] {
    const readied: Card[] = []
    for (const card of this.index.byDependency.of(id)) {
      const edge = card.task.dependsOn.find((other) => other.id === id)
      if (!edge || isSatisfied(edge, before) === isSatisfied(edge, after)) continue
      this.unplace(card)
      card.openDependencies += isSatisfied(edge, after) ? -1 : 1
      this.place(card, now)
      if (card.isReady) readied.push(card)
    }
    return readied
  }
}

const listOf = (cards: ReadonlySet<Card>): readonly Task[] => (cards.size > 0 ? inOrder(cards) : NONE)
const isEnded = (task: Task | undefined): boolean => task !== undefined && !task.isOpen
