import { CrewError } from './errors.js'
import type { Id } from './input.js'

interface Wait<T> {
  resolve(value: T): void
  reject(error: CrewError): void
}

/** Who waits for what becomes of something: a reply to a message, the end of a task. */
export class Waits<T> {
  readonly #byId = new Map<Id, Set<Wait<T>>>()

  /** Waits, as `how` says, for what `resolve` brings for `id`; forgets it however that ends. */
  async wait<R>(id: Id, how: (promise: Promise<T>) => Promise<R>): Promise<R> {
    const waits = this.#byId.get(id) ?? new Set()
    this.#byId.set(id, waits)
    let forget = (): void => undefined
    const promise = new Promise<T>((resolve, reject) => {
      const wait = { resolve, reject }
      waits.add(wait)
      forget = () => waits.delete(wait) && waits.size === 0 && this.#byId.delete(id)
    })
    try {
      return await how(promise)
    } finally {
      forget()
    }
  }

  /** Whether somebody waits for it. */
  has(id: Id): boolean {
    return this.#byId.has(id)
  }

  resolve(id: Id, value: T): void {
    for (const wait of this.#byId.get(id) ?? []) wait.resolve(value)
  }

  /** Ends what has its answer, or will never have one, by what is known of it now. */
  look(at: (id: Id) => T | CrewError | undefined): void {
    for (const [id, waits] of this.#byId) {
      const answer = at(id)
      if (answer instanceof CrewError) for (const wait of waits) wait.reject(answer)
      else if (answer !== undefined) this.resolve(id, answer)
    }
  }

  rejectAll(error: CrewError): void {
    for (const waits of this.#byId.values()) for (const wait of waits) wait.reject(error)
  }
}
