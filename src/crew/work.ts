import type { Abortable } from '../core/abortable.js'
import type { Off } from '../core/environment.js'
import { CrewError, wordsOf } from '../core/errors.js'
import { read } from '../core/input.js'
import type { Communications } from '../core/messages/communications.js'
import type { Delivery } from '../core/messages/delivery.js'
import type { Message } from '../core/messages/message.js'
import type { Attempt } from '../core/tasks/attempt.js'
import type { TrackerParts } from '../core/tasks/task-queries.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { WaitingFor } from '../core/tasks/task.js'
import { type Handler, readVerdict, type ReviewHandler, type Verdict } from './handlers.js'
import { Idleness } from './idleness.js'
import { type Loop, Outlook } from './outlook.js'
import { Readers } from './readers.js'
import { Refusals } from './refusals.js'
import { type Review, Reviewers } from './reviewers.js'
import { Setbacks } from './setbacks.js'
import { Takers } from './takers.js'

/** A message whose handler threw comes back after a random share of min(this, 1 s × 2^(n−1)). */
const LONGEST_RETURN_MS = 600_000

/** The loops of one crew in one process: members that work, and members that listen. They wait without polling. */
export class Work {
  readonly #tracker: TaskTracker
  readonly #communications: Communications
  readonly #parts: TrackerParts
  readonly #onError: (error: unknown) => void
  readonly #idleness: Idleness
  readonly #setbacks: Setbacks
  readonly #takers: Takers
  readonly #readers: Readers
  readonly #reviewers: Reviewers
  readonly #loops = new Set<Loop>()
  #offWork: Off | undefined
  /** Why no loop runs any more. */
  #over: CrewError | undefined

  constructor(tracker: TaskTracker, communications: Communications) {
    this.#tracker = tracker
    this.#communications = communications
    this.#parts = tracker.parts
    const { journal } = tracker.parts
    const { environment, onError } = journal
    this.#onError = onError
    const refusals = new Refusals(environment, onError)
    const outlook = new Outlook(tracker.parts, communications.commands, refusals)
    this.#idleness = new Idleness(environment, () => this.#isNothingToDo())
    this.#setbacks = new Setbacks(environment, onError, refusals, (error) => {
      this.#close(error)
    })
    this.#takers = new Takers(tracker, outlook, this.#setbacks, this.#idleness)
    this.#readers = new Readers(communications, outlook, this.#setbacks, this.#idleness)
    this.#reviewers = new Reviewers(tracker.parts, this.#idleness)
    journal.observe(this.#takers)
    journal.observe(this.#readers)
    journal.observe(this.#reviewers)
    journal.observe({
      // Another process may have ended a cascade.
      settled: () => {
        this.#idleness.check()
      },
      rested: () => {
        this.#idleness.check()
      },
      broke: (error) => {
        this.#close(error)
      },
      closed: () => {
        this.#close()
      },
    })
  }

  /** Runs `handler` on one task after another, until stopped. */
  work(loop: Loop, handler: Handler): Promise<void> {
    return this.#run(loop, this.#takers, (attempt) => this.#attend(attempt, handler))
  }

  /** Hands out one attempt after another; one that is left without an outcome fails as abandoned. */
  attempts(loop: Loop): AsyncGenerator<Attempt, void, void> {
    return this.#handOut(
      loop,
      this.#takers,
      (attempt) => attempt,
      (attempt) => this.#abandon(attempt),
    )
  }

  /** Runs `handler` on one message after another, in order, until stopped. */
  listen(loop: Loop, handler: (message: Message) => unknown): Promise<void> {
    return this.#run(loop, this.#readers, (delivery) => this.#read(delivery, handler))
  }

  /** Hands out one message after another; each is acknowledged when the next is asked for, or the loop is left. */
  mail(loop: Loop): AsyncGenerator<Message, void, void> {
    return this.#handOut(
      loop,
      this.#readers,
      ({ message }) => message,
      (delivery) => this.#acknowledge(delivery),
    )
  }

  /** Runs `handler` on one task after another that waits for the member's verdict, until stopped. */
  review(loop: Loop, handler: ReviewHandler): Promise<void> {
    return this.#run(loop, this.#reviewers, (review) => this.#judge(loop, review, handler))
  }

  /** Resolves when no loop has anything to do, now or after a back-off, and no command is under way. */
  async idle(options: Abortable): Promise<void> {
    if (this.#over) throw this.#over
    await this.#idleness.wait(options)
  }

  async #run<T>(loop: Loop, source: Source<T>, handle: (item: T) => Promise<void>): Promise<void> {
    try {
      for await (const item of this.#each(loop, source)) await handle(item)
    } catch (error) {
      this.#onError(error)
    }
  }

  /** Each is settled when the next is asked for, or the loop is left. */
  async *#handOut<T, Shown>(
    loop: Loop,
    source: Source<T>,
    show: (item: T) => Shown,
    settle: (item: T) => Promise<unknown>,
  ): AsyncGenerator<Shown, void, void> {
    try {
      for await (const item of this.#each(loop, source)) {
        try {
          yield show(item)
        } finally {
          await settle(item).catch(this.#onError)
        }
      }
    } finally {
      loop.stopper.stop()
    }
  }

  /** One after another, until the loop is stopped or left. */
  async *#each<T>(loop: Loop, source: Source<T>): AsyncGenerator<T, void, void> {
    this.#enter(loop)
    try {
      for (let item = await source.next(loop); item; item = await source.next(loop)) yield item
    } finally {
      this.#leave(loop)
    }
  }

  #enter(loop: Loop): void {
    this.#parts.journal.assertOpen()
    if (this.#over) {
      loop.stopper.stop()
      this.#onError(this.#over)
    }
    this.#idleness.begin()
    this.#loops.add(loop)
    this.#offWork ??= this.#takers.follow()
  }

  #leave(loop: Loop): void {
    this.#loops.delete(loop)
    if (this.#loops.size === 0) {
      this.#offWork?.()
      this.#offWork = undefined
    }
    this.#idleness.rest()
  }

  async #attend(attempt: Attempt, handler: Handler): Promise<void> {
    try {
      const result = await handler(attempt)
      const outcome = result === undefined ? {} : { result: result as never }
      if (!attempt.isOver) await this.#setbacks.persist(attempt, () => attempt.complete(outcome))
    } catch (error) {
      if (attempt.isOver) {
        // What comes after the outcome has no effect; that it was told to stop is no news.
        if (!attempt.signal.aborted || !isFrom(error, attempt.signal.reason)) this.#onError(error)
        return
      }
      // Nothing can be thrown, too, and is no reason to leave the attempt running.
      const mishap = { error: error === undefined ? 'threw undefined' : error }
      const task = await this.#setbacks.persist(attempt, () => attempt.fail(mishap)).catch(this.#onError)
      // While it is tried again, that is nobody's trouble.
      if (task?.status === 'failed') this.#onError(error)
    }
  }

  async #abandon(attempt: Attempt): Promise<void> {
    if (!attempt.isOver) await this.#setbacks.persist(attempt, () => this.#tracker.abandon(attempt))
  }

  async #read(delivery: Delivery, handler: (message: Message) => unknown): Promise<void> {
    try {
      await handler(delivery.message)
      await this.#acknowledge(delivery)
    } catch (error) {
      this.#onError(error)
      if (CrewError.is(error, 'stale_delivery')) return
      const reason = wordsOf(error)?.slice(0, 200) ?? 'its handler threw'
      const most = Math.min(LONGEST_RETURN_MS, 1000 * 2 ** (delivery.count - 1))
      const delayMs = most * this.#parts.journal.environment.random()
      // However often it is answered again, the chain is at its end.
      const final = CrewError.is(error, 'loop_detected')
      await this.#communications.giveBack(delivery, { reason, delayMs, final }).catch(this.#onError)
    }
  }

  async #judge(loop: Loop, review: Review, handler: ReviewHandler): Promise<void> {
    try {
      const verdict = read(readVerdict, await handler(review.task), 'verdict')
      await this.#pronounce(review, verdict)
      this.#reviewers.over(review)
    } catch (error) {
      this.#onError(error)
      this.#reviewers.putOff(review, loop)
    }
  }

  /** Has no effect once others have decided. */
  async #pronounce(review: Review, verdict: Verdict): Promise<void> {
    const reviewers = this.#reviewers
    const { task, member } = review
    const { id: question } = task.waitingFor as WaitingFor
    const asked = {
      get isOver() {
        return !reviewers.isOpen(review)
      },
    }
    if (!reviewers.isOpen(review)) return
    try {
      await this.#setbacks.persist(asked, () => this.#tracker.review(task.id, { ...verdict, by: member, question }))
    } catch (error) {
      const isLate = !reviewers.isOpen(review) && OVERTAKEN.some((code) => CrewError.is(error, code))
      if (!isLate) throw error
    }
  }

  /** Unless it is settled already, as by accepting what it offers. */
  async #acknowledge({ message: { id = '' }, recipient, ...delivery }: Delivery): Promise<void> {
    const { state } = this.#communications.mailboxes.letter(id, recipient)?.standing ?? {}
    if (state === 'acknowledged' || state === 'expired') return
    await this.#communications.acknowledge({ messageId: id, recipient, count: delivery.count })
  }

  #isNothingToDo(): boolean {
    const { journal, schemas, desk } = this.#parts
    if (journal.isBusy || schemas?.isBusy || desk.cascades.areOpen()) return false
    return this.#readers.haveNothing() && this.#reviewers.haveNothing() && this.#takers.haveNothing()
  }

  #close(error = new CrewError('closed', 'The crew was closed while it was not idle')): void {
    this.#over ??= error
    for (const { stopper } of [...this.#loops]) stopper.stop()
    this.#idleness.end(error)
  }
}

/** What a verdict is refused with that comes too late. */
const OVERTAKEN = ['invalid_transition', 'stale_version', 'not_found'] as const

/** Where a loop gets what it is there for. */
interface Source<T> {
  /** Undefined once the loop is stopped. */
  next(loop: Loop): Promise<T | undefined>
}

/** Whether that is what was thrown; Node's own abortable functions throw an AbortError that has it as its cause. */
const isFrom = (error: unknown, reason: unknown): boolean =>
  error === reason || (error instanceof Error && error.cause === reason)
