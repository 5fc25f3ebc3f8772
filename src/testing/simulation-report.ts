import type { Id } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { Task } from '../core/tasks/task.js'
import type { Crew } from '../crew/crew.js'
import type { DurationStats } from '../reports/percentile.js'
import { presented } from '../reports/presented-report.js'
import { percent, span } from '../reports/render/markdown.js'
import type { Page, Report } from '../reports/report.js'
import { Durations } from '../reports/statistics.js'

/** How a simulated crew did, by the true time. */
export interface SimulationData {
  readonly seed: number
  readonly processes: number
  /** From the beginning to the end of the last task, or to when the simulation was ended. */
  readonly makespanMs: number
  /** All tasks had ended; `limitMs` had passed; it was told to by `end()`; or nothing could happen any more. */
  readonly endedBy: 'tasks' | 'limitMs' | 'end' | 'quiet'
  readonly tasks: { readonly [S in 'total' | 'completed' | 'failed' | 'cancelled' | 'open']: number }
  /** Tries at tasks, the ones that run included. */
  readonly attempts: { readonly [S in 'total' | 'failed' | 'lost']: number }
  /** From when a task is ready until somebody takes it; once an attempt. */
  readonly waiting: DurationStats
  /** Of attempts. */
  readonly working: DurationStats
  readonly members: readonly {
    readonly member: Id
    readonly completed: number
    readonly attempts: number
    readonly busyMs: number
    /** Of its capacity until the end of the last task: 0–1. */
    readonly utilisation: number
  }[]
  /** How often what went wrong. */
  readonly faults: Readonly<Record<string, number>>
  readonly commits: number
}

interface Counts {
  completed: number
  attempts: number
  busyMs: number
}

/** What is measured while a simulation runs, from whichever process is the first to know. */
export class SimulationStatistics {
  readonly #versions = new Map<Id, number>()
  readonly #readyAt = new Map<Id, number>()
  readonly #running = new Map<Id, { readonly member: Id; readonly since: number }>()
  readonly #members = new Map<Id, Counts>()
  readonly #attempts = { total: 0, failed: 0, lost: 0 }
  readonly #waiting = new Durations()
  readonly #working = new Durations()
  readonly #now: () => number
  #newsAt = 0
  #changes = 0
  #endedAt = 0
  /** Where each task stands. */
  readonly #statuses = new Map<Id, Task['status']>()
  #isOver = false

  constructor(now: () => number) {
    this.#now = now
  }

  /** When a task last changed. */
  get newsAt(): number {
    return this.#newsAt
  }

  /** How many changes of tasks there were. */
  get changes(): number {
    return this.#changes
  }

  /** Follows one process from its opening. */
  follow({ tracker }: Crew): void {
    const { board, news } = tracker.parts
    news.changes.add((before, after) => {
      if ((this.#versions.get(after.id) ?? 0) >= after.version) return
      this.#versions.set(after.id, after.version)
      this.#changed(before, after)
      if (board.card(after.id)?.isReady) this.#isReady(after.id)
    })
    tracker.on('ready', ({ task }) => {
      this.#isReady(task.id)
    })
  }

  /** What comes now is of the aftermath, and does not count. */
  end(): void {
    this.#isOver = true
  }

  data(
    crew: Crew,
    of: Pick<SimulationData, 'seed' | 'processes' | 'faults' | 'endedBy'> & { readonly elapsedMs: number },
  ): SimulationData {
    const { seed, processes, faults, endedBy, elapsedMs } = of
    const stages = crew.tracker.parts.board
    const known = [...this.#statuses.values()]
    // As it was when it was ended, where there was more to do.
    const [completed, failed, cancelled] = (['completed', 'failed', 'cancelled'] as const).map((status) =>
      endedBy === 'tasks' ? stages.inStage(status).size : known.filter((each) => each === status).length,
    ) as [number, number, number]
    const total = endedBy === 'tasks' ? stages.all.size : known.length
    const open = total - completed - failed - cancelled
    const makespanMs = open > 0 ? elapsedMs : this.#endedAt
    const members = crew.members.map(({ id, capacity }) => {
      const { busyMs, ...counts } = this.#of(id)
      const running = [...this.#running.values()].filter(({ member }) => member === id)
      const allMs = running.reduce((sum, { since }) => sum + makespanMs - since, busyMs)
      return { member: id, ...counts, busyMs: allMs, utilisation: makespanMs > 0 ? allMs / (makespanMs * capacity) : 0 }
    })
    return {
      seed,
      processes,
      makespanMs,
      endedBy,
      tasks: { total, completed, failed, cancelled, open },
      attempts: { ...this.#attempts },
      waiting: this.#waiting.stats(),
      working: this.#working.stats(),
      members,
      faults,
      commits: crew.journal.head?.seq ?? 0,
    }
  }

  #isReady(id: Id): void {
    if (!this.#readyAt.has(id)) this.#readyAt.set(id, this.#now())
  }

  #changed(before: Task | undefined, after: Task): void {
    if (this.#isOver) return
    const now = (this.#newsAt = this.#now())
    this.#statuses.set(after.id, after.status)
    this.#changes++
    const running = this.#running.get(after.id)
    if (running && after.running?.fence !== before?.running?.fence) {
      this.#running.delete(after.id)
      const outcome = after.attempts.findLast(({ endedAt }) => endedAt !== undefined)?.outcome
      if (outcome === 'failed' || outcome === 'lost') this.#attempts[outcome]++
      this.#of(running.member).busyMs += now - running.since
      this.#working.add(now - running.since)
    }
    if (after.running && after.holder !== undefined && !this.#running.has(after.id)) {
      this.#running.set(after.id, { member: after.holder, since: now })
      this.#attempts.total++
      this.#of(after.holder).attempts++
      this.#waiting.add(now - (this.#readyAt.get(after.id) ?? now))
      this.#readyAt.delete(after.id)
    }
    if (after.isOpen) return
    this.#endedAt = now
    const completer = after.attempts.at(-1)?.member
    if (after.status === 'completed' && completer !== undefined) this.#of(completer).completed++
  }

  #of(member: Id): Counts {
    let counts = this.#members.get(member)
    if (!counts) this.#members.set(member, (counts = { completed: 0, attempts: 0, busyMs: 0 }))
    return counts
  }
}

export function simulationReport(at: number, data: SimulationData): Report<SimulationData> {
  const report = presented({ name: 'simulation', at, seq: data.commits, data }, { page })
  return Object.freeze({ ...report, toJSON: () => data as unknown as Json })
}

const ENDINGS: Readonly<Record<SimulationData['endedBy'], string>> = {
  tasks: 'all tasks had ended',
  limitMs: 'ended by limitMs',
  end: 'ended by end()',
  quiet: 'nothing could happen any more',
}

function page(data: SimulationData): Page {
  const { seed, processes, makespanMs, endedBy, tasks, attempts, waiting, working, members, faults } = data
  const { total, completed, failed, cancelled, open } = tasks
  const idle = members.reduce((sum, { utilisation }) => sum + utilisation, 0) / Math.max(1, members.length)
  const facts: readonly (readonly [string, string | number])[] = [
    ['Seed', seed],
    ['Processes', processes],
    ['Makespan', span(makespanMs)],
    ['End', `${ENDINGS[endedBy]}${open > 0 ? `, ${open} open` : ''}`],
    ['Tasks', `${total}: ${completed} completed, ${failed} failed, ${cancelled} cancelled, ${open} open`],
    ['Attempts', `${attempts.total}: ${attempts.failed} failed, ${attempts.lost} lost`],
    ['Waiting', `mean ${span(waiting.meanMs)}, 95 % within ${span(waiting.p95Ms)}`],
    ['Working', `mean ${span(working.meanMs)}, 95 % within ${span(working.p95Ms)}`],
    ['Utilisation', percent(idle)],
    ...Object.entries(faults),
  ]
  const rows = members.map((one) => [one.member, one.completed, one.attempts, one.utilisation])
  const columns = ['Member', 'Completed', 'Attempts', { name: 'Utilisation', as: 'share' }] as const
  const each = { title: 'Members', columns, rows, most: 50 }
  return { title: 'Simulation', parts: [{ columns: ['What', 'Figure'], rows: facts }, each] }
}
