import type { OpenProblem } from './problem.js'

/**
 * For each member: how many tasks it can take, where that number is all that counts, as any so many fit and never more;
 * -1 where it matters which.
 */
export function numbersOf(problem: OpenProblem): Int32Array {
  return Int32Array.from(problem.slots, (slots, member) => {
    const needs = needsOf(problem, member).sort()
    const room = problem.capacity[member] as number
    const most = Math.min(slots, fitting(needs, room))
    return fitting(needs.reverse(), room) >= most ? most : -1
  })
}

/** Of the tasks that the member can do. */
function needsOf({ tasks, members, cost, need }: OpenProblem, member: number): Float64Array {
  const needs = new Float64Array(tasks)
  let count = 0
  for (let pair = member; pair < cost.length; pair += members)
    if (cost[pair] !== Infinity) needs[count++] = need[pair] as number
  return needs.subarray(0, count)
}

/** How many fit, one after the other. */
function fitting(needs: Float64Array, room: number): number {
  let sum = 0
  for (const [count, need] of needs.entries()) if ((sum += need) > room) return count
  return needs.length
}

/** The same with needs of 1 where only the number counts; slots stay where they hinder more than the capacity. */
export function countedBy(numbers: Int32Array, problem: OpenProblem): OpenProblem {
  const { tasks, members, nobody, slots, capacity } = problem
  const isCounted = (member: number): boolean => member !== nobody && (numbers[member] as number) >= 0
  return {
    ...problem,
    need: problem.need.map((need, pair) => (isCounted(pair % members) ? 1 : need)),
    capacity: capacity.map((room, member) => (isCounted(member) ? (numbers[member] as number) : room)),
    slots: slots.map((count, member) => {
      const fit = isCounted(member) ? 0 : fitting(needsOf(problem, member).sort(), capacity[member] as number)
      return fit > count ? count : tasks
    }),
  }
}

/**
 * The members of all tasks at least total cost, each member with at most as many as it has slots. Exact: tasks come in
 * one by one, each by the cheapest chain of moves to a free slot (shortest augmenting paths with prices, as in R. Jonker
 * and A. Volgenant, Computing 38, 1987). O(tasks² × members) at worst.
 */
export function cheapest(problem: OpenProblem, slots: Int32Array): Int32Array {
  const places = new Places(problem, slots)
  for (let task = 0; task < problem.tasks; task++) places.add(task)
  return places.memberOf
}

class Places {
  readonly memberOf: Int32Array
  readonly #cost: Float64Array
  readonly #slots: Int32Array
  /** The tasks of each member. */
  readonly #tasksOf: readonly Set<number>[]
  /** What a member's slots are worth to others, as zero or less: every task has its member at the least cost − price. */
  readonly #price: Float64Array

  // Of the search under way, by member.
  readonly #distance: Float64Array
  /** The task that would move here. */
  readonly #comes: Int32Array
  readonly #isReached: Uint8Array

  constructor({ tasks, members, cost }: OpenProblem, slots: Int32Array) {
    this.memberOf = new Int32Array(tasks).fill(-1)
    this.#cost = cost
    this.#slots = slots
    this.#tasksOf = Array.from({ length: members }, () => new Set())
    this.#price = new Float64Array(members)
    this.#distance = new Float64Array(members)
    this.#comes = new Int32Array(members)
    this.#isReached = new Uint8Array(members)
  }

  add(task: number): void {
    this.#distance.fill(Infinity)
    this.#isReached.fill(0)
    this.#reachFrom(task, 0)
    let nearest = this.#nearest()
    while (this.#isFull(nearest)) {
      this.#isReached[nearest] = 1
      const at = this.#distance[nearest] as number
      for (const other of this.#tasksOf[nearest] as Set<number>)
        this.#reachFrom(other, at - this.#worth(other, nearest))
      nearest = this.#nearest()
    }
    this.#setPrices(this.#distance[nearest] as number)
    this.#move(task, nearest)
  }

  /** Cost of a pair above the member's price. */
  #worth(task: number, member: number): number {
    return (this.#cost[task * this.#price.length + member] as number) - (this.#price[member] as number)
  }

  #reachFrom(task: number, start: number): void {
    const [cost, price, distance, isReached] = [this.#cost, this.#price, this.#distance, this.#isReached]
    const row = task * price.length
    for (let member = 0; member < price.length; member++) {
      if (isReached[member]) continue
      const way = start + (cost[row + member] as number) - (price[member] as number)
      if (way >= (distance[member] as number)) continue
      distance[member] = way
      this.#comes[member] = task
    }
  }

  /** Of equals one with a slot free, as the search ends there. */
  #nearest(): number {
    let nearest = -1
    let least = Infinity
    for (let member = 0; member < this.#distance.length; member++) {
      const distance = this.#distance[member] as number
      if (distance > least || this.#isReached[member]) continue
      if (distance === least && (nearest < 0 || !this.#isFull(nearest))) continue
      least = distance
      nearest = member
    }
    return nearest
  }

  #isFull(member: number): boolean {
    return (this.#tasksOf[member] as Set<number>).size >= (this.#slots[member] as number)
  }

  #setPrices(end: number): void {
    for (let member = 0; member < this.#price.length; member++) {
      if (!this.#isReached[member]) continue
      this.#price[member] = (this.#price[member] as number) - (end - (this.#distance[member] as number))
    }
  }

  /** Each task of the chain moves on to where the one before it was. */
  #move(first: number, end: number): void {
    let member = end
    for (;;) {
      const task = this.#comes[member] as number
      const before = this.memberOf[task] as number
      this.#tasksOf[before]?.delete(task)
      ;(this.#tasksOf[member] as Set<number>).add(task)
      this.memberOf[task] = member
      if (task === first) return
      member = before
    }
  }
}
