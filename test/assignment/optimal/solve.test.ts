import { describe, expect, it } from 'vitest'
import { solve } from '../../../src/assignment/optimal/solve.js'
import { faultsOf, gapInstance, problemFrom } from './problems.js'

const membersOf = (...problem: Parameters<typeof problemFrom>) => [...solve(problemFrom(...problem)).memberOf]

describe('one task for each member', () => {
  it('costs least in the whole, not task by task', () => {
    expect(
      solve(
        problemFrom([
          [1, 2],
          [1, 9],
        ]),
      ),
    ).toEqual({
      memberOf: Int32Array.of(1, 0),
      cost: 3,
      left: 0,
      leastLeft: 0,
      leastCost: 3,
    })
  })

  it('leaves over what costs the most, when there are too many', () => {
    expect(membersOf([[5], [3], [4]])).toEqual([-1, 0, -1])
  })

  it('leaves members idle, when there are too few', () => {
    expect(membersOf([[5, 3, 4]])).toEqual([1])
  })

  it('gives a task that only one can do to that one, whatever it costs', () => {
    expect(
      membersOf([
        [1, 2],
        [100, Infinity],
      ]),
    ).toEqual([1, 0])
  })

  it('leaves over what nobody can do', () => {
    expect(
      solve(
        problemFrom([
          [Infinity, Infinity],
          [2, 1],
        ]),
      ),
    ).toMatchObject({ left: 1, leastLeft: 1, cost: 1 })
  })

  it('takes costs below zero for gains', () => {
    expect(
      membersOf([
        [-5, -3],
        [-4, -1],
      ]),
    ).toEqual([1, 0])
  })

  it('has nothing to do without tasks, and can do nothing without members', () => {
    expect(solve(problemFrom([]))).toMatchObject({ cost: 0, left: 0, leastCost: 0 })
    expect(solve(problemFrom([[], []]))).toMatchObject({ cost: 0, left: 2, leastLeft: 2 })
  })
})

describe('members with room for several', () => {
  it('fills them by number where all tasks need the same', () => {
    const costs = [
      [1, 5],
      [1, 4],
      [1, 9],
      [1, 8],
    ]
    expect(membersOf(costs, { needs: costs.map(() => [2, 3]), capacities: [5, 7] })).toEqual([1, 1, 0, 0])
  })

  it('never exceeds a capacity, though that is dear', () => {
    const problem = {
      needs: [
        [3, 3],
        [3, 3],
        [2, 2],
      ],
      capacities: [5, 5],
    }
    const solution = solve(
      problemFrom(
        [
          [1, 90],
          [1, 50],
          [1, 70],
        ],
        problem,
      ),
    )

    expect(solution).toMatchObject({ cost: 52, left: 0, leastCost: 52 })
  })

  it('never gives more tasks than there are slots, though they need little', () => {
    expect(
      membersOf(
        [
          [1, 2],
          [1, 3],
          [1, 4],
        ],
        {
          needs: [
            [0, 1],
            [0, 0],
            [0, 2],
          ],
          capacities: [9, 9],
          slots: [2, 2],
        },
      ),
    ).toEqual([1, 0, 0])
  })

  it('adds up decimals as on paper', () => {
    expect(membersOf([[1], [1], [1]], { needs: [[0.1], [0.2], [0.4]], capacities: [0.7] })).toEqual([0, 0, 0])
    expect(membersOf([[1], [1]], { needs: [[0.1], [0.2]], capacities: [0.3] })).toEqual([0, 0])
  })

  it('leaves as few over as possible, and of those plans takes the cheapest', () => {
    // All of the room by one, or by two of which the third is dearer.
    const problem = { needs: [[4], [2], [2], [2]], capacities: [4] }
    expect(solve(problemFrom([[1], [10], [20], [30]], problem))).toMatchObject({ cost: 30, left: 2, leastLeft: 2 })
  })

  it('does not give a task to who has no room for it alone', () => {
    expect(
      membersOf(
        [
          [1, 50],
          [1, 1],
        ],
        {
          needs: [
            [7, 3],
            [2, 2],
          ],
          capacities: [5, 5],
        },
      ),
    ).toEqual([1, 0])
  })

  it('says the same each time', () => {
    const problem = gapInstance('d', 6, 30, 3)
    expect(solve(problem)).toEqual(solve(problem))
  })

  it('plans for capacities in seconds or tokens as for small ones', () => {
    const small = gapInstance('max', 5, 20, 7)
    const large = {
      ...small,
      need: small.need.map((need) => need * 86_400),
      capacity: small.capacity.map((room) => room * 86_400 + 7),
    }
    const [one, other] = [solve(small), solve(large)]

    expect(faultsOf(large, other)).toEqual([])
    expect(other.cost).toBe(one.cost)
  })
})
