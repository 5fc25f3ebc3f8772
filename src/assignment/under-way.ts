import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { AssignmentView } from '../core/tasks/assignment.js'
import type { Task } from '../core/tasks/task.js'
import type { AwaitedTasks } from './awaited-tasks.js'
import { type Duration, durationIn } from './duration.js'

/**
 * What members are busy with, in milliseconds from now: the tasks that are worked on, and those that were given and can be
 * started at once, one after the other where a member has more of them than it can do.
 */
export class UnderWay {
  readonly #view: AssignmentView
  readonly #durationOf: Duration
  readonly #members: ReadonlyMap<Id, MemberInfo>
  readonly #ends = new Map<Id, number>()
  /** Until when; of each member at most as many as it can do at once. */
  readonly #busy = new Map<Id, number[]>()

  constructor(view: AssignmentView, durationOf: Duration, awaited: AwaitedTasks) {
    this.#view = view
    this.#durationOf = durationOf
    this.#members = new Map(view.members.map((member) => [member.id, member]))
    const asked = new Set(view.tasks.map(({ id }) => id))
    const isGiven = (task: Task): boolean =>
      task.status === 'pending' &&
      task.assignees.length > 0 &&
      !asked.has(task.id) &&
      (task.notBefore ?? 0) <= view.now &&
      awaited.of(task)?.length === 0
    for (const task of view.open) if (task.status === 'in_progress') this.#add(task, [task.holder ?? ''])
    for (const task of view.open) if (isGiven(task)) this.#add(task, task.assignees)
  }

  /** When it will have ended; undefined for what is not under way. */
  endOf(task: Id): number | undefined {
    return this.#ends.get(task)
  }

  /** When the places of a member come free, as many as it has, or as there could be use for. */
  freeAt({ id, capacity }: MemberInfo, most: number): readonly number[] {
    const busy = this.#busy.get(id) ?? []
    const free = Math.min(capacity - busy.length, Math.max(1, most))
    return [...busy, ...Array.from({ length: free }, () => 0)]
  }

  /** It loads each of them, as each of them may start it; it ends when the first one could have done it. */
  #add(task: Task, by: readonly Id[]): void {
    const members = by.flatMap((id) => this.#members.get(id) ?? [])
    const ends = members.map((member) => this.#occupy(member, this.#left(task, member)))
    this.#ends.set(task.id, ends.length === 0 ? this.#left(task, undefined) : Math.min(...ends))
  }

  /** What takes longer than it should is expected to end at any moment, but not at once: it still loads its member. */
  #left(task: Task, member: MemberInfo | undefined): number {
    const takes = (member && durationIn(this.#durationOf, task, member)) ?? task.estimateMs ?? 0
    const startedAt = task.status === 'in_progress' ? task.attempts.at(-1)?.startedAt : undefined
    return Math.max(1, takes - (this.#view.now - (startedAt ?? this.#view.now)))
  }

  /** Answers when it ends there. */
  #occupy({ id, capacity }: MemberInfo, duration: number): number {
    const busy = this.#busy.get(id) ?? []
    this.#busy.set(id, busy)
    if (busy.length < capacity) {
      busy.push(duration)
      return duration
    }
    const first = busy.indexOf(Math.min(...busy))
    const end = (busy[first] as number) + duration
    busy[first] = end
    return end
  }
}
