import type { Environment } from '../core/environment.js'
import type { CrewError } from '../core/errors.js'
import type { Stopper } from './stopper.js'

interface Refusal {
  readonly message: string
  readonly pauseMs: number
  isHeld: boolean
}

const LONGEST_PAUSE_MS = 60_000

/** Loops that the policy keeps from what they are there for. Each is told of once, and tries again ever more rarely. */
export class Refusals {
  readonly #environment: Environment
  readonly #onError: (error: unknown) => void
  readonly #byLoop = new WeakMap<Stopper, Refusal>()

  constructor(environment: Environment, onError: (error: unknown) => void) {
    this.#environment = environment
    this.#onError = onError
  }

  /** Whether it had better not try now. */
  holds(loop: Stopper): boolean {
    return this.#byLoop.get(loop)?.isHeld === true
  }

  /** Calls `wake` when it may be tried again. */
  add(loop: Stopper, error: CrewError, wake: () => void): void {
    const { message } = error
    const before = this.#byLoop.get(loop)
    // Several of one loop may have tried at once.
    if (before?.isHeld || loop.isStopped) return
    if (before?.message !== message) this.#onError(error)
    const refusal = { message, pauseMs: Math.min(LONGEST_PAUSE_MS, (before?.pauseMs ?? 500) * 2), isHeld: true }
    this.#byLoop.set(loop, refusal)
    const offTimer = this.#environment.setTimer(
      () => {
        offStop()
        refusal.isHeld = false
        wake()
      },
      refusal.pauseMs,
      true,
    )
    const offStop = loop.onStop(offTimer)
  }

  /** It has had its way. */
  clear(loop: Stopper): void {
    this.#byLoop.delete(loop)
  }
}
