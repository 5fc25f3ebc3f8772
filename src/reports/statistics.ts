import {
  type AttemptRecord,
  difference,
  type Outcome,
  sum,
  type Usage,
  WENT_WELL,
} from '../core/tasks/attempt-record.js'
import type { Id } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { Slice } from '../core/journal/projection.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Task } from '../core/tasks/task.js'
import { type DurationStats, type PercentileRule, statsOf } from './percentile.js'

/** What is counted of one member. */
export interface MemberStatistics {
  completed: number
  /** Attempts that failed, were lost, ran out of time or were abandoned. */
  failed: number
  /** In attempts that have ended. */
  busyMs: number
  /** Attempts under way, and the sum of when they were started. */
  running: number
  startedSum: number
  /** When an attempt of it last ended. */
  endedAt: number
}

type Saved = readonly [
  usage: Usage,
  durations: Json,
  members: readonly (readonly [Id, MemberStatistics])[],
  begun: readonly (readonly [string, number])[],
]

const NOTHING_YET: MemberStatistics = { completed: 0, failed: 0, busyMs: 0, running: 0, startedSum: 0, endedAt: 0 }
export const isFailure = (outcome: Outcome | undefined): boolean =>
  outcome !== undefined && WENT_WELL[outcome] === false

/** Counts kept as tasks change, so that a report costs by what it says and not by how many tasks there are. */
export class Statistics implements Slice {
  readonly #durations = new Durations()
  readonly #members = new Map<Id, MemberStatistics>()
  /** When an attempt at a task of each kind was last begun; '' is no kind. */
  readonly #begun = new Map<string, number>()
  #usage: Usage = {}

  /** @internal */
  constructor({ board, news }: TaskTracker['parts']) {
    for (const { task } of board.all) this.#count(undefined, task)
    news.changes.add((before, after) => {
      this.#count(before, after)
    })
  }

  /** Those of the tracker's journal: what is counted is more than what tasks remember, so a checkpoint keeps it. @internal */
  static of({ parts }: TaskTracker): Statistics {
    return parts.journal.keep('statistics', () => new Statistics(parts))
  }

  durations(rule: PercentileRule): DurationStats {
    return this.#durations.stats(rule)
  }

  get usage(): Usage {
    return this.#usage
  }

  of(member: Id): MemberStatistics {
    let counts = this.#members.get(member)
    if (!counts) this.#members.set(member, (counts = { ...NOTHING_YET }))
    return counts
  }

  /** In all its attempts, until now. */
  busyMs(member: Id, now: number): number {
    const { busyMs, running, startedSum } = this.of(member)
    return busyMs + Math.max(0, running * now - startedSum)
  }

  /** Whether it worked at any time since then. */
  isBusySince(member: Id, at: number): boolean {
    const { running, endedAt } = this.of(member)
    return running > 0 || endedAt > at
  }

  /** When a task of that kind was last begun. */
  begunAt(kind: string | undefined): number {
    return this.#begun.get(kind ?? '') ?? 0
  }

  save(): Iterable<Json> {
    const members = Array.from(this.#members, ([id, counts]) => [id, { ...counts }])
    return [[this.#usage as Json, this.#durations.save(), members, [...this.#begun]]]
  }

  load(piece: Json): void {
    const [usage, durations, members, begun] = piece as unknown as Saved
    this.#usage = usage
    this.#durations.load(durations)
    for (const [id, counts] of members) this.#members.set(id, { ...counts })
    for (const [kind, at] of begun) this.#begun.set(kind, at)
  }

  clear(): void {
    this.#usage = {}
    this.#durations.load([[], 0])
    this.#members.clear()
    this.#begun.clear()
  }

  #count(before: Task | undefined, after: Task): void {
    if (after.status === 'completed' && before?.status !== 'completed') {
      if (after.durationMs !== undefined) this.#durations.add(after.durationMs)
      const completer = after.attempts.at(-1)?.member
      if (completer !== undefined) this.of(completer).completed++
    }
    if (after.usage !== before?.usage) this.#usage = sum(this.#usage, difference(after.usage, before?.usage))
    if (after.attempts !== before?.attempts) this.#countAttempts(before, after)
    if (before?.running?.number === after.running?.number) return
    this.#countRunning(before?.running, -1)
    this.#countRunning(after.running, 1)
    if (after.running) this.#begin(after, after.running)
  }

  #begin({ kind = '' }: Task, { startedAt }: AttemptRecord): void {
    this.#begun.set(kind, Math.max(startedAt, this.#begun.get(kind) ?? 0))
  }

  #countRunning(attempt: AttemptRecord | undefined, amount: 1 | -1): void {
    if (!attempt) return
    const counts = this.of(attempt.member)
    counts.running += amount
    counts.startedSum += amount * attempt.startedAt
  }

  #countAttempts(before: Task | undefined, after: Task): void {
    const running = before?.running?.number
    for (const attempt of after.attempts) {
      const { number, member, startedAt, endedAt, outcome } = attempt
      const isNewlyEnded = endedAt !== undefined && (before === undefined || number === running)
      if (!isNewlyEnded) continue
      const counts = this.of(member)
      counts.busyMs += Math.max(0, endedAt - startedAt)
      counts.endedAt = Math.max(counts.endedAt, endedAt)
      if (isFailure(outcome)) counts.failed++
      this.#begin(after, attempt)
    }
  }
}

/** How often each duration occurred. Beyond four digits they are rounded (by 0.05 % at the most), which bounds the table. */
export class Durations {
  #times = new Map<number, number>()
  #count = 0
  #sumMs = 0
  /** Kept until the next duration comes. */
  #stats: { [R in PercentileRule]?: DurationStats } = {}

  add(ms: number): void {
    const rounded = Number(ms.toPrecision(4))
    this.#times.set(rounded, (this.#times.get(rounded) ?? 0) + 1)
    this.#count++
    this.#sumMs += ms
    this.#stats = {}
  }

  stats(rule: PercentileRule = 'nearest-rank'): DurationStats {
    return (this.#stats[rule] ??= this.#compute(rule))
  }

  save(): Json {
    return [[...this.#times], this.#sumMs]
  }

  load(saved: Json): void {
    const [times, sumMs] = saved as unknown as [[number, number][], number]
    this.#times = new Map(times)
    this.#count = times.reduce((count, [, number]) => count + number, 0)
    this.#sumMs = sumMs
    this.#stats = {}
  }

  #compute(rule: PercentileRule): DurationStats {
    const sorted = [...this.#times].sort(([a], [b]) => a - b)
    const at = (place: number): number => {
      let left = place
      for (const [ms, times] of sorted) if ((left -= times) < 0) return ms
      return 0
    }
    return statsOf({ count: this.#count, at }, this.#sumMs, rule)
  }
}
