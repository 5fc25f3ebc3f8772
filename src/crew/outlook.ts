import { hindrance, isFor } from '../core/tasks/eligibility.js'
import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { MessageCommands } from '../core/messages/message-commands.js'
import { audience, type Card } from '../core/tasks/task-card.js'
import { choiceOf, matches, type Wanted } from '../core/tasks/task-filter.js'
import type { TrackerParts } from '../core/tasks/task-queries.js'
import type { Refusals } from './refusals.js'
import type { Stopper } from './stopper.js'

/** What goes on for a member until it is stopped. */
export interface Loop {
  readonly member: Id
  readonly filter?: Wanted | undefined
  readonly stopper: Stopper
}

/** What there is for loops to do, now and later. */
export class Outlook {
  readonly #parts: TrackerParts
  readonly #commands: MessageCommands
  readonly #refusals: Refusals

  /** @internal */
  constructor(parts: TrackerParts, commands: MessageCommands, refusals: Refusals) {
    this.#parts = parts
    this.#commands = commands
    this.#refusals = refusals
  }

  /** Whether members see only a part, which may change without an event of its own. */
  get isVeiled(): boolean {
    return this.#parts.desk.access?.sightOf('') !== undefined
  }

  /** Ready tasks, whoever they are for. */
  readyCount(): number {
    const { board } = this.#parts
    board.tick()
    return board.inStage('new').size + board.inStage('assigned').size
  }

  /** The task that it would claim. */
  firstFor(loop: Loop): Card | undefined {
    const { board, desk } = this.#parts
    const member = this.#memberOf(loop)
    if (!member || hindrance(board, member) !== undefined) return undefined
    return board.firstFor(member, choiceOf(loop.filter, board, desk.access?.sightOf(member.id)))
  }

  /** Whether it would claim this ready one, were there no other. */
  wouldClaim(loop: Loop, card: Card): boolean {
    const { board } = this.#parts
    const member = this.#memberOf(loop)
    if (!member || hindrance(board, member) !== undefined) return false
    const only = audience(card.task, board.now())
    return (only.length > 0 ? only.includes(member.id) : isFor(member, card.task)) && this.#wants(loop, card)
  }

  /** Whether a task is there for it. */
  mayClaimLater(loop: Loop, card: Card): boolean {
    const member = this.#memberOf(loop)
    return member !== undefined && isFor(member, card.task) && this.#wants(loop, card)
  }

  /** Tasks that are there after a back-off, or when they are no longer kept for another. */
  coming(): readonly Card[] {
    const { board } = this.#parts
    const now = board.now()
    const isTriedAgain = ({ task }: Card): boolean => task.counted.failures > 0
    const isKept = ({ task: { keptFor } }: Card): boolean => keptFor !== undefined && keptFor.until > now
    const ready = [...board.inStage('new'), ...board.inStage('assigned')]
    return [...[...board.inStage('scheduled')].filter(isTriedAgain), ...ready.filter(isKept)]
  }

  /** Whether it could be handed a message. */
  hasMail(loop: Loop): boolean {
    return this.#memberOf(loop) !== undefined && this.#commands.next(loop.member) !== undefined
  }

  /** Whether messages are in its mailbox, now or when they are given back. */
  hasOpenMail(loop: Loop): boolean {
    return this.#memberOf(loop) !== undefined && this.#commands.open(loop.member).length > 0
  }

  #wants({ member, filter }: Loop, card: Card): boolean {
    const { board, desk } = this.#parts
    return (!filter || matches(card, filter, board.now())) && desk.access?.sees(member, card.task) !== false
  }

  /** Undefined for one that has left the crew, or is refused for now. */
  #memberOf({ member, stopper }: Loop): MemberInfo | undefined {
    return this.#refusals.holds(stopper) ? undefined : this.#parts.members.get(member)
  }
}
