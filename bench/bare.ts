/** What the least that could be called a task board does, in the same order: a Map, a heap, no rules, no journal. */
export class BareBoard {
  readonly #tasks = new Map<
    string,
    { readonly id: string; readonly priority: number; readonly order: number; status: string }
  >()
  readonly #heap: string[] = []
  #made = 0

  create(priority: number): string {
    const id = `task-${String(this.#made)}`
    this.#tasks.set(id, { id, priority, order: this.#made++, status: 'pending' })
    let place = this.#heap.push(id) - 1
    while (place > 0 && this.#isBefore(id, this.#heap[(place - 1) >> 1]!)) {
      this.#heap[place] = this.#heap[(place - 1) >> 1]!
      place = (place - 1) >> 1
    }
    this.#heap[place] = id
    return id
  }

  claim(): string {
    const first = this.#heap[0]!
    const last = this.#heap.pop()!
    let place = 0
    for (let below = 1; below < this.#heap.length; below = 2 * place + 1) {
      if (below + 1 < this.#heap.length && this.#isBefore(this.#heap[below + 1]!, this.#heap[below]!)) below++
      if (!this.#isBefore(this.#heap[below]!, last)) break
      this.#heap[place] = this.#heap[below]!
      place = below
    }
    if (this.#heap.length > 0) this.#heap[place] = last
    this.#tasks.get(first)!.status = 'in_progress'
    return first
  }

  complete(id: string): void {
    this.#tasks.get(id)!.status = 'completed'
  }

  #isBefore(a: string, b: string): boolean {
    const one = this.#tasks.get(a)!
    const other = this.#tasks.get(b)!
    return one.priority > other.priority || (one.priority === other.priority && one.order < other.order)
  }
}
