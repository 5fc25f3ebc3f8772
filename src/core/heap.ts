/** An item's place in one container; kept by the item's owner, so that finding it takes no search. */
export class Slot<T> {
  readonly item: T
  /** -1: in none. */
  place = -1

  constructor(item: T) {
    this.item = item
  }
}

/** A priority queue from which anything can be removed: a binary heap that knows the place of each item. */
export class Heap<T> {
  /** Each item comes before those at 2i + 1 and 2i + 2. */
  readonly #slots: Slot<T>[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#slots.length
  }

  /** The first in order. */
  peek(): T | undefined {
    return this.#slots[0]?.item
  }

  /** O(log n). A slot is in one container at a time; the order of its item must not change while it is. */
  add(slot: Slot<T>): void {
    this.#settle(slot, this.#slots.length)
  }

  /** O(log n); nothing for a slot that is in none. */
  delete(slot: Slot<T>): void {
    const { place } = slot
    if (this.#slots[place] !== slot) return
    slot.place = -1
    const last = this.#slots.pop() as Slot<T>
    if (last !== slot) this.#settle(last, place)
  }

  /** Takes the first in order out. */
  shift(): T | undefined {
    const first = this.#slots[0]
    if (first) this.delete(first)
    return first?.item
  }

  /** The first in order that passes; none after it is looked at. */
  find(passes: (item: T) => boolean): T | undefined {
    for (const item of this.inOrder()) if (passes(item)) return item
    return undefined
  }

  /** In order, each looked at when it is asked for. Nothing may be added or deleted meanwhile. */
  *inOrder(): Generator<T, undefined> {
    const at = (place: number): T => (this.#slots[place] as Slot<T>).item
    const next = new Heap<number>((a, b) => this.#isBefore(at(a), at(b)))
    const look = (place: number): void => {
      if (place < this.#slots.length) next.add(new Slot(place))
    }
    look(0)
    for (let place = next.shift(); place !== undefined; place = next.shift()) {
      yield at(place)
      look(2 * place + 1)
      look(2 * place + 2)
    }
    return undefined
  }

  /** In no order. */
  *[Symbol.iterator](): Generator<T> {
    for (const { item } of this.#slots) yield item
  }

  /** Puts `slot` at `place`, then moves it up or down to where it belongs. */
  #settle(slot: Slot<T>, start: number): void {
    const slots = this.#slots
    const { item } = slot
    let place = start
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = slots[above] as Slot<T>
      if (!this.#isBefore(item, parent.item)) break
      slots[place] = parent
      parent.place = place
      place = above
    }
    for (;;) {
      let below = 2 * place + 1
      if (below >= slots.length) break
      let child = slots[below] as Slot<T>
      const other = slots[below + 1]
      if (other && this.#isBefore(other.item, child.item)) {
        child = other
        below++
      }
      if (!this.#isBefore(child.item, item)) break
      slots[place] = child
      child.place = place
      place = below
    }
    slots[place] = slot
    slot.place = place
  }
}

/** A set without order, for what has a slot of its own. */
export class Bag<T> {
  readonly #slots: Slot<T>[] = []

  get size(): number {
    return this.#slots.length
  }

  add(slot: Slot<T>): void {
    slot.place = this.#slots.length
    this.#slots.push(slot)
  }

  delete(slot: Slot<T>): void {
    const { place } = slot
    if (this.#slots[place] !== slot) return
    slot.place = -1
    const last = this.#slots.pop() as Slot<T>
    if (last === slot) return
    this.#slots[place] = last
    last.place = place
  }

  *[Symbol.iterator](): Generator<T> {
    for (const { item } of this.#slots) yield item
  }
}
