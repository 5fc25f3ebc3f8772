import type { Environment } from '../environment.js'
import { CrewError, invalid, notFound } from '../errors.js'
import type { Id } from '../input.js'
import { type Json, NONE } from '../json.js'
import { isOpen, moveLetter } from '../messages/delivery.js'
import type { Mailboxes } from '../messages/mailboxes.js'
import { CREW } from '../members.js'
import { type Draft, Message, post, threadOfTask } from '../messages/message.js'
import type { Turn } from '../journal/projection.js'
import { type Answer, nameOf, type Task, type WaitingFor } from './task.js'

/** What else a message about a task says. */
interface Said {
  readonly to: readonly Id[]
  readonly content: Json
  readonly by?: Id | undefined
  /** Of the message, where it is known already. */
  readonly id?: Id
  readonly replyTo?: Message | undefined
  readonly more?: Pick<Draft, 'expiresAt' | 'metadata'>
}

/** What members say and are told about tasks: ordinary messages in the thread of the task, in the commit of what they tell of. */
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
    const notices = this.#thread(task).filter(({ kind }) => kind === 'task.assigned')
    const isTold = (member: Id): boolean =>
      notices.some(({ id = '' }) => this.#mailboxes()?.letter(id, member)?.standing.state === 'queued')
    const untold = task.assignees.filter((member) => !before.includes(member) && member !== by && !isTold(member))
    this.#tell(turn, task, 'task.assigned', { to: untold, content: nameOf(task), by })
  }

  /** Puts what a task waits for to those who can answer. */
  asked(turn: Turn, task: Task, by?: Id): void {
    const { id, for: reason, question = nameOf(task), of: to } = task.waitingFor as WaitingFor
    this.#tell(turn, task, reason === 'review' ? 'task.review' : 'task.question', { id, to, content: question, by })
  }

  /** Tells who asked of an answer. */
  answered(turn: Turn, task: Task, { for: reason, by, ...said }: Omit<Answer, 'number' | 'at'>): void {
    const replyTo = this.question(task)
    if (replyTo) this.#settle(turn, replyTo, by)
    const asker = task.attempts.at(-1)?.member
    const to = asker === undefined || asker === by ? NONE : [asker]
    const { answer = 'Go on', passed = false, remarks = passed ? 'Passed' : 'Not passed' } = said
    if (reason === 'review')
      this.#tell(turn, task, 'task.review', { to, content: remarks, by, replyTo, more: { metadata: { passed } } })
    else this.#tell(turn, task, 'task.answer', { to, content: answer, by, replyTo })
  }

  /** Takes what a task waits for off those who were asked and have not answered. */
  unasked(turn: Turn, task: Task, by: Id | undefined, reason: string): void {
    const question = this.question(task)
    if (question) this.#withdraw(turn, question, by, reason)
  }

  /** A comment. */
  commented(turn: Turn, task: Task, readers: readonly Id[], text: string, by?: Id): Message {
    return this.#post(turn, task, 'task.comment', { to: readers, content: text, by })
  }

  /** Throws `backpressure` when it reaches nobody, and `invalid_input` where nobody folds mail. */
  said(turn: Turn, task: Task, kind: 'task.offer' | 'task.handoff' | 'task.help', said: Said): Message {
    this.#expectMailboxes()
    const message = this.#post(turn, task, kind, said)
    if (message.recipients.length > 0) return message
    const { to, by = CREW } = said
    throw new CrewError(
      'backpressure',
      `Nobody of ${to.join(', ')} can be written to by ${by} now: their mailboxes are full, or it was too often; try later, or name others`,
      { id: task.id, sender: by },
    )
  }

  /** The message by which a task was offered to a member. Throws `invalid_input`, `not_found` or `permission_denied`. */
  offer(messageId: Id, to: Id): Message & { readonly id: Id; readonly taskId: Id } {
    const message = this.#expectMailboxes().get(messageId)
    if (!message) throw notFound('Message', messageId)
    const { kind, recipients } = message
    if (kind !== 'task.offer' && kind !== 'task.handoff')
      throw invalid(`Message ${messageId} offers no task; name one of kind task.offer or task.handoff`)
    if (!recipients.includes(to))
      throw new CrewError(
        'permission_denied',
        `Message ${messageId} offers its task to ${recipients.join(', ')}, not to ${to}`,
        {
          id: messageId,
        },
      )
    return message as typeof message & { readonly id: Id; readonly taskId: Id }
  }

  /** Whether a member has declined an offer. */
  hasDeclined(offer: Message, member: Id): boolean {
    return this.#replies(offer, 'task.decline').some(({ sender }) => sender === member)
  }

  /** Tells who offered a task what became of it. */
  offerAnswered(
    turn: Turn,
    task: Task,
    offer: Message,
    kind: 'task.accept' | 'task.decline',
    by: Id,
    content: string,
  ): void {
    this.#settle(turn, offer, by)
    this.#tell(turn, task, kind, { to: [offer.sender], content, by, replyTo: offer })
  }

  /** Takes the offers of a task off those who have not answered. */
  offersOver(turn: Turn, { offers }: Task, by: Id | undefined, reason: string): void {
    for (const { id } of offers) {
      const message = this.#mailboxes()?.get(id)
      if (message) this.#withdraw(turn, message, by, reason)
    }
  }

  /** Said to nobody: it stands in the thread. */
  requested(turn: Turn, task: Task, by: Id): void {
    if (this.#mailboxes()) this.#post(turn, task, 'task.request', { to: NONE, content: nameOf(task), by })
  }

  /** The message that asked what the task waits for. */
  question({ waitingFor }: Task): Message | undefined {
    return waitingFor && this.#mailboxes()?.get(waitingFor.id)
  }

  #expectMailboxes(): Mailboxes {
    const mailboxes = this.#mailboxes()
    if (mailboxes) return mailboxes
    throw invalid('This is said by messages: open a crew, or make Communications and the tracker on one journal')
  }

  #thread({ id }: Task): readonly Message[] {
    return this.#mailboxes()?.thread(threadOfTask(id)) ?? NONE
  }

  #replies({ id, threadId = '' }: Message, kind: string): readonly Message[] {
    const thread = this.#mailboxes()?.thread(threadId) ?? NONE
    return thread.filter((reply) => reply.kind === kind && reply.replyTo === id)
  }

  /** Whoever has answered has read it. */
  #settle(turn: Turn, { id = '' }: Message, by: Id): void {
    const letter = this.#mailboxes()?.letter(id, by)
    if (letter && isOpen(letter)) moveLetter(turn, letter, 'acknowledged', { state: 'acknowledged' }, by)
  }

  #withdraw(turn: Turn, message: Message, by: Id | undefined, reason: string): void {
    if (by !== undefined) this.#settle(turn, message, by)
    for (const letter of this.#mailboxes()?.letters(message.id ?? '') ?? NONE)
      if (isOpen(letter)) moveLetter(turn, letter, 'expired', { state: 'expired', reason })
  }

  /** Where there is mail, and somebody to tell. */
  #tell(turn: Turn, task: Task, kind: string, said: Said): void {
    if (this.#mailboxes() && (said.to.length > 0 || said.replyTo)) this.#post(turn, task, kind, said)
  }

  #post(turn: Turn, task: Task, kind: string, said: Said): Message {
    const { id = this.#environment.id(), to, content, by: sender = CREW, replyTo, more } = said
    const answers = replyTo && { replyTo: replyTo.id as Id }
    const draft = { sender, recipient: to, content, kind, taskId: task.id, ...answers, ...more }
    const mailboxes = this.#mailboxes()
    // Never fails what it tells of: whom it does not reach, it says.
    const missed = mailboxes?.hindrances(turn, draft, to)
    const stamp = { threadId: threadOfTask(task.id), ...(replyTo && { hops: replyTo.hops + 1 }) }
    post(turn, id, draft, stamp, missed)
    return mailboxes?.get(id) ?? Message.stored({ ...draft, ...stamp, id, seq: turn.seq, sentAt: turn.now })
  }
}
