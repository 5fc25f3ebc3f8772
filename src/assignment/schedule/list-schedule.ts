import { Heap, Slot } from '../../core/heap.js'
import type { Lane, Operation, Option, Worker, WorkGraph } from './work-graph.js'

/** Gives each operation in turn, the longest way to the end first, to whoever ends it first. */
export function scheduleByEarliestEnd(graph: WorkGraph): void {
  const growing = new GrowingSchedule(graph)
  const open = new Heap(longestWayFirst(graph))
  for (const operation of growing.firsts) open.add(new Slot(operation))
  for (let operation = open.shift(); operation; operation = open.shift()) {
    for (const next of growing.append(operation, quickestOf(operation, growing))) open.add(new Slot(next))
  }
  graph.settle()
}

/**
 * List scheduling (Graham 1966, Bounds for certain multiprocessing anomalies): nobody waits while there is something to
 * do for them. What has the longest way to the end starts first, with the quickest of those who are free.
 */
export function scheduleWithoutWaiting(graph: WorkGraph): void {
  const growing = new GrowingSchedule(graph)
  const queues = new Queues(graph)
  const times = new Heap<number>((a, b) => a < b)
  const coming = new Heap<Operation>((a, b) => a.readyAt < b.readyAt)
  const announce = (operation: Operation): void => {
    coming.add(new Slot(operation))
    times.add(new Slot(operation.readyAt))
  }
  growing.firsts.forEach(announce)
  for (const { lanes } of graph.workers) for (const { freeAt } of lanes) times.add(new Slot(freeAt))
  while (times.size > 0) {
    const now = times.shift() as number
    const isFree = (worker: Worker): boolean => growing.freeAt(worker) <= now
    queues.fill(coming, now)
    for (let operation = queues.next(isFree); operation; operation = queues.next(isFree)) {
      growing.append(operation, quickestOf(operation, growing, isFree)).forEach(announce)
      times.add(new Slot(operation.endAt))
      // What takes no time lets others start at once.
      queues.fill(coming, now)
    }
  }
  graph.settle()
}

/** For each operation, by its number, the longest way from its start to the end of all, everyone at their quickest. */
export function longestWays({ operations }: WorkGraph): Float64Array {
  const ways = new Float64Array(operations.length)
  const awaited = operations.map(({ successors }) => successors.length)
  const known = operations.filter(({ successors }) => successors.length === 0)
  for (const { index, leastDuration, predecessors } of known) {
    // Up to here, the longest of the ways from its successors.
    const way = (ways[index] as number) + leastDuration
    ways[index] = way
    for (const predecessor of predecessors) {
      const before = predecessor.index
      ways[before] = Math.max(ways[before] as number, way)
      awaited[before] = (awaited[before] as number) - 1
      if (awaited[before] === 0) known.push(predecessor)
    }
  }
  return ways
}

type ComesFirst = (a: Operation, b: Operation) => boolean

/** Of two operations the one with the longer way to the end, then by number. */
function longestWayFirst(graph: WorkGraph): ComesFirst {
  const ways = longestWays(graph)
  return (a, b) => {
    const difference = (ways[a.index] as number) - (ways[b.index] as number)
    return difference === 0 ? a.index < b.index : difference > 0
  }
}

/** The option that ends an operation first; among equals, the one with the least work. */
function quickestOf(
  operation: Operation,
  growing: GrowingSchedule,
  isOpen: (worker: Worker) => boolean = () => true,
): Option {
  let [best] = operation.options
  let bestEnd = Infinity
  for (const option of operation.options) {
    if (!isOpen(option.worker)) continue
    const end = Math.max(operation.readyAt, growing.freeAt(option.worker)) + option.duration
    if (end < bestEnd || (end === bestEnd && option.duration < best.duration)) {
      best = option
      bestEnd = end
    }
  }
  return best
}

/** A schedule that grows from its start to its end. */
class GrowingSchedule {
  readonly #graph: WorkGraph
  readonly #last = new Map<Lane, Operation>()
  /** Of each worker, what is free first comes first. */
  readonly #lanes: ReadonlyMap<Worker, Heap<Lane>>
  /** How many predecessors of each operation do not stand yet. */
  readonly #awaited: Map<Operation, number>

  constructor(graph: WorkGraph) {
    graph.clear()
    this.#graph = graph
    this.#lanes = new Map(graph.workers.map((worker) => [worker, this.#heapOf(worker)]))
    this.#awaited = new Map(graph.operations.map((operation) => [operation, operation.predecessors.length]))
    for (const operation of graph.operations) operation.readyAt = operation.earliest
  }

  /** What can be appended before anything else is. */
  get firsts(): readonly Operation[] {
    return this.#graph.operations.filter(({ predecessors }) => predecessors.length === 0)
  }

  freeAt(worker: Worker): number {
    return this.#freeAt(this.#lanes.get(worker)?.peek() as Lane)
  }

  /** Answers what can be appended from now on. */
  append(operation: Operation, option: Option): readonly Operation[] {
    const lanes = this.#lanes.get(option.worker) as Heap<Lane>
    const lane = lanes.shift() as Lane
    operation.startAt = Math.max(operation.readyAt, this.#freeAt(lane))
    operation.endAt = operation.startAt + option.duration
    this.#graph.insert(operation, { option, lane, previous: this.#last.get(lane) })
    this.#last.set(lane, operation)
    lanes.add(new Slot(lane))
    return operation.successors.filter((successor) => {
      successor.readyAt = Math.max(successor.readyAt, operation.endAt)
      const awaited = (this.#awaited.get(successor) as number) - 1
      this.#awaited.set(successor, awaited)
      return awaited === 0
    })
  }

  #freeAt(lane: Lane): number {
    return this.#last.get(lane)?.endAt ?? lane.freeAt
  }

  #heapOf({ lanes }: Worker): Heap<Lane> {
    const heap = new Heap<Lane>((a, b) => this.#freeAt(a) < this.#freeAt(b))
    for (const lane of lanes) heap.add(new Slot(lane))
    return heap
  }
}

/** What each worker could do now, in the order of a list. An operation stands in several queues until it is taken. */
class Queues {
  readonly #comesFirst: ComesFirst
  readonly #queues: ReadonlyMap<Worker, Heap<Operation>>
  readonly #taken = new Set<Operation>()

  constructor(graph: WorkGraph) {
    this.#comesFirst = longestWayFirst(graph)
    this.#queues = new Map(graph.workers.map((worker) => [worker, new Heap(this.#comesFirst)]))
  }

  /** Takes over what is ready. */
  fill(coming: Heap<Operation>, now: number): void {
    for (let operation = coming.peek(); operation && operation.readyAt <= now; operation = coming.peek()) {
      coming.shift()
      for (const { worker } of operation.options) this.#queues.get(worker)?.add(new Slot(operation))
    }
  }

  /** Takes out what comes first of all that one of these workers could do. */
  next(isFree: (worker: Worker) => boolean): Operation | undefined {
    let best: Operation | undefined
    for (const [worker, queue] of this.#queues) {
      if (!isFree(worker)) continue
      while (this.#taken.has(queue.peek() as Operation)) queue.shift()
      const operation = queue.peek()
      if (operation && (!best || this.#comesFirst(operation, best))) best = operation
    }
    if (best) this.#taken.add(best)
    return best
  }
}
