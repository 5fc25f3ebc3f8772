import { CrewError } from '../../core/errors.js'

/** What of a connection tells when it is lost and found. */
export interface Breakable {
  status(): AsyncIterable<{ readonly type: string }>
}

/**
 * Ends the requests that a break of the connection leaves unanswered, which the client would wait for until they time
 * out: it sends nothing again, and forgets what it was given meanwhile.
 */
export class Breaks {
  static readonly #all = new WeakMap<Breakable, Breaks>()

  static of(connection: Breakable): Breaks {
    const breaks = Breaks.#all.get(connection) ?? new Breaks(connection)
    Breaks.#all.set(connection, breaks)
    return breaks
  }

  readonly #underWay = new Set<(error: CrewError) => void>()

  private constructor(connection: Breakable) {
    this.#listen(connection).catch(() => undefined)
  }

  /** What `request` brings, unless the connection breaks before. */
  async unless<T>(request: Promise<T>): Promise<T> {
    let end = (_error: CrewError): void => undefined
    const broken = new Promise<never>((_, reject) => {
      end = reject
    })
    this.#underWay.add(end)
    try {
      return await Promise.race([request, broken])
    } finally {
      this.#underWay.delete(end)
    }
  }

  async #listen(connection: Breakable): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue
      const error = new CrewError(
        'storage_unavailable',
        'The connection to NATS broke before the answer came; try again',
      )
      for (const end of this.#underWay) end(error)
    }
  }
}
