import type { Off } from '../core/environment.js'
import type { Id } from '../core/input.js'
import { MultiMap } from '../core/multi-map.js'
import type { Idleness } from './idleness.js'
import type { Loop } from './outlook.js'

/** A loop that waits. */
export interface Waiter<T> {
  readonly loop: Loop
  /** It goes on, with what it was called for. */
  readonly resume: (what?: T) => void
}

/** Loops that wait until they are called or stopped, first come first served. */
export class WaitingLine<T = never> {
  readonly #idleness: Idleness
  readonly #waiters = new Set<Waiter<T>>()
  readonly #byMember = new MultiMap<Id, Waiter<T>>()

  constructor(idleness: Idleness) {
    this.#idleness = idleness
  }

  get all(): ReadonlySet<Waiter<T>> {
    return this.#waiters
  }

  of(member: Id): ReadonlySet<Waiter<T>> {
    return this.#byMember.of(member)
  }

  /** Resolves to what it was called for. `begin` hears who waits, and answers how that ends. */
  wait(loop: Loop, begin: (waiter: Waiter<T>) => Off): Promise<T | undefined> {
    return new Promise((resolve) => {
      const waiter: Waiter<T> = {
        loop,
        resume: (what) => {
          this.#waiters.delete(waiter)
          this.#byMember.delete(loop.member, waiter)
          offStop()
          end()
          this.#idleness.begin()
          resolve(what)
        },
      }
      const offStop = loop.stopper.onStop(waiter.resume)
      this.#waiters.add(waiter)
      this.#byMember.add(loop.member, waiter)
      const end = begin(waiter)
      this.#idleness.rest()
    })
  }
}
