const EMPTY: ReadonlySet<never> = new Set()

/** Keys with any number of values each: an index. */
export class MultiMap<K, V> {
  /** None is empty. */
  readonly #sets = new Map<K, Set<V>>()

  of(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? EMPTY
  }

  get size(): number {
    return this.#sets.size
  }

  keys(): Iterable<K> {
    return this.#sets.keys()
  }

  add(key: K, value: V): void {
    const set = this.#sets.get(key)
    if (set) set.add(value)
    else this.#sets.set(key, new Set([value]))
  }

  delete(key: K, value: V): void {
    const set = this.#sets.get(key)
    if (set?.delete(value) && set.size === 0) this.#sets.delete(key)
  }

  /** `value` was under `before`, and is under `after` now. */
  move(value: V, before: readonly K[], after: readonly K[]): void {
    if (before === after) return
    for (const key of before) this.delete(key, value)
    for (const key of after) this.add(key, value)
  }
}

/** How many of each. */
export class Tally<K> {
  readonly #counts = new Map<K, number>()

  of(key: K): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: K, amount: number): void {
    const count = this.of(key) + amount
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }

  clear(): void {
    this.#counts.clear()
  }

  [Symbol.iterator](): Iterator<[K, number]> {
    return this.#counts.entries()
  }
}
