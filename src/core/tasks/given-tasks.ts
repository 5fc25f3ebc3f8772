import type { Id } from '../input.js'
import { type Json, NONE } from '../json.js'
import { MultiMap } from '../multi-map.js'
import type { Card } from './task-card.js'
import type { Task } from './task.js'

type Given = Pick<Task, 'status' | 'assignees' | 'autoAssigned'>

/** What strategies have given and nobody has started; and whom they gave something last, for those that take turns. */
export class GivenTasks {
  readonly #byMember = new MultiMap<Id, Card>()
  #last: Id | undefined

  get last(): Id | undefined {
    return this.#last
  }

  /** Whom something is given. */
  get members(): Iterable<Id> {
    return this.#byMember.keys()
  }

  get isEmpty(): boolean {
    return this.#byMember.size === 0
  }

  of(member: Id): ReadonlySet<Card> {
    return this.#byMember.of(member)
  }

  /** A task was as `before`, and is as `after` now. */
  move(card: Card, before: Given, after: Given): void {
    if (before.autoAssigned === true || after.autoAssigned === true)
      this.#byMember.move(card, waiting(before), waiting(after))
  }

  /** Remembers whom a change of a task gave it; answers who that was before. */
  remember(before: Task | undefined, { autoAssigned, assignees }: Task): Id | undefined {
    const { last } = this
    if (autoAssigned === true && assignees !== before?.assignees) this.#last = assignees[0] ?? last
    return last
  }

  /** Takes that back. */
  restore(last: Id | undefined): void {
    this.#last = last
  }

  save(): readonly Json[] {
    return this.last === undefined ? [] : [{ lastGiven: this.last }]
  }

  load({ lastGiven }: { readonly lastGiven: Id }): void {
    this.#last = lastGiven
  }

  clear(): void {
    this.#last = undefined
  }
}

const waiting = ({ status, assignees, autoAssigned }: Given): readonly Id[] =>
  autoAssigned === true && status === 'pending' ? assignees : NONE
