import type { OpenProblem } from './problem.js'

/** Capacities above this many units, and those that are no whole numbers, are cut into this many cells. */
const MOST_CELLS = 1000
/** Of all knapsacks together, 8 bytes each. */
const MOST_ENTRIES = 16_000_000
/** What division may get wrong: room is rather rounded up, so that the bounds stay true. */
const TOLERANCE = 1e-9

/** A knapsack for each member; undefined when they would be too large together. */
export function knapsacksOf(problem: OpenProblem): readonly Knapsack[] | undefined {
  const { tasks, need, capacity, slots } = problem
  const isWhole = need.every(Number.isInteger) && capacity.every(Number.isInteger)
  const shapes = Array.from(capacity, (room, member): Shape => {
    const cell = room === 0 || (isWhole && room <= MOST_CELLS) ? 1 : room / MOST_CELLS
    const count = slots[member] as number
    return { member, cell, cells: cellsIn(room, cell), slots: count < tasks ? count : undefined }
  })
  const entries = shapes.reduce((sum, shape) => sum + widthOf(shape) * (tasks + 1), 0)
  return entries > MOST_ENTRIES ? undefined : shapes.map((shape) => new Knapsack(problem, shape))
}

interface Shape {
  readonly member: number
  /** Capacity in one cell. */
  readonly cell: number
  readonly cells: number
  /** Left out where the capacity is all that counts. */
  readonly slots: number | undefined
}

/** Numbers in a row: for each count of slots, one for each count of cells, from none to all. */
const widthOf = ({ cells, slots = 0 }: Shape): number => (cells + 1) * (slots + 1)

const cellsIn = (room: number, cell: number): number => Math.floor(room / cell + TOLERANCE)

/**
 * The most that one member can gain from this task and those behind it in the list, for every rest of its capacity and
 * of its slots. A task gains its price less what it costs here. Needs are rounded down to cells of the capacity: where
 * they are no whole numbers of cells, the answer is an upper bound.
 */
export class Knapsack {
  readonly width: number
  readonly #problem: OpenProblem
  readonly #shape: Shape
  /** From the end of the list, where nothing is to be gained. */
  readonly #rows: Float64Array
  /** Where the row of each task begins: a task without gain shares that of the next. */
  readonly #rowOf: Int32Array

  constructor(problem: OpenProblem, shape: Shape) {
    this.width = widthOf(shape)
    this.#problem = problem
    this.#shape = shape
    this.#rows = new Float64Array((problem.tasks + 1) * this.width)
    this.#rowOf = new Int32Array(problem.tasks + 1)
  }

  /** Takes other prices of tasks. */
  fill(prices: Float64Array): void {
    const { tasks, members, cost } = this.#problem
    let last = 0
    for (let task = tasks - 1; task >= 0; task--) {
      const gain = (prices[task] as number) - (cost[task * members + this.#shape.member] as number)
      if (gain > 0) {
        this.#addRow(last, this.#cellsOf(task), gain)
        last += this.width
      }
      this.#rowOf[task] = last
    }
  }

  gain(task: number, room: number, slots: number): number {
    return this.#rows[(this.#rowOf[task] as number) + this.#place(cellsIn(room, this.#shape.cell), slots)] as number
  }

  /** The tasks that gain the most together. */
  *choice(): Generator<number> {
    let { cells, slots = 0 } = this.#shape
    for (let task = 0; task < this.#problem.tasks; task++) {
      const [row, next] = [this.#rowOf[task] as number, this.#rowOf[task + 1] as number]
      const place = this.#place(cells, slots)
      if ((this.#rows[row + place] as number) <= (this.#rows[next + place] as number)) continue
      cells -= this.#cellsOf(task)
      slots--
      yield task
    }
  }

  /** In a row. */
  #place(cells: number, slots: number): number {
    return this.#shape.slots === undefined ? cells : slots * (this.#shape.cells + 1) + cells
  }

  #cellsOf(task: number): number {
    const need = this.#problem.need[task * this.#problem.members + this.#shape.member] as number
    return Math.floor(need / this.#shape.cell)
  }

  #addRow(last: number, takes: number, gain: number): void {
    const [rows, row] = [this.#rows, last + this.width]
    const perSlot = this.#shape.cells + 1
    // Where slots count, what is taken leaves one slot less.
    const back = takes + (this.#shape.slots === undefined ? 0 : perSlot)
    rows.copyWithin(row, last, last + this.width)
    for (let start = back - takes; start < this.width; start += perSlot) {
      for (let place = start + takes; place < start + perSlot; place++) {
        const taken = (rows[last + place - back] as number) + gain
        if (taken > (rows[row + place] as number)) rows[row + place] = taken
      }
    }
  }
}
