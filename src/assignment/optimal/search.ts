import { randomFrom } from '../../core/random.js'
import { Allocation } from './allocation.js'
import { boundOf } from './prices.js'
import type { OpenProblem } from './problem.js'
import { unitsOf } from './units.js'

/** The width of the first beam over all tasks. */
const FIRST_WIDTH = 16
/** The fewest members among whom tasks are given anew, and how many times more they become. */
const GROUP = { least: 4, growth: 1.5 }
/** How many groups of a size are tried in vain, for each member. */
const TRIES = 4
// How many members all plans of all beams look at: this bounds the time, and no clock does.
const EFFORT_OF_GROUP = 50_000
const EFFORT_OF_GROUPS = 3_000_000
const EFFORT_AT_LAST = 6_000_000

/**
 * Who does what when members have capacities, as cheap as it is found with a fixed effort. It begins with beams over all
 * tasks. Then the tasks of a few members are given anew among them, again and again, each time to other members, and in
 * the end to more of them at a time. Last come wider and wider beams over all; when one has seen all that could be
 * cheaper, it is proved to be the best.
 */
export function search(problem: OpenProblem, start: Int32Array): Allocation {
  const { least, prices } = boundOf(problem)
  const units = unitsOf(problem.cost)
  const all = new Allocation({
    problem,
    prices,
    grain: units === undefined ? 0 : 1 / units,
    memberOf: start,
    least,
  })
  all.widen(FIRST_WIDTH * problem.tasks * problem.members)
  regroup(all)
  all.widen(EFFORT_AT_LAST)
  return all
}

function regroup(all: Allocation): void {
  const { nobody } = all.problem
  const cards = new Cards(nobody)
  let effort = 0
  for (let size = GROUP.least; size < nobody; size = Math.ceil(size * GROUP.growth)) {
    let vain = 0
    while (vain < TRIES * nobody && effort < EFFORT_OF_GROUPS && !all.isBest) {
      const { isCheaper, looked } = all.regroup(cards.draw(size), EFFORT_OF_GROUP)
      vain = isCheaper ? 0 : vain + 1
      effort += looked
    }
  }
}

/** The numbers below `count`, in an order that looks like chance, and is the same each time. */
class Cards {
  readonly #cards: number[]
  readonly #random = randomFrom(1)

  constructor(count: number) {
    this.#cards = Array.from({ length: count }, (_, card) => card)
  }

  draw(size: number): readonly number[] {
    const cards = this.#cards
    for (let place = 0; place < size; place++) {
      const other = place + Math.floor(this.#random() * (cards.length - place))
      const card = cards[place] as number
      cards[place] = cards[other] as number
      cards[other] = card
    }
    return cards.slice(0, size)
  }
}
