import { difference, sum, type Usage } from './attempt-record.js'
import { type Json, NONE } from '../json.js'
import { type Choice, ClaimQueues } from './claim-queues.js'
import type { Forgetting } from '../journal/forgetting.js'
import type { Environment } from '../environment.js'
import { ForgottenTasks } from './forgotten-tasks.js'
import { Bag, Heap, Slot } from '../heap.js'
import type { Id } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import type { Leases } from '../journal/leases.js'
import type { LocalJournal } from '../journal/local-journal.js'
import { type MemberInfo, Members } from '../members.js'
import { MultiMap, Tally } from '../multi-map.js'
import { cannotFold, chain, pieces, type Projection } from '../journal/projection.js'
import { type Dependency, Task } from './task.js'
import { audience, Card, inOrder, type Stage, stageOf, timeLimit } from './task-card.js'
import { isSatisfied, type TaskGraph } from './task-graph.js'

/** What folding one event changed. */
export interface TaskChange {
  readonly card: Card
  readonly before: Task | undefined
  readonly after: Task
  /** Those that became ready as it was applied, through a dependency. */
  readied: readonly Card[]
  /** Who told of what it had spent, with what that was before. */
  spent?: { readonly by: Id; readonly before: Usage }
}

/**
 * All tasks, folded from the journal, in the indexes that make a claim cost O(log n) and a query by its answer. What is
 * derived is kept by one method, `#put`, that works in both directions: so taking back a fold is folding it backwards.
 */
export class TaskBoard implements Projection<TaskChange>, TaskGraph {
  readonly #environment: Environment
  readonly #leases: Leases | undefined
  readonly #members: Members
  readonly #cards = new Map<Id, Card>()
  #ordersGiven = 0
  readonly #queues = new ClaimQueues<Card>()
  /** By `turnsAt`. */
  readonly #timeline = new Heap<Card>((a, b) => a.turnsAt < b.turnsAt)

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
  readonly byAssignee = new MultiMap<Id, Card>()
  /** Of each member: open tasks that it is assigned, those that it works on, those that it completed. */
  readonly assigned = new Tally<Id>()
  readonly held = new Tally<Id>()
  readonly completed = new Tally<Id>()
  readonly byLabel = new MultiMap<string, Card>()
  readonly byKind = new MultiMap<string, Card>()
  readonly byParent = new MultiMap<Id, Card>()
  /** By what they depend on, be it known or not. */
  readonly byDependency = new MultiMap<Id, Card>()
  /** By the task that they take the place of. */
  readonly bySuperseded = new MultiMap<Id, Card>()
  readonly forgotten = new ForgottenTasks()
  readonly overdue = new Set<Card>()
  /** Past a limit in time, for which an event is due. */
  readonly expired = new Set<Card>()
  /** Called with each card that lines up to be claimed, be it only tried. */
  readonly lineUps = new Set<(card: Card) => void>()
  /** The latest time that cards were placed by. */
  #placedAt = -Infinity
  /** What the clock did since somebody asked. */
  #turned: { readonly ready: Card[]; readonly overdue: Card[] } = { ready: [], overdue: [] }

  constructor(journal: LocalJournal) {
    this.#environment = journal.environment
    this.#leases = journal.leases
    this.#members = Members.of(journal)
  }

  now(): number {
    return this.#environment.now()
  }

  /** In no order. */
  get all(): Iterable<Card> & { readonly size: number } {
    const cards = this.#cards
    return { size: cards.size, [Symbol.iterator]: () => cards.values() }
  }

  card(id: Id): Card | undefined {
    return this.#cards.get(id)
  }

  get(id: Id): Task | undefined {
    return this.#cards.get(id)?.task
  }

  dependents(id: Id): readonly Task[] {
    return inOrder(this.byDependency.of(id))
  }

  subtasks(id: Id): readonly Task[] {
    return inOrder(this.byParent.of(id))
  }

  /** In no order. */
  inStage(stage: Stage): Bag<Card> {
    return this.#byStage[stage]
  }

  /** Keeps cards from being ready, or lets them again. */
  hold(cards: readonly Card[], amount: 1 | -1): void {
    const now = this.#environment.now()
    for (const card of cards) {
      card.cascades += amount
      if (card.task.status !== 'pending' || this.#cards.get(card.task.id) !== card) continue
      this.#unplace(card)
      this.#place(card, now)
    }
  }

  /** Where a dependency stands, be it forgotten or not. */
  standing(id: Id): Pick<Task, 'status'> | undefined {
    return this.get(id) ?? this.forgotten.get(id)
  }

  isOpenEdge(edge: Dependency): boolean {
    return !isSatisfied(edge, this.standing(edge.id))
  }

  /** The first ready task for a member; see ClaimQueues. */
  firstFor({ id, skills }: MemberInfo, choice?: Choice<Card>): Card | undefined {
    for (;;) {
      const card = this.#queues.first(id, skills, choice)
      const now = this.#environment.now()
      if (!card || stageOf(card, now) === card.stage) return card
      // The wall clock went back, so that it is not ready yet.
      this.#unplace(card)
      this.#place(card, now)
    }
  }

  fold(event: JournalEvent): TaskChange {
    const { id, type, version = 0, changes } = event
    const known = this.#cards.get(id)
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
    if (!before || before.usage === after.usage) return
    const { member: by = '' } = after.attempts.at(-1) ?? {}
    change.spent = { by, before: this.#members.usageOf(by) }
    this.#members.setUsage(by, sum(change.spent.before, difference(after.usage, before.usage)))
  }

  revert({ card, before, after, spent }: TaskChange): void {
    if (spent) this.#members.setUsage(spent.by, spent.before)
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
        this.#unplace(card)
        this.#index(card, task, undefined)
        this.#cards.delete(id)
        this.forgotten.add(task, this.byDependency.of(id).size > 0, 1)
        dropped = task.dependsOn.flatMap((edge) =>
          this.byDependency.of(edge.id).size > 0 ? NONE : this.forgotten.drop(edge.id),
        )
      },
      revert: () => {
        this.forgotten.restore(dropped)
        this.forgotten.add(task, false, -1)
        this.#cards.set(id, card)
        this.#index(card, undefined, task)
        this.#place(card, this.#environment.now())
      },
    }
  }

  /** A task is what one event from nothing would make of it. */
  save(): Iterable<Json> {
    const tasks = inOrder(this.#cards.values())
    return chain(
      this.forgotten.save(),
      pieces(tasks, (task) => [task.id, task.version, Task.changes(undefined, task)]),
    )
  }

  load(piece: Json): void {
    if (!Array.isArray(piece)) {
      this.forgotten.load(piece)
      return
    }
    const task = Task.fold(undefined, ...(piece as unknown as [Id, number, JournalEvent['changes']]))
    this.#put(new Card(task, ++this.#ordersGiven), undefined, task)
  }

  clear(): void {
    for (const card of [...this.#cards.values()]) this.#put(card, card.task, undefined)
    this.forgotten.clear()
    this.takeTurned()
  }

  /** Lets the clock move cards: what was scheduled becomes ready, what has a limit overdue or expired. */
  tick(now = this.#environment.now()): void {
    if (now < this.#placedAt) this.#turnBack(now)
    for (let card = this.#timeline.peek(); card && card.turnsAt <= now; card = this.#timeline.peek()) {
      const wasReady = card.isReady
      const wasOverdue = this.overdue.has(card)
      this.#unplace(card)
      this.#place(card, now)
      if (!wasReady && card.isReady) this.#turned.ready.push(card)
      if (!wasOverdue && this.overdue.has(card)) this.#turned.overdue.push(card)
    }
  }

  /** The wall clock was set back: what has turned by the later time turns again. */
  #turnBack(now: number): void {
    this.#placedAt = now
    for (const card of this.#cards.values()) {
      if (!card.task.isOpen) continue
      this.#unplace(card)
      this.#place(card, now)
    }
  }

  /** What ticks have moved since the last call. */
  takeTurned(): { readonly ready: readonly Card[]; readonly overdue: readonly Card[] } {
    // What was only tried is gone.
    const stands = (card: Card): boolean => this.#cards.get(card.task.id) === card
    const { ready, overdue } = this.#turned
    this.#turned = { ready: [], overdue: [] }
    return { ready: ready.filter(stands), overdue: overdue.filter(stands) }
  }

  /** When the clock next moves something. */
  nextTurnAt(): number {
    return this.#timeline.peek()?.turnsAt ?? Infinity
  }

  /** The one way in which a task changes, forwards and backwards; answers who became ready by it. */
  #put(card: Card, before: Task | undefined, after: Task | undefined): readonly Card[] {
    const now = this.#environment.now()
    // Before this places a card by the time, as what turns is told.
    this.tick(now)
    if (before) this.#unplace(card)
    this.#index(card, before, after)
    const { id } = card.task
    if (!after) this.#cards.delete(id)
    else {
      card.task = after
      if (!before) this.#cards.set(id, card)
      if (before?.dependsOn !== after.dependsOn)
        card.openDependencies =
          after.dependsOn === NONE ? 0 : after.dependsOn.filter((edge) => this.isOpenEdge(edge)).length
      this.#place(card, now)
    }
    return isEnded(before) || isEnded(after) ? this.#tellDependents(id, before, after, now) : NONE
  }

  #index(card: Card, before: Task | undefined, after: Task | undefined): void {
    const was = before ?? NO_TASK
    const is = after ?? NO_TASK
    this.byAssignee.move(card, was.assignees, is.assignees)
    this.byLabel.move(card, was.labels, is.labels)
    if (was.kind !== is.kind) this.byKind.move(card, keys(was.kind), keys(is.kind))
    if (was.parentId !== is.parentId) this.byParent.move(card, keys(was.parentId), keys(is.parentId))
    if (was.supersedes !== is.supersedes) this.bySuperseded.move(card, keys(was.supersedes), keys(is.supersedes))
    if (was.dependsOn !== is.dependsOn)
      this.byDependency.move(
        card,
        was.dependsOn.map(({ id }) => id),
        is.dependsOn.map(({ id }) => id),
      )
    if (was.holder !== is.holder) {
      if (was.holder !== undefined) this.held.add(was.holder, -1)
      if (is.holder !== undefined) this.held.add(is.holder, 1)
    }
    this.#count(was, -1)
    this.#count(is, 1)
    this.#moveLease(card, is)
  }

  #count({ status, assignees, attempts }: Pick<Task, 'status' | 'assignees' | 'attempts'>, amount: 1 | -1): void {
    if (status === 'completed') {
      const completer = attempts.at(-1)?.member
      if (completer !== undefined) this.completed.add(completer, amount)
    } else if (status !== 'failed' && status !== 'cancelled') for (const id of assignees) this.assigned.add(id, amount)
  }

  #moveLease(card: Card, { status, attempts }: Pick<Task, 'status' | 'attempts'>): void {
    const attempt = status === 'in_progress' ? attempts.at(-1) : undefined
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
    for (const card of this.byDependency.of(id)) {
      const edge = card.task.dependsOn.find((other) => other.id === id)
      if (!edge || isSatisfied(edge, before) === isSatisfied(edge, after)) continue
      this.#unplace(card)
      card.openDependencies += isSatisfied(edge, after) ? -1 : 1
      this.#place(card, now)
      if (card.isReady) readied.push(card)
    }
    return readied
  }

  #unplace(card: Card): void {
    this.#byStage[card.stage].delete(card.stageSlot)
    for (const ticket of card.tickets) ticket.leave()
    if (!card.timeSlot) return
    this.#timeline.delete(card.timeSlot)
    this.overdue.delete(card)
    this.expired.delete(card)
  }

  #place(card: Card, now: number): void {
    const { task } = card
    card.stage = stageOf(card, now)
    card.priority = task.priority
    this.#byStage[card.stage].add(card.stageSlot)
    card.tickets = card.isReady ? this.#queues.add(card, audience(task, now)) : NONE
    if (card.isReady) for (const hear of this.lineUps) hear(card)
    if (!task.isOpen) return
    this.#placedAt = Math.max(this.#placedAt, now)
    const { dueAt = Infinity, notBefore = 0, offeredTo } = task
    const limit = timeLimit(task)
    if (dueAt === Infinity && limit === Infinity && notBefore <= now && !offeredTo) return
    card.timeSlot ??= new Slot<Card>(card)
    if (dueAt <= now) this.overdue.add(card)
    if (limit <= now) this.expired.add(card)
    card.turnsAt = Math.min(...[dueAt, limit, notBefore, offeredTo?.until ?? 0].filter((at) => at > now))
    if (card.turnsAt < Infinity) this.#timeline.add(card.timeSlot)
  }
}

/** What there is before a task is, for comparing. */
const NO_TASK: Pick<Task, 'status' | 'assignees' | 'labels' | 'dependsOn' | 'attempts'> & {
  readonly kind?: string
  readonly parentId?: Id
  readonly supersedes?: Id
  readonly holder?: Id
} = Object.freeze({
  status: 'cancelled',
  assignees: NONE,
  labels: NONE,
  dependsOn: NONE,
  attempts: NONE,
})
const keys = (key: string | undefined): readonly string[] => (key === undefined ? NONE : [key])
const isEnded = (task: Task | undefined): boolean => task !== undefined && !task.isOpen
