import { climb, type Concave } from './climb.js'
import { type Knapsack, knapsacksOf } from './knapsack.js'
import { type OpenProblem, shareOf } from './problem.js'

/** What it is worth to have each task done, and to have a unit of each member's capacity or one of its slots more. */
export interface Prices {
  readonly tasks: Float64Array
  readonly capacity: Float64Array
  readonly slots: Float64Array
}

export interface Bound {
  /** No plan costs less. */
  readonly least: number
  /** Those that prove it. */
  readonly prices: Prices
}

const ROUNDS_OF_ROOM = 300
const ROUNDS_OF_TASKS = 200
/** Entries of knapsacks that are filled in all rounds, about. */
const EFFORT = 100_000_000

/**
 * Two relaxations of the problem (M. L. Fisher, Management Science 27, 1981). First every member may take more than it
 * has room for, at a price for its room; that is quick, and gives each task its first price. Then every task may be done
 * by several or by nobody, at a price for the task, and each member takes what it gains the most from: a knapsack. Where
 * the knapsacks would be too large, the first has to do.
 */
export function boundOf(problem: OpenProblem): Bound {
  const { tasks, spread } = problem
  const reach = (spread * tasks) / 200
  const pricedRoom = withPricedRoom(problem)
  const start = startFor(problem, pricedRoom)
  const first = climb(pricedRoom, { start, rounds: ROUNDS_OF_ROOM, reach, floor: 0 })
  const prices = pricesOf(problem, first.point)
  const knapsacks = knapsacksOf(problem)
  if (!knapsacks) return { least: first.value, prices }
  const second = climb(withPricedTasks(problem, knapsacks), {
    start: prices.tasks,
    rounds: roundsFor(problem, knapsacks),
    reach: reach / 10,
  })
  return { least: Math.max(first.value, second.value), prices: { ...prices, tasks: second.point } }
}

/** Where tasks must be left over, prices are far above all costs: the best of equal prices for all members. */
function startFor({ tasks, members, spread, penalty }: OpenProblem, pricedRoom: Concave): Float64Array {
  const slope = new Float64Array(2 * members)
  let start = new Float64Array(2 * members)
  let best = pricedRoom(start, slope)
  for (let price = spread || 1; price < penalty * tasks; price *= 2) {
    for (const ofSlots of [0, members]) {
      const point = new Float64Array(2 * members).fill(price, ofSlots, ofSlots + members)
      const value = pricedRoom(point, slope)
      if (value > best) [best, start] = [value, point]
    }
  }
  return start
}

function roundsFor({ tasks }: OpenProblem, knapsacks: readonly Knapsack[]): number {
  const entries = knapsacks.reduce((sum, { width }) => sum + width * tasks, 0)
  return Math.max(10, Math.min(ROUNDS_OF_TASKS, Math.floor(EFFORT / entries)))
}

/** A point has the price of each member's whole capacity, and then that of all its slots. */
const withPricedRoom =
  (problem: OpenProblem) =>
  (point: Float64Array, slope: Float64Array): number => {
    const { tasks, members, need, capacity, slots } = problem
    const room = roomPricesOf(problem, point)
    let value = -point.reduce((sum, price) => sum + price, 0)
    slope.fill(-1)
    for (let task = 0; task < tasks; task++) {
      const member = cheapestOf(problem, room, task)
      const pair = task * members + member
      value += pricedCost(problem, room, pair, member)
      slope[member] = (slope[member] as number) + shareOf(need[pair] as number, capacity[member] as number)
      slope[members + member] = (slope[members + member] as number) + 1 / (slots[member] as number)
    }
    return value
  }

type RoomPrices = Pick<Prices, 'capacity' | 'slots'>

function roomPricesOf({ members, capacity, slots }: OpenProblem, point: Float64Array): RoomPrices {
  return {
    capacity: capacity.map((room, member) => shareOf(point[member] as number, room)),
    slots: Float64Array.from(slots, (count, member) => shareOf(point[members + member] as number, count)),
  }
}

/** What each task costs at these prices for room. */
function pricesOf(problem: OpenProblem, point: Float64Array): Prices {
  const room = roomPricesOf(problem, point)
  const tasks = Float64Array.from({ length: problem.tasks }, (_, task) => {
    const member = cheapestOf(problem, room, task)
    return pricedCost(problem, room, task * problem.members + member, member)
  })
  return { ...room, tasks }
}

function cheapestOf(problem: OpenProblem, room: RoomPrices, task: number): number {
  const { members, nobody } = problem
  let cheapest = nobody
  let least = Infinity
  for (let member = 0; member < members; member++) {
    const costs = pricedCost(problem, room, task * members + member, member)
    if (costs >= least) continue
    least = costs
    cheapest = member
  }
  return cheapest
}

const pricedCost = ({ cost, need }: OpenProblem, { capacity, slots }: RoomPrices, pair: number, member: number) =>
  (cost[pair] as number) + (need[pair] as number) * (capacity[member] as number) + (slots[member] as number)

const withPricedTasks =
  ({ capacity, slots }: OpenProblem, knapsacks: readonly Knapsack[]) =>
  (prices: Float64Array, slope: Float64Array): number => {
    let value = prices.reduce((sum, price) => sum + price, 0)
    slope.fill(1)
    for (const [member, knapsack] of knapsacks.entries()) {
      knapsack.fill(prices)
      value -= knapsack.gain(0, capacity[member] as number, slots[member] as number)
      for (const task of knapsack.choice()) slope[task] = (slope[task] as number) - 1
    }
    return value
  }
