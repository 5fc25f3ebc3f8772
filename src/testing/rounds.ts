import { CrewError } from '../core/errors.js'
import type { Environment } from '../core/environment.js'
import type { Id } from '../core/input.js'

/** Acts of scripted members at one task while no time passes: more is a circle. */
const MOST_ACTS = 1000
/** Attempts at one task while no time passes. */
const MOST_ATTEMPTS = 1000
/** Looks at the clock in one settling: more than any number of tasks takes that a test does at one instant. */
const MOST_LOOKS = 300_000
/** Timers without a delay, each set by the one before. */
const DEEPEST = 10_000

const byEnvironment = new WeakMap<Environment, Rounds>()

const REMEDY = "let something take time, as takes('1s') does, or end the circle"

/**
 * Finds what goes round while no time passes. Nothing outside gets a turn then, no runner's time limit either, so that
 * the circle has to be broken from inside: by an error where it comes by.
 */
export class Rounds {
  /** What was found, until it is told. */
  #found: CrewError | undefined
  #isSettling = false
  #looks = 0
  /** By task: who did what since time passed last. */
  readonly #acts = new Map<Id, { count: number; readonly who: Set<string> }>()

  /** By task: how often it was taken since time passed last, and who took it. */
  readonly #attempts = new Map<Id, { count: number; readonly who: Set<Id> }>()

  /** Of an environment of tests; undefined for any other. */
  static of(environment: Environment): Rounds | undefined {
    return byEnvironment.get(environment)
  }

  constructor(environment: Environment) {
    byEnvironment.set(environment, this)
  }

  /** A scripted member does something about a task. */
  act(task: Id, who: string): void {
    const acts = this.#acts.get(task) ?? { count: 0, who: new Set() }
    this.#acts.set(task, acts)
    acts.who.add(who)
    if (++acts.count <= MOST_ACTS) return
    const all = [...acts.who].slice(0, 5).join(', ')
    throw this.#find(`Task ${task} goes round without time passing: ${all}, ${MOST_ACTS} times; ${REMEDY}`)
  }

  /** A member is about to take a task. Each that does so again meanwhile is told. */
  attempt(task: Id, member: Id): void {
    const attempts = this.#attempts.get(task) ?? { count: 0, who: new Set() }
    this.#attempts.set(task, attempts)
    attempts.who.add(member)
    if (++attempts.count <= MOST_ATTEMPTS) return
    const all = [...attempts.who].slice(0, 5).join(', ')
    throw this.#find(`Task ${task} is attempted ${MOST_ATTEMPTS} times without time passing, by ${all}; ${REMEDY}`)
  }

  /** Somebody looks at the clock, as each command does. */
  look(): void {
    if (!this.#isSettling || ++this.#looks <= MOST_LOOKS) return
    // Each circle of its own: one error breaks one.
    this.#looks = MOST_LOOKS / 2
    const tasks = [...this.#acts.keys()].slice(0, 5).join(', ')
    const which = tasks === '' ? '' : `, with ${tasks} in it`
    throw this.#find(`Members hand work back and forth${which}, and no time passes; ${REMEDY}`)
  }

  /** A timer is set for now by one that is so many of its kind deep. */
  deepen(depth: number): void {
    if (depth > DEEPEST)
      throw this.#find(`${DEEPEST} timers without a delay set one another, and no time passes; ${REMEDY}`)
  }

  passed(): void {
    this.#acts.clear()
    this.#attempts.clear()
  }

  /** Waits by `settle`; rejects with `loop_detected` when something was found to go round. */
  async watch(settle: () => Promise<void>): Promise<void> {
    this.#looks = 0
    this.#isSettling = true
    await settle()
    this.#isSettling = false
    const found = this.#found
    this.#found = undefined
    if (found) throw found
  }

  #find(message: string): CrewError {
    const error = new CrewError('loop_detected', message)
    this.#found ??= error
    this.#acts.clear()
    return error
  }
}
