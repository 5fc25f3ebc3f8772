import type { OpenGraph, Place } from './open-graph.js'
import { PlaceHeap } from './place-heap.js'

/** A member, by its place in the list. */
type Seat = number

/** Who works on what is left to do. Times are milliseconds from now. */
export interface Staffing {
  /** What each one can do at once. */
  readonly capacities: readonly number[]
  /** Sets of members who may do the same tasks. */
  readonly audiences: readonly (readonly Seat[])[]
  /** Of each task, who may do it. */
  readonly audienceOf: readonly number[]
  /** The lower is taken first. */
  readonly rankOf: readonly number[]
  readonly readyMs: readonly number[]
  /** Those that are worked on, and by whom. */
  readonly running: ReadonlyMap<Place, Seat>
  /** Those that wait for an answer or a verdict. */
  readonly asked: ReadonlySet<Place>
}

/** What each task will take: in attempts, and waiting for people beside that. Milliseconds, by place. */
export interface Durations {
  readonly workMs: Float64Array
  readonly lagMs: Float64Array
}

/** What comes next for a task, at a time that is set. */
const STEPS = { offer: 0, stop: 1, goOn: 2, end: 3 } as const
type Step = keyof typeof STEPS

/**
 * Plays through how the open tasks of a graph are worked off: whoever is free takes the first that is ready and for them,
 * as with claims. That is list scheduling (Graham, 1969), by priority and age. A task holds its member for as long as it
 * is worked on, and ends when people have answered and its subtasks have ended.
 */
export class Rehearsal {
  readonly #graph: OpenGraph
  readonly #staffing: Staffing
  /** By the time at which something comes next. */
  readonly #clock: PlaceHeap
  /** What is offered to each audience. */
  readonly #queues: readonly PlaceHeap[]
  readonly #audiencesOf: readonly (readonly number[])[]
  /** When something comes next for a place, and what. */
  readonly #at: Float64Array
  readonly #step: Uint8Array
  readonly #openDependencies: Int32Array
  readonly #openParts: Int32Array
  readonly #isDone: Uint8Array
  readonly #seatOf: Int32Array
  /** How many tasks more each one takes; below none for who has more than it should. */
  readonly #free: number[] = []
  /** How many of an audience could take more. */
  readonly #freeOf: Int32Array
  /** Members who have become free, and audiences that were offered something, since things were handed out. */
  readonly #freed: Seat[] = []
  readonly #offered: number[] = []
  #durations: Durations = { workMs: new Float64Array(0), lagMs: new Float64Array(0) }
  /** When each task ended in the last run; NaN for one that never did. */
  readonly ends: Float64Array

  constructor(graph: OpenGraph, staffing: Staffing) {
    const size = graph.order.length
    this.#graph = graph
    this.#staffing = staffing
    this.#at = new Float64Array(size)
    this.#step = new Uint8Array(size)
    this.#openDependencies = new Int32Array(size)
    this.#openParts = new Int32Array(size)
    this.#isDone = new Uint8Array(size)
    this.#seatOf = new Int32Array(size)
    this.ends = new Float64Array(size)
    const { rankOf, audiences, capacities } = staffing
    const ranks = Float64Array.from(rankOf)
    this.#clock = new PlaceHeap(this.#at, ranks)
    this.#queues = audiences.map(() => new PlaceHeap(ranks, ranks))
    const audiencesOf: number[][] = capacities.map(() => [])
    for (const [audience, seats] of audiences.entries()) for (const seat of seats) audiencesOf[seat]?.push(audience)
    this.#audiencesOf = audiencesOf
    this.#freeOf = new Int32Array(audiences.length)
  }

  /** One course of things, told by `ends`. */
  run(durations: Durations): void {
    this.#durations = durations
    this.#begin()
    this.#handOut(0)
    for (let place = this.#clock.shift(); place !== undefined; place = this.#clock.shift()) {
      const now = this.#at[place] as number
      this.#come(place, now)
      const next = this.#clock.peek()
      // All that happens at once is known before anybody takes anything.
      if (next === undefined || (this.#at[next] as number) > now) this.#handOut(now)
    }
  }

  #begin(): void {
    const { dependencies, parts, tasks } = this.#graph
    const { running, asked, capacities, audiences } = this.#staffing
    this.ends.fill(NaN)
    this.#isDone.fill(0)
    this.#free.splice(0, Infinity, ...capacities)
    for (const [audience, seats] of audiences.entries())
      this.#freeOf[audience] = seats.filter((seat) => (capacities[seat] as number) > 0).length
    for (const place of asked) this.#plan(place, 'goOn', this.#durations.lagMs[place] as number)
    for (const [place, seat] of running) this.#sit(place, seat, 0)
    for (const place of tasks.keys()) {
      const open = (dependencies[place] as readonly Place[]).length
      this.#openDependencies[place] = open
      this.#openParts[place] = (parts[place] as readonly Place[]).length
      if (open === 0 && !asked.has(place) && !running.has(place)) this.#ready(place, 0)
    }
  }

  #come(place: Place, now: number): void {
    const { workMs, lagMs } = this.#durations
    const step = this.#step[place]
    if (step === STEPS.stop) {
      this.#stand(this.#seatOf[place] as Seat)
      this.#plan(place, 'end', now + (lagMs[place] as number))
    } else if (step === STEPS.offer || (step === STEPS.goOn && (workMs[place] as number) > 0)) this.#offer(place)
    else this.#end(place, now)
  }

  #plan(place: Place, step: Step, at: number): void {
    this.#step[place] = STEPS[step]
    this.#at[place] = at
    this.#clock.add(place)
  }

  #ready(place: Place, now: number): void {
    const readyMs = this.#staffing.readyMs[place] as number
    if (readyMs > now) this.#plan(place, 'offer', readyMs)
    else this.#offer(place)
  }

  #offer(place: Place): void {
    const audience = this.#staffing.audienceOf[place] as number
    this.#queues[audience]?.add(place)
    this.#offered.push(audience)
  }

  #sit(place: Place, seat: Seat, now: number): void {
    this.#change(seat, -1)
    this.#seatOf[place] = seat
    this.#plan(place, 'stop', now + (this.#durations.workMs[place] as number))
  }

  #stand(seat: Seat): void {
    this.#change(seat, 1)
    this.#freed.push(seat)
  }

  #change(seat: Seat, amount: 1 | -1): void {
    const before = this.#free[seat] as number
    this.#free[seat] = before + amount
    if (before > 0 === before + amount > 0) return
    for (const audience of this.#audiencesOf[seat] as readonly number[]) (this.#freeOf[audience] as number) += amount
  }

  /** Whoever is free takes what there is. */
  #handOut(now: number): void {
    for (const seat of this.#freed) this.#takeUp(seat, now)
    this.#freed.length = 0
    for (const audience of this.#offered) {
      const queue = this.#queues[audience]
      for (const seat of this.#staffing.audiences[audience] ?? []) {
        if (queue?.size === 0 || this.#freeOf[audience] === 0) break
        this.#takeUp(seat, now)
      }
    }
    this.#offered.length = 0
  }

  #takeUp(seat: Seat, now: number): void {
    while ((this.#free[seat] as number) > 0) {
      const place = this.#firstFor(seat)?.shift()
      if (place === undefined) return
      this.#sit(place, seat, now)
    }
  }

  /** Where a member finds what it takes next. */
  #firstFor(seat: Seat): PlaceHeap | undefined {
    const { rankOf } = this.#staffing
    let first: PlaceHeap | undefined
    let best = Infinity
    for (const audience of this.#audiencesOf[seat] as readonly number[]) {
      const queue = this.#queues[audience] as PlaceHeap
      const place = queue.peek()
      const rank = place === undefined ? Infinity : (rankOf[place] as number)
      if (rank < best) {
        best = rank
        first = queue
      }
    }
    return first
  }

  /** Its work and its people are done; it ends, unless some part of it is open. */
  #end(done: Place, now: number): void {
    const { dependents, wholes } = this.#graph
    for (let place: Place | undefined = done; place !== undefined;) {
      this.#isDone[place] = 1
      if ((this.#openParts[place] as number) > 0) return
      this.ends[place] = now
      for (const dependent of dependents[place] as readonly Place[])
        if (--(this.#openDependencies[dependent] as number) === 0) this.#ready(dependent, now)
      const whole: Place | undefined = wholes[place]
      if (whole === undefined) return
      ;(this.#openParts[whole] as number)--
      place = this.#isDone[whole] === 1 ? whole : undefined
    }
  }
}
