import { CrewError } from '../errors.js'
import { type Chore, doChore } from '../journal/chore.js'
import type { Observer, Turn } from '../journal/projection.js'
import type { Strategy } from './assignment.js'
import { giveNow } from './assigning.js'
import { StartWatch } from './start-watch.js'
import type { TrackerParts } from './task-queries.js'
import { Task } from './task.js'
import { isDue, wantedNow } from './wanted-tasks.js'

export interface AutomaticSettings {
  readonly strategy: Strategy
  /** After which what was given and not started counts as not to be started, ms. */
  readonly startWithinMs: number
}

/**
 * Gives tasks as they become ready: in the commit of this process that makes them so, or frees somebody; and, where the
 * clock did it or a process without a strategy, in a commit of its own, by whoever notices first.
 */
export class AutomaticAssignment implements Observer {
  readonly #parts: TrackerParts
  readonly #strategy: Strategy
  readonly #watch: StartWatch
  /** The commit in which the strategy was asked last. */
  #askedIn = 0
  /** What it was asked and left then, though somebody could have been given it. */
  #passedOver = new WeakSet<Task>()
  /** Why the strategy failed, for who hears of errors once that is over. */
  #failure: { readonly error: unknown } | undefined
  readonly #chore: Chore = { isBusy: false }
  #isOver = false

  constructor(parts: TrackerParts, { strategy, startWithinMs }: AutomaticSettings) {
    const { journal, board, members, news } = parts
    this.#parts = parts
    this.#strategy = strategy
    this.#watch = new StartWatch(journal.environment, board, members, startWithinMs, (late) => {
      this.#run((turn) => {
        this.#miss(turn, late)
      })
    })
    journal.afterEach((turn, answer) => {
      this.#give(turn)
      return this.#renewed(answer)
    })
    journal.observe(this)
    news.turned.add(() => {
      this.#look()
    })
  }

  opened(): void {
    this.#look()
    this.#watch.arm()
  }

  settled(): void {
    this.#tellFailure()
    // Another process may have made a difference to what the strategy would answer.
    if (this.#parts.journal.head?.seq !== this.#askedIn) this.#passedOver = new WeakSet()
    this.#look()
    this.#watch.arm()
  }

  closing(): void {
    this.#isOver = true
    this.#watch.stop()
  }

  /** Gives what can be given. A strategy that fails gives nothing, and refuses nobody's command. */
  #give(turn: Turn): void {
    if (this.#isOver) return
    const { desk, records } = this.#parts
    this.#askedIn = turn.seq
    const all = wantedNow(desk)
    if (all.tasks.length === 0) return
    let undone: ReadonlySet<Task> = new Set()
    try {
      undone = giveNow(desk, records, turn, this.#strategy, all)
    } catch (error) {
      // For the next commit, which has room.
      if (CrewError.is(error, 'limit_exceeded')) throw error
      this.#failure = { error }
    }
    for (const task of all.tasks) if (!undone.has(task)) this.#passedOver.add(task)
  }

  /** A command answers its tasks as its commit leaves them. */
  #renewed(answer: unknown): unknown {
    if (answer instanceof Task) return this.#parts.board.get(answer.id) ?? answer
    return Array.isArray(answer) ? answer.map((one) => this.#renewed(one)) : answer
  }

  /** Gives in a commit of its own what no command of this process has given. */
  #look(): void {
    if (!this.#isOver && isDue(this.#parts.desk, (task) => this.#passedOver.has(task)))
      this.#run((turn) => {
        this.#give(turn)
      })
  }

  /** What was not started in time is given to others by what follows. */
  #miss(turn: Turn, late: readonly Task[]): void {
    const { board, members } = this.#parts
    const ids = new Set(late.flatMap((task) => (board.get(task.id) === task ? task.assignees : [])))
    for (const id of ids) if (members.get(id)?.missingSince === undefined) members.tellMissing(turn, id)
  }

  #run(decide: (turn: Turn) => void): void {
    const { journal } = this.#parts
    const after = (): void => {
      this.#tellFailure()
      this.#look()
    }
    void doChore(this.#chore, journal, () => journal.decide(decide), after)
  }

  #tellFailure(): void {
    const { error } = this.#failure ?? {}
    if (this.#failure) this.#parts.journal.onError(error)
    this.#failure = undefined
  }
}
