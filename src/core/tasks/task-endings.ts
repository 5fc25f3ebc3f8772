import { CrewError } from '../errors.js'
import type { Id } from '../input.js'
import { NONE, sameJson } from '../json.js'
import type { LeaseEnd, LeaseTerms } from '../journal/session.js'
import type { Turn } from '../journal/projection.js'
import { ask, endWaived } from './task-answers.js'
import { spending } from './task-budgets.js'
import type { TaskDesk } from './task-desk.js'
import { fallenWith, refuseUnsettled, verdict } from './task-graph.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import type { Failure, Task, WaitingFor } from './task.js'

// How an attempt or a task ends, and is begun again. Each is a part of a decision, like all commands.

export function complete(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { fence, waive = NONE, result, usage }: Given['complete'],
): Task {
  const last = task.running ? undefined : task.attempts.at(-1)
  const isDone = last?.outcome === 'completed' || (last?.outcome === 'waiting' && task.waitingFor?.for === 'review')
  // Told twice by the same attempt.
  if (isDone && fence === (last.leaseMs === undefined ? undefined : last.fence) && sameJson(task.result, result))
    return task
  moves.expectFrom(task, 'complete', fence)
  const subtasks = desk.board.subtasks(task.id)
  refuseUnsettled(desk.board, task, waive)
  return spending(desk, turn, task, usage, { result }, () => {
    const { holder, reviewers } = task
    if (reviewers.length > 0) return ask(desk, turn, task, reviewOf(task, turn.now, waive), usage, { result })
    const completed = desk.move(turn, task, moves.complete(task, turn.now, result, usage), holder)
    endWaived(desk, turn, task, subtasks)
    return completed
  })
}

export function fail(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { fence, error, retryable = error.retryable, usage }: Given['fail'],
  outcome: 'failed' | 'abandoned' = 'failed',
): Task {
  moves.expectFrom(task, 'fail', fence)
  return spending(desk, turn, task, usage, {}, () =>
    giveUp(desk, turn, task, { outcome, code: outcome, message: error.message, retryable, usage }),
  )
}

export function release(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { fence, reason = 'released', usage }: Given['release'],
): Task {
  moves.expectFrom(task, 'release', fence)
  return spending(desk, turn, task, usage, {}, () =>
    desk.move(turn, task, moves.release(task, reason, true, desk.chances(turn), usage), task.holder),
  )
}

/** What is claimed is only asked for, unless forced. */
export function cancel(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { by, reason: message = 'cancelled', force = false }: Given['cancel'],
): Task {
  moves.expectMove(task, 'cancel')
  const failure: Failure = { code: 'cancelled', message }
  if (force || task.running?.leaseMs === undefined)
    return desk.move(turn, task, moves.cancel(task, failure, turn.now), by)
  return task.cancelRequested ? task : desk.move(turn, task, { cancelRequested: true, failure }, by)
}

/** Reopens the task, and with `cascade` what fell because of it and would not fall again. */
export function retry(desk: TaskDesk, turn: Turn, task: Task, { by, cascade = false }: Given['retry']): Task {
  moves.expectMove(task, 'retry')
  for (const id of [
    task.id,
    ...(task.parentId === undefined ? NONE : [task.parentId]),
    ...task.dependsOn.map((edge) => edge.id),
  ])
    desk.refuseFalling(id)
  const why = heldDown(desk, task)
  if (why !== undefined)
    throw new CrewError('invalid_transition', `Task ${task.id} would fall again: ${why}`, { id: task.id })
  let left = cascade ? fallenWith(desk.board, task) : NONE
  const reopened = desk.move(turn, task, moves.reopen(task, turn.now), by)
  // In rounds, as each can hold others down.
  for (let before = Infinity; left.length < before;) {
    before = left.length
    left = left.filter((other) => {
      const isHeldDown = heldDown(desk, other) !== undefined
      if (!isHeldDown) desk.move(turn, other, moves.reopen(other, turn.now), by)
      return isHeldDown
    })
  }
  return reopened
}

/** By others than who did it; when they are all of the reviewers that are left, by anybody else. */
function reviewOf(
  { holder, reviewers, quorum = 1, selfReview = false }: Task,
  since: number,
  waive: readonly Id[],
): Omit<WaitingFor, 'id'> {
  const of = selfReview ? reviewers : reviewers.filter((id) => id !== holder)
  const needed = Math.min(quorum, of.length)
  return { for: 'review', of, since, ...(needed > 1 && { quorum: needed }), ...(waive.length > 0 && { waive }) }
}

/** Ends the attempt that a lease was for, if it is the current one. */
export function endLease(desk: TaskDesk, turn: Turn, { id, number }: LeaseTerms, how: LeaseEnd): void {
  const task = desk.board.get(id)
  if (task?.running?.fence !== number) return
  if (how === 'lost')
    giveUp(desk, turn, task, { outcome: 'lost', code: 'stale_attempt', message: 'Its lease was lost' })
  else
    desk.move(
      turn,
      task,
      moves.release(task, how === 'closed' ? how : 'nobody was told of the claim', false, desk.chances(turn)),
    )
}

/** Takes a leaving member's work off it: its attempts are released, and it is assigned nothing any more. */
export function dismiss(desk: TaskDesk, turn: Turn, member: Id): void {
  for (const { task } of [...desk.board.inStage('in_progress')]) {
    if (task.holder === member)
      desk.move(turn, task, moves.release(task, 'its holder left the crew', false, desk.chances(turn)))
  }
  for (const { task } of [...desk.board.index.byAssignee.of(member)]) {
    const assignees = task.assignees.filter((id) => id !== member)
    if (task.isOpen) desk.move(turn, task, { assignees, autoAssigned: undefined }, undefined, 'unassigned')
  }
}

export function giveUp(desk: TaskDesk, turn: Turn, task: Task, mishap: moves.Mishap): Task {
  // What ended without its doing is not by the holder.
  const by = mishap.outcome === 'lost' || mishap.outcome === 'timed_out' ? undefined : task.holder
  return desk.move(turn, task, moves.giveUp(task, mishap, desk.chances(turn)), by)
}

/** Why a task that is reopened would fall at once. */
function heldDown(desk: TaskDesk, { parentId, dependsOn }: Task): string | undefined {
  const { board } = desk
  if (parentId !== undefined && !board.get(parentId)?.isOpen)
    return `its parent ${parentId} has ended; ${remedy(desk, parentId, 'retry that first')}`
  const edge = dependsOn.find((one) => {
    const to = verdict(one, board.standing(one.id))
    // What is forgotten is never retried, so it would block for ever.
    return to === 'fail' || to === 'cancel' || (to === 'block' && !board.get(one.id))
  })
  return (
    edge &&
    `its dependency ${edge.id} was not completed; ${remedy(desk, edge.id, 'retry that, with { cascade: true }')}`
  )
}

const remedy = ({ board }: TaskDesk, id: Id, retry: string): string =>
  board.get(id) ? retry : 'it is forgotten, so create a new task instead'
