import type { CrewSettings } from './journal/crew-settings.js'
import type { Off } from './environment.js'
import { CrewError } from './errors.js'
import { IdempotencyKeys } from './idempotency.js'
import type { Id } from './input.js'
import type { JournalEvent } from './journal/journal-storage.js'
import type { LocalJournal } from './journal/local-journal.js'
import type { Mailboxes } from './messages/mailboxes.js'
import { CREW } from './members.js'
import { threadOfTask } from './messages/message.js'
import type { CommitInfo, Observer, Turn } from './journal/projection.js'
import type { TaskBoard, TaskChange } from './tasks/task-board.js'

/** Most ids in one commit. */
const AT_ONCE = 500
/** Before it is looked again, as long as there is nothing in a hurry: up to twice as long, so that replicas take turns. */
const PAUSE_MS = 5000
/** The same when all that is due must be kept for now, or the last try failed. */
const LONG_PAUSE_MS = 60_000
/** How many may have ended since the last look, beside a quarter of what there was then, before it is looked at once. */
const HURRY = 1000

/** What is to go, by its id: tasks with when they ended, threads with when something in them was last settled. */
type Line = Map<Id, number>

interface Due {
  readonly id: Id
  readonly isTask: boolean
}

/**
 * Forgets what the crew's retention lets go, and nothing that something open refers to. Every replica looks, the first
 * one does it, by an event that all fold alike. What it goes by is derived from the state, and only a hint: what is
 * forgotten is decided in the turn that says so.
 */
export class Pruning implements Observer {
  readonly #journal: LocalJournal
  readonly #settings: CrewSettings
  readonly #board: TaskBoard
  readonly #mailboxes: Mailboxes
  readonly #keys: IdempotencyKeys
  /** In the order in which they ended, oldest first. */
  readonly #tasks: Line = new Map()
  /** Those of no task, in which nobody has anything before them. A task's own thread goes with the task. */
  readonly #threads: Line = new Map()
  /** So many in both lines are reason to look at once. */
  #most = Infinity
  #timer: Off | undefined
  /** It is at it, or will never be again. */
  #isBusy = false

  constructor(journal: LocalJournal, settings: CrewSettings, board: TaskBoard, mailboxes: Mailboxes) {
    this.#journal = journal
    this.#settings = settings
    this.#board = board
    this.#mailboxes = mailboxes
    this.#keys = IdempotencyKeys.of(journal)
  }

  opened(): void {
    this.#begin()
  }

  rebuilt(): void {
    this.#begin()
  }

  heard({ type, id, at, changes }: JournalEvent, _commit: CommitInfo, change: unknown): void {
    if (type === 'crew.configured') this.#begin()
    if (!this.#isOn) return
    if (type.startsWith('task.')) this.#hearTask(change as TaskChange)
    else if (type.startsWith('message.')) this.#hearThread(this.#mailboxes.get(id)?.threadId, at)
    else if (type === 'crew.pruned')
      for (const task of (changes['tasks'] ?? []) as readonly Id[]) this.#tasks.delete(task)
  }

  settled(): void {
    if (this.#isOn && this.#tasks.size + this.#threads.size >= this.#most) this.#look()
  }

  closed(): void {
    this.#isBusy = true
    this.#timer?.()
  }

  get #isOn(): boolean {
    const { afterMs, keep } = this.#settings.retention
    return afterMs !== undefined || keep !== undefined
  }

  /** Lines up what has ended, as far as it is there. */
  #begin(): void {
    this.#tasks.clear()
    this.#threads.clear()
    if (!this.#isOn) return
    const ended = [...this.#board.all].flatMap(({ task }) => (task.isOpen ? [] : task))
    for (const { id, endedAt = 0 } of ended.sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)))
      this.#tasks.set(id, endedAt)
    for (const { threadId, sentAt = 0 } of this.#mailboxes.among({})) this.#hearThread(threadId, sentAt)
    if (!this.#isBusy) this.#rest(PAUSE_MS)
  }

  #hearTask({ before, after: { id, isOpen, endedAt = 0 } }: TaskChange): void {
    if (isOpen === before?.isOpen) return
    this.#tasks.delete(id)
    if (!isOpen) this.#add(this.#tasks, id, endedAt)
  }

  #hearThread(id: Id | undefined, at: number): void {
    if (id === undefined || id.startsWith(threadOfTask(''))) return
    this.#threads.delete(id)
    if (!this.#mailboxes.isOpenThread(id)) this.#add(this.#threads, id, at)
  }

  #add(line: Line, id: Id, at: number): void {
    line.set(id, at)
    const { afterMs, keep = Infinity } = this.#settings.retention
    if (!this.#timer && !this.#isBusy && (afterMs !== undefined || line.size > keep)) this.#arm(PAUSE_MS)
  }

  /** Looks after a pause, and not before the first that is due by its age. */
  #arm(pauseMs: number): void {
    this.#timer?.()
    this.#timer = undefined
    const { environment } = this.#journal
    const { afterMs = Infinity, keep = Infinity } = this.#settings.retention
    const isTooMany = this.#tasks.size > keep || this.#threads.size > keep
    const dueAt = isTooMany ? 0 : Math.min(oldest(this.#tasks), oldest(this.#threads)) + afterMs
    if (dueAt === Infinity) return
    const run = (): void => {
      this.#look()
    }
    this.#timer = environment.setTimer(
      run,
      Math.max(pauseMs * (1 + environment.random()), dueAt - environment.now()),
      true,
    )
  }

  #look(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#timer?.()
    this.#timer = undefined
    void this.#pruneDue().then(
      (count) => {
        this.#rest(count > 0 ? PAUSE_MS : LONG_PAUSE_MS)
      },
      (error: unknown) => {
        // What is closed, or can only be read, stays so.
        if (CrewError.is(error, 'closed')) return
        this.#journal.onError(error)
        if (!CrewError.is(error, 'read_only')) this.#rest(LONG_PAUSE_MS)
      },
    )
  }

  #rest(pauseMs: number): void {
    this.#isBusy = false
    // By chance, as the replicas count alike.
    const size = this.#tasks.size + this.#threads.size
    this.#most = size + (size / 4 + HURRY) * (1 + this.#journal.environment.random())
    this.#arm(pauseMs)
  }

  /** In as many commits as it takes. Answers how many were due. */
  async #pruneDue(): Promise<number> {
    const now = this.#journal.environment.now()
    const threads = this.#due(this.#threads, now, (id) => this.#isHeldThread(id, now))
    const tasks = this.#due(this.#tasks, now, (id) => this.#isHeldTask(id, now))
    const due: readonly Due[] = [
      ...threads.map((id) => ({ id, isTask: false })),
      ...tasks.map((id) => ({ id, isTask: true })),
    ]
    for (let done = 0; done < due.length;) done += await this.#journal.decide((turn) => this.#prune(turn, due, done))
    for (const id of threads) if (this.#mailboxes.thread(id).length === 0) this.#threads.delete(id)
    return due.length
  }

  #due(line: Line, now: number, isHeld: (id: Id) => boolean): readonly Id[] {
    const { afterMs = Infinity, keep = Infinity } = this.#settings.retention
    const due: Id[] = []
    // Those that must be kept do not count.
    let left = line.size
    for (const [id, endedAt] of line) {
      if (left <= keep && endedAt + afterMs > now) break
      left--
      const isGone = line === this.#threads && this.#mailboxes.thread(id).length === 0
      if (isGone) line.delete(id)
      else if (!isHeld(id)) due.push(id)
    }
    return due
  }

  /** Forgets what can still be forgotten of what is due from there on, as far as it fits; answers how many are dealt with. */
  #prune(turn: Turn, due: readonly Due[], start: number): number {
    const tasks: Id[] = []
    const messages: Id[] = []
    let at = start
    for (; at < due.length; at++) {
      const { id, isTask } = due[at] as Due
      if (isTask ? this.#isHeldTask(id, turn.now) : this.#isHeldThread(id, turn.now)) continue
      const mail = this.#mailboxes.thread(isTask ? threadOfTask(id) : id).map((message) => message.id as Id)
      const room = AT_ONCE - tasks.length - messages.length
      if (mail.length >= room) {
        // One that never fits goes bit by bit.
        if (room === AT_ONCE) messages.push(...mail.slice(0, AT_ONCE))
        break
      }
      messages.push(...mail)
      if (isTask) tasks.push(id)
    }
    const changes = { ...(tasks.length > 0 && { tasks }), ...(messages.length > 0 && { messages }) }
    if (tasks.length + messages.length > 0) turn.emit('crew.pruned', CREW, changes)
    return at - start
  }

  /** Whether something open refers to a task, or it is not there any more, or not over. */
  #isHeldTask(id: Id, now: number): boolean {
    const { byDependency, byParent, bySuperseded } = this.#board.index
    const task = this.#board.get(id)
    if (!task || task.isOpen || this.#isOpenTask(task.parentId)) return true
    // Others may yet fall with it.
    if ((this.#board.card(id)?.cascades ?? 0) > 0) return true
    for (const index of [byDependency, byParent, bySuperseded])
      for (const other of index.of(id)) if (other.task.isOpen) return true
    if (this.#keys.hasMade(id, now) || this.#isHeldThread(threadOfTask(id), now)) return true
    for (const { threadId = '' } of this.#mailboxes.among({ taskId: id }))
      if (this.#mailboxes.isOpenThread(threadId)) return true
    return false
  }

  /** Whether somebody has something of a thread before them, or waits for an answer, or an open task is its matter. */
  #isHeldThread(threadId: Id, now: number): boolean {
    if (this.#mailboxes.isOpenThread(threadId)) return true
    return this.#mailboxes.thread(threadId).some(({ id = '', taskId, answerBy = 0 }) => {
      const isAsking = answerBy > now && !this.#mailboxes.replyTo(id)
      return isAsking || this.#isOpenTask(taskId) || this.#keys.hasMade(id, now)
    })
  }

  #isOpenTask(id: Id | undefined): boolean {
    return id !== undefined && this.#board.get(id)?.isOpen === true
  }
}

const oldest = (line: Line): number => {
  for (const at of line.values()) return at
  return Infinity
}
