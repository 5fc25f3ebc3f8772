/**
 * Tasks in an order in which each comes after all that it waits for, kept as they come and go, so that a new edge costs by
 * what is out of order because of it, and mostly nothing: the algorithm of Pearce and Kelly for acyclic graphs that grow
 * (ACM Journal of Experimental Algorithmics 11, 2006).
 */
export class WaitingOrder {
  readonly #places = new Map<string, number>()
  readonly #awaited: (id: string) => Iterable<string>
  readonly #awaiting: (id: string) => Iterable<string>
  #lowest = 0
  #highest = 0

  /** What a task waits for, and what waits for it, as it is by then. */
  constructor(awaited: (id: string) => Iterable<string>, awaiting: (id: string) => Iterable<string>) {
    this.#awaited = awaited
    this.#awaiting = awaiting
  }

  /** Puts a task, with its new edges, in its place; false if it waits for itself by one of them. */
  add(id: string): boolean {
    if (!this.#places.has(id)) {
      // Where it mostly belongs: what waits for others usually comes after them.
      const isFirst = this.#known(this.#awaited(id)).length === 0 && this.#known(this.#awaiting(id)).length > 0
      this.#places.set(id, isFirst ? --this.#lowest : ++this.#highest)
    }
    let isFree = true
    for (const last of this.#known(this.#awaited(id))) if (!this.#order(id, last)) isFree = false
    for (const first of this.#known(this.#awaiting(id))) if (!this.#order(first, id)) isFree = false
    return isFree
  }

  delete(id: string): void {
    this.#places.delete(id)
  }

  /** False if `last` waits for `first`, which is to wait for it. */
  #order(first: string, last: string): boolean {
    const [low, high] = [this.#place(first), this.#place(last)]
    if (high < low) return true
    const above = this.#reach(first, this.#awaiting, (place) => place <= high)
    if (above.includes(last)) return false
    const below = this.#reach(last, this.#awaited, (place) => place >= low)
    const byPlace = (a: string, b: string): number => this.#place(a) - this.#place(b)
    const moved = [...below.sort(byPlace), ...above.sort(byPlace)]
    const places = moved.map((id) => this.#place(id)).sort((a, b) => a - b)
    for (const [index, id] of moved.entries()) this.#places.set(id, places[index] as number)
    return true
  }

  /** Those that edges lead to, one after the other, from a task, itself included. */
  #reach(from: string, edges: (id: string) => Iterable<string>, isNear: (place: number) => boolean): string[] {
    const found = new Set([from])
    // A set is walked on into what is added meanwhile.
    for (const at of found) for (const next of this.#known(edges(at))) if (isNear(this.#place(next))) found.add(next)
    return [...found]
  }

  #place(id: string): number {
    return this.#places.get(id) as number
  }

  #known(ids: Iterable<string>): readonly string[] {
    return [...ids].filter((id) => this.#places.has(id))
  }
}
