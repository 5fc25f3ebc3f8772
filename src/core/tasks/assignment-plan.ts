import { type Id, number, read, record } from '../input.js'
import { NONE, NOTHING } from '../json.js'
import type { MemberInfo } from '../members.js'
import type { Assignment, Candidate, LeftTask, Plan, PlannedAssignment, Proposal, Rating } from './assignment.js'
import type { DeskView } from './assignment-view.js'
import { shortageOf } from './shortages.js'
import type { Task } from './task.js'

type Parts = Candidate['parts']
/** What a proposal says beside who is given what. */
export type About = Omit<Proposal, 'assigned'>

const readParts = record(number())

/**
 * Explains what a strategy has proposed. Explanations are made when they are read, and say how it was when the plan was
 * made: for thousands of tasks and members they would take longer than the plan.
 */
export class Explainer {
  readonly #view: DeskView
  readonly #rate: Rating | undefined
  readonly #assigned: readonly Assignment[]
  readonly #tasks: ReadonlyMap<Id, Task>
  /** At which places of the proposal each member is given something. */
  readonly #places = new Map<Id, number[]>()

  constructor(view: DeskView, { assigned, rate }: Proposal) {
    this.#view = view
    this.#rate = rate
    this.#assigned = assigned
    this.#tasks = new Map(view.tasks.map((task) => [task.id, task]))
    for (const [place, { member }] of assigned.entries()) {
      const places = this.#places.get(member)
      if (places) places.push(place)
      else this.#places.set(member, [place])
    }
  }

  assigned(): readonly PlannedAssignment[] {
    return this.#assigned.map((assignment, place) => {
      const candidates = once(() => this.#candidates(this.#tasks.get(assignment.taskId) as Task, place))
      return Object.freeze({
        ...assignment,
        get candidates() {
          return candidates()
        },
      })
    })
  }

  /** What the view has and nobody is given. */
  left(): readonly LeftTask[] {
    const given = new Set(this.#assigned.map(({ taskId }) => taskId))
    return [...this.#tasks.values()].flatMap((task) => (given.has(task.id) ? NONE : this.#leave(task)))
  }

  #leave(task: Task): LeftTask {
    const end = this.#assigned.length
    const candidates = once(() => this.#candidates(task, end))
    const shortage = once(() =>
      shortageOf(
        task,
        this.#view.members.map((member) => ({ member, obstacles: this.#obstacles(member, task, end) })),
      ),
    )
    return Object.freeze({
      taskId: task.id,
      get reason() {
        return shortage().reason
      },
      get help() {
        return shortage().help
      },
      get candidates() {
        return candidates()
      },
    })
  }

  /** Every member, as it stood at that place of the proposal. */
  #candidates(task: Task, place: number): readonly Candidate[] {
    const ranked = this.#view.members.map((member) => {
      const load = this.#loadOf(member, place)
      const reasons = Object.freeze(this.#obstacles(member, task, place).map(({ text }) => text))
      const eligible = reasons.length === 0
      const parts = eligible && this.#rate ? partsOf(this.#rate(task, member, load)) : NOTHING
      return { load, candidate: Object.freeze({ member: member.id, eligible, reasons, score: scoreOf(parts), parts }) }
    })
    ranked.sort((a, b) => byRank(a.candidate, b.candidate) || a.load - b.load || byId(a.candidate, b.candidate))
    return Object.freeze(ranked.map(({ candidate }) => candidate))
  }

  #obstacles(member: MemberInfo, task: Task, place: number): ReturnType<DeskView['obstacles']> {
    return this.#view.obstacles(member, task, this.#loadOf(member, place))
  }

  /** With what was given it before that place. */
  #loadOf({ id }: MemberInfo, place: number): number {
    const places = this.#places.get(id) ?? NONE
    const later = places.findIndex((one) => one >= place)
    return this.#view.load(id) + (later < 0 ? places.length : later)
  }
}

export function planOf(assigned: readonly PlannedAssignment[], left: readonly LeftTask[], proposal: About): Plan {
  const { later = NONE, summary } = proposal
  const explain = (): string => {
    const planned = new Map(later.map((one) => [one.taskId, one]))
    const leftLines = left.map((one) => leftLine(one, planned.get(one.taskId)))
    for (const { taskId } of left) planned.delete(taskId)
    const lines = [...assigned.map(assignedLine), ...leftLines, ...Array.from(planned.values(), laterLine)]
    return (summary === undefined ? lines : [`${summary}.`, ...lines]).join('\n')
  }
  return Object.freeze({
    ...proposal,
    assigned: Object.freeze(assigned),
    left: Object.freeze(left),
    later: Object.freeze(later),
    explain,
  })
}

/** How many candidates a line names beside who is given the task. */
const OTHERS = 2

function assignedLine(one: PlannedAssignment): string {
  const { taskId, member, candidates, tieBreak } = one
  const chosen = candidates.find((one) => one.member === member)
  const others = candidates.filter((other) => other.eligible && other !== chosen).slice(0, OTHERS)
  const words = [`${taskId} → ${member}${span(one)}`]
  if (chosen && Object.keys(chosen.parts).length > 0) {
    const parts = Object.entries(chosen.parts).map(([name, part]) => `${name} ${rounded(part)}`)
    words.push(`: ${rounded(chosen.score)} (${parts.join(', ')})`)
    words.push(...others.map((other) => `, ${other.member} ${rounded(other.score)}`))
  }
  if (tieBreak !== undefined) words.push(`; ${tieBreak}`)
  return words.join('')
}

const leftLine = ({ taskId, reason, help }: LeftTask, planned: Assignment | undefined): string =>
  planned ? `${laterLine(planned)} ${reason}.` : `${taskId} is left. ${reason}. ${help}.`
const laterLine = (one: Assignment): string => `${one.taskId} → ${one.member} later${span(one)}.`

/** When it is planned, where the strategy says so. */
function span({ startAt, endAt }: Assignment): string {
  const from = startAt === undefined ? '' : ` from ${new Date(startAt).toISOString()}`
  return endAt === undefined ? from : `${from} to ${new Date(endAt).toISOString()}`
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000

const byRank = (a: Candidate, b: Candidate): number => Number(b.eligible) - Number(a.eligible) || b.score - a.score
const byId = (a: Candidate, b: Candidate): number => (a.member < b.member ? -1 : 1)

/** A rating is the user's own; what it answers is checked where it is read. */
const partsOf = (value: unknown): Parts => read(readParts, value, 'what plan.rate answers')

/** The sum of a score's parts. */
function scoreOf(parts: Parts): number {
  let score = 0
  for (const name in parts) score += parts[name] as number
  return score
}

/** Made at the first call. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
