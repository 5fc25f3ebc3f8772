import type { Place } from './open-graph.js'

/**
 * Places by the value that each has in an array, the least first, and equal ones by rank. A heap of numbers, as a forecast
 * puts millions of places into one.
 */
export class PlaceHeap {
  /** Each comes before those at 2i + 1 and 2i + 2. */
  readonly #places: Place[] = []
  readonly #values: Float64Array
  readonly #ranks: Float64Array

  /** The value of a place must not change while it is in here. */
  constructor(values: Float64Array, ranks: Float64Array) {
    this.#values = values
    this.#ranks = ranks
  }

  get size(): number {
    return this.#places.length
  }

  peek(): Place | undefined {
    return this.#places[0]
  }

  add(place: Place): void {
    const places = this.#places
    let at = places.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = places[above] as Place
      if (!this.#isBefore(place, parent)) break
      places[at] = parent
      at = above
    }
    places[at] = place
  }

  shift(): Place | undefined {
    const places = this.#places
    const first = places[0]
    const last = places.pop()
    if (last !== undefined && places.length > 0) this.#sink(last)
    return first
  }

  /** Puts a place where the first was, then down to where it belongs. */
  #sink(place: Place): void {
    const places = this.#places
    let at = 0
    for (let below = 1; below < places.length; below = 2 * at + 1) {
      if (below + 1 < places.length && this.#isBefore(places[below + 1] as Place, places[below] as Place)) below++
      const child = places[below] as Place
      if (!this.#isBefore(child, place)) break
      places[at] = child
      at = below
    }
    places[at] = place
  }

  #isBefore(a: Place, b: Place): boolean {
    const one = this.#values[a] as number
    const other = this.#values[b] as number
    return one < other || (one === other && (this.#ranks[a] as number) < (this.#ranks[b] as number))
  }
}
