type Later = (run: () => void, ms: number) => unknown

/** Where a hint goes, and what tells real time. */
export interface Platform {
  readonly setTimeout: Later
  readonly warn: (words: string) => void
}

// Taken once, so that a test runner's fake timers do not hold it up.
const { setTimeout } = globalThis as unknown as { readonly setTimeout: Later }
const realPlatform: Platform = {
  // Called by itself: browsers refuse it as a method of something else.
  setTimeout: (run, ms) => setTimeout(run, ms),
  warn: (words) => {
    console.warn(words)
  },
}

/** Real time within which who waits would let time pass. */
const PATIENCE_MS = 2000

/** What happens in any environment of this process: a test that has ended leaves things waiting while others run. */
const all: { stirs: number; newest: Standstill | undefined } = { stirs: 0, newest: undefined }

/** Notices that time stands still while something waits for it, and says so once. It keeps no process alive. */
export class Standstill {
  readonly #platform: Platform
  /** What waits, in words; undefined when nothing does. */
  readonly #waiting: () => string | undefined
  #isWatching = false
  #isTold = false
  /** How many let time pass just now. */
  #movers = 0

  constructor(waiting: () => string | undefined, platform = realPlatform) {
    this.#waiting = waiting
    this.#platform = platform
  }

  /** Something happens. */
  stir(): void {
    all.stirs++
    all.newest = this
  }

  /** Time passes until that is over. */
  async during<T>(move: () => Promise<T>): Promise<T> {
    this.#movers++
    try {
      return await move()
    } finally {
      this.#movers--
      this.watch()
    }
  }

  /** Looks again in a while. */
  watch(): void {
    this.stir()
    if (this.#isWatching || this.#isTold) return
    this.#isWatching = true
    const { stirs } = all
    const look = (): void => {
      this.#isWatching = false
      const words = this.#waiting()
      if (words === undefined || all.newest !== this) return
      if (stirs !== all.stirs || this.#movers > 0) this.watch()
      else this.#tell(words)
    }
    const timer = this.#platform.setTimeout(look, PATIENCE_MS)
    // A browser's is a number.
    ;(timer as { readonly unref?: () => void } | undefined)?.unref?.()
  }

  #tell(words: string): void {
    this.#isTold = true
    this.#platform.warn(
      `crewlog/testing: the time of a manualEnvironment has stood still for 2 s, and ${words}. It passes only when told to: await environment.run(promise) instead of the promise alone, or environment.advance('1m') before.`,
    )
  }
}
