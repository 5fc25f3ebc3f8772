import { type Attempt, type Crew, CrewError, type Member } from 'crewlog'
import { randomFrom } from '../../../src/core/random.js'
import { REFUSALS } from '../refusals.js'
import { type Life, tell } from './told.js'

export const MEMBERS = ['ana', 'bo', 'cy', 'di', 'ed', 'flo'] as const
/** Commands that a process has under way at once. */
const HANDS = 6
/** The longest pause of a hand between two commands. */
const REST_MS = 4
const ASK_MS = 500

/** Names of the methods below, each as often as it should be tried. */
const ACTS = [
  ...(['create', 'create', 'create', 'createChain', 'again', 'again'] as const),
  ...(['send', 'ask', 'receive', 'receive', 'receive', 'receive'] as const),
  ...(['claim', 'claim', 'claim', 'claim', 'claim', 'cancel'] as const),
] as const

/** What one process does: commands at random, several at once, each told as soon as it is answered. */
export class Hands {
  readonly #crew: Crew
  readonly #life: Life
  readonly #random: () => number
  readonly #trouble: (error: unknown) => void
  /** Commands that were called, so that each makes what no other makes. */
  #marks = 0
  #keys: number

  constructor(crew: Crew, life: Life, trouble: (error: unknown) => void) {
    this.#crew = crew
    this.#life = life
    this.#random = randomFrom(life.seed)
    this.#trouble = trouble
    this.#keys = life.firstKey
  }

  async work(): Promise<void> {
    await Promise.all(Array.from({ length: HANDS }, () => this.#hand()))
  }

  async #hand(): Promise<never> {
    for (;;) {
      try {
        await this[this.#oneOf(ACTS)]()
      } catch (error) {
        // A question that nobody answers in time stands.
        if (!CrewError.is(error, 'timed_out') && !isRefusal(error)) this.#trouble(error)
      }
      await this.#rest()
    }
  }

  async create(): Promise<void> {
    const mark = this.#mark()
    const { id } = await this.#crew.tracker.create({ description: mark, priority: this.#number(5) })
    this.#told(`created ${id} ${mark}`)
  }

  /** What waits for a task that is ready now. */
  async createChain(): Promise<void> {
    const mark = this.#mark()
    const before = this.#crew.tracker.ready().slice(0, 3)
    const dependsOn = before.map(({ id }) => ({ id, onFailure: 'continue', onCancel: 'continue' }) as const)
    const { id } = await this.#crew.tracker.create({ description: mark, dependsOn })
    this.#told(`created ${id} ${mark}`)
  }

  /** A command with a key, which the next process of the slot calls again unless it was answered. */
  async again(): Promise<void> {
    const key = this.#keys++
    const mark = `key ${this.#life.slot}.${key}`
    const once = { idempotencyKey: mark }
    if (key % 2 === 0) {
      const { id } = await this.#crew.tracker.create({ description: mark }, once)
      this.#told(`created ${id} ${mark}`, key)
    } else {
      const { id = '' } = await this.#member(MEMBERS[0]).send(MEMBERS[1], mark, once)
      this.#told(`sent ${id} ${mark}`, key)
    }
  }

  async send(): Promise<void> {
    const mark = this.#mark()
    const to = MEMBERS.filter(() => this.#random() < 0.3)
    const { id = '' } = await this.#member(MEMBERS[0]).send(to.length > 0 ? to : MEMBERS[1], mark)
    this.#told(`sent ${id} ${mark}`)
  }

  async ask(): Promise<void> {
    const mark = this.#mark()
    const { id = '' } = await this.#member().ask(this.#oneOf(MEMBERS), mark, { kind: 'ask', timeoutMs: ASK_MS })
    this.#told(`answered ${id} ${mark}`)
  }

  async receive(): Promise<void> {
    const member = this.#member()
    for (const delivery of await member.receive({ limit: 5 })) {
      const { message, recipient, count } = delivery
      const { id = '' } = message
      this.#told(`leased ${id} ${recipient} ${count}`)
      if (message.kind === 'ask') {
        const reply = await member.reply(message, `to ${message.content as string}`)
        this.#told(`replied ${reply.id ?? ''} to ${id}`)
      }
      if (this.#random() < 0.1) {
        await member.giveBack(delivery)
        continue
      }
      await member.acknowledge(delivery)
      this.#told(`acknowledged ${id} ${recipient} ${count}`)
    }
  }

  async claim(): Promise<void> {
    const attempt = await this.#member().claim()
    if (!attempt) return
    const { id } = attempt.task
    this.#told(`claimed ${id} ${attempt.fence}`)
    await this.#rest()
    if (this.#random() < 0.3) {
      const mark = this.#mark()
      await attempt.progress({ value: 0.5, note: mark })
      this.#told(`progressed ${mark}`)
    }
    this.#told(`${await this.#end(attempt)} ${id} ${attempt.fence}`)
  }

  async cancel(): Promise<void> {
    const task = this.#crew.tracker.ready().at(-1)
    if (!task) return
    const { status } = await this.#crew.tracker.cancel(task.id)
    this.#told(`${status === 'cancelled' ? 'cancelled' : 'cancelRequested'} ${task.id}`)
  }

  async #end(attempt: Attempt): Promise<string> {
    const chance = this.#random()
    if (chance < 0.05) await attempt.fail({ error: new Error('failed, as it was told to'), retryable: false })
    else if (chance < 0.1) await attempt.release()
    else await attempt.complete({ result: { by: this.#life.slot } })
    return chance < 0.05 ? 'failed' : chance < 0.1 ? 'released' : 'completed'
  }

  #told(fact: string, key?: number): void {
    tell({ did: 'acknowledged', fact, ...(key !== undefined && { key }) })
  }

  #mark(): string {
    const { slot, number } = this.#life
    return `${slot}.${number}.${++this.#marks}`
  }

  #member(id: string = this.#oneOf(MEMBERS)): Member {
    return this.#crew.as(id)
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, REST_MS * this.#random()))
  }

  #number(below: number): number {
    return Math.floor(below * this.#random())
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#number(list.length)] as T
  }
}

/** What rivals bring about: nothing is wrong, and nothing was done. */
const isRefusal = (error: unknown): boolean =>
  CrewError.is(error) &&
  REFUSALS.has(error.code) &&
  !['storage_unavailable', 'closed', 'invalid_input'].includes(error.code)
