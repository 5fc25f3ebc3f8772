import fc from 'fast-check'
import { bestFit, type CrewOptions, leastLoaded, roundRobin, type Strategy } from 'crewlog'
import { criticalPath, optimal } from 'crewlog/assignment'

/** Each as users would choose one; those that search do little of it. */
export const STRATEGIES: readonly Strategy[] = [
  roundRobin(),
  leastLoaded(),
  bestFit(),
  optimal({ cost: ({ priority }, { id }) => priority + id.length }),
  criticalPath({ duration: ({ priority }, { id }) => 1000 * (1 + priority + id.length), steps: 100 }),
]

export const aStrategy: fc.Arbitrary<Strategy | undefined> = fc.option(fc.constantFrom(...STRATEGIES), {
  nil: undefined,
  freq: 2,
})

/** For a crew that assigns by it, and soon finds out who does not start. */
export const automatic = (strategy: Strategy | undefined): Pick<CrewOptions, 'assignment'> =>
  strategy ? { assignment: { strategy, startWithinMs: 40_000 } } : {}
