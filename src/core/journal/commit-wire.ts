import type { Wire } from './decision.js'
import { CrewError } from '../errors.js'
import { type Commit, type JournalEvent, rememberText } from './journal-storage.js'
import { utf8Bytes } from '../json.js'

/** Room for what is around the events in a commit's text. */
const ENVELOPE_BYTES = 512

/** The JSON texts of a commit's events, for a storage that takes so many bytes of it. */
export class CommitWire implements Wire {
  readonly #texts: string[] = []
  /** Of the texts up to each: their length, and, as far as it was asked for, their bytes. */
  readonly #lengths: number[] = []
  readonly #bytes: number[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  send(event: JournalEvent): JournalEvent {
    const text = JSON.stringify(event)
    this.#texts.push(text)
    this.#lengths.push((this.#lengths.at(-1) ?? 0) + text.length + 1)
    return JSON.parse(text) as JournalEvent
  }

  cut(count: number): void {
    for (const each of [this.#texts, this.#lengths, this.#bytes]) each.length = Math.min(each.length, count)
  }

  refuseTooMuch(): void {
    // A unit of a string is three bytes at most: counted exactly only where it is close, and each once.
    const room = this.#limit - ENVELOPE_BYTES
    if ((this.#lengths.at(-1) ?? 0) * 3 <= room) return
    for (const text of this.#texts.slice(this.#bytes.length))
      this.#bytes.push((this.#bytes.at(-1) ?? 0) + utf8Bytes(text) + 1)
    if ((this.#bytes.at(-1) ?? 0) <= room) return
    this.refuse()
  }

  refuse(): never {
    throw new CrewError('limit_exceeded', `The storage takes ${this.#limit} bytes at once; split the command`, {
      limit: this.#limit,
    })
  }

  /** A quarter is left to a list of ids, and the half to what is not ASCII. */
  get isFull(): boolean {
    return (this.#lengths.at(-1) ?? 0) * 4 > this.#limit - ENVELOPE_BYTES
  }

  remember(commit: Commit): void {
    rememberText(commit, `${JSON.stringify({ ...commit, events: [] }).slice(0, -2)}${this.#texts.join(',')}]}`)
  }
}
