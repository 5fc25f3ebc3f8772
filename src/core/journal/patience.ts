import type { Environment } from '../environment.js'
import { CrewError } from '../errors.js'

/** After which the fate of a commit, or the end of the log, counts as unknowable. */
const PATIENCE_MS = 30_000
const LONGEST_PAUSE_MS = 5000

/** Tries again, with growing pauses, what fails because the storage is away. */
export class Patience {
  readonly #environment: Environment
  /** Each ends a pause. */
  readonly #pauses = new Set<() => void>()
  #isOver = false

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Rejects with what the last attempt failed with. */
  async with(attempt: () => Promise<void>): Promise<void> {
    const start = this.#environment.monotonic()
    for (let tries = 0; ; tries++) {
      try {
        await attempt()
        return
      } catch (error) {
        const isSpent = this.#environment.monotonic() - start >= PATIENCE_MS
        if (isSpent || !CrewError.is(error, 'storage_unavailable')) throw error
        await this.#pause(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries))
        if (this.#isOver) throw error
      }
    }
  }

  /** Nothing is tried again from now on. */
  end(): void {
    this.#isOver = true
    for (const end of this.#pauses) end()
  }

  /** Of a random length, that rivals do not come back together. */
  async #pause(longestMs: number): Promise<void> {
    if (this.#isOver) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        off()
        this.#pauses.delete(end)
        resolve()
      }
      const off = this.#environment.setTimer(end, longestMs * this.#environment.random())
      this.#pauses.add(end)
    })
  }
}
