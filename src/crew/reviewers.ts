import type { Environment } from '../core/environment.js'
import type { Id } from '../core/input.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import type { CommitInfo, Observer } from '../core/journal/projection.js'
import type { TaskChange } from '../core/tasks/task-board.js'
import { inOrder } from '../core/tasks/task-card.js'
import { awaitsReview } from '../core/tasks/task-answers.js'
import type { TrackerParts } from '../core/tasks/task-queries.js'
import type { Task } from '../core/tasks/task.js'
import type { Idleness } from './idleness.js'
import type { Loop } from './outlook.js'
import { WaitingLine } from './waiting-line.js'

/** A review whose handler threw is begun again after a random share of min(this, 1 s × 2^(n−1)). */
const LONGEST_PAUSE_MS = 600_000

/** A task that waits for the verdict of one member. */
export interface Review {
  readonly task: Task
  readonly member: Id
  /** How often its handler threw. */
  failures: number
  isDue: boolean
}

/** Loops that review: each gets the next task that waits for its member, the oldest task first. */
export class Reviewers implements Observer {
  readonly #environment: Environment
  readonly #parts: TrackerParts
  readonly #line: WaitingLine
  /** Before a handler of this process, or put off. */
  readonly #taken = new Map<string, Review>()

  constructor(parts: TrackerParts, idleness: Idleness) {
    this.#environment = parts.journal.environment
    this.#parts = parts
    this.#line = new WaitingLine(idleness)
  }

  /** Undefined once the loop is stopped. */
  async next(loop: Loop): Promise<Review | undefined> {
    while (!loop.stopper.isStopped) {
      const review = this.#find(loop)
      if (review) return review
      await this.#line.wait(loop, () => () => undefined)
    }
    return undefined
  }

  /** Whether nothing waits for those that wait here. */
  haveNothing(): boolean {
    for (const { loop } of this.#line.all) if (this.#waitingFor(loop).length > 0) return false
    return true
  }

  /** Whether its verdict is still asked for. */
  isOpen({ task: { id, waitingFor }, member }: Review): boolean {
    const now = this.#parts.board.get(id)
    return now !== undefined && awaitsReview(now, member) && now.waitingFor?.id === waitingFor?.id
  }

  over(review: Review): void {
    this.#taken.delete(keyOf(review))
  }

  /** Begins it again later, if it is still asked for and the loop still runs. */
  putOff(review: Review, { stopper }: Loop): void {
    if (stopper.isStopped || !this.isOpen(review)) {
      this.over(review)
      return
    }
    review.failures++
    const most = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** (review.failures - 1))
    const offTimer = this.#environment.setTimer(() => {
      offStop()
      if (!this.isOpen(review)) this.over(review)
      review.isDue = true
      this.#wake(review.member)
    }, most * this.#environment.random())
    const offStop = stopper.onStop(() => {
      offTimer()
      this.over(review)
      this.#wake(review.member)
    })
  }

  heard({ type, id }: JournalEvent, _commit: CommitInfo, change: unknown): void {
    if (type === 'member.joined') this.#wake(id)
    if (!type.startsWith('task.')) return
    const { waitingFor } = (change as TaskChange).after
    if (waitingFor?.for === 'review') for (const member of waitingFor.of) this.#wake(member)
  }

  rebuilt(): void {
    for (const { resume } of this.#line.all) resume()
  }

  #find(loop: Loop): Review | undefined {
    for (const task of this.#waitingFor(loop)) {
      const asked: Review = { task, member: loop.member, failures: 0, isDue: true }
      const review = this.#taken.get(keyOf(asked)) ?? asked
      if (!review.isDue) continue
      review.isDue = false
      this.#taken.set(keyOf(review), review)
      return review
    }
    return undefined
  }

  #waitingFor({ member }: Loop): readonly Task[] {
    const { board, desk } = this.#parts
    const waiting = inOrder(board.inStage('waiting')).filter((task) => awaitsReview(task, member))
    return waiting.filter((task) => desk.access?.sees(member, task) !== false)
  }

  #wake(member: Id): void {
    for (const { resume } of this.#line.of(member)) resume()
  }
}

const keyOf = ({ task: { id, waitingFor }, member }: Pick<Review, 'task' | 'member'>): string =>
  JSON.stringify([member, id, waitingFor?.id])
