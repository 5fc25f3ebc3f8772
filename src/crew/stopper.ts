/// <reference lib="esnext.disposable" preserve="true" />
// Kept in the declarations, so that no project needs AsyncDisposable in its own `lib`.

import { onAbort } from '../core/abortable.js'
import type { Off } from '../core/environment.js'

/** Something that goes on until it is stopped. */
export interface Running extends AsyncDisposable {
  /** Takes nothing more; resolves when what is under way has ended. */
  stop(): Promise<void>
  /** Resolves when it has stopped. Never rejects: errors go to `onError`. */
  readonly done: Promise<void>
}

/** Tells a loop to end, and whoever waits on its behalf. */
export class Stopper {
  readonly #waits = new Set<() => void>()
  #isStopped = false
  #offSignal: Off | undefined

  get isStopped(): boolean {
    return this.#isStopped
  }

  stop(): void {
    this.#isStopped = true
    this.#offSignal?.()
    for (const wait of this.#waits) wait()
    this.#waits.clear()
  }

  onStop(run: () => void): Off {
    this.#waits.add(run)
    return () => this.#waits.delete(run)
  }

  /** Stops too when the signal aborts. */
  static of(signal: AbortSignal | undefined): Stopper {
    const stopper = new Stopper()
    const stop = (): void => {
      stopper.stop()
    }
    if (signal?.aborted) stop()
    else stopper.#offSignal = signal && onAbort(signal, stop)
    return stopper
  }

  /** What the user holds of loops that end when this stops. */
  running(loops: readonly Promise<void>[]): Running {
    const done = Promise.all(loops).then(() => undefined)
    const stop = (): Promise<void> => {
      this.stop()
      return done
    }
    return { stop, done, [Symbol.asyncDispose]: stop }
  }
}
