import type { Environment } from '../environment.js'
import type { Id } from '../input.js'
import type { Mailboxes } from '../messages/mailboxes.js'
import { CREW } from '../members.js'
import { Message, type MessageDraft, post, threadOfTask } from '../messages/message.js'
import type { Turn } from '../journal/projection.js'
import type { Task } from './task.js'

/** What members are told about tasks: ordinary messages in the thread of the task, in the commit of what they tell of. */
export class TaskNotices {
  readonly #environment: Environment
  /** Undefined where nobody folds mail: then only comments, which are mail, are written. */
  readonly #mailboxes: () => Mailboxes | undefined

  constructor(environment: Environment, mailboxes: () => Mailboxes | undefined) {
    this.#environment = environment
    this.#mailboxes = mailboxes
  }

  /** Tells new assignees, unless there is a notice about this task that they have not read. */
  assigned(turn: Turn, task: Task, before: readonly Id[], by?: Id): void {
    const mailboxes = this.#mailboxes()
    const notices = mailboxes?.thread(threadOfTask(task.id)).filter(({ kind }) => kind === 'task.assigned') ?? []
    const isTold = (member: Id): boolean =>
      notices.some(({ id = '' }) => mailboxes?.letter(id, member)?.standing.state === 'queued')
    const untold = task.assignees.filter((member) => !before.includes(member) && member !== by && !isTold(member))
    if (mailboxes && untold.length > 0)
      this.#post(turn, task, 'task.assigned', untold, task.title ?? task.description, by)
  }

  /** Puts what a task waits for to those who can answer. */
  asked(turn: Turn, task: Task, by?: Id): void {
    const { for: reason, question = task.title ?? task.description, of = [] } = task.waitingFor ?? {}
    if (this.#mailboxes() && of.length > 0)
      this.#post(turn, task, reason === 'review' ? 'task.review' : 'task.question', of, question, by)
  }

  /** A comment. */
  commented(turn: Turn, task: Task, readers: readonly Id[], text: string, by?: Id): Message {
    const draft = this.#post(turn, task, 'task.comment', readers, text, by)
    return (
      this.#mailboxes()?.get(draft.id) ??
      Message.stored({ ...draft, seq: turn.seq, sentAt: turn.now, threadId: threadOfTask(task.id) })
    )
  }

  #post(
    turn: Turn,
    task: Task,
    kind: string,
    recipient: readonly Id[],
    content: string,
    sender = CREW,
  ): MessageDraft & { readonly id: Id } {
    const id = this.#environment.id()
    const draft = { sender, recipient, content, kind, taskId: task.id }
    // Never fails what it tells of: whom it does not reach, it says.
    const missed = this.#mailboxes()?.hindrances(turn, draft, recipient)
    post(turn, id, draft, { threadId: threadOfTask(task.id) }, missed)
    return { ...draft, id }
  }
}
