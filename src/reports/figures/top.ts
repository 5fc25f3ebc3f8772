import { Heap, Slot } from '../../core/heap.js'

/** The first few of many in an order, found without keeping the others. */
export class Top<T> {
  readonly #most: number
  readonly #compare: (a: T, b: T) => number
  /** The last of those that are kept comes first. */
  readonly #kept: Heap<T>

  /** `compare` is below 0 where the first comes before the second. */
  constructor(most: number, compare: (a: T, b: T) => number) {
    this.#most = most
    this.#compare = compare
    this.#kept = new Heap((a, b) => compare(a, b) > 0)
  }

  add(item: T): void {
    const last = this.#kept.peek()
    if (this.#kept.size < this.#most) this.#kept.add(new Slot(item))
    else if (last !== undefined && this.#compare(item, last) < 0) {
      this.#kept.shift()
      this.#kept.add(new Slot(item))
    }
  }

  /** In order. */
  list(): readonly T[] {
    return [...this.#kept].sort(this.#compare)
  }
}
