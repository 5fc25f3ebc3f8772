import type { Outcome } from './attempt-record.js'
import type { Attempt } from './attempt.js'
import type { Off } from '../environment.js'
import { CrewError, type CrewErrorCode, notFound } from '../errors.js'
import { Events } from '../events.js'
import type { Id } from '../input.js'
import { type Chore, doChore } from '../journal/chore.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import type { LocalJournal } from '../journal/local-journal.js'
import { Message, type MessageDraft, type MessageStamp } from '../messages/message.js'
import type { CommitInfo, Gap, Observer, Turn } from '../journal/projection.js'
import type { TaskBoard, TaskChange } from './task-board.js'
import type { Card } from './task-card.js'
import { expire } from './task-expiry.js'
import type { TaskDesk } from './task-desk.js'
import { TASK_EVENTS, type TrackerEvents } from './task-events.js'
import { Task } from './task.js'
import { Waits } from '../waits.js'

/** Expired tasks that one command settles; the rest follows in the next. */
const EXPIRED_AT_ONCE = 500
/** Before what could not be settled is tried again. */
const PAUSE_MS = 1000

/**
 * What one process makes of task events: typed events, the ends that are waited for, the signals of its attempts; and
 * the clock, which is looked at when the next task turns ready, overdue or expired.
 */
export class TaskNews implements Observer {
  readonly events: Events<TrackerEvents>
  readonly ends = new Waits<Task>()
  /** Called at each change of a task once it stands, those from before the opening included, for what keeps count. */
  readonly changes = new Set<(before: Task | undefined, after: Task) => void>()
  /** Called after the clock has moved tasks. */
  readonly turned = new Set<() => void>()
  readonly #wakes = new Set<() => void>()

  readonly #journal: LocalJournal
  readonly #board: TaskBoard
  readonly #desk: TaskDesk
  #readied: Card[] = []
  /** Of this process, while the board is taken up anew. */
  #attempts: (Attempt | readonly never[])[] = []
  #comment: Message | undefined
  #timer: { readonly at: number; readonly keepsAlive: boolean; readonly off: Off } | undefined
  /** Of expired tasks. */
  readonly #settling: Chore = { isBusy: false }
  /** A command that goes on with cascades is under way, or waited for. */
  #isCascading = false
  #offPause: Off | undefined
  /** Why attempts end, from when the crew begins to close. */
  #closing: CrewError | undefined
  #isClosed = false

  constructor(desk: TaskDesk) {
    const { journal, board } = desk
    this.#desk = desk
    this.#journal = journal
    this.#board = board
    this.events = new Events(journal.environment, journal.onError, TASK_EVENTS)
  }

  /** Follows an attempt of this process until its end. */
  follow(attempt: Attempt): Attempt {
    // Claimed just before, and given back by now.
    if (this.#closing) attempt.end(this.#closing)
    const card = this.#board.card(attempt.task.id)
    if (card) {
      const { attempt: followed } = card
      // Claimed again with the same idempotency key.
      if (followed?.fence === attempt.fence) return followed
      card.attempt = attempt
      if (card.lease) this.#journal.leases?.takeUp(card.lease)
      // Something may have come over it between its commit and now.
      this.#tellAttempt(card)
      card.attempt ??= followed
    }
    return attempt
  }

  /** Calls `wake` when there may be more to claim. */
  onWork(wake: () => void): Off {
    this.#wakes.add(wake)
    this.#arm()
    return () => {
      this.#wakes.delete(wake)
      this.#arm()
    }
  }

  replayed({ type }: JournalEvent, change: unknown): void {
    if (!type.startsWith('task.')) return
    const { before, after } = change as TaskChange
    for (const listener of this.changes) listener(before, after)
  }

  heard(event: JournalEvent, commit: CommitInfo, change: unknown): void {
    const { type, id, by, at, changes } = event
    // Comes before the event of the comment, in the same commit.
    if (type === 'message.sent')
      this.#comment = Message.stored({
        ...(changes as unknown as MessageDraft & MessageStamp),
        id,
        seq: commit.seq,
        sentAt: at,
      })
    if (type === 'crew.pruned') this.events.changed()
    if (!type.startsWith('task.')) return
    const { card, before, after, readied } = change as TaskChange
    this.#readied.push(...readied)
    for (const listener of this.changes) listener(before, after)
    const name = type.slice(5) as keyof TrackerEvents
    if (this.events.hears(name)) {
      const more = TASK_EVENTS[name]({ changes, before, after, message: this.#comment })
      this.events.emit(name, Object.freeze({ task: after, ...(by !== undefined && { by }), commit, ...more }))
    }
    this.events.changed()
    if (card.attempt) this.#tellAttempt(card)
    if (!after.isOpen) this.ends.resolve(id, after)
  }

  rebuilding(): void {
    this.#attempts = Array.from(this.#board.inStage('in_progress'), ({ attempt }) => attempt ?? [])
  }

  rebuilt(gap?: Gap): void {
    for (const attempt of this.#attempts.flat()) {
      const { id } = attempt.task
      // Another log may have given the same fence to somebody else.
      if (gap?.hasDiverged || !this.#board.get(id)) attempt.end(stale(`Task ${id} is in another journal now: stop`, id))
      else this.follow(attempt)
    }
    this.#attempts = []
    this.#readied = []
    // As at opening.
    this.#board.takeTurned()
    this.ends.look((id) => {
      const task = this.#board.get(id) ?? notFound('Task', id)
      return task instanceof Task && task.isOpen ? undefined : task
    })
    this.events.changed()
  }

  settled(): void {
    this.#turn()
    this.#arm()
    void this.#cascade()
  }

  opened(): void {
    this.#board.tick()
    // What was ready or overdue before is no news.
    this.#board.takeTurned()
    this.#arm()
    void this.#cascade()
  }

  closing(): void {
    this.#closing ??= new CrewError('closed', 'The crew was closed: stop, the task is given back')
    for (const { attempt } of [...this.#board.inStage('in_progress')]) attempt?.end(this.#closing)
  }

  closed(): void {
    this.closing()
    this.#timer?.off()
    this.#offPause?.()
    this.#isClosed = true
    this.ends.rejectAll(new CrewError('closed', 'The crew was closed while the end of a task was waited for'))
    this.events.close()
  }

  /** The lease of an attempt ran out before it could be renewed. */
  lapsed(id: Id): void {
    const card = this.#board.card(id)
    card?.attempt?.end(stale(`The lease of task ${id} could not be renewed in time: stop`, id))
    if (card) card.attempt = undefined
  }

  /** Ends or aborts this process's attempt, by what became of its task. */
  #tellAttempt(card: Card): void {
    const { task, attempt } = card
    if (!attempt) return
    const { outcome } = task.attempts.find(({ fence }) => fence === attempt.fence) ?? { outcome: 'lost' }
    const code = task.cancelRequested
      ? 'cancelled'
      : task.failure?.code === 'budget_spent'
        ? 'budget_spent'
        : outcome && ABORTS[outcome]
    const reason = code && new CrewError(code, `Stop working on task ${task.id}: it is ${task.status}`, { id: task.id })
    if (outcome) {
      card.attempt = undefined
      attempt.end(reason)
    } else if (reason) attempt.abort(reason)
  }

  /** Tells of what has become ready or overdue. */
  #turn(): void {
    this.#board.tick()
    const { ready, overdue } = this.#board.takeTurned()
    for (const card of [...this.#readied, ...ready])
      if (card.isReady) this.events.emit('ready', Object.freeze({ task: card.task }))
    for (const card of overdue)
      if (this.#board.overdue.has(card)) this.events.emit('overdue', Object.freeze({ task: card.task }))
    this.#readied = []
    for (const wake of this.#wakes) wake()
  }

  /** Sets the timer to when something turns. Work that somebody here waits to claim keeps the process alive. */
  #arm(): void {
    if (this.#isClosed) return
    const { environment } = this.#journal
    // Whoever looked since the last turn, a listener say, may have let the clock move cards.
    const isDue = this.#board.hasTurned || (this.#board.expired.size > 0 && !this.#settling.isBusy)
    const at = isDue ? 0 : this.#board.nextTurnAt()
    const keepsAlive = this.#wakes.size > 0 && this.#board.inStage('scheduled').size > 0
    if (this.#timer?.at === at && this.#timer.keepsAlive === keepsAlive) return
    this.#timer?.off()
    this.#timer = undefined
    if (at === Infinity) return
    const turn = (): void => {
      this.#timer = undefined
      this.#turn()
      this.events.changed()
      for (const hear of this.turned) hear()
      if (this.#board.expired.size > 0) this.#settleExpired()
      this.#arm()
    }
    this.#timer = { at, keepsAlive, off: environment.setTimer(turn, Math.max(0, at - environment.now()), !keepsAlive) }
  }

  /** Goes on with cascades: at once with what this process has left open, else when nobody else goes on. */
  async #cascade(): Promise<void> {
    const { cascades } = this.#desk
    if (this.#isCascading || this.#closing || !cascades.areOpen()) return
    this.#isCascading = true
    try {
      if (!this.#desk.isCascading) await this.#pause(PAUSE_MS * (1 + this.#journal.environment.random()))
      while (cascades.areOpen())
        await this.#journal.decide((turn) => {
          this.#desk.goOn(turn)
        })
      this.#desk.isCascading = false
    } catch (error) {
      // What can only be read stays so.
      if (CrewError.is(error, 'read_only') || CrewError.is(error, 'closed')) return
      this.#journal.onError(error)
      await this.#pause(PAUSE_MS)
    }
    this.#isCascading = false
    void this.#cascade()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#offPause = this.#journal.environment.setTimer(resolve, ms, true)
    })
  }

  #settleExpired(): void {
    const settle = (turn: Turn): void => {
      for (const card of [...this.#board.expired].slice(0, EXPIRED_AT_ONCE))
        // It may have fallen with one before it.
        if (this.#board.expired.has(card)) expire(this.#desk, turn, card.task)
    }
    void doChore(
      this.#settling,
      this.#journal,
      () => this.#journal.decide(settle),
      () => {
        this.#arm()
      },
    )
  }
}

const stale = (message: string, id: Id): CrewError => new CrewError('stale_attempt', message, { id })

/** Why the attempt's signal aborts, by the outcome that came over it. */
const ABORTS: Readonly<Partial<Record<Outcome, CrewErrorCode>>> = {
  cancelled: 'cancelled',
  timed_out: 'timed_out',
  lost: 'stale_attempt',
}
