import type { Problem } from './problem.js'

/** What rounding may take from a capacity that is no decimal number: a third three times fits into one. */
const ROUNDING = 1e-12

/**
 * Needs and capacities as whole numbers, where they are decimals of up to six digits: what adds up on paper adds up
 * here, too (0.1 + 0.2 fits into 0.3).
 */
export function inWholeUnits(problem: Problem): Problem {
  const { need, capacity } = problem
  const units = unitsOf(need, capacity)
  if (units === undefined) return { ...problem, capacity: capacity.map((room) => room * (1 + ROUNDING)) }
  if (units === 1) return problem
  const counted = (value: number): number => Math.round(value * units)
  return { ...problem, need: need.map(counted), capacity: capacity.map(counted) }
}

/** How many units of the last decimal there are in 1; undefined when some value has more than six decimals. */
export function unitsOf(...lists: readonly Float64Array[]): number | undefined {
  return [1, 10, 100, 1e3, 1e4, 1e5, 1e6].find((units) => lists.every((list) => list.every(isWholeIn(units))))
}

const isWholeIn =
  (units: number) =>
  (value: number): boolean => {
    if (!Number.isFinite(value)) return true
    const count = value * units
    return Math.abs(count) < 2 ** 50 && Math.abs(count - Math.round(count)) <= 1e-12 * Math.max(1, Math.abs(count))
  }
