import type { Id } from '../core/input.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import type { Observer } from '../core/journal/projection.js'
import type { Communications } from '../core/messages/communications.js'
import type { Delivery } from '../core/messages/delivery.js'
import type { Idleness } from './idleness.js'
import type { Loop, Outlook } from './outlook.js'
import type { Setbacks } from './setbacks.js'
import { WaitingLine } from './waiting-line.js'

/** Loops that listen: each gets the next message of its member, and waits while there is none. */
export class Readers implements Observer {
  readonly #communications: Communications
  readonly #outlook: Outlook
  readonly #setbacks: Setbacks
  readonly #line: WaitingLine

  constructor(communications: Communications, outlook: Outlook, setbacks: Setbacks, idleness: Idleness) {
    this.#communications = communications
    this.#outlook = outlook
    this.#setbacks = setbacks
    this.#line = new WaitingLine(idleness)
  }

  /** Undefined once the loop is stopped. */
  async next(loop: Loop): Promise<Delivery | undefined> {
    while (!loop.stopper.isStopped) {
      if (this.#outlook.hasMail(loop)) {
        const delivery = await this.#receive(loop)
        if (delivery) return delivery
      } else await this.#wait(loop)
    }
    return undefined
  }

  /** Whether nothing is in the mailboxes of those that wait. */
  haveNothing(): boolean {
    for (const { loop } of this.#line.all) if (this.#outlook.hasOpenMail(loop)) return false
    return true
  }

  heard({ type, id }: JournalEvent): void {
    // Its mail stayed when it left.
    if (type === 'member.joined') this.#wake(id)
  }

  async #receive(loop: Loop): Promise<Delivery | undefined> {
    try {
      const [delivery] = await this.#communications.receive(loop.member, { limit: 1 })
      this.#setbacks.over(loop)
      return delivery
    } catch (error) {
      await this.#setbacks.pause(loop, error, () => {
        this.#wake(loop.member)
      })
      return undefined
    }
  }

  #wake(member: Id): void {
    for (const reader of this.#line.of(member)) reader.resume()
  }

  async #wait(loop: Loop): Promise<void> {
    await this.#line.wait(loop, ({ resume }) => this.#communications.onMail(loop.member, resume))
  }
}
