import { randomFrom } from '../../core/random.js'
import { type Choose, criticalWay, findMoves } from './moves.js'
import type { Arrangement, Lane, Operation, Option, Place, WorkGraph } from './work-graph.js'

export interface TabuSearchOptions {
  /** How much to do at most: an operation looked at is a step. */
  readonly steps: number
  /** No schedule is shorter: whoever reaches it stops. */
  readonly bound: number
}

/** After so many moves without a shorter schedule, the search goes back to the shortest one and leaves it by another way. */
const PATIENCE = 1000
/** Moves by chance on that other way. */
const DETOUR = 5
/** For how many moves an operation does not go back to whom it was taken from: from, and by chance so many more. */
const TENURE = { least: 10, more: 20 }

/**
 * Makes a schedule shorter, never longer: tabu search (Glover 1989) over the moves of a critical way. The best move that
 * is not tabu is made, also where it makes the schedule longer for now.
 */
export class TabuSearch {
  readonly #graph: WorkGraph
  readonly #options: TabuSearchOptions
  readonly #choose: Choose
  #best: Arrangement
  #bestMakespan: number
  /** The shortest since the search went back. */
  #shortest = Infinity
  #movesSinceShortest = 0
  #moves = 0
  #steps = 0

  constructor(graph: WorkGraph, options: TabuSearchOptions) {
    this.#graph = graph
    this.#options = options
    const random = randomFrom(1)
    this.#choose = (count) => Math.floor(random() * count)
    this.#best = graph.arrangement()
    this.#bestMakespan = graph.makespan
  }

  run(): void {
    const { steps, bound } = this.#options
    while (this.#steps < steps && this.#bestMakespan > bound && this.#step()) {
      this.#note()
      if (this.#movesSinceShortest > PATIENCE) this.#goBack()
    }
    this.#graph.arrange(this.#best)
  }

  /** False: there is nothing to move. */
  #step(): boolean {
    const open = new MoveChoice(this.#choose)
    const tabu = new MoveChoice(this.#choose)
    const looked = findMoves(criticalWay(this.#graph, this.#choose), (operation, option, lane, previous, length) => {
      const isTabu = option.tabuUntil > this.#moves && length >= this.#bestMakespan
      if (isTabu) tabu.take(operation, option, lane, previous, 0)
      else open.take(operation, option, lane, previous, length)
    })
    this.#steps += looked + this.#graph.operations.length
    const move = open.move ?? tabu.move
    if (move) this.#make(move)
    return move !== undefined
  }

  #note(): void {
    const { makespan } = this.#graph
    this.#movesSinceShortest++
    if (makespan < this.#shortest) {
      this.#shortest = makespan
      this.#movesSinceShortest = 0
    }
    if (makespan >= this.#bestMakespan) return
    this.#bestMakespan = makespan
    this.#best = this.#graph.arrangement()
  }

  #goBack(): void {
    this.#graph.arrange(this.#best)
    for (let count = 0; count < DETOUR; count++) {
      const any = new MoveChoice(this.#choose)
      findMoves(criticalWay(this.#graph, this.#choose), (operation, option, lane, previous) => {
        any.take(operation, option, lane, previous, 0)
      })
      if (any.move) this.#make(any.move)
    }
    this.#shortest = this.#graph.makespan
    this.#movesSinceShortest = 0
  }

  #make(move: Move): void {
    const { operation } = move
    this.#moves++
    const { option, lane, previous } = operation
    const tabuUntil = this.#moves + TENURE.least + this.#choose(TENURE.more)
    option.tabuUntil = tabuUntil
    this.#graph.remove(operation)
    this.#graph.insert(operation, move)
    if (this.#graph.settle()) return
    // Where tasks take no time, the times do not show every circle.
    move.option.tabuUntil = tabuUntil
    this.#graph.remove(operation)
    this.#graph.insert(operation, { option, lane, previous })
    this.#graph.settle()
  }
}

interface Move extends Place {
  readonly operation: Operation
}

/** Keeps the move of the least cost; among equals one by chance. */
class MoveChoice {
  readonly #choose: Choose
  #cost = Infinity
  #equals = 0
  move: Move | undefined

  constructor(choose: Choose) {
    this.#choose = choose
  }

  take(operation: Operation, option: Option, lane: Lane, previous: Operation | undefined, cost: number): void {
    if (cost > this.#cost) return
    this.#equals = cost < this.#cost ? 1 : this.#equals + 1
    this.#cost = cost
    if (this.#choose(this.#equals) === 0) this.move = { operation, option, lane, previous }
  }
}
