import { aFunction, type Id, number, object, read } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Assignment, AssignmentView, Proposal, Rating } from '../core/tasks/assignment.js'
import type { Task } from '../core/tasks/task.js'
import type { Problem, Solution } from './optimal/problem.js'
import { solve } from './optimal/solve.js'

export interface OptimalOptions {
  /**
   * What it costs that a member does a task: any finite number, less than zero too; where there is something to gain
   * instead, the gain less than zero. `undefined`: this member cannot do it.
   */
  readonly cost: (task: Task, member: MemberInfo) => number | undefined
  /** How much of a member's capacity a task takes, from 0 on; default 1. */
  readonly need?: (task: Task, member: MemberInfo) => number
  /**
   * How much a member can take now, from 0 on, in the unit of `need`; default: as many as it may begin, its capacity less
   * its load. It never gets more tasks than that, whatever they need.
   */
  readonly capacity?: (member: MemberInfo) => number
}

/** What `optimal` proposes, and what is proved of it; its `summary` says the same in words. */
export interface OptimalProposal extends Proposal {
  readonly summary: string
  readonly figures: OptimalFigures
}

/** Of the plan of `optimal`. */
export type OptimalFigures = {
  /** Of all that is assigned. */
  readonly cost: number
  /** However tasks are given, at least so many are left. */
  readonly leastLeft: number
  /** No plan that leaves as few costs less; left out where it is not proved that so many must be left. */
  readonly leastCost?: number
}

const readOptions = object(
  {
    cost: aFunction<OptimalOptions['cost']>('a function: (task, member) => number'),
    need: aFunction<NonNullable<OptimalOptions['need']>>('a function: (task, member) => number'),
    capacity: aFunction<NonNullable<OptimalOptions['capacity']>>('a function: (member) => number'),
  },
  ['cost'],
)
const anyNumber = number()
const amount = number(0)
/** The name is made only for an error: there may be a million answers. */
const costFrom = (answer: number, name: () => string): number =>
  Number.isFinite(answer) ? answer : read(anyNumber, answer, name())
const amountFrom = (answer: number, name: () => string): number =>
  Number.isFinite(answer) && answer >= 0 ? answer : read(amount, answer, name())

/**
 * Gives as many tasks as it can, and among all ways to do that takes one that costs the least. Where only the number of a
 * member's tasks counts, as without `need`, that is exact, in time of the tasks squared times the members at worst. With
 * needs it is a search, which says how far above the least it can be: see `OptimalProposal`. It uses no clock and no
 * chance, and says the same for the same board on every machine.
 *
 * Asks `cost` and `need` for each task and each member who is able. Throws `invalid_input` when one of the functions
 * answers what is no finite number.
 */
export function optimal(options: OptimalOptions): (view: AssignmentView) => OptimalProposal {
  const given = read(readOptions, options, 'options')
  return (view) => {
    const problem = problemOf(view, given)
    const solution = solve(problem)
    return {
      assigned: assignedOf(view, problem, solution),
      rate: savingOf(view, given.cost),
      summary: summaryOf(solution),
      figures: figuresOf(solution),
    }
  }
}

/** Members and tasks by their places in the view. */
function problemOf(
  view: AssignmentView,
  { cost: costOf, need: needOf, capacity: capacityOf }: OptimalOptions,
): Problem {
  const { tasks, members } = view
  const slots = Int32Array.from(members, ({ id, capacity }) => Math.max(0, capacity - view.load(id)))
  const capacity = Float64Array.from(members, (member, place) =>
    capacityOf ? amountFrom(capacityOf(member), () => `capacity(${member.id})`) : (slots[place] as number),
  )
  const cost = new Float64Array(tasks.length * members.length).fill(Infinity)
  const need = new Float64Array(cost.length)
  const places = new Map(members.map(({ id }, place) => [id, place]))
  for (const [row, task] of tasks.entries()) {
    for (const member of view.able(task)) {
      const answer = costOf(task, member)
      if (answer === undefined) continue
      const pair = row * members.length + placeOf(places, member.id)
      cost[pair] = costFrom(answer, () => `cost(${task.id}, ${member.id})`)
      need[pair] = needOf ? amountFrom(needOf(task, member), () => `need(${task.id}, ${member.id})`) : 1
    }
  }
  return { tasks: tasks.length, members: members.length, cost, need, capacity, slots }
}

const placeOf = (places: ReadonlyMap<Id, number>, id: Id): number => places.get(id) as number

function assignedOf(view: AssignmentView, { cost }: Problem, { memberOf }: Solution): readonly Assignment[] {
  const { tasks, members } = view
  return tasks.flatMap((task, row) => {
    const member = memberOf[row] as number
    if (member < 0) return []
    const costs = cost.subarray(row * members.length, (row + 1) * members.length)
    const cheapest = costs.indexOf(costs.reduce((a, b) => Math.min(a, b)))
    const isCheapest = costs[cheapest] === costs[member]
    return {
      taskId: task.id,
      member: (members[member] as MemberInfo).id,
      ...(!isCheapest && {
        tieBreak: `${(members[cheapest] as MemberInfo).id} costs less here, but it is the whole that is to cost the least`,
      }),
    }
  })
}

const figuresOf = ({ cost, leastLeft, leastCost }: Solution): OptimalFigures => ({
  cost,
  leastLeft,
  ...(leastCost > -Infinity && { leastCost }),
})

function summaryOf({ cost, left, leastLeft, leastCost }: Solution): string {
  const costs = `costs ${rounded(cost)} in all`
  if (left > leastLeft) return `It ${costs} and leaves ${left}; no plan leaves fewer than ${leastLeft}`
  const isLeast = cost - leastCost <= ROUNDING * Math.max(1, Math.abs(cost))
  const others = left > 0 ? 'no such plan' : 'no plan'
  const proof = isLeast
    ? `; ${others} costs less`
    : leastCost > -Infinity
      ? `; ${others} costs less than ${rounded(leastCost)}`
      : ''
  return left > 0 ? `It leaves ${left}, as every plan must, and ${costs}${proof}` : `It ${costs}${proof}`
}

/** What adding up may take from a sum. */
const ROUNDING = 1e-9
const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** How much less a member costs than the dearest of those who can do it. */
function savingOf(view: AssignmentView, costOf: OptimalOptions['cost']): Rating {
  return (task, member) => {
    const own = costOf(task, member)
    if (own === undefined) return {}
    return { saving: Math.max(...view.able(task).map((other) => costOf(task, other) ?? -Infinity)) - own }
  }
}
