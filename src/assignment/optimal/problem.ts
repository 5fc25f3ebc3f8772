/** Tasks to give to members, as numbers: of a pair, the place in `cost` and `need` is task × members + member. */
export interface Problem {
  readonly tasks: number
  readonly members: number
  /** Infinity: this member never does this task. */
  readonly cost: Float64Array
  /** What a task takes of a member's capacity. */
  readonly need: Float64Array
  readonly capacity: Float64Array
  /** How many tasks each member takes at most, whatever they need. */
  readonly slots: Int32Array
}

/** Who does what, and what is proved of it. */
export interface Solution {
  /** The member of each task; -1: left over. */
  readonly memberOf: Int32Array
  /** Of the tasks that are given. */
  readonly cost: number
  /** How many tasks are left over. */
  readonly left: number
  /** No plan leaves fewer over. */
  readonly leastLeft: number
  /** No plan that leaves as few over costs less. -Infinity: nothing is proved. */
  readonly leastCost: number
}

/** A problem whose last member is nobody, who has room for every task. */
export interface OpenProblem extends Problem {
  readonly nobody: number
  /** What it costs to leave a task over: more than any plan without it can save elsewhere. */
  readonly penalty: number
  /** No plan costs more, beside penalties. */
  readonly highest: number
  /** By how much the members differ in what a task costs, in the mean. */
  readonly spread: number
}

/** Leaves over what fits nowhere, by giving it to nobody. Closes the pairs whose need is above the member's capacity. */
export function withNobody({ tasks, members, cost, need, capacity, slots }: Problem): OpenProblem {
  const wider = members + 1
  const needs = new Float64Array(tasks * wider)
  const open = new Float64Array(tasks * wider).fill(Infinity)
  let [lowest, highest, spread] = [0, 0, 0]
  for (let task = 0; task < tasks; task++) {
    let [low, high] = [Infinity, -Infinity]
    for (let member = 0; member < members; member++) {
      const pair = task * members + member
      const takes = need[pair] as number
      const costs = cost[pair] as number
      if (costs === Infinity || slots[member] === 0 || takes > (capacity[member] as number)) continue
      open[task * wider + member] = costs
      needs[task * wider + member] = takes
      low = Math.min(low, costs)
      high = Math.max(high, costs)
    }
    lowest += Math.min(0, low)
    highest += Math.max(0, high)
    spread += Math.max(0, high - low) / tasks
  }
  const penalty = 2 * (highest - lowest) + 1
  for (let task = 0; task < tasks; task++) open[task * wider + members] = penalty
  return {
    tasks,
    members: wider,
    cost: open,
    need: needs,
    capacity: Float64Array.from({ length: wider }, (_, member) => capacity[member] ?? 0),
    slots: Int32Array.from({ length: wider }, (_, member) => slots[member] ?? tasks),
    nobody: members,
    penalty,
    highest,
    spread,
  }
}

/** The same when that many tasks may be left over, and it costs nothing to leave them. */
export function leavingAtMost(problem: OpenProblem, left: number): OpenProblem {
  const { members, nobody, cost, slots } = problem
  return {
    ...problem,
    cost: cost.map((costs, pair) => (pair % members === nobody ? 0 : costs)),
    slots: slots.map((count, member) => (member === nobody ? left : count)),
  }
}

/** Only these members, and nobody, and only these tasks. */
export function partOf(problem: OpenProblem, members: readonly number[], tasks: readonly number[]): OpenProblem {
  const all = [...members, problem.nobody]
  const pairs = tasks.flatMap((task) => all.map((member) => task * problem.members + member))
  return {
    ...problem,
    tasks: tasks.length,
    members: all.length,
    cost: Float64Array.from(pairs, (pair) => problem.cost[pair] as number),
    need: Float64Array.from(pairs, (pair) => problem.need[pair] as number),
    capacity: Float64Array.from(all, (member) => problem.capacity[member] as number),
    slots: Int32Array.from(all, (member) => problem.slots[member] as number),
    nobody: members.length,
  }
}

/** Penalties included. */
export function costOf({ cost, members }: OpenProblem, memberOf: Int32Array): number {
  return memberOf.reduce((sum, member, task) => sum + (cost[task * members + member] as number), 0)
}

/** The part of a whole that this is; 0 of nothing. */
export const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
