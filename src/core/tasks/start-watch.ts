import type { Environment, Off } from '../environment.js'
import type { Members } from '../members.js'
import type { TaskBoard } from './task-board.js'
import type { Card } from './task-card.js'
import type { Task } from './task.js'

/** How often one looks, in the time that there is to start. */
const LOOKS = 4

/**
 * Finds what a strategy gave and nobody starts, by a stopwatch of its own, as observers of leases do: whoever works for
 * the member is gone, and held nothing whose lease would tell. People take their time.
 */
export class StartWatch {
  readonly #environment: Environment
  readonly #board: TaskBoard
  readonly #members: Members
  readonly #withinMs: number
  readonly #tellLate: (tasks: readonly Task[]) => void
  /** Since when each has been seen as it is, by the monotonic clock. */
  #since = new Map<Card, { readonly task: Task; readonly at: number }>()
  #off: Off | undefined

  constructor(
    environment: Environment,
    board: TaskBoard,
    members: Members,
    withinMs: number,
    tellLate: (tasks: readonly Task[]) => void,
  ) {
    this.#environment = environment
    this.#board = board
    this.#members = members
    this.#withinMs = withinMs
    this.#tellLate = tellLate
  }

  /** Looks again, if there is anything to look for. */
  arm(): void {
    if (this.#off || this.#board.index.given.isEmpty) return
    const look = (): void => {
      this.#off = undefined
      this.#look()
      this.arm()
    }
    this.#off = this.#environment.setTimer(look, this.#withinMs / LOOKS, true)
  }

  stop(): void {
    this.#off?.()
  }

  #look(): void {
    const now = this.#environment.monotonic()
    const seen = new Map<Card, { readonly task: Task; readonly at: number }>()
    for (const card of this.#waiting()) {
      const before = this.#since.get(card)
      seen.set(card, before?.task === card.task ? before : { task: card.task, at: now })
    }
    this.#since = seen
    const late = [...seen.values()].flatMap(({ task, at }) => (now - at >= this.#withinMs ? task : []))
    if (late.length > 0) this.#tellLate(late)
  }

  /** Given, ready, and not to a person. */
  *#waiting(): Generator<Card> {
    for (const id of this.#board.index.given.members) {
      const isHurried = this.#members.get(id)?.kind !== 'human'
      for (const card of this.#board.index.given.of(id)) if (isHurried && card.stage === 'assigned') yield card
    }
  }
}
