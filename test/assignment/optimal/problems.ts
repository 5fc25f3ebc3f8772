import fc from 'fast-check'
import type { Problem, Solution } from '../../../src/assignment/optimal/problem.js'
import { randomFrom } from '../../../src/core/random.js'

/** A problem from rows, one for each task. */
export function problemFrom(
  costs: readonly (readonly number[])[],
  { needs, capacities, slots }: { needs?: number[][]; capacities?: number[]; slots?: number[] } = {},
): Problem {
  const members = costs[0]?.length ?? 0
  return {
    tasks: costs.length,
    members,
    cost: Float64Array.from(costs.flat()),
    need: needs ? Float64Array.from(needs.flat()) : new Float64Array(costs.length * members).fill(1),
    capacity: capacities ? Float64Array.from(capacities) : new Float64Array(members).fill(1),
    slots: slots ? Int32Array.from(slots) : new Int32Array(members).fill(costs.length),
  }
}

/** What is wrong with a solution, in words; it knows nothing of how solutions are made. */
export function faultsOf({ tasks, members, cost, need, capacity, slots }: Problem, solution: Solution): string[] {
  const faults: string[] = []
  const given = [...solution.memberOf.entries()].filter(([, member]) => member >= 0)
  if (solution.memberOf.length !== tasks) faults.push(`${solution.memberOf.length} of ${tasks} tasks`)
  if (solution.left !== tasks - given.length) faults.push(`${solution.left} left, but ${given.length} given`)
  const sum = (pairs: readonly (readonly number[])[], values: Float64Array): number =>
    pairs.reduce((total, [task, member]) => total + values[task! * members + member!]!, 0)
  if (!(Math.abs(sum(given, cost) - solution.cost) <= 1e-9 * (1 + Math.abs(solution.cost))))
    faults.push(`costs ${sum(given, cost)}, not ${solution.cost}`)
  for (let member = 0; member < members; member++) {
    const own = given.filter(([, one]) => one === member)
    if (sum(own, need) > capacity[member]! + 1e-9) faults.push(`${member} has no room for all it is given`)
    if (own.length > slots[member]!) faults.push(`${member} has ${own.length} tasks and ${slots[member]} slots`)
  }
  return faults
}

/** The fewest that must be left over and the least cost then, by trying everything. */
export function bruteForce({ tasks, members, cost, need, capacity, slots }: Problem): { left: number; cost: number } {
  const [room, free] = [[...capacity], [...slots]]
  let best = { left: Infinity, cost: Infinity }
  const visit = (task: number, left: number, costs: number): void => {
    if (left > best.left) return
    if (task === tasks) {
      if (left < best.left || costs < best.cost) best = { left, cost: costs }
      return
    }
    for (let member = 0; member < members; member++) {
      const pair = task * members + member
      if (cost[pair] === Infinity || need[pair]! > room[member]! + 1e-9 || free[member] === 0) continue
      room[member]! -= need[pair]!
      free[member]!--
      visit(task + 1, left, costs + cost[pair]!)
      room[member]! += need[pair]!
      free[member]!++
    }
    visit(task + 1, left + 1, costs)
  }
  visit(0, 0, 0)
  return best
}

const NUMBERS = {
  whole: fc.integer({ min: 0, max: 12 }),
  decimal: fc.integer({ min: 0, max: 120 }).map((tenths) => tenths / 10),
  // Sevenths and the like, which no number of decimals makes whole.
  real: fc.integer({ min: 0, max: 12_000 }).map((value) => value / 1007),
}

/** Small ones of every kind: pairs that are closed, costs below zero, needs of nothing, members without room. */
export function smallProblems(): fc.Arbitrary<Problem> {
  const sizes = fc.record({ tasks: fc.nat(6), members: fc.nat(4), kind: fc.constantFrom('whole', 'decimal', 'real') })
  return sizes.chain(({ tasks, members, kind }) => {
    const amount = NUMBERS[kind]
    const cost = fc.oneof(
      { weight: 5, arbitrary: amount.map((value) => value - 3) },
      { weight: 1, arbitrary: fc.constant(Infinity) },
    )
    const list = (item: fc.Arbitrary<number>, length: number): fc.Arbitrary<number[]> =>
      fc.array(item, { minLength: length, maxLength: length })
    return fc
      .record({
        cost: list(cost, tasks * members),
        need: fc.oneof(list(amount, tasks * members), fc.constant(new Array<number>(tasks * members).fill(1))),
        capacity: list(
          amount.map((value) => value * 1.5),
          members,
        ),
        slots: list(fc.nat(tasks + 1), members),
      })
      .map(({ cost, need, capacity, slots }) => ({
        tasks,
        members,
        cost: Float64Array.from(cost),
        need: Float64Array.from(need),
        capacity: Float64Array.from(capacity),
        slots: Int32Array.from(slots),
      }))
  })
}

/**
 * A random instance of the generalised assignment problem, as they are made in the literature: types A to E of P. C. Chu
 * and J. E. Beasley (Computers & Operations Research 24, 1997), and `max`, which are like gap1 to gap12 of the
 * OR-library, with values as costs below zero.
 */
export function gapInstance(
  type: 'max' | 'a' | 'b' | 'c' | 'd' | 'e',
  members: number,
  tasks: number,
  seed: number,
): Problem {
  const random = randomFrom(seed)
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
  const pair = (): [cost: number, need: number] => {
    if (type === 'max') return [-whole(15, 25), whole(5, 25)]
    if (type === 'd') {
      const need = whole(1, 100)
      return [111 - need + whole(-10, 10), need]
    }
    if (type === 'e') {
      const need = Math.max(1, Math.floor(1 - 10 * Math.log(1 - random())))
      return [Math.floor(1000 / need - 10 * random()), need]
    }
    return [whole(10, 50), whole(5, 25)]
  }
  const pairs = Array.from({ length: tasks }, () => Array.from({ length: members }, pair))
  const needOf = (member: number): number => pairs.reduce((sum, row) => sum + row[member]![1], 0)
  const capacity = Array.from({ length: members }, (_, member) => Math.floor((0.8 * needOf(member)) / members))
  if (type === 'a' || type === 'b') {
    const loads = new Array<number>(members).fill(0)
    for (const row of pairs) {
      const cheapest = row.reduce((best, [cost], member) => (cost < row[best]![0] ? member : best), 0)
      loads[cheapest]! += row[cheapest]![1]
    }
    const room = 9 * (tasks / members) + 0.4 * Math.max(...loads)
    capacity.fill(Math.floor(type === 'b' ? 0.7 * room : room))
  }
  return {
    ...problemFrom(
      pairs.map((row) => row.map(([cost]) => cost)),
      { needs: pairs.map((row) => row.map(([, need]) => need)) },
    ),
    capacity: Float64Array.from(capacity),
  }
}
