import { cheapest, countedBy, numbersOf } from './by-number.js'
import { costOf, leavingAtMost, type OpenProblem, type Problem, type Solution, withNobody } from './problem.js'
import { search } from './search.js'
import { inWholeUnits } from './units.js'

/**
 * Leaves as few tasks over as it can, and then costs as little as it can. Where only the number of a member's tasks
 * counts, that is exact; else it is a search, which says what it has proved. The same problem has the same answer.
 */
export function solve(given: Problem): Solution {
  const problem = withNobody(inWholeUnits(given))
  const numbers = numbersOf(problem)
  if (numbers.includes(-1)) return solveBySearch(countedBy(numbers, problem))
  const memberOf = cheapest(problem, numbers)
  const left = leftIn(problem, memberOf)
  const cost = costOf(problem, memberOf) - left * problem.penalty
  return solutionOf(problem, memberOf, { leastLeft: left, leastCost: cost })
}

/** First for how many are left over; then, when some are, for the cost of so many. */
function solveBySearch(problem: OpenProblem): Solution {
  const { penalty, highest, nobody } = problem
  const all = search(problem, new Int32Array(problem.tasks).fill(nobody))
  const left = leftIn(problem, all.memberOf)
  if (left === 0) return solutionOf(problem, all.memberOf, { leastLeft: 0, leastCost: all.least })
  // What is given costs less than half a penalty, so that rounding cannot make one of a fourth.
  const leastLeft = Math.max(0, Math.ceil((all.least - highest) / penalty - 1 / 4))
  const { memberOf, least } = search(leavingAtMost(problem, left), all.memberOf)
  return solutionOf(problem, memberOf, { leastLeft, leastCost: leastLeft === left ? least : -Infinity })
}

function solutionOf(
  { cost, members, nobody }: OpenProblem,
  memberOf: Int32Array,
  proved: Pick<Solution, 'leastLeft' | 'leastCost'>,
): Solution {
  let [total, left] = [0, 0]
  for (const [task, member] of memberOf.entries()) {
    if (member === nobody) left++
    else total += cost[task * members + member] as number
  }
  return { memberOf: memberOf.map((member) => (member === nobody ? -1 : member)), cost: total, left, ...proved }
}

const leftIn = ({ nobody }: OpenProblem, memberOf: Int32Array): number =>
  memberOf.filter((member) => member === nobody).length
