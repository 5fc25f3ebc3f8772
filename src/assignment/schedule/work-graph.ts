import type { Schedule, SchedulingProblem } from './problem.js'

/** Who works: one after the other in each of its lanes. */
export class Worker {
  readonly index: number
  /** What is free first comes first. */
  readonly lanes: readonly Lane[]

  constructor(index: number, freeAt: readonly number[]) {
    this.index = index
    this.lanes = [...freeAt].sort((a, b) => a - b).map((at) => new Lane(at))
  }
}

/** A sequence of operations. */
export class Lane {
  readonly freeAt: number
  first: Operation | undefined

  constructor(freeAt: number) {
    this.freeAt = freeAt
  }
}

/** A way to do a task. */
export interface Option {
  readonly worker: Worker
  readonly duration: number
  /** The search does not go back to it before this iteration. */
  tabuUntil: number
}

/** A task within a schedule. */
export class Operation {
  readonly index: number
  readonly earliest: number
  readonly options: readonly [Option, ...Option[]]
  readonly leastDuration: number
  readonly predecessors: Operation[] = []
  readonly successors: Operation[] = []

  /** Where it stands. */
  option: Option
  lane: Lane
  previous: Operation | undefined
  next: Operation | undefined
  duration = 0

  /** When its predecessors have ended, and `earliest` has come. */
  readyAt = 0
  startAt = 0
  endAt = 0
  /** From its end to the end of all, on the longest way through its successors. */
  rest = 0
  /** The same, through what follows in its lane, too. */
  tail = 0
  /** While the graph is sorted: how much before it has not been reached. */
  unreached = 0

  constructor(index: number, earliest: number, options: readonly [Option, ...Option[]]) {
    this.index = index
    this.earliest = earliest
    this.options = options
    this.leastDuration = options.reduce((least, { duration }) => Math.min(least, duration), Infinity)
    this.option = options[0]
    this.lane = options[0].worker.lanes[0] as Lane
  }
}

/** Where an operation stands, or could stand. */
export interface Place {
  readonly option: Option
  readonly lane: Lane
  /** What it follows; undefined: nothing, it is the first of the lane. */
  readonly previous: Operation | undefined
}

/** All lanes with what stands in them. */
export type Arrangement = readonly (readonly [Lane, readonly (readonly [Operation, Option])[]])[]

/**
 * The disjunctive graph of a schedule: an operation waits for its predecessors and for the one before it in its lane, and
 * starts as early as that allows. A longest way through the graph is as long as the schedule.
 */
export class WorkGraph {
  readonly workers: readonly Worker[]
  readonly operations: readonly Operation[]
  makespan = 0
  /** Each comes after all that it waits for. */
  readonly #sorted: Operation[]

  constructor({ tasks, members }: SchedulingProblem) {
    this.workers = members.map(({ freeAt }, index) => new Worker(index, freeAt))
    this.operations = tasks.map(({ choices, earliest }, index) => {
      const options = choices.map(({ member, duration }) => this.#option(member, duration))
      return new Operation(index, earliest, options as [Option, ...Option[]])
    })
    tasks.forEach(({ after }, index) => {
      for (const before of after) this.#link(before, index)
    })
    this.#sorted = [...this.operations]
  }

  insert(operation: Operation, { option, lane, previous }: Place): void {
    const next = previous ? previous.next : lane.first
    operation.option = option
    operation.duration = option.duration
    operation.lane = lane
    operation.previous = previous
    operation.next = next
    if (previous) previous.next = operation
    else lane.first = operation
    if (next) next.previous = operation
  }

  remove({ lane, previous, next }: Operation): void {
    if (previous) previous.next = next
    else lane.first = next
    if (next) next.previous = previous
  }

  /** Works all times out. False: something would wait for itself, and nothing has been worked out. */
  settle(): boolean {
    if (!this.#sort()) return false
    this.#setStarts()
    this.#setTails()
    return true
  }

  arrangement(): Arrangement {
    return this.#lanes().map((lane) => {
      const row: (readonly [Operation, Option])[] = []
      for (let operation = lane.first; operation; operation = operation.next) row.push([operation, operation.option])
      return [lane, row]
    })
  }

  arrange(arrangement: Arrangement): void {
    for (const [lane, row] of arrangement) {
      lane.first = undefined
      let previous: Operation | undefined
      for (const [operation, option] of row) {
        this.insert(operation, { option, lane, previous })
        previous = operation
      }
    }
    this.settle()
  }

  clear(): void {
    for (const lane of this.#lanes()) lane.first = undefined
  }

  schedule(): Schedule {
    const entries = this.operations.map(({ option, startAt, endAt }) => ({
      member: option.worker.index,
      startAt,
      endAt,
    }))
    return { entries, makespan: this.makespan }
  }

  #option(member: number, duration: number): Option {
    return { worker: this.workers[member] as Worker, duration, tabuUntil: 0 }
  }

  #link(before: number, after: number): void {
    const predecessor = this.operations[before] as Operation
    const successor = this.operations[after] as Operation
    predecessor.successors.push(successor)
    successor.predecessors.push(predecessor)
  }

  #lanes(): readonly Lane[] {
    return this.workers.flatMap(({ lanes }) => lanes)
  }

  #sort(): boolean {
    const sorted = this.#sorted
    let reached = 0
    for (const operation of this.operations) {
      operation.unreached = operation.predecessors.length + (operation.previous ? 1 : 0)
      if (operation.unreached === 0) sorted[reached++] = operation
    }
    for (let place = 0; place < reached; place++) {
      const { next, successors } = sorted[place] as Operation
      for (const successor of successors) if (--successor.unreached === 0) sorted[reached++] = successor
      if (next && --next.unreached === 0) sorted[reached++] = next
    }
    return reached === sorted.length
  }

  #setStarts(): void {
    this.makespan = 0
    for (const operation of this.#sorted) {
      const { earliest, predecessors, previous, lane, duration } = operation
      let readyAt = earliest
      for (const { endAt } of predecessors) if (endAt > readyAt) readyAt = endAt
      operation.readyAt = readyAt
      operation.startAt = Math.max(readyAt, previous ? previous.endAt : lane.freeAt)
      operation.endAt = operation.startAt + duration
      if (operation.endAt > this.makespan) this.makespan = operation.endAt
    }
  }

  #setTails(): void {
    for (let place = this.#sorted.length - 1; place >= 0; place--) {
      const operation = this.#sorted[place] as Operation
      const { successors, next } = operation
      let rest = 0
      for (const { duration, tail } of successors) if (duration + tail > rest) rest = duration + tail
      operation.rest = rest
      operation.tail = next ? Math.max(rest, next.duration + next.tail) : rest
    }
  }
}
