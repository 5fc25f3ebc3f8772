import type { Lane, Operation, Option, WorkGraph } from './work-graph.js'

/**
 * Takes moves as they are found: an operation, and the place it would go to. `length` is the longest way through it then,
 * which is the new makespan unless another way is longer.
 */
export type TakeMove = (
  operation: Operation,
  option: Option,
  lane: Lane,
  previous: Operation | undefined,
  length: number,
) => void

/** Answers a number from 0 to below the count. */
export type Choose = (count: number) => number

/** A longest way through the graph, which `choose` picks when there are several. To shorten the schedule is to break it. */
export function criticalWay({ operations, makespan }: WorkGraph, choose: Choose): Operation[] {
  const last = operations.filter(({ endAt }) => endAt === makespan)
  const way: Operation[] = []
  for (let at = last[choose(last.length)]; at; at = delayerOf(at, choose)) way.push(at)
  return way.reverse()
}

/** What an operation waited for to the end. */
function delayerOf({ startAt, predecessors, previous }: Operation, choose: Choose): Operation | undefined {
  const delayers = predecessors.filter(({ endAt }) => endAt === startAt)
  if (previous?.endAt === startAt) delayers.push(previous)
  return delayers[choose(delayers.length)]
}

/** Finds the moves that could break a critical way. Answers how many operations it looked at. */
export function findMoves(way: readonly Operation[], take: TakeMove): number {
  let looked = findMovesWithinBlocks(way, take)
  for (const operation of way) looked += findMovesToOtherLanes(operation, take)
  return looked
}

/**
 * The places in each other lane of which one is the best: behind what ends before the operation is ready, and before what
 * leaves less to do than it does. None closes a circle (Mastrolilli and Gambardella 2000, Effective neighbourhood
 * functions for the flexible job shop problem, theorems 1–3).
 */
function findMovesToOtherLanes(operation: Operation, take: TakeMove): number {
  let looked = 0
  for (const option of operation.options) {
    let hasEmptyLane = false
    for (const lane of option.worker.lanes) {
      if (lane === operation.lane) continue
      // Empty lanes are alike but for when they are free, and the first is free first.
      if (!lane.first && hasEmptyLane) continue
      hasEmptyLane ||= !lane.first
      looked += findMovesToLane(operation, option, lane, take)
    }
  }
  return looked
}

function findMovesToLane(operation: Operation, option: Option, lane: Lane, take: TakeMove): number {
  const { readyAt, rest } = operation
  let previous: Operation | undefined
  let next = lane.first
  let looked = 1
  while (next && next.endAt <= readyAt) {
    previous = next
    next = next.next
    looked++
  }
  for (;;) {
    const startAt = Math.max(readyAt, previous ? previous.endAt : lane.freeAt)
    const behind = next ? next.duration + next.tail : 0
    take(operation, option, lane, previous, startAt + option.duration + Math.max(rest, behind))
    if (!next || behind <= rest) return looked
    previous = next
    next = next.next
    looked++
  }
}

/**
 * A block is a run of operations on the critical way that follow each other in one lane. Only a move that changes its
 * first or its last can help: everything goes to both its ends, and both its ends go everywhere (the neighbourhood N6 of
 * Balas and Vazacopoulos 1998, and N7 of Zhang and others 2007).
 */
function findMovesWithinBlocks(way: readonly Operation[], take: TakeMove): number {
  let looked = 0
  for (let first = 0, last = 0; first < way.length; first = ++last) {
    while (last + 1 < way.length && way[last + 1]?.previous === way[last]) last++
    if (first === last) continue
    const block = way.slice(first, last + 1)
    const end = block.length - 1
    findMoveForwards(block, 0, end, take)
    for (let place = 1; place < end; place++) {
      findMoveForwards(block, place, end, take)
      findMoveForwards(block, 0, place, take)
      findMoveBackwards(block, place, 0, take)
      findMoveBackwards(block, end, place, take)
    }
    // Of two, each move is the other one.
    if (end > 1) findMoveBackwards(block, end, 0, take)
    looked += 2 * block.length ** 2
  }
  return looked
}

/** What stands at `from` goes right behind what stands at `to`. */
function findMoveForwards(block: readonly Operation[], from: number, to: number, take: TakeMove): void {
  const moved = block[from] as Operation
  const target = block[to] as Operation
  for (const successor of moved.successors) if (mayLeadTo(successor, target)) return
  const passed = block.slice(from + 1, to + 1)
  let endAt = moved.previous ? moved.previous.endAt : moved.lane.freeAt
  const endsAt = passed.map(({ readyAt, duration }) => (endAt = Math.max(readyAt, endAt) + duration))
  let tail = Math.max(moved.rest, target.next ? target.next.duration + target.next.tail : 0)
  let length = Math.max(moved.readyAt, endAt) + moved.duration + tail
  let { duration } = moved
  for (let place = passed.length - 1; place >= 0; place--) {
    const operation = passed[place] as Operation
    tail = Math.max(operation.rest, duration + tail)
    length = Math.max(length, (endsAt[place] as number) + tail)
    duration = operation.duration
  }
  take(moved, moved.option, moved.lane, target, length)
}

/** What stands at `from` goes right before what stands at `to`. */
function findMoveBackwards(block: readonly Operation[], from: number, to: number, take: TakeMove): void {
  const moved = block[from] as Operation
  const target = block[to] as Operation
  for (const predecessor of moved.predecessors) if (mayLeadTo(target, predecessor)) return
  const passed = block.slice(to, from).reverse()
  let behind = moved.next ? moved.next.duration + moved.next.tail : 0
  const tails = passed.map(({ rest, duration }) => {
    const tail = Math.max(rest, behind)
    behind = duration + tail
    return tail
  })
  const freeAt = target.previous ? target.previous.endAt : target.lane.freeAt
  let endAt = Math.max(moved.readyAt, freeAt) + moved.duration
  let length = endAt + Math.max(moved.rest, behind)
  for (let place = passed.length - 1; place >= 0; place--) {
    const { readyAt, duration } = passed[place] as Operation
    endAt = Math.max(readyAt, endAt) + duration
    length = Math.max(length, endAt + (tails[place] as number))
  }
  take(moved, moved.option, moved.lane, target.previous, length)
}

/** Whether a way may lead from one operation to another: the times do not show that there is none. */
const mayLeadTo = (from: Operation, to: Operation): boolean =>
  from === to || (from.endAt <= to.startAt && to.duration + to.tail <= from.tail)
