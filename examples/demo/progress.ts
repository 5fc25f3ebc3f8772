/** Where the demo writes: a terminal, a pipe, or a test. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A bar that is drawn anew on a terminal; elsewhere a plain line for each twentieth of the way. */
export class Progress {
  readonly #out: Output
  /** In twentieths, of the last plain line. */
  #told = -1
  #isDrawn = false

  constructor(out: Output) {
    this.#out = out
  }

  show(done: number, all: number, note: string): void {
    const share = all === 0 ? 1 : done / all
    const percent = `${Math.floor(100 * share)} %`
    if (this.#out.isTTY) {
      const width = 20
      const full = Math.floor(share * width)
      const line = `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${done} of ${all}, ${percent}, ${note}`
      const { columns = 0 } = this.#out
      // Some terminals say that they have none.
      this.#out.write(`\r${columns > 0 ? line.slice(0, columns - 1) : line}\x1b[K`)
      this.#isDrawn = true
      return
    }
    const twentieths = Math.floor(20 * share)
    if (twentieths <= this.#told) return
    this.#told = twentieths
    this.#out.write(`${done} of ${all} done, ${percent}, ${note}\n`)
  }

  /** Leaves the bar as it is, and goes on below it. */
  end(): void {
    if (this.#isDrawn) this.#out.write('\n')
    this.#isDrawn = false
  }
}
