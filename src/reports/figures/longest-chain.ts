import type { OpenGraph, Place } from './open-graph.js'

/** A step of a chain, in milliseconds from now. */
export interface Link {
  readonly place: Place
  readonly startMs: number
  /** What it adds to the chain: nothing, for a task that ends when its last subtask does. */
  readonly durationMs: number
}

interface Span {
  /** What is left to do of a place. */
  readonly durationMs: (place: Place) => number
  /** When it can begin at the earliest. */
  readonly readyMs: (place: Place) => number
  /** Whether it is asked for; the chain ends in one of these. */
  readonly isWanted: (place: Place) => boolean
}

/**
 * The chain of tasks that keeps what is wanted from ending sooner, were there always somebody for every task: the longest
 * path of the critical path method (Kelley and Walker, 1959). A task begins when its dependencies have ended, and ends
 * when its work is done and its subtasks have ended.
 */
export function longestChain(graph: OpenGraph, { durationMs, readyMs, isWanted }: Span): readonly Link[] {
  const { order, dependencies, parts } = graph
  const starts = new Float64Array(order.length)
  const ends = new Float64Array(order.length)
  /** What each one waited for last; -1 for nothing. */
  const held = new Int32Array(order.length).fill(-1)
  let last = -1
  for (const place of order) {
    let start = readyMs(place)
    for (const other of dependencies[place] as readonly Place[])
      if ((ends[other] as number) > start) {
        start = ends[other] as number
        held[place] = other
      }
    let end = start + durationMs(place)
    starts[place] = start
    for (const part of parts[place] as readonly Place[])
      if ((ends[part] as number) > end) {
        starts[place] = end = ends[part] as number
        held[place] = part
      }
    ends[place] = end
    if (isWanted(place) && (last < 0 || end > (ends[last] as number))) last = place
  }
  const chain: Link[] = []
  for (let place = last; place >= 0; place = held[place] as Place) {
    const startMs = starts[place] as number
    chain.push({ place, startMs, durationMs: (ends[place] as number) - startMs })
  }
  return chain.reverse()
}
