import type { Wire } from './decision.js'
import { CrewError } from './errors.js'
import { type Commit, type JournalEvent, rememberText } from './journal-storage.js'
import { utf8Bytes } from './json.js'

/** Room for what is around the events in a commit's text. */
const ENVELOPE_BYTES = 512

/** The JSON texts of a commit's events, for a storage that takes so many bytes of it. */
export class CommitWire implements Wire {
  readonly #texts: string[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  send(event: JournalEvent): JournalEvent {
    const text = JSON.stringify(event)
    this.#texts.push(text)
    return JSON.parse(text) as JournalEvent
  }

  cut(count: number): void {
    this.#texts.length = count
  }

  refuseTooMuch(): void {
    // A unit of a string is three bytes at most: counted exactly only where it is close.
    const fits = (bytes: (text: string) => number): boolean =>
      this.#texts.reduce((sum, text) => sum + bytes(text) + 1, ENVELOPE_BYTES) <= this.#limit
    if (fits((text) => text.length * 3) || fits(utf8Bytes)) return
    throw new CrewError('limit_exceeded', `The storage takes ${this.#limit} bytes at once; split the command`, {
      limit: this.#limit,
    })
  }

  remember(commit: Commit): void {
    rememberText(commit, `${JSON.stringify({ ...commit, events: [] }).slice(0, -2)}${this.#texts.join(',')}]}`)
  }
}
