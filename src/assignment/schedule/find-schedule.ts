import { longestWays, scheduleByEarliestEnd, scheduleWithoutWaiting } from './list-schedule.js'
import type { Schedule, SchedulingProblem } from './problem.js'
import { TabuSearch } from './tabu-search.js'
import { WorkGraph } from './work-graph.js'

/** How many operations the search looks at, at most: for each pair of tasks, and in all. All of them take about a second. */
const STEPS = { perPair: 2000, inAll: 10_000_000 }

/**
 * A short schedule: that of list scheduling, made shorter by tabu search as long as `steps` and its lower bound allow. It
 * says the same for the same problem on every machine.
 */
export function findSchedule(problem: SchedulingProblem, steps = stepsFor(problem)): Schedule {
  const graph = new WorkGraph(problem)
  const bound = lowerBound(graph)
  scheduleByEarliestEnd(graph)
  const { makespan } = graph
  const arrangement = graph.arrangement()
  scheduleWithoutWaiting(graph)
  if (makespan < graph.makespan) graph.arrange(arrangement)
  new TabuSearch(graph, { steps, bound }).run()
  return graph.schedule()
}

const stepsFor = ({ tasks }: SchedulingProblem): number => Math.min(tasks.length ** 2 * STEPS.perPair, STEPS.inAll)

/** No schedule is shorter: everyone at their quickest, and either nobody in the way of others, or all work shared evenly. */
function lowerBound(graph: WorkGraph): number {
  const ways = longestWays(graph)
  let bound = 0
  let work = 0
  for (const { index, earliest, leastDuration } of graph.operations) {
    bound = Math.max(bound, earliest + (ways[index] as number))
    work += leastDuration
  }
  return Math.max(bound, Math.ceil(evenEnd(graph, work)))
}

/** When all lanes end together, if each is filled from when it is free on. */
function evenEnd({ workers }: WorkGraph, work: number): number {
  const times = workers.flatMap(({ lanes }) => lanes.map(({ freeAt }) => freeAt)).sort((a, b) => a - b)
  let sum = work
  let end = Infinity
  times.forEach((freeAt, place) => {
    sum += freeAt
    // Lanes that are free only after the end make this larger again.
    end = Math.min(end, sum / (place + 1))
  })
  return work === 0 ? 0 : end
}
