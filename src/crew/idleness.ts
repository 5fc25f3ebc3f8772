import { type Abortable, awaited } from '../core/abortable.js'
import type { Environment } from '../core/environment.js'
import type { CrewError } from '../core/errors.js'
import { Waits } from '../core/waits.js'

/** How many loops of a process are at work, and who waits until there is nothing to do. */
export class Idleness {
  readonly #environment: Environment
  readonly #isNothingToDo: () => boolean
  /** Loops that do not wait. */
  #busy = 0
  readonly #waits = new Waits<undefined>()

  /** `isNothingToDo` is asked when all loops wait. */
  constructor(environment: Environment, isNothingToDo: () => boolean) {
    this.#environment = environment
    this.#isNothingToDo = isNothingToDo
  }

  /** A loop has something to do, or looks whether it has. */
  begin(): void {
    this.#busy++
  }

  /** It has not. */
  rest(): void {
    this.#busy--
    this.check()
  }

  /** Resolves when all rest, and there is nothing to do. */
  async wait(options: Abortable): Promise<void> {
    const waited = this.#waits.wait(ALL, (idle) => awaited(idle, options, this.#environment))
    this.check()
    await waited
  }

  check(): void {
    if (this.#busy === 0 && this.#waits.has(ALL) && this.#isNothingToDo()) this.#waits.resolve(ALL, undefined)
  }

  /** There will be nobody any more who rests. */
  end(error: CrewError): void {
    this.#waits.rejectAll(error)
  }
}

/** What is waited for. */
const ALL = 'all'
