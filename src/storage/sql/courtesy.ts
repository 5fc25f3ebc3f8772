import { systemClock } from '../../core/environment.js'
import type { Commit } from '../../core/journal/journal-storage.js'

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
  /** By journal: the id of the commit that was sent last from here, whatever came of it. */
  readonly #sent = new Map<string, string>()

  /** Sends a commit when it is time, and answers whether it was taken, as `send` does. */
  async serve(
    journal: string,
    { id, prev }: Pick<Commit, 'id' | 'prev'>,
    send: () => Promise<boolean>,
  ): Promise<boolean> {
    const last = this.#sent.get(journal)
    const isResent = id === last
    this.#sent.set(journal, id)
    if (last !== undefined && prev !== last && !isResent) this.#notice()
    await this.#pause()
    const isServed = await send()
    if (isServed) this.#leaveRoom()
    // What is sent again may be refused because it is there.
    else if (!isResent) this.#notice()
    return isServed
  }

  /** Nothing more is sent to it, for now. */
  forget(journal: string): void {
    this.#sent.delete(journal)
  }

  /** Of another's commit. */
  #notice(): void {
    this.#noticedAt = systemClock.monotonic()
  }

  async #pause(): Promise<void> {
    const pauseMs = this.#freeAt - systemClock.monotonic()
    if (pauseMs > 0) await new Promise<void>((resolve) => systemClock.setTimer(resolve, pauseMs))
  }

  #leaveRoom(): void {
    const now = systemClock.monotonic()
    if (now - this.#noticedAt < NOTICED_MS) this.#freeAt = now + systemClock.random() * MOST_MS
  }
}
