import type { Task } from '../core/tasks/task.js'
import { Draws, type Unfinished } from './figures/draws.js'
import { endable, type OpenGraph, type Place } from './figures/open-graph.js'
import type { Basis, Expected } from './figures/records.js'
import { type Durations, Rehearsal, type Staffing } from './figures/rehearsal.js'
import { type Expectations, tookOf } from './outlook.js'
import type { ReportView } from './report-view.js'
import { staffingOf } from './staffing.js'

/** Why open tasks that are asked for are not in a forecast. */
export interface LeftOut {
  /** No member takes them. */
  readonly nobody: number
  /** Nothing tells how long they take. */
  readonly unknown: number
  /** They wait for these, or for what failed or was cancelled. */
  readonly hindered: number
}

/** What is open, with who does it and how long that may take. */
export class Backlog {
  /** Open tasks that are asked for. */
  readonly open: number
  readonly left: LeftOut
  /** Of those that are not left out: how many durations rest on what. */
  readonly bases: { readonly [B in Basis]: number }
  /** How many tasks one run plays. */
  readonly size: number
  readonly #view: ReportView
  readonly #graph: OpenGraph
  readonly #expected: readonly Expected[]
  readonly #staffing: Staffing
  /** Those that are asked for, and can end. */
  readonly #wanted: readonly Place[]

  constructor(view: ReportView, graph: OpenGraph, expectations: Expectations) {
    const { tasks } = graph
    const expected = tasks.map((task) => expectations.of(task))
    const staffing = staffingOf(view, graph)
    const isStaffed = (place: Place): boolean =>
      staffing.running.has(place) ||
      waitsTo(tasks[place] as Task) === 'end' ||
      (staffing.audiences[staffing.audienceOf[place] as number] ?? []).length > 0
    const isKnown = (place: Place): boolean => expected[place]?.basis !== 'none'
    const canEnd = endable(graph, (place) => isStaffed(place) && isKnown(place))
    const asked = [...tasks.keys()].filter((place) => view.lets((tasks[place] as Task).id))
    const out = asked.filter((place) => !canEnd[place])
    const nobody = out.filter((place) => !isStaffed(place)).length
    const unknown = out.filter((place) => isStaffed(place) && !isKnown(place)).length
    this.open = asked.length
    this.left = { nobody, unknown, hindered: out.length - nobody - unknown }
    this.size = canEnd.filter(Boolean).length
    this.bases = basesOf(asked.flatMap((place) => (canEnd[place] ? (expected[place] as Expected).basis : [])))
    this.#view = view
    this.#graph = graph
    this.#expected = expected
    const audienceOf = staffing.audienceOf.map((audience, place) => (canEnd[place] ? audience : -1))
    this.#staffing = { ...staffing, audienceOf }
    this.#wanted = asked.filter((place) => canEnd[place])
  }

  /** After how many milliseconds all is done that is asked for and can end, in each of so many runs; none of nothing. */
  play(runs: number, random: () => number): readonly number[] {
    const { tasks, order } = this.#graph
    if (this.#wanted.length === 0) return []
    const draws = new Draws(tasks.map((task, place) => this.#unfinished(task, place)))
    const rehearsal = new Rehearsal(this.#graph, this.#staffing)
    const durations: Durations = { workMs: new Float64Array(order.length), lagMs: new Float64Array(order.length) }
    return Array.from({ length: runs }, () => {
      draws.fill(durations, random)
      rehearsal.run(durations)
      return this.#wanted.reduce((last, place) => Math.max(last, rehearsal.ends[place] as number), 0)
    })
  }

  #unfinished(task: Task, place: Place): Unfinished {
    const to = waitsTo(task)
    const expected = this.#expected[place] as Expected
    return { expected, spent: tookOf(this.#view, task), ...(to && { waitsTo: to }) }
  }
}

/** A result that waits for its review ends with the verdict; who has asked goes on. */
const waitsTo = ({ waitingFor }: Task): Unfinished['waitsTo'] =>
  waitingFor && (waitingFor.for === 'review' ? 'end' : 'goOn')

function basesOf(bases: readonly Basis[]): Backlog['bases'] {
  const counts = { given: 0, kind: 0, estimate: 0, all: 0, none: 0 }
  for (const basis of bases) counts[basis]++
  return counts
}
