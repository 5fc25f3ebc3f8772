import { type Abortable, awaited } from '../core/abortable.js'
import type { Attempt } from '../core/tasks/attempt.js'
import type { Communications } from '../core/messages/communications.js'
import type { Delivery } from '../core/messages/delivery.js'
import type { Off } from '../core/environment.js'
import { CrewError, wordsOf } from '../core/errors.js'
import { hindrance, isFor } from '../core/tasks/eligibility.js'
import { type Id, read } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { Kept, Kinds, StandardSchema, Taken } from '../core/kinds.js'
import type { Message } from '../core/messages/message.js'
import type { Card } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import { choiceOf, matches, readFilter, type TaskFilter } from '../core/tasks/task-filter.js'
import type { TrackerParts } from '../core/tasks/task-queries.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import { Refusals } from './refusals.js'
import { Stopper } from './stopper.js'

/** Does a task: what it returns is the result, a throw is a failure, final if the error has `retryable: false`. */
export type Handler<Input = Json | undefined, Result = Json, Returned = unknown> = (
  attempt: Attempt<Input, Result>,
) => Returned

/** A handler for each kind, typed by its schemas. What one returns counts only if its attempt has no outcome yet. */
export type Handlers<K extends Kinds> = string extends keyof K
  ? Readonly<Record<string, Handler>>
  : {
      readonly [N in keyof K & string]?: Handler<
        Kept<K[N]['input']>,
        Exclude<Taken<K[N]['result']>, undefined>,
        K[N]['result'] extends StandardSchema ? Returned<Taken<K[N]['result']>> : unknown
      >
    }
type Returned<Result> = Result | Task | void | Promise<Result | Task | void>

/** What a loop is for. */
interface Loop {
  readonly member: Id
  readonly filter?: TaskFilter | undefined
  readonly stopper: Stopper
}
/** A loop that waits. */
interface Waiter extends Loop {
  readonly resume: () => void
}

/** Before something that failed is tried again. */
const PAUSE_MS = 1000
/** A message whose handler threw comes back after a random share of min(this, 1 s × 2^(n−1)). */
const LONGEST_RETURN_MS = 600_000

/**
 * The loops of one crew in one process: members that work, and members that listen. They wait without polling: a commit
 * wakes as many as it may have brought something for.
 */
export class Work {
  readonly #tracker: TaskTracker
  readonly #communications: Communications
  readonly #parts: TrackerParts
  readonly #onError: (error: unknown) => void
  readonly #stoppers = new Set<Stopper>()
  readonly #refusals: Refusals
  /** Loops that wait for a task, first come first served. */
  readonly #takers = new Set<Waiter>()
  /** Loops that wait for mail. */
  readonly #readers = new Set<Waiter>()
  /** Loops that do not wait. */
  #busy = 0
  #claiming = 0
  #offWork: Off | undefined
  /** Why no loop runs any more. */
  #over: CrewError | undefined
  readonly #idleWaits = new Set<{ readonly resolve: () => void; readonly reject: (error: CrewError) => void }>()

  constructor(tracker: TaskTracker, communications: Communications) {
    this.#tracker = tracker
    this.#communications = communications
    this.#parts = tracker.parts
    const { journal } = this.#parts
    this.#onError = journal.onError
    this.#refusals = new Refusals(journal.environment, journal.onError)
    journal.observe({
      heard: ({ type, id }) => {
        if (type !== 'member.joined') return
        // Its mail stayed when it left.
        for (const reader of this.#readers) if (reader.member === id) reader.resume()
      },
      // Another process may have ended a cascade.
      settled: () => {
        this.#checkIdle()
      },
      rested: () => {
        this.#checkIdle()
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
  async work(member: Id, handler: Handler, filter: TaskFilter | undefined, stopper: Stopper): Promise<void> {
    await this.#loop(stopper, async () => {
      for (
        let attempt = await this.#nextAttempt(member, filter, stopper);
        attempt;
        attempt = await this.#nextAttempt(member, filter, stopper)
      ) {
        await this.#attend(attempt, handler)
      }
    })
  }

  /** Hands out one attempt after another; one that is left without an outcome fails as abandoned. */
  async *attempts(member: Id, filter: TaskFilter | undefined, stopper: Stopper): AsyncGenerator<Attempt, void, void> {
    this.#enter(stopper)
    try {
      for (
        let attempt = await this.#nextAttempt(member, filter, stopper);
        attempt;
        attempt = await this.#nextAttempt(member, filter, stopper)
      ) {
        const current = attempt
        try {
          yield current
        } finally {
          if (!current.isOver) await this.#persist(current, () => this.#tracker.abandon(current)).catch(this.#onError)
        }
      }
    } finally {
      stopper.stop()
      this.#leave(stopper)
    }
  }

  /** Runs `handler` on one message after another, in order, until stopped. */
  async listen(member: Id, handler: (message: Message) => unknown, stopper: Stopper): Promise<void> {
    await this.#loop(stopper, async () => {
      for (
        let delivery = await this.#nextMail(member, stopper);
        delivery;
        delivery = await this.#nextMail(member, stopper)
      ) {
        await this.#read(delivery, handler)
      }
    })
  }

  /** Hands out one message after another; each is acknowledged when the next is asked for, or the loop is left. */
  async *mail(member: Id, stopper: Stopper): AsyncGenerator<Message, void, void> {
    this.#enter(stopper)
    try {
      for (
        let delivery = await this.#nextMail(member, stopper);
        delivery;
        delivery = await this.#nextMail(member, stopper)
      ) {
        const current = delivery
        try {
          yield current.message
        } finally {
          await this.#communications.acknowledge(current).catch(this.#onError)
        }
      }
    } finally {
      stopper.stop()
      this.#leave(stopper)
    }
  }

  /** Resolves when no loop has anything to do, now or after a back-off, and no command is under way. */
  async idle(options: Abortable): Promise<void> {
    if (this.#over) throw this.#over
    const { environment } = this.#parts.journal
    let forget = (): void => undefined
    const idle = new Promise<void>((resolve, reject) => {
      const wait = { resolve, reject }
      this.#idleWaits.add(wait)
      forget = () => this.#idleWaits.delete(wait)
    })
    this.#checkIdle()
    try {
      await awaited(idle, options, environment)
    } finally {
      forget()
    }
  }

  async #loop(stopper: Stopper, run: () => Promise<void>): Promise<void> {
    this.#enter(stopper)
    try {
      await run()
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#leave(stopper)
    }
  }

  #enter(stopper: Stopper): void {
    this.#parts.journal.assertOpen()
    if (this.#over) {
      stopper.stop()
      this.#onError(this.#over)
    }
    this.#busy++
    this.#stoppers.add(stopper)
    this.#offWork ??= this.#parts.news.onWork(this.#wakeTakers)
  }

  #leave(stopper: Stopper): void {
    this.#busy--
    this.#stoppers.delete(stopper)
    if (this.#stoppers.size === 0) {
      this.#offWork?.()
      this.#offWork = undefined
    }
    // What it was woken for is there for another.
    this.#wakeTakers()
  }

  async #nextAttempt(member: Id, filter: TaskFilter | undefined, stopper: Stopper): Promise<Attempt | undefined> {
    const loop = { member, filter, stopper }
    while (!stopper.isStopped) {
      if (this.#claiming < this.#readyCount() && this.#hasWork(loop)) {
        const attempt = await this.#claim(loop)
        if (attempt) return attempt
      } else await this.#wait(this.#takers, loop)
    }
    return undefined
  }

  async #claim({ member, filter, stopper }: Loop): Promise<Attempt | undefined> {
    this.#claiming++
    try {
      const attempt = await this.#tracker.claim(member, filter ? { filter } : {})
      this.#refusals.clear(stopper)
      return attempt
    } catch (error) {
      await this.#pause(error, stopper)
      return undefined
    } finally {
      this.#claiming--
      this.#wakeTakers()
    }
  }

  async #nextMail(member: Id, stopper: Stopper): Promise<Delivery | undefined> {
    while (!stopper.isStopped) {
      if (!this.#refusals.holds(stopper) && this.#hasMail(member)) {
        try {
          const [delivery] = await this.#communications.receive(member, { limit: 1 })
          this.#refusals.clear(stopper)
          if (delivery) return delivery
        } catch (error) {
          await this.#pause(error, stopper)
        }
      } else await this.#wait(this.#readers, { member, stopper })
    }
    return undefined
  }

  /** Who has left the crew gets none. */
  #hasMail(member: Id): boolean {
    return this.#parts.members.get(member) !== undefined && this.#communications.commands.next(member) !== undefined
  }

  /** Until woken or stopped. */
  async #wait(waiters: Set<Waiter>, loop: Loop): Promise<void> {
    const { member, stopper } = loop
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        ...loop,
        resume: () => {
          waiters.delete(waiter)
          offStop()
          offMail()
          this.#busy++
          resolve()
        },
      }
      const offStop = stopper.onStop(waiter.resume)
      const offMail = waiters === this.#readers ? this.#communications.onMail(member, waiter.resume) : () => undefined
      this.#busy--
      waiters.add(waiter)
      this.#checkIdle()
    })
  }

  /** Wakes as many as there is work for: one ready task does not start a thousand idle members. */
  readonly #wakeTakers = (): void => {
    let free = this.#takers.size === 0 ? 0 : this.#readyCount() - this.#claiming
    for (const taker of this.#takers) {
      if (free <= 0) break
      if (!this.#hasWork(taker)) continue
      free--
      taker.resume()
    }
    this.#checkIdle()
  }

  async #attend(attempt: Attempt, handler: Handler): Promise<void> {
    try {
      const result = await handler(attempt)
      if (!attempt.isOver)
        await this.#persist(attempt, () => attempt.complete(result === undefined ? {} : { result: result as never }))
    } catch (error) {
      if (attempt.isOver) {
        // What comes after the outcome has no effect; that it was told to stop is no news.
        if (!attempt.signal.aborted || !isFrom(error, attempt.signal.reason)) this.#onError(error)
        return
      }
      // Nothing can be thrown, too, and is no reason to leave the attempt running.
      const mishap = { error: error === undefined ? 'threw undefined' : error }
      const task = await this.#persist(attempt, () => attempt.fail(mishap)).catch(this.#onError)
      // While it is tried again, that is nobody's trouble.
      if (task?.status === 'failed') this.#onError(error)
    }
  }

  /** Writes an outcome, again and again while the storage is away: an attempt must not be left running by nobody. */
  async #persist(attempt: Attempt, write: () => Promise<Task>): Promise<Task> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        const isAway = CrewError.is(error, 'storage_unavailable') || CrewError.is(error, 'outcome_unknown')
        if (!isAway || attempt.isOver) throw error
        await this.#pause(error)
      }
    }
  }

  async #read(delivery: Delivery, handler: (message: Message) => unknown): Promise<void> {
    try {
      await handler(delivery.message)
      await this.#communications.acknowledge(delivery)
    } catch (error) {
      this.#onError(error)
      const reason = wordsOf(error)?.slice(0, 200) ?? 'its handler threw'
      const delayMs =
        Math.min(LONGEST_RETURN_MS, 1000 * 2 ** (delivery.count - 1)) * this.#parts.journal.environment.random()
      if (!CrewError.is(error, 'stale_delivery'))
        await this.#communications.giveBack(delivery, { reason, delayMs }).catch(this.#onError)
    }
  }

  /** Before it is tried again; a loop that is refused waits to be woken. */
  async #pause(error: unknown, stopper?: Stopper): Promise<void> {
    if (stopper && CrewError.is(error, 'permission_denied')) {
      this.#refusals.add(stopper, error, () => {
        for (const reader of this.#readers) if (reader.stopper === stopper) reader.resume()
        this.#wakeTakers()
      })
      return
    }
    if (CrewError.is(error, 'closed')) {
      this.#close()
      return
    }
    this.#onError(error)
    // What can only be read stays so.
    if (CrewError.is(error, 'read_only')) {
      this.#close(error)
      return
    }
    await new Promise<void>((resolve) => this.#parts.journal.environment.setTimer(resolve, PAUSE_MS))
  }

  #checkIdle(): void {
    if (this.#idleWaits.size === 0 || !this.#isIdle()) return
    for (const { resolve } of this.#idleWaits) resolve()
    this.#idleWaits.clear()
  }

  #isIdle(): boolean {
    const { journal, schemas, desk } = this.#parts
    if (this.#busy > 0 || journal.isBusy || schemas?.isBusy || desk.cascades.areOpen()) return false
    const { commands } = this.#communications
    const { members } = this.#parts
    for (const { member, stopper } of this.#readers)
      if (members.get(member) && !this.#refusals.holds(stopper) && commands.open(member).length > 0) return false
    for (const taker of this.#takers) if (this.#hasWork(taker) || this.#willHaveWork(taker)) return false
    return true
  }

  #readyCount(): number {
    const { board } = this.#parts
    board.tick()
    return board.inStage('new').size + board.inStage('assigned').size
  }

  #hasWork({ member: id, filter, stopper }: Loop): boolean {
    const { members, board, desk } = this.#parts
    const member = members.get(id)
    if (!member || this.#refusals.holds(stopper) || hindrance(board, member) !== undefined) return false
    const wanted = filter && read(readFilter, filter, 'filter')
    return board.firstFor(member, choiceOf(wanted, board, desk.access?.sightOf(id))) !== undefined
  }

  /** Whether there is something to do for a member after a back-off, or when a task is no longer kept for another. */
  #willHaveWork({ member: id, filter, stopper }: Loop): boolean {
    const { members, board, desk } = this.#parts
    const member = members.get(id)
    if (!member || this.#refusals.holds(stopper)) return false
    const now = board.now()
    const wanted = filter && read(readFilter, filter, 'filter')
    const isMine = (card: Card): boolean =>
      isFor(member, card.task) && (!wanted || matches(card, wanted, now)) && desk.access?.sees(id, card.task) !== false
    const isKept = ({ task: { offeredTo } }: Card): boolean => offeredTo !== undefined && offeredTo.until > now
    const ready = [...board.inStage('new'), ...board.inStage('assigned')]
    return (
      [...board.inStage('scheduled')].some((card) => card.task.counted.failures > 0 && isMine(card)) ||
      ready.some((card) => isKept(card) && isMine(card))
    )
  }

  #close(error = new CrewError('closed', 'The crew was closed while it was not idle')): void {
    this.#over ??= error
    for (const stopper of [...this.#stoppers]) stopper.stop()
    for (const { reject } of this.#idleWaits) reject(error)
    this.#idleWaits.clear()
  }
}

/** Whether that is what was thrown; Node's own abortable functions throw an AbortError that has it as its cause. */
const isFrom = (error: unknown, reason: unknown): boolean =>
  error === reason || (error instanceof Error && error.cause === reason)
