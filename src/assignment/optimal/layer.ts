import { type OpenProblem, shareOf } from './problem.js'

/** Plans for the first tasks of a problem, side by side, by their place here. */
export class Layer {
  size = 0
  /** So far. */
  readonly cost: Float64Array
  /** How much of capacities is taken: see `strainOf`. */
  readonly strain: Float64Array
  /** What members have left: place × members + member. */
  readonly room: Float64Array
  readonly slots: Int32Array
  /** Each plan's place in the layer before, and who got the last task. */
  readonly parent: Int32Array
  readonly member: Int32Array

  constructor(members: number, most: number) {
    this.cost = new Float64Array(most)
    this.strain = new Float64Array(most)
    this.room = new Float64Array(most * members)
    this.slots = new Int32Array(most * members)
    this.parent = new Int32Array(most)
    this.member = new Int32Array(most)
  }

  /** One plan, in which nothing is given. */
  static first({ members, capacity, slots }: OpenProblem): Layer {
    const layer = new Layer(members, 1)
    layer.room.set(capacity)
    layer.slots.set(slots)
    layer.size = 1
    return layer
  }

  /** The plan at a place of the layer before, with one task more. */
  add(problem: OpenProblem, before: Layer, parent: number, task: number, member: number): void {
    const { members, cost, need } = problem
    const place = this.size++
    const pair = task * members + member
    const from = parent * members
    const to = place * members
    this.parent[place] = parent
    this.member[place] = member
    this.cost[place] = (before.cost[parent] as number) + (cost[pair] as number)
    this.strain[place] = (before.strain[parent] as number) + strainOf(problem, task, member)
    this.room.set(before.room.subarray(from, from + members), to)
    this.slots.set(before.slots.subarray(from, from + members), to)
    this.room[to + member] = (this.room[to + member] as number) - (need[pair] as number)
    this.slots[to + member] = (this.slots[to + member] as number) - 1
  }
}

/** The part that a task takes of a member's capacity; to leave it over counts as much as a whole one. */
export function strainOf({ members, need, capacity, nobody }: OpenProblem, task: number, member: number): number {
  return member === nobody ? 1 : shareOf(need[task * members + member] as number, capacity[member] as number)
}
