import { type Environment, type Off, pause } from '../core/environment.js'
import { Heap, Slot } from '../core/heap.js'
import { randomFrom } from '../core/random.js'
import { settle } from './settle.js'

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Where the wall clock of a simulation starts. */
const BEGINNING = Date.UTC(2026, 0, 1)

/** The one time of a simulation, which all its processes share, and its chance and ids. It passes by going from one timer to the next. */
export class VirtualTime implements Environment {
  readonly random: () => number
  readonly #due = new Heap<Due>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  /** What else comes to rest before time passes. */
  readonly #others: (() => Promise<void>)[] = []
  #elapsedMs = 0
  #timersMade = 0
  #idsMade = 0

  constructor(seed: number) {
    this.random = randomFrom(seed)
  }

  /** The true wall clock. */
  now(): number {
    return Math.floor(BEGINNING + this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  setTimer(run: () => void, ms: number): Off {
    const slot = new Slot<Due>({ at: this.#elapsedMs + ms, order: ++this.#timersMade, run })
    this.#due.add(slot)
    return () => {
      this.#due.delete(slot)
    }
  }

  id(): string {
    return `id-${String(++this.#idsMade).padStart(6, '0')}`
  }

  /** A random time with this mean, as between events that do not know of each other. */
  exponential(meanMs: number): number {
    return -Math.log(1 - this.random()) * meanMs
  }

  /** Lets time pass until `isOver`, asked after each thing that happens, or until nothing is due before `limitMs`. */
  async pass(isOver: () => boolean, limitMs = Infinity): Promise<void> {
    await this.#settle()
    while (!isOver()) {
      const due = this.#due.peek()
      if (!due || due.at > limitMs) return
      this.#due.shift()
      this.#elapsedMs = due.at
      due.run()
      await this.#settle()
    }
  }

  /** From now on no time passes before `rest` has resolved. */
  waitFor(rest: () => Promise<void>): void {
    this.#others.push(rest)
  }

  async wait(ms: number): Promise<void> {
    await pause(this, ms)
  }

  async #settle(): Promise<void> {
    await settle()
    for (const rest of this.#others) await rest()
  }
}
