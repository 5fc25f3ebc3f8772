import { CrewError } from '../errors.js'

/** An error of a call to the storage. */
interface Failing {
  /** The method that failed. */
  readonly call: string
  /** What went wrong, whatever was called. */
  readonly what: string
}

/**
 * What is told of a storage that is away: whatever fails because of it fails again and again, and says the same. It is
 * told once for as long as no call is answered, and of each method once until that one is answered again.
 */
export class Outages {
  readonly #failures = new WeakMap<object, Failing>()
  /** Told since a call was answered. */
  readonly #told = new Set<string>()
  /** The same, of each method. */
  readonly #toldOf = new Map<string, Set<string>>()

  failed(call: string, what: string, error: CrewError): void {
    this.#failures.set(error, { call, what })
  }

  answered(call: string): void {
    if (this.#toldOf.size === 0) return
    this.#told.clear()
    this.#toldOf.delete(call)
  }

  /** Passes on what tells something new. */
  filter(onError: (error: unknown) => unknown): (error: unknown) => unknown {
    return (error) => (this.#isNews(error) ? onError(error) : undefined)
  }

  #isNews(error: unknown): boolean {
    const failing = this.#causeOf(error)
    if (!failing || !CrewError.is(error)) return true
    const what = `${error.code} ${failing.what}`
    const told = this.#toldOf.get(failing.call)
    if (this.#told.has(what) || told?.has(what)) return false
    this.#told.add(what)
    if (told) told.add(what)
    else this.#toldOf.set(failing.call, new Set([what]))
    return true
  }

  /** A commit of unknown fate is so because of a call. */
  #causeOf(error: unknown): Failing | undefined {
    if (CrewError.is(error, 'storage_unavailable')) return this.#failures.get(error)
    return CrewError.is(error, 'outcome_unknown') ? this.#causeOf(error.cause) : undefined
  }
}
