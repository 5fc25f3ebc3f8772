/** A concave function to climb: answers its value at a point, and writes one of its slopes there. */
export type Concave = (point: Float64Array, slope: Float64Array) => number

export interface Climb {
  readonly start: Float64Array
  readonly rounds: number
  /** How far the top may be above the start, about: the first aim. */
  readonly reach: number
  /** The least that a coordinate can be. */
  readonly floor?: number
}

/** Rounds without gain after which it aims lower. */
const PATIENCE = 8
/** How much of the last direction stays, so that it does not zigzag. */
const INERTIA = 0.6

/**
 * Climbs towards the top in steps along slopes, each as long as the aim is away (subgradients with a variable target:
 * U. Brännlund, On relaxation methods for nonsmooth convex optimization, 1993). Answers the best point seen.
 */
export function climb(concave: Concave, { start, rounds, reach, floor = -Infinity }: Climb) {
  const point = start.slice()
  const slope = new Float64Array(start.length)
  const direction = new Float64Array(start.length)
  let best = { value: -Infinity, point: start }
  let aim = reach
  let vain = 0
  for (let round = 0; round < rounds; round++) {
    const value = concave(point, slope)
    if (value > best.value + aim / 4) aim *= 2
    vain = value > best.value + aim / 100 ? 0 : vain + 1
    if (value > best.value) best = { value, point: point.slice() }
    if (vain === PATIENCE) {
      aim /= 2
      vain = 0
      point.set(best.point)
      direction.fill(0)
      continue
    }
    const length = turn(direction, slope, point, floor)
    if (length === 0) break
    const step = (best.value + aim - value) / length
    for (let at = 0; at < point.length; at++)
      point[at] = Math.max(floor, (point[at] as number) + step * (direction[at] as number))
  }
  return best
}

/** Turns the direction towards the slope, not below the floor; answers the square of its length. */
function turn(direction: Float64Array, slope: Float64Array, point: Float64Array, floor: number): number {
  let length = 0
  for (let at = 0; at < direction.length; at++) {
    const turned = (slope[at] as number) + INERTIA * (direction[at] as number)
    const isStuck = turned < 0 && (point[at] as number) <= floor
    direction[at] = isStuck ? 0 : turned
    length += isStuck ? 0 : turned * turned
  }
  return length
}
