import type { Expected, Took } from './records.js'
import type { Durations } from './rehearsal.js'

/** A task that is not done: what it may take in all, and what it has taken. */
export interface Unfinished {
  readonly expected: Expected
  readonly spent: Took
  /** What it waits for somebody for: to go on with work, or to end. */
  readonly waitsTo?: 'goOn' | 'end'
}

/** One of ascending values that are above what has passed, less that; of all, when none is: it begins anew. */
class Remainder {
  readonly #values: Float64Array
  readonly #first: number
  readonly #passed: number

  constructor(values: Float64Array, passed: number) {
    const first = values.findIndex((value) => value > passed)
    this.#values = values
    this.#first = Math.max(0, first)
    this.#passed = first < 0 ? 0 : passed
  }

  /** Which of the values, by chance. */
  place(random: () => number): number {
    return this.#first + Math.floor(random() * (this.#values.length - this.#first))
  }

  at(place: number): number {
    return this.#values.length === 0 ? 0 : (this.#values[place] as number) - this.#passed
  }
}

interface Draw {
  readonly work: Remainder
  /** Of the same task as the work, where nobody is waited for yet. */
  readonly lagMs: Float64Array
  readonly lagPassedMs: number
  readonly wait: Remainder
  readonly waitsTo: Unfinished['waitsTo']
}

/** What is left of each task, drawn from those on record that took longer than it has. */
export class Draws {
  readonly #draws: readonly (Draw | number)[]

  /** By place; what is left out takes no time. */
  constructor(tasks: readonly (Unfinished | undefined)[]) {
    this.#draws = tasks.map((task) => (task ? drawOf(task) : 0))
  }

  fill({ workMs, lagMs }: Durations, random: () => number): void {
    for (const [place, draw] of this.#draws.entries()) {
      lagMs[place] = 0
      if (typeof draw === 'number') {
        workMs[place] = draw
        continue
      }
      const { work, wait, waitsTo } = draw
      const drawn = work.place(random)
      workMs[place] = waitsTo === 'end' ? 0 : work.at(drawn)
      lagMs[place] = waitsTo
        ? wait.at(wait.place(random))
        : Math.max(0, (draw.lagMs[drawn] as number) - draw.lagPassedMs)
    }
  }
}

function drawOf({ expected, spent, waitsTo }: Unfinished): Draw | number {
  if ('workMs' in expected) return waitsTo === 'end' ? 0 : Math.max(0, expected.workMs - spent.workMs)
  if (!('records' in expected)) return 0
  const { records } = expected
  return {
    work: new Remainder(records.workMs, spent.workMs),
    lagMs: records.lagMs,
    lagPassedMs: spent.lagMs,
    wait: new Remainder(records.waitsMs, spent.lagMs),
    waitsTo,
  }
}
