import { granted, isPast, sum, type Usage } from './attempt-record.js'
import { CrewError } from '../errors.js'
import type { Turn } from '../journal/projection.js'
import type { TaskDesk } from './task-desk.js'
import * as moves from './task-moves.js'
import type { Failure, Move, Task } from './task.js'

/**
 * Writes what an attempt tells, and what it has spent. What passes the budget of the task is kept, and fails it: throws
 * `budget_spent`. A member that passes its own is told of.
 */
export function spending(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  usage: Usage | undefined,
  more: Move,
  write: () => Task,
): Task {
  if (!usage) return write()
  const { holder = '', id, budget, counted } = task
  const wasPast = isMemberPast(desk, holder)
  const isSpent = budget !== undefined && isPast(sum(task.usage, usage), granted(budget, counted.spent))
  const written = isSpent ? fail(desk, turn, task, usage, more) : write()
  if (!wasPast && isMemberPast(desk, holder)) desk.members.tellPast(turn, holder)
  if (!isSpent) return written
  // What was spent is spent.
  turn.keep()
  throw new CrewError('budget_spent', `${spentOf(task)}: stop; to go on, raise it and retry the task`, { id })
}

function fail(desk: TaskDesk, turn: Turn, task: Task, usage: Usage, more: Move): Task {
  const message = spentOf(task)
  const closed = moves.close(task, 'failed', turn.now, usage, message)
  const failure: Failure = { code: 'budget_spent', message }
  const move = task.cancelRequested
    ? { ...moves.stop(task, turn.now, closed), ...more }
    : moves.end('failed', turn.now, closed, more, { failure })
  return desk.move(turn, task, move, task.holder)
}

const spentOf = ({ id }: Task): string => `Task ${id} has spent its budget`

function isMemberPast({ members }: TaskDesk, id: string): boolean {
  const member = members.get(id)
  return member?.budget !== undefined && isPast(member.usage, member.budget)
}
