import type { Off } from '../environment.js'
import { invalid, notFound } from '../errors.js'
import type { Observable, OffEvent, On } from '../events.js'
import type { Explanation } from './assignment.js'
import type { IdempotencyKeys } from '../idempotency.js'
import { anyFields, type Id, id as anId, object, read } from '../input.js'
import type { KindSchemas } from '../kinds.js'
import type { LocalJournal } from '../journal/local-journal.js'
import type { Members } from '../members.js'
import { explainMember } from './member-explanations.js'
import type { TaskBoard } from './task-board.js'
import type { Stage } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import { count, readFilter, select, type TaskFilter } from './task-filter.js'
import { explainTask } from './task-explanations.js'
import { progressOf } from './task-graph.js'
import type { TrackerEvents } from './task-events.js'
import type { TaskNews } from './task-news.js'
import type { TrackRecords } from './track-records.js'
import type { Task, TaskStatus } from './task.js'

export interface Workload {
  readonly member: Id
  /** Open tasks that are given to it. */
  readonly assigned: number
  readonly inProgress: number
  /** Completed by it. */
  readonly done: number
  /** How many attempts more it may make at once. */
  readonly free: number
}

/** A cached selection: the same array until its own answer changes. */
export interface View<T> {
  subscribe(listener: () => void): Off
  getSnapshot(): T
}

/** The inside of a tracker. @internal */
export interface TrackerParts {
  readonly journal: LocalJournal
  readonly members: Members
  readonly keys: IdempotencyKeys
  readonly board: TaskBoard
  readonly desk: TaskDesk
  readonly news: TaskNews
  readonly records: TrackRecords
  /** Where kinds are registered. */
  readonly schemas: KindSchemas | undefined
}

const explained = object({ taskId: anId, member: anId })

/** What a board tells, and answers at once, from memory. Throws `not_open` before its journal is open, `closed` after. */
export class TaskQueries implements Observable<TrackerEvents> {
  /** What crews and reports are built on. @internal */
  readonly parts: TrackerParts

  readonly on: On<TrackerEvents>
  readonly once: On<TrackerEvents>
  readonly off: OffEvent<TrackerEvents>

  /** @internal */
  protected constructor(parts: TrackerParts) {
    this.parts = parts
    const { on, once, off } = parts.news.events
    this.on = on
    this.once = once
    this.off = off
  }

  get(id: Id): Task | undefined {
    this.parts.journal.assertOpen()
    return this.parts.board.get(id)
  }

  status(id: Id): TaskStatus | undefined {
    return this.get(id)?.status
  }

  /** One word for a board's column. */
  stage(id: Id): Stage | undefined {
    this.parts.journal.assertOpen()
    this.parts.board.tick()
    return this.parts.board.card(id)?.stage
  }

  /**
   * How far a task is, 0–1: what its attempts told; of an open one with subtasks the mean over them, in which those that
   * have ended count 1, weighted by `estimateMs` when all have one. Undefined for an unknown task.
   */
  progressOf(id: Id): number | undefined {
    const task = this.get(id)
    return task && progressOf(this.parts.board, task)
  }

  /** By creation, unless the filter says otherwise. Throws `invalid_input` for what the filter cannot mean. */
  list(filter: TaskFilter = {}): readonly Task[] {
    this.parts.journal.assertOpen()
    return select(this.parts.board, filter)
  }

  count(filter: TaskFilter = {}): number {
    this.parts.journal.assertOpen()
    return count(this.parts.board, filter)
  }

  /** Pending with nothing in the way, in the order in which they are taken. */
  ready(filter: TaskFilter = {}): readonly Task[] {
    return this.list({ orderBy: 'priority', ...read(anyFields, filter, 'filter'), ready: true })
  }

  /** Pending with a dependency that is not satisfied. */
  blocked(): readonly Task[] {
    return this.list({ stage: 'blocked' })
  }

  /** Open after their `dueAt`. */
  overdue(): readonly Task[] {
    return this.list({ overdue: true, orderBy: 'dueAt' })
  }

  /** What it depends on directly. */
  dependencies(id: Id): readonly Task[] {
    return this.expect(id).dependsOn.flatMap((edge) => this.get(edge.id) ?? [])
  }

  /** What depends on it directly. */
  dependents(id: Id): readonly Task[] {
    return this.parts.board.dependents(this.expect(id).id)
  }

  subtasks(id: Id): readonly Task[] {
    return this.parts.board.subtasks(this.expect(id).id)
  }

  /** Of each member. */
  workload(): readonly Workload[] {
    this.parts.journal.assertOpen()
    const { index, forgotten } = this.parts.board
    const { assigned, held, completed } = index
    return this.parts.members.list().map(({ id, capacity }) => ({
      member: id,
      assigned: assigned.of(id),
      inProgress: held.of(id),
      done: completed.of(id) + forgotten.completedBy(id),
      free: Math.max(0, capacity - held.of(id)),
    }))
  }

  /** For user interfaces: a list that stays the same array until its answer changes. */
  view(filter: TaskFilter = {}): View<readonly Task[]> {
    const wanted = read(readFilter, filter, 'filter') as TaskFilter
    let seen: object | undefined
    let answer: readonly Task[] = []
    const getSnapshot = (): readonly Task[] => {
      const now = this.getSnapshot()
      if (now === seen) return answer
      const next = this.list(wanted)
      if (next.length !== answer.length || next.some((task, index) => task !== answer[index])) answer = next
      seen = now
      return answer
    }
    return { getSnapshot, subscribe: (listener) => this.subscribe(listener) }
  }

  /**
   * Why is nobody working on this task, or why does this member get nothing? Throws `not_found` for what is not there.
   */
  explain(of: { readonly taskId: Id } | { readonly member: Id }): Explanation {
    const { taskId, member } = read(explained, of, 'of')
    const { desk, members } = this.parts
    if ((taskId === undefined) === (member === undefined)) throw invalid('Explain one: pass { taskId } or { member }')
    this.parts.journal.assertOpen()
    return taskId === undefined
      ? explainMember(desk, members.expect(member as Id))
      : explainTask(desk, this.expect(taskId))
  }

  subscribe(listener: () => void): Off {
    return this.parts.news.events.subscribe(listener)
  }

  getSnapshot(): object {
    return this.parts.news.events.getSnapshot()
  }

  /** Throws `not_found`. @internal */
  protected expect(id: Id): Task {
    const task = this.get(read(anId, id, 'task'))
    if (!task) throw notFound('Task', id)
    return task
  }
}
