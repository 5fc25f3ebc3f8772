import { systemEnvironment } from '../../core/environment.js'

/** How long rivals that were noticed are left room. */
const NOTICED_MS = 1000
/** Longest that a writer who was served leaves the file to others. */
const MOST_MS = 15

/**
 * Who waits for a file of SQLite asks for it now and then, up to 0.1 s apart, and whoever asks at the right moment has
 * it. So a writer that goes on at once has it again and again, and others starve. Here each leaves it alone for a moment
 * after a commit, while there are others.
 */
export class Courtesy {
  #noticedAt = -Infinity
  #freeAt = 0

  /** Before a commit. */
  async wait(): Promise<void> {
    const pauseMs = this.#freeAt - systemEnvironment.monotonic()
    if (pauseMs > 0) await new Promise<void>((resolve) => systemEnvironment.setTimer(resolve, pauseMs))
  }

  /** After one: `isServed` says whether it was taken, and not a rival's. */
  tell(isServed: boolean): void {
    const now = systemEnvironment.monotonic()
    if (!isServed) this.#noticedAt = now
    const hasRivals = now - this.#noticedAt < NOTICED_MS
    if (isServed && hasRivals) this.#freeAt = now + systemEnvironment.random() * MOST_MS
  }
}
