import { descend } from './beam.js'
import { type Gains, gainsOf } from './gains.js'
import type { Prices } from './prices.js'
import { costOf, type OpenProblem, partOf } from './problem.js'

interface AllocationParts {
  readonly problem: OpenProblem
  readonly prices: Prices
  /** What all costs are multiples of: 0.01, say; 0: of nothing that simple. */
  readonly grain: number
  /** Where it begins. */
  readonly memberOf: Int32Array
  /** No other one costs less, as far as is known. */
  readonly least: number
}

/** How much wider each beam is than the one before. */
const WIDER = 4

/** Who does what, and what is proved of it. */
export class Allocation {
  readonly problem: OpenProblem
  readonly #gains: readonly Gains[]
  readonly #prices: Prices
  readonly #grain: number
  #memberOf: Int32Array
  #cost: number
  #least: number

  constructor({ problem, prices, grain, memberOf, least }: AllocationParts) {
    this.problem = problem
    this.#gains = gainsOf(problem, prices)
    this.#prices = prices
    this.#grain = grain
    this.#memberOf = memberOf
    this.#cost = costOf(problem, memberOf)
    this.#least = least
  }

  get memberOf(): Int32Array {
    return this.#memberOf
  }

  /** No other allocation costs less; penalties included. */
  get least(): number {
    return this.isBest ? this.#cost : this.#least
  }

  get isBest(): boolean {
    return this.#least >= this.#below()
  }

  /**
   * Looks for a cheaper one with wider and wider beams, until one has seen all that could be, or the next might look at
   * more members than this. Answers at how many it looked.
   */
  widen(most: number): number {
    const { tasks, members } = this.problem
    let looked = 0
    for (let width = 1; !this.isBest && width * tasks * members <= most; width *= WIDER) {
      const descent = descend(this.problem, this.#gains, this.#prices.tasks, { width, below: this.#below() })
      if (descent.memberOf) this.#become(descent.memberOf)
      this.#least = Math.max(this.#least, Math.min(descent.unseen, this.#cost))
      looked += descent.looked
    }
    return looked
  }

  /** Gives what these members do, and what is left over, anew among them. Answers whether it became cheaper, and at how many members it looked. */
  regroup(members: readonly number[], most: number): { readonly isCheaper: boolean; readonly looked: number } {
    const doers = [...members, this.problem.nobody]
    const tasks = [...this.#memberOf.keys()].filter((task) => doers.includes(this.#memberOf[task] as number))
    const part = new Allocation({
      problem: partOf(this.problem, members, tasks),
      prices: partOfPrices(this.#prices, doers, tasks),
      grain: this.#grain,
      memberOf: Int32Array.from(tasks, (task) => doers.indexOf(this.#memberOf[task] as number)),
      least: -Infinity,
    })
    const before = part.memberOf
    const looked = part.widen(most)
    const isCheaper = part.memberOf !== before
    if (isCheaper) {
      const whole = this.#memberOf.slice()
      for (const [place, task] of tasks.entries()) whole[task] = doers[part.memberOf[place] as number] as number
      this.#become(whole)
    }
    return { isCheaper, looked }
  }

  #become(memberOf: Int32Array): void {
    this.#memberOf = memberOf
    this.#cost = costOf(this.problem, memberOf)
  }

  /** What is not below this cannot be cheaper. */
  #below(): number {
    return this.#cost - (this.#grain > 0 ? this.#grain * (1 - 1e-6) : 1e-9 * Math.abs(this.#cost))
  }
}

const partOfPrices = (prices: Prices, members: readonly number[], tasks: readonly number[]): Prices => ({
  tasks: Float64Array.from(tasks, (task) => prices.tasks[task] as number),
  capacity: Float64Array.from(members, (member) => prices.capacity[member] as number),
  slots: Float64Array.from(members, (member) => prices.slots[member] as number),
})
