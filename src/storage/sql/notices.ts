import { systemClock } from '../../core/environment.js'

/** Between two notices: Postgres lets one transaction with a notice commit at a time. */
const GAP_MS = 5

/** Tells others that journals have grown: after the commits, and once for all that came since the last time. */
export class Notices {
  readonly #send: (journals: readonly string[]) => Promise<unknown>
  readonly #waiting = new Set<string>()
  #sending: Promise<void> | undefined

  constructor(send: (journals: readonly string[]) => Promise<unknown>) {
    this.#send = send
  }

  tell(journal: string): void {
    this.#waiting.add(journal)
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  /** Ends when what was to be told is told, or was tried in vain; never rejects. */
  async settled(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const journals = [...this.#waiting]
      this.#waiting.clear()
      // A hint that is lost is made up for by looking.
      await this.#send(journals).catch(() => undefined)
      await new Promise<void>((resolve) => systemClock.setTimer(resolve, GAP_MS))
    }
  }
}
