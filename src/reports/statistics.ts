import { sum, type Usage } from '../core/tasks/attempt-record.js'
import type { Id } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { Slice } from '../core/journal/projection.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Task } from '../core/tasks/task.js'

/** How long tasks took, in milliseconds; all 0 while there are none. Percentiles are nearest rank. */
export interface DurationStats {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly minMs: number
  readonly maxMs: number
}

/** What is counted of one member. */
export interface MemberStatistics {
  completed: number
  /** Attempts that failed, were lost, ran out of time or were abandoned. */
  failed: number
  /** In attempts that have ended. */
  busyMs: number
}

const FAILED: ReadonlySet<string> = new Set(['failed', 'lost', 'timed_out', 'abandoned'])

/** Counts kept as tasks change, so that a report costs by what it says and not by how many tasks there are. */
export class Statistics implements Slice {
  readonly #durations = new Durations()
  readonly #members = new Map<Id, MemberStatistics>()
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

  get durations(): DurationStats {
    return this.#durations.stats()
  }

  get usage(): Usage {
    return this.#usage
  }

  of(member: Id): MemberStatistics {
    let counts = this.#members.get(member)
    if (!counts) this.#members.set(member, (counts = { completed: 0, failed: 0, busyMs: 0 }))
    return counts
  }

  save(): Iterable<Json> {
    return [
      [this.#usage as Json, this.#durations.save(), Array.from(this.#members, ([id, counts]) => [id, { ...counts }])],
    ]
  }

  load(piece: Json): void {
    const [usage, durations, members] = piece as unknown as [Usage, Json, [Id, MemberStatistics][]]
    this.#usage = usage
    this.#durations.load(durations)
    for (const [id, counts] of members) this.#members.set(id, { ...counts })
  }

  clear(): void {
    this.#usage = {}
    this.#durations.load([[], 0])
    this.#members.clear()
  }

  #count(before: Task | undefined, after: Task): void {
    if (after.status === 'completed' && before?.status !== 'completed') {
      if (after.durationMs !== undefined) this.#durations.add(after.durationMs)
      const completer = after.attempts.at(-1)?.member
      if (completer !== undefined) this.of(completer).completed++
    }
    if (after.usage !== before?.usage) this.#usage = sum(this.#usage, difference(after.usage, before?.usage))
    if (after.attempts !== before?.attempts) this.#countAttempts(before, after)
  }

  #countAttempts(before: Task | undefined, after: Task): void {
    const running = before?.running?.number
    for (const { number, member, startedAt, endedAt, outcome = '' } of after.attempts) {
      const isNewlyEnded = endedAt !== undefined && (before === undefined || number === running)
      if (!isNewlyEnded) continue
      const counts = this.of(member)
      counts.busyMs += Math.max(0, endedAt - startedAt)
      if (FAILED.has(outcome)) counts.failed++
    }
  }
}

const difference = (a: Usage, b: Usage = {}): Usage => ({
  tokens: (a.tokens ?? 0) - (b.tokens ?? 0),
  cost: (a.cost ?? 0) - (b.cost ?? 0),
})

/** How often each duration occurred. Beyond four digits they are rounded (by 0.05 % at the most), which bounds the table. */
export class Durations {
  #times = new Map<number, number>()
  #count = 0
  #sumMs = 0
  /** Kept until the next duration comes. */
  #stats: DurationStats | undefined

  add(ms: number): void {
    const rounded = Number(ms.toPrecision(4))
    this.#times.set(rounded, (this.#times.get(rounded) ?? 0) + 1)
    this.#count++
    this.#sumMs += ms
    this.#stats = undefined
  }

  stats(): DurationStats {
    return (this.#stats ??= this.#compute())
  }

  save(): Json {
    return [[...this.#times], this.#sumMs]
  }

  load(saved: Json): void {
    const [times, sumMs] = saved as unknown as [[number, number][], number]
    this.#times = new Map(times)
    this.#count = times.reduce((count, [, number]) => count + number, 0)
    this.#sumMs = sumMs
    this.#stats = undefined
  }

  #compute(): DurationStats {
    const sorted = [...this.#times].sort(([a], [b]) => a - b)
    // Nearest rank: the smallest value that at least the share p is not above.
    const percentile = (p: number): number => {
      let left = Math.ceil(p * this.#count)
      for (const [ms, times] of sorted) {
        left -= times
        if (left <= 0) return ms
      }
      return 0
    }
    return Object.freeze({
      count: this.#count,
      meanMs: this.#count > 0 ? this.#sumMs / this.#count : 0,
      p50Ms: percentile(0.5),
      p90Ms: percentile(0.9),
      p95Ms: percentile(0.95),
      p99Ms: percentile(0.99),
      minMs: sorted[0]?.[0] ?? 0,
      maxMs: sorted.at(-1)?.[0] ?? 0,
    })
  }
}
