import { NONE } from '../../core/json.js'
import type { OpenGraph, Place } from './open-graph.js'

/** What others wait for, and does not wait for a dependency itself. */
export interface RootCause {
  readonly place: Place
  /** How many wait for it, directly or through others. */
  readonly holdsUp: number
  /** How many of them wait for nothing else: they are free when it is done, one after the other. */
  readonly alone: number
}

/** Of how many causes all that wait for them are counted. */
const COUNTED = 256
/** Causes that are counted in one walk, a bit each. */
const BITS = 31

/**
 * The `most` causes (up to 256) that hold up the most of what `counts`. In one pass the number of ways from a cause to
 * what waits for it is counted, which is no less than the number of places there; those with the most ways are then
 * counted exactly. So the answer is exact where no more than 256 causes hold anything up, or tasks wait along a tree.
 */
export function rootCauses(graph: OpenGraph, counts: (place: Place) => boolean, most: number): readonly RootCause[] {
  const counted = graph.dependencies.map((_, place) => counts(place))
  const ways = waysFrom(graph, counted)
  const roots = graph.order.filter((place) => isRoot(graph, place) && (ways[place] as number) > 0)
  const likely = roots.sort((a, b) => (ways[b] as number) - (ways[a] as number) || a - b).slice(0, COUNTED)
  const alone = aloneBy(graph, counted)
  const causes: RootCause[] = []
  for (let start = 0; start < likely.length; start += BITS) {
    const batch = likely.slice(start, start + BITS)
    const holdsUp = reach(graph, counted, batch)
    for (const [bit, place] of batch.entries())
      causes.push({ place, holdsUp: holdsUp[bit] as number, alone: alone[place] as number })
  }
  return causes.sort((a, b) => b.holdsUp - a.holdsUp || b.alone - a.alone || a.place - b.place).slice(0, most)
}

const isRoot = ({ dependencies }: OpenGraph, place: Place): boolean =>
  (dependencies[place] as readonly Place[]).length === 0

/** In how many ways each place leads to a counted one. */
function waysFrom({ order, dependents }: OpenGraph, counted: readonly boolean[]): Float64Array {
  const ways = new Float64Array(order.length)
  for (let index = order.length - 1; index >= 0; index--) {
    const place = order[index] as Place
    for (const dependent of dependents[place] as readonly Place[])
      (ways[place] as number) += (ways[dependent] as number) + (counted[dependent] ? 1 : 0)
  }
  return ways
}

/** How many counted places wait for each root and for no other. */
function aloneBy(graph: OpenGraph, counted: readonly boolean[]): Float64Array {
  const only = onlyRoots(graph)
  const alone = new Float64Array(only.length)
  for (const [place, root] of only.entries())
    if (root >= 0 && root !== place && counted[place]) (alone[root] as number)++
  return alone
}

/** Of each place the one root that it waits for; itself for a root, -1 where there are several. */
function onlyRoots({ order, dependencies }: OpenGraph): Int32Array {
  const only = new Int32Array(order.length).fill(-1)
  for (const place of order) {
    const [first, ...others] = dependencies[place] ?? NONE
    if (first === undefined) only[place] = place
    else if (others.every((other) => only[other] === only[first])) only[place] = only[first] as number
  }
  return only
}

/** How many counted places each of a few roots leads to. */
function reach(
  { order, dependencies }: OpenGraph,
  counted: readonly boolean[],
  roots: readonly Place[],
): readonly number[] {
  const reaches = new Int32Array(order.length)
  const totals = roots.map(() => 0)
  for (const [bit, root] of roots.entries()) reaches[root] = 1 << bit
  for (const place of order) {
    const before = dependencies[place] as readonly Place[]
    if (before.length === 0) continue
    let bits = 0
    for (const other of before) bits |= reaches[other] as number
    reaches[place] = bits
    if (counted[place]) for (; bits !== 0; bits &= bits - 1) (totals[31 - Math.clz32(bits & -bits)] as number)++
  }
  return totals
}

/** The root that a place waits for first, by its first edge, that one's first edge and so on; itself for a root. */
export function firstCauses({ order, dependencies }: OpenGraph): readonly Place[] {
  const causes = order.map(() => -1)
  for (const place of order) {
    const [first] = dependencies[place] ?? NONE
    causes[place] = first === undefined ? place : (causes[first] as Place)
  }
  return causes
}
