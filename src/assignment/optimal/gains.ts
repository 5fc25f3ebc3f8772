import { knapsacksOf } from './knapsack.js'
import type { Prices } from './prices.js'
import type { OpenProblem } from './problem.js'

/** How much one member can gain at most from this task and those behind it in the list, with what it has left. */
export interface Gains {
  gain(task: number, room: number, slots: number): number
}

/** For each member: by knapsacks, or, where they would be too large, by the prices of its room. */
export function gainsOf(problem: OpenProblem, { tasks, capacity, slots }: Prices): readonly Gains[] {
  const knapsacks = knapsacksOf(problem)
  for (const knapsack of knapsacks ?? []) knapsack.fill(tasks)
  return knapsacks ?? Array.from(capacity, (price, member) => linear(price, slots[member] as number))
}

const linear = (price: number, slotPrice: number): Gains => ({
  gain: (_task, room, slots) => room * price + slots * slotPrice,
})
