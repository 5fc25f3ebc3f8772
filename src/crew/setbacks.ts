import { type Environment, pause } from '../core/environment.js'
import { CrewError } from '../core/errors.js'
import type { Task } from '../core/tasks/task.js'
import type { Loop } from './outlook.js'
import type { Refusals } from './refusals.js'

/** Before something that failed is tried again. */
const PAUSE_MS = 1000

/** What a loop does when a command of its own fails. */
export class Setbacks {
  readonly #environment: Environment
  readonly #onError: (error: unknown) => void
  readonly #refusals: Refusals
  readonly #endAll: (error?: CrewError) => void

  /** `endAll` is called when no loop can go on any more. */
  constructor(
    environment: Environment,
    onError: (error: unknown) => void,
    refusals: Refusals,
    endAll: (error?: CrewError) => void,
  ) {
    this.#environment = environment
    this.#onError = onError
    this.#refusals = refusals
    this.#endAll = endAll
  }

  /** Resolves when it may be tried again; a loop that the policy refuses waits until `wake` is called. */
  async pause({ stopper }: Loop, error: unknown, wake: () => void): Promise<void> {
    if (CrewError.is(error, 'permission_denied')) this.#refusals.add(stopper, error, wake)
    else await this.#pause(error)
  }

  /** The loop has had its way. */
  over({ stopper }: Loop): void {
    this.#refusals.clear(stopper)
  }

  /** Writes an outcome, again and again while the storage is away: an attempt must not be left running by nobody. */
  async persist(work: { readonly isOver: boolean }, write: () => Promise<Task>): Promise<Task> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        const isAway = CrewError.is(error, 'storage_unavailable') || CrewError.is(error, 'outcome_unknown')
        if (!isAway || work.isOver) throw error
        await this.#pause(error)
      }
    }
  }

  async #pause(error: unknown): Promise<void> {
    if (CrewError.is(error, 'closed')) {
      this.#endAll()
      return
    }
    this.#onError(error)
    // What can only be read stays so.
    if (CrewError.is(error, 'read_only')) this.#endAll(error)
    else await pause(this.#environment, PAUSE_MS)
  }
}
