import type { Gains } from './gains.js'
import { Layer, strainOf } from './layer.js'
import type { OpenProblem } from './problem.js'

export interface Descent {
  /** The cheapest plan found of those that cost less than `below`; undefined: there was none. */
  readonly memberOf: Int32Array | undefined
  /** Every plan that was not looked at costs at least this. Infinity: all were. */
  readonly unseen: number
  /** At how many members it looked in all plans: what it took. */
  readonly looked: number
}

interface Limits {
  /** How many plans go on after each task. */
  readonly width: number
  /** Only plans that can cost less than this are looked for. */
  readonly below: number
}

/**
 * Builds plans task by task, side by side: of all that the plans of one step can become, as many as the width go on, by
 * their bounds, and then by how little of capacities they take. What a plan costs at least is what it has cost, and the
 * prices of the tasks ahead, less all that members can still gain from those with the room that they have left.
 */
export function descend(
  problem: OpenProblem,
  gains: readonly Gains[],
  prices: Float64Array,
  { width, below }: Limits,
): Descent {
  const beam = new Beam(problem, gains, prices, below)
  for (let task = 0; task < problem.tasks; task++) beam.give(task, width)
  return { memberOf: beam.cheapest(), unseen: beam.unseen, looked: beam.looked }
}

/** What all of one capacity counts in the order, in spreads of a task: so little that it only decides between equals. */
const STRAIN = 1 / 1000

class Beam {
  unseen = Infinity
  looked = 0
  readonly #problem: OpenProblem
  readonly #members: readonly Gains[]
  readonly #prices: Float64Array
  readonly #below: number
  readonly #layers: Layer[]
  /** Prices of the tasks ahead, together. */
  #ahead: number

  // What the plans of the last layer can become, child after child: its bound, the order in which it goes on, and of
  // which plan and member it comes (place × members + member).
  #count = 0
  #bound = new Float64Array(0)
  #rank = new Float64Array(0)
  #pair = new Int32Array(0)

  constructor(problem: OpenProblem, members: readonly Gains[], prices: Float64Array, below: number) {
    this.#problem = problem
    this.#members = members
    this.#prices = prices
    this.#below = below
    this.#layers = [Layer.first(problem)]
    this.#ahead = prices.reduce((sum, price) => sum + price, 0)
  }

  give(task: number, width: number): void {
    this.#ahead -= this.#prices[task] as number
    this.#branch(task)
    this.#layers.push(this.#goOn(task, Math.min(width, this.#count)))
  }

  cheapest(): Int32Array | undefined {
    const { cost, size } = this.#last()
    if (size === 0) return undefined
    const memberOf = new Int32Array(this.#problem.tasks)
    let place = cost.indexOf(cost.reduce((a, b) => Math.min(a, b)))
    for (let task = memberOf.length - 1; task >= 0; task--) {
      const { parent, member } = this.#layers[task + 1] as Layer
      memberOf[task] = member[place] as number
      place = parent[place] as number
    }
    return memberOf
  }

  #last(): Layer {
    return this.#layers.at(-1) as Layer
  }

  /** Gives the task to every member in every plan, as far as it has room and the bound allows. */
  #branch(task: number): void {
    const { members, cost, need } = this.#problem
    const { size, cost: soFar, room, slots } = this.#last()
    this.#count = 0
    this.#grow(size * members)
    this.looked += size * members
    for (let place = 0; place < size; place++) {
      const start = place * members
      const least = (soFar[place] as number) + this.#ahead - this.#gains(task + 1, place)
      for (let member = 0; member < members; member++) {
        const pair = task * members + member
        const takes = need[pair] as number
        const has = room[start + member] as number
        const free = slots[start + member] as number
        if (takes > has || free === 0 || cost[pair] === Infinity) continue
        const gains = this.#members[member] as Gains
        const lost = gains.gain(task + 1, has, free) - gains.gain(task + 1, has - takes, free - 1)
        const bound = least + (cost[pair] as number) + lost
        if (bound < this.#below) this.#addChild(bound, task, place, member)
      }
    }
  }

  /** Of all members together. */
  #gains(task: number, place: number): number {
    const { room, slots } = this.#last()
    const members = this.#members.length
    let gains = 0
    for (let member = 0; member < members; member++) {
      const left = place * members + member
      gains += (this.#members[member] as Gains).gain(task, room[left] as number, slots[left] as number)
    }
    return gains
  }

  #addChild(bound: number, task: number, place: number, member: number): void {
    const { members, spread } = this.#problem
    const strain = (this.#last().strain[place] as number) + strainOf(this.#problem, task, member)
    const child = this.#count++
    this.#bound[child] = bound
    this.#rank[child] = bound + STRAIN * spread * strain
    this.#pair[child] = place * members + member
  }

  /** The layer of the children that go on; the others go unseen. */
  #goOn(task: number, most: number): Layer {
    const { members } = this.#problem
    const before = this.#last()
    const layer = new Layer(members, most)
    const last = this.#rank.slice(0, this.#count).sort()[most - 1] as number
    let equals = most - this.#rank.subarray(0, this.#count).reduce((count, rank) => count + Number(rank < last), 0)
    for (let child = 0; child < this.#count; child++) {
      const rank = this.#rank[child] as number
      if (rank < last || (rank === last && equals-- > 0)) {
        const pair = this.#pair[child] as number
        layer.add(this.#problem, before, Math.floor(pair / members), task, pair % members)
      } else this.unseen = Math.min(this.unseen, this.#bound[child] as number)
    }
    return layer
  }

  #grow(size: number): void {
    if (size <= this.#bound.length) return
    this.#bound = new Float64Array(size)
    this.#rank = new Float64Array(size)
    this.#pair = new Int32Array(size)
  }
}
