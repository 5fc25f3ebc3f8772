import type { AttemptRecord } from '../core/tasks/attempt-record.js'
import type { Communications } from '../core/messages/communications.js'
import type { Message } from '../core/messages/message.js'
import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import { inOrder, type Stage } from '../core/tasks/task-card.js'
import { select, type Wanted } from '../core/tasks/task-filter.js'
import { isSatisfied } from '../core/tasks/task-graph.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Task, TaskStatus } from '../core/tasks/task.js'
import { waitEnds } from './figures/wait-ends.js'
import { type DurationStats, durationStats, type PercentileRule } from './percentile.js'
import type { Statistics } from './statistics.js'

/** From `from` on and before `to`, milliseconds since the epoch; infinite where it is open. */
export interface Window {
  readonly from: number
  readonly to: number
}

export interface ViewOptions {
  readonly tracker: TaskTracker
  readonly communications: Communications | undefined
  readonly statistics: Statistics
  readonly now: number
  readonly window: Window
  readonly filter: Wanted | undefined
  readonly percentile: PercentileRule
  readonly redact: boolean
}

/** What a report is made from: the tasks, attempts and messages of one window, at one moment. */
export class ReportView {
  readonly tracker: TaskTracker
  readonly communications: Communications | undefined
  /** Milliseconds since the epoch, the same all through the report. */
  readonly now: number
  readonly window: Window
  readonly percentile: PercentileRule
  /** Whether it is for outsiders: what members wrote freely stays out of the data, as `named` leaves it out. */
  readonly redact: boolean
  /** Counts of the whole crew, forgotten tasks included. @internal */
  readonly statistics: Statistics

  readonly #filter: Wanted | undefined
  #ids: ReadonlySet<Id> | undefined
  #chosen: readonly Task[] | undefined
  #tasks: readonly Task[] | undefined

  /** @internal */
  constructor({ tracker, communications, statistics, now, window, filter, percentile, redact }: ViewOptions) {
    this.tracker = tracker
    this.communications = communications
    this.statistics = statistics
    this.now = now
    this.window = window
    this.#filter = filter
    this.percentile = percentile
    this.redact = redact
    tracker.parts.board.tick(now)
  }

  /** Whether it is of all tasks at all times, so that counters can answer. */
  get isWhole(): boolean {
    return this.#filter === undefined && this.isOpenEnded
  }

  /** The end of the window, or now when that is sooner. */
  get until(): number {
    return Math.min(this.window.to, this.now)
  }

  /** Whether it is of all times. */
  get isOpenEnded(): boolean {
    return this.window.from === -Infinity && this.window.to === Infinity
  }

  /** Whether a moment is in the window. */
  isIn(at: number): boolean {
    return this.window.from <= at && at < this.window.to
  }

  /** Whether something ended in the window; what still goes on, in a window that reaches until now. */
  isEndedIn(endedAt = Infinity): boolean {
    return endedAt === Infinity ? this.window.to > this.now : this.isIn(endedAt)
  }

  /** How much of a span of time is in the window, in milliseconds. */
  overlapMs(startedAt: number, endedAt = this.now): number {
    return Math.max(0, Math.min(endedAt, this.until) - Math.max(startedAt, this.window.from))
  }

  /** In the order of joining. */
  get members(): readonly MemberInfo[] {
    return this.tracker.parts.members.list()
  }

  /** How many tasks are forgotten (`retention`): counters have them, but no window and no filter finds them. */
  get uncounted(): number {
    return this.isWhole ? 0 : this.tracker.parts.board.forgotten.size
  }

  /** In the order of creation: those that the filter lets pass, and that were open at some time in the window. */
  get tasks(): readonly Task[] {
    const { from, to } = this.window
    this.#tasks ??= this.isOpenEnded
      ? this.passing
      : this.passing.filter(({ createdAt, endedAt = Infinity }) => createdAt < to && endedAt >= from)
    return this.#tasks
  }

  /** Of these tasks, in their order: attempts of which some part is in the window. */
  *attempts(): Generator<{ readonly task: Task; readonly attempt: AttemptRecord }> {
    const { from, to } = this.window
    for (const task of this.tasks)
      for (const attempt of task.attempts)
        if (attempt.startedAt < to && (attempt.endedAt ?? Infinity) >= from) yield { task, attempt }
  }

  /** In the order of sending: sent in the window, and, with a filter, about a task that it lets pass. */
  *messages(): Generator<Message> {
    for (const message of this.communications?.mailboxes.among({}) ?? [])
      if (this.isIn(message.sentAt as number) && this.lets(message.taskId)) yield message
  }

  /** Whether what is about this task, or about none, counts: all does without a filter. */
  lets(taskId: Id | undefined): boolean {
    if (this.#filter === undefined) return true
    this.#ids ??= new Set(this.passing.map(({ id }) => id))
    return taskId !== undefined && this.#ids.has(taskId)
  }

  /**
   * Where a task stood at the end of the window. Now is exact; an earlier time is told by what the task remembers (the
   * newest 20 attempts and answers, and its last end), exact is `openCrew({ at })`.
   */
  stageOf(task: Task): Stage {
    const { board } = this.tracker.parts
    const at = this.window.to
    if (at > this.now) return board.card(task.id)?.stage ?? 'new'
    const status = statusAt(task, at)
    if (status !== 'pending') return status
    const isBlocked = task.dependsOn.some((edge) => {
      const other = board.get(edge.id)
      return !isSatisfied(edge, other ? { status: statusAt(other, at) } : board.forgotten.get(edge.id))
    })
    if (isBlocked) return 'blocked'
    if ((task.notBefore ?? 0) >= at) return 'scheduled'
    return task.assignees.length > 0 ? 'assigned' : 'new'
  }

  /** Of durations in milliseconds, by the rule for percentiles that was asked for. */
  durations(durations: readonly number[]): DurationStats {
    return durationStats(durations, this.percentile)
  }

  /** The title, or the beginning of the description; nothing for outsiders. */
  named({ title, description }: Task): string {
    return this.redact ? '' : (title ?? description.slice(0, 80))
  }

  /** In the order of creation: all that the filter lets pass, whatever the window. */
  get passing(): readonly Task[] {
    const { board } = this.tracker.parts
    return (this.#chosen ??= this.#filter ? select(board, this.#filter) : inOrder(board.all))
  }
}

/** By what it remembers. */
export function statusAt(task: Task, at: number): TaskStatus {
  if (task.endedAt !== undefined && task.endedAt < at) return task.status
  const place = task.attempts.findLastIndex(({ startedAt }) => startedAt < at)
  const last = task.attempts[place]
  if (!last) return 'pending'
  const { endedAt = Infinity, outcome } = last
  if (endedAt >= at) return 'in_progress'
  if (outcome !== 'waiting') return 'pending'
  return (waitEnds(task)[place]?.at ?? Infinity) < at ? 'pending' : 'waiting'
}
