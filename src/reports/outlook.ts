import type { Task } from '../core/tasks/task.js'
import { inOrder } from '../core/tasks/task-card.js'
import { wrong, type Reader } from '../core/input.js'
import { type OpenGraph, openGraph } from './figures/open-graph.js'
import { type Expected, type Records, recordsOf, type Took } from './figures/records.js'
import { tellPast } from './past.js'
import { percentile } from './percentile.js'
import type { ReportView } from './report-view.js'

/** How long tasks that are not done are taken to last. */
export interface DurationSettings {
  /** Milliseconds in attempts, for a task; what it answers `undefined` for goes by what is on record. */
  readonly duration?: (task: Task) => number | undefined
}

/**
 * So many of a kind on record say more than an estimate. Five, as the median of all lies between the least and the
 * greatest of five with a chance of 94 %: Hubbard, How to Measure Anything (2007).
 */
const ENOUGH = 5

export const durationFunction: Reader<NonNullable<DurationSettings['duration']>> = (value, name) => {
  if (typeof value !== 'function') return wrong(name, 'a function that answers milliseconds for a task', value)
  const given = value as (task: Task) => unknown
  return (task) => {
    const ms = given(task)
    if (ms === undefined || (Number.isFinite(ms) && (ms as number) >= 0)) return ms as number | undefined
    return wrong(`What ${name} answers for task ${task.id}`, 'milliseconds from 0', ms)
  }
}

/** All that is open now, whatever the filter: it waits for each other, and for the same members. */
export function graphOfOpen({ tracker }: ReportView): OpenGraph {
  const { board } = tracker.parts
  const stages = ['scheduled', 'blocked', 'new', 'assigned', 'in_progress', 'waiting'] as const
  const tasks = inOrder(stages.flatMap((stage) => [...board.inStage(stage)]))
  return openGraph(tasks, ({ dependsOn }) => dependsOn.flatMap((edge) => (board.isOpenEdge(edge) ? edge.id : [])))
}

/** What a task has taken so far, or took. */
export function tookOf(view: ReportView, task: Task): Took {
  let workMs = 0
  let lagMs = 0
  tellPast(view, task, (phase, from, to) => {
    if (phase === 'working') workMs += to - from
    else if (phase === 'asking' || phase === 'review') lagMs += to - from
  })
  return { endedAt: task.endedAt ?? view.now, workMs, lagMs }
}

/** What is on record of completed tasks: those that ended in the window, whatever the filter. */
export class Expectations {
  /** How many completed tasks are on record. */
  readonly count: number
  /** When the first and the last of them ended; 0 of none. */
  readonly from: number
  readonly to: number
  readonly #all: Records
  readonly #byKind: ReadonlyMap<string, Records>
  readonly #duration: DurationSettings['duration']

  constructor(view: ReportView, duration: DurationSettings['duration']) {
    const all: Took[] = []
    const byKind = new Map<string, Took[]>()
    for (const { task } of view.tracker.parts.board.inStage('completed')) {
      if (!view.isIn(task.endedAt as number)) continue
      const took = tookOf(view, task)
      all.push(took)
      if (task.kind === undefined) continue
      const others = byKind.get(task.kind)
      if (others) others.push(took)
      else byKind.set(task.kind, [took])
    }
    this.count = all.length
    this.#all = recordsOf(all)
    this.from = all.reduce((least, { endedAt }) => Math.min(least, endedAt), all[0]?.endedAt ?? 0)
    this.to = all.reduce((most, { endedAt }) => Math.max(most, endedAt), 0)
    this.#byKind = new Map(Array.from(byKind, ([kind, list]) => [kind, recordsOf(list)]))
    this.#duration = duration
  }

  of(task: Task): Expected {
    const given = this.#duration?.(task)
    if (given !== undefined) return { basis: 'given', workMs: given }
    const records = this.#byKind.get(task.kind ?? '')
    if (records && records.count >= ENOUGH) return { basis: 'kind', records }
    if (task.estimateMs !== undefined) return { basis: 'estimate', workMs: task.estimateMs }
    return this.count > 0 ? { basis: 'all', records: this.#all } : { basis: 'none' }
  }
}

/** The time that is left, by the median where it goes by records. */
export function expectedMs(expected: Expected, { workMs, lagMs }: Took): number {
  if ('workMs' in expected) return Math.max(0, expected.workMs - workMs)
  if (!('records' in expected)) return 0
  const { totalMs, count } = expected.records
  return Math.max(0, percentile({ count, at: (place) => totalMs[place] as number }, 0.5) - workMs - lagMs)
}
