import type { Task } from '../core/tasks/task.js'
import { inOrder } from '../core/tasks/task-card.js'
import { wrong, type Reader } from '../core/input.js'
import { type OpenGraph, openGraph } from './figures/open-graph.js'
import { type Expected, type Records, newestSince, recordsOf, type Took } from './figures/records.js'
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
    const all: Ended = { tasks: [], ends: [] }
    const byKind = new Map<string, Ended>()
    for (const { task } of view.tracker.parts.board.inStage('completed')) {
      const { kind, endedAt = 0 } = task
      if (!view.isIn(endedAt)) continue
      note(all, task, endedAt)
      if (kind === undefined) continue
      let ended = byKind.get(kind)
      if (!ended) byKind.set(kind, (ended = { tasks: [], ends: [] }))
      note(ended, task, endedAt)
    }
    const { ends } = all
    this.count = ends.length
    this.from = ends.reduce((least, at) => Math.min(least, at), ends[0] ?? 0)
    this.to = ends.reduce((most, at) => Math.max(most, at), 0)
    this.#all = recordsFrom(view, all)
    this.#byKind = new Map(Array.from(byKind, ([kind, ended]) => [kind, recordsFrom(view, ended)]))
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

/** Completed tasks, and when each ended. */
interface Ended {
  readonly tasks: Task[]
  readonly ends: number[]
}

function note({ tasks, ends }: Ended, task: Task, endedAt: number): void {
  tasks.push(task)
  ends.push(endedAt)
}

/** What the newest took, which are those that count: of the others there is no need to know. */
function recordsFrom(view: ReportView, { tasks, ends }: Ended): Records {
  const since = newestSince(ends)
  return recordsOf(tasks.filter((_, place) => (ends[place] as number) >= since).map((task) => tookOf(view, task)))
}

/** The time that is left, by the median where it goes by records. */
export function expectedMs(expected: Expected, { workMs, lagMs }: Took): number {
  if ('workMs' in expected) return Math.max(0, expected.workMs - workMs)
  if (!('records' in expected)) return 0
  const { totalMs, count } = expected.records
  return Math.max(0, percentile({ count, at: (place) => totalMs[place] as number }, 0.5) - workMs - lagMs)
}
