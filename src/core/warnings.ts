import { contained } from './contained.js'
import { aFunction } from './input.js'

/** Hears what speaks against something, in words. */
type Listener = (warning: string) => void

export const warningListener = /* @__PURE__ */ aFunction<Listener>()

/** Tells each warning once. Who hears of one and fails does not hurt what it is about. */
export class Warnings {
  readonly #tell: Listener
  readonly #told = new Set<string>()

  constructor(onWarning: Listener = warn) {
    this.#tell = contained(onWarning)
  }

  tell(warning: string): void {
    if (this.#told.has(warning)) return
    this.#told.add(warning)
    this.#tell(warning)
  }
}

/** Where warnings go that nobody listens to. */
export const warn: Listener = (warning) => {
  console.warn(`crewlog: ${warning}`)
}
