import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import { MultiMap } from '../core/multi-map.js'
import type { AssignmentView } from '../core/tasks/assignment.js'
import type { Task } from '../core/tasks/task.js'
import { AwaitedTasks } from './awaited-tasks.js'
import { type Duration, durationIn } from './duration.js'
import type { Choice, SchedulingProblem, TaskToSchedule } from './schedule/problem.js'
import { UnderWay } from './under-way.js'

/**
 * What can be planned from now on, as a scheduling problem: pending tasks that somebody can do, and that wait for nothing
 * but such tasks and what is under way. What waits for a person, or for a task that does, is left out.
 */
export class Outlook {
  /** By their numbers in the problem: what has the higher priority first, then by id. */
  readonly tasks: readonly Task[]
  /** By their numbers in the problem. */
  readonly members: readonly MemberInfo[]
  readonly problem: SchedulingProblem
  readonly #view: AssignmentView
  readonly #durationOf: Duration
  /** What the view wants to be given, though somebody may have it. */
  readonly #asked: ReadonlySet<Id>
  readonly #awaited: AwaitedTasks
  readonly #underWay: UnderWay
  readonly #choices = new Map<Task, readonly Choice[]>()
  readonly #numbers: ReadonlyMap<Id, number>

  constructor(view: AssignmentView, durationOf: Duration) {
    this.#view = view
    this.#durationOf = durationOf
    this.members = view.members
    this.#asked = new Set(view.tasks.map(({ id }) => id))
    this.#awaited = new AwaitedTasks(view)
    this.#underWay = new UnderWay(view, durationOf, this.#awaited)
    this.#numbers = new Map(view.members.map(({ id }, number) => [id, number]))
    this.tasks = this.#plannable().sort(byRank)
    this.problem = this.#problem()
  }

  /** Reached from what waits for nothing, so that a circle in an old journal is left out. */
  #plannable(): Task[] {
    const waiting = new MultiMap<Id, Task>()
    /** For how many tasks that have not been reached each waits. */
    const missing = new Map<Task, number>()
    const reached: Task[] = []
    for (const task of this.#view.open) {
      const awaited = this.#canBePlanned(task) ? this.#awaited.of(task) : undefined
      if (!awaited) continue
      const open = awaited.filter(({ id }) => this.#underWay.endOf(id) === undefined)
      if (open.length === 0) reached.push(task)
      else missing.set(task, open.length)
      for (const { id } of open) waiting.add(id, task)
    }
    for (const { id } of reached)
      for (const task of waiting.of(id)) {
        const left = (missing.get(task) as number) - 1
        missing.set(task, left)
        if (left === 0) reached.push(task)
      }
    return reached
  }

  #canBePlanned(task: Task): boolean {
    if (task.status !== 'pending' || this.#underWay.endOf(task.id) !== undefined) return false
    const choices = this.#choicesFor(task)
    this.#choices.set(task, choices)
    return choices.length > 0
  }

  /** What was given by hand stays with whom it was given to. */
  #choicesFor(task: Task): readonly Choice[] {
    const { assignees } = task
    const isFree = assignees.length === 0 || this.#asked.has(task.id)
    const able = isFree
      ? this.#view.able(task)
      : this.#view.members.filter(({ id, available }) => available && assignees.includes(id))
    const choices: Choice[] = []
    for (const member of able) {
      const duration = durationIn(this.#durationOf, task, member)
      if (duration !== undefined) choices.push({ member: this.#numbers.get(member.id) as number, duration })
    }
    return choices
  }

  #problem(): SchedulingProblem {
    const numbers = new Map(this.tasks.map(({ id }, number) => [id, number]))
    return {
      tasks: this.tasks.map((task) => this.#toSchedule(task, numbers)),
      members: this.members.map((member) => ({ freeAt: this.#underWay.freeAt(member, this.tasks.length) })),
    }
  }

  #toSchedule(task: Task, numbers: ReadonlyMap<Id, number>): TaskToSchedule {
    const after: number[] = []
    let earliest = Math.max(0, (task.notBefore ?? 0) - this.#view.now)
    for (const { id } of this.#awaited.of(task) ?? []) {
      const number = numbers.get(id)
      if (number === undefined) earliest = Math.max(earliest, this.#underWay.endOf(id) ?? 0)
      else after.push(number)
    }
    return { choices: this.#choices.get(task) ?? [], after, earliest }
  }
}

const byRank = (a: Task, b: Task): number => b.priority - a.priority || (a.id < b.id ? -1 : 1)
