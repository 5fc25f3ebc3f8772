import fc from 'fast-check'
import { linearSumAssignment } from 'linear-sum-assignment'
import { munkres } from 'munkres'
import { expect, it } from 'vitest'
import { solve } from '../../../src/assignment/optimal/solve.js'
import { bruteForce, faultsOf, gapInstance, problemFrom, smallProblems } from './problems.js'

const matrices = (cost: fc.Arbitrary<number>): fc.Arbitrary<number[][]> =>
  fc
    .record({ tasks: fc.integer({ min: 1, max: 30 }), members: fc.integer({ min: 1, max: 30 }) })
    .chain(({ tasks, members }) =>
      fc.array(fc.array(cost, { minLength: members, maxLength: members }), { minLength: tasks, maxLength: tasks }),
    )

it.each([
  ['few whole costs, with many ties', fc.integer({ min: 0, max: 4 })],
  ['whole costs, also below zero', fc.integer({ min: -1000, max: 1000 })],
  ['real costs', fc.double({ min: -10, max: 10, noNaN: true })],
])('costs as little as two libraries find for one task each: %s', (_, cost) => {
  fc.assert(
    fc.property(matrices(cost), (costs) => {
      const solution = solve(problemFrom(costs))
      const pairs = munkres(costs)

      expect(solution.left).toBe(costs.length - pairs.length)
      expect(solution.cost).toBeCloseTo(
        pairs.reduce((sum, [task, member]) => sum + costs[task]![member]!, 0),
        6,
      )
      expect(solution.cost).toBeCloseTo(linearSumAssignment(costs, { maximaze: false }).gain, 6)
    }),
  )
})

it('leaves as few over and costs as little as trying everything', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(smallProblems(), (problem) => {
      const solution = solve(problem)
      const { left, cost } = bruteForce(problem)

      expect(faultsOf(problem, solution)).toEqual([])
      expect(solution.left).toBe(left)
      expect(solution.cost).toBeCloseTo(cost, 6)
      expect(solution.leastLeft).toBeLessThanOrEqual(left)
      if (solution.leastLeft === left) expect(solution.leastCost).toBeLessThanOrEqual(cost + 1e-6)
    }),
    { numRuns: 1000 },
  )
})

it.each([
  ['max', 5, 30],
  ['max', 10, 60],
  ['a', 5, 60],
  ['b', 5, 60],
  ['c', 10, 60],
  ['d', 5, 60],
  ['e', 10, 60],
] as const)(
  'is proved to be within one percent of the least cost: type %s, %d members, %d tasks',
  (type, members, tasks) => {
    for (const seed of [1, 2]) {
      const problem = gapInstance(type, members, tasks, seed)
      const solution = solve(problem)

      expect(faultsOf(problem, solution)).toEqual([])
      expect(solution).toMatchObject({ left: 0, leastLeft: 0 })
      expect((solution.cost - solution.leastCost) / Math.abs(solution.cost)).toBeLessThanOrEqual(0.01)
    }
  },
)
