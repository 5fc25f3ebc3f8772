import type { Id } from '../input.js'
import { NONE } from '../json.js'
import { MultiMap, Tally } from '../multi-map.js'
import { GivenTasks } from './given-tasks.js'
import type { Card } from './task-card.js'
import type { Task } from './task.js'

/** The cards of a board by what their tasks say. None is in an order. */
export class TaskIndex {
  readonly byAssignee = new MultiMap<Id, Card>()
  readonly given = new GivenTasks()
  readonly byLabel = new MultiMap<string, Card>()
  readonly byKind = new MultiMap<string, Card>()
  readonly byParent = new MultiMap<Id, Card>()
  /** By what they depend on, be it known or not. */
  readonly byDependency = new MultiMap<Id, Card>()
  /** By the task that they take the place of. */
  readonly bySuperseded = new MultiMap<Id, Card>()
  /** Of each member: open tasks that it is assigned, those that it works on, those that it completed. */
  readonly assigned = new Tally<Id>()
  readonly held = new Tally<Id>()
  readonly completed = new Tally<Id>()

  /** The task of a card was `before`, and is `after` now; undefined where it is not on the board. */
  move(card: Card, before: Task | undefined, after: Task | undefined): void {
    const was = before ?? NO_TASK
    const is = after ?? NO_TASK
    this.byAssignee.move(card, was.assignees, is.assignees)
    this.given.move(card, was, is)
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
  }

  #count({ status, assignees, attempts }: Indexed, amount: 1 | -1): void {
    if (status === 'completed') {
      const completer = attempts.at(-1)?.member
      if (completer !== undefined) this.completed.add(completer, amount)
    } else if (status !== 'failed' && status !== 'cancelled') for (const id of assignees) this.assigned.add(id, amount)
  }
}

type Indexed = Pick<Task, 'status' | 'assignees' | 'labels' | 'dependsOn' | 'attempts'> &
  Partial<Pick<Task, 'autoAssigned' | 'kind' | 'parentId' | 'supersedes' | 'holder'>>

/** What there is before a task is, for comparing. */
const NO_TASK: Indexed = Object.freeze({
  status: 'cancelled',
  assignees: NONE,
  labels: NONE,
  dependsOn: NONE,
  attempts: NONE,
})
const keys = (key: string | undefined): readonly string[] => (key === undefined ? NONE : [key])
