import type { Id } from '../core/input.js'
import type { Kinds } from '../core/kinds.js'
import type { MemberInfo, Members } from '../core/members.js'
import type { Communications } from '../core/messages/communications.js'
import type { MessageFilter } from '../core/messages/message-filter.js'
import { Message } from '../core/messages/message.js'
import { type Thread, threadOf } from '../core/messages/thread.js'
import { type Card, inOrder } from '../core/tasks/task-card.js'
import { select, type TaskFilter } from '../core/tasks/task-filter.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Task } from '../core/tasks/task.js'
import type { LastSeen } from './last-seen.js'
import type { Work } from './work.js'

/** What of a crew a member's handle needs. */
export interface MemberSurroundings<K extends Kinds> {
  /** Its name. */
  readonly crew: string
  readonly members: Members
  readonly seen: LastSeen
  readonly communications: Communications
  readonly tracker: TaskTracker<K>
  readonly work: Work
}

/** What one member of a crew can see of it. */
export class MemberView<K extends Kinds = Kinds> {
  readonly id: Id
  /** @internal */
  protected readonly of: MemberSurroundings<K>

  /** @internal */
  constructor(id: Id, of: MemberSurroundings<K>) {
    this.id = id
    this.of = of
  }

  /** Throws `not_found` once it has left, `closed` once the crew is. */
  get info(): MemberInfo {
    this.of.tracker.parts.journal.assertOpen()
    return this.of.seen.tell(this.of.members.expect(this.id))
  }

  /** The schemas that its crew was opened with. */
  get kinds(): K {
    return this.of.tracker.kinds
  }

  /** Messages queued or leased for it, oldest first. */
  get inbox(): readonly Message[] {
    return this.of.communications.inbox(this.id)
  }

  /** All that was ever sent to it. @internal */
  get received(): readonly Message[] {
    return this.of.communications.messages({ recipient: this.id })
  }

  /** Open tasks that it is assigned or works on. */
  get tasks(): readonly Task[] {
    const { tracker } = this.of
    const { board } = tracker.parts
    const assigned = tracker.list({ assignee: this.id, status: ['pending', 'in_progress', 'waiting'] })
    const cards = new Set(assigned.map(({ id }) => board.card(id) as Card))
    for (const card of board.inStage('in_progress')) if (card.task.holder === this.id) cards.add(card)
    return inOrder(cards).filter((task) => this.sees(task))
  }

  /** Of the whole board, what it can see; throws like `tracker.list`. */
  list(filter: TaskFilter = {}): readonly Task[] {
    const { journal, board } = this.of.tracker.parts
    journal.assertOpen()
    return select(board, filter, (task) => this.sees(task))
  }

  /** Undefined for one that it cannot see, too. */
  task(id: Id): Task | undefined {
    const task = this.of.tracker.get(id)
    return task && this.sees(task) ? task : undefined
  }

  /** Those that it can see, in the order of sending; throws like `communications.messages`. */
  messages(filter: MessageFilter = {}): readonly Message[] {
    return this.of.communications.among(filter, (message) => this.sees(message))
  }

  /** What it can see of a thread. */
  thread(of: Id | { readonly taskId: Id }): Thread {
    const thread = this.of.communications.thread(of).filter((message) => this.sees(message))
    return threadOf(thread, typeof of === 'string' ? undefined : this.task(of.taskId))
  }

  /**
   * Whether it can see that: what `canSee` of the crew says; without it, all tasks, and the messages that it sends or
   * gets or that are about a task.
   */
  sees(entity: Task | Message): boolean {
    const sight = this.of.tracker.parts.desk.access?.sightOf(this.id)
    if (sight) return sight(entity)
    if (!(entity instanceof Message)) return true
    const { sender, recipients, taskId } = entity
    return taskId !== undefined || sender === this.id || recipients.includes(this.id)
  }
}
