import type { Choice } from './claim-queues.js'
import { hindrance, notEligible, refusal, unfit } from './eligibility.js'
import { invalid } from '../errors.js'
import type { Id } from '../input.js'
import { NOTHING } from '../json.js'
import type { Turn } from '../journal/projection.js'
import { only } from './task-answers.js'
import { type Card, timeLimit } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import { expire } from './task-expiry.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import type { Move, Task } from './task.js'

// How work on a task begins, and who may begin it. Each is a part of a decision, like all commands.

/** By hand, without a lease. */
export function start(desk: TaskDesk, turn: Turn, task: Task, { by }: Given['by']): Task {
  const member = by ?? only(task.assignees)
  if (member === undefined) throw invalid(`Say who starts task ${task.id}: { by }`, { id: task.id })
  desk.admit(turn, [member])
  if (task.status !== 'in_progress') moves.expectMove(task, 'start')
  const refused = refusal(desk.board, task, desk.members.expect(member))
  if (refused) throw refused
  return begin(desk, turn, task, member, undefined)
}

/** The named task, or the first that is ready for the member: its own before open ones. Undefined when there is none. */
export function claim(
  desk: TaskDesk,
  turn: Turn,
  by: Id,
  named: Task | undefined,
  choice: Choice<Card> | undefined,
  leaseMs = desk.settings.leaseMs,
): Task | undefined {
  desk.admit(turn, [by])
  const member = desk.members.expect(by)
  desk.members.tellSeen(turn, by)
  if (hindrance(desk.board, member) !== undefined) return undefined
  if (named)
    return named.status !== 'pending' || refusal(desk.board, named, member)
      ? undefined
      : begin(desk, turn, named, by, leaseMs)
  desk.board.tick()
  for (;;) {
    const card = desk.board.firstFor(member, choice)
    if (!card) return undefined
    // By the time of the turn, as the clock may have gone on within it.
    if (timeLimit(card.task) > turn.now) return begin(desk, turn, card.task, by, leaseMs)
    expire(desk, turn, card.task)
  }
}

/** Throws `not_eligible` for whom a task cannot be given. */
export function refuseUnfit(desk: TaskDesk, task: Task, ids: readonly Id[]): void {
  for (const id of ids) {
    const member = desk.members.expect(id)
    const why = unfit(member, task)
    if (why !== undefined) throw notEligible(task, member, `${why}; assign it with { force: true } to give it anyway`)
  }
}

/** An attempt begins; without `leaseMs` by hand. */
export function begin(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  member: Id,
  leaseMs: number | undefined,
  more: Move = NOTHING,
): Task {
  if (leaseMs !== undefined) desk.journal.leases?.prove(turn, leaseMs)
  return desk.move(
    turn,
    task,
    { ...moves.start(task, member, desk.journal.session, leaseMs, turn.now), ...more },
    member,
  )
}
