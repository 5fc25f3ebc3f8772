import type { Id } from '../input.js'
import { CREW } from '../members.js'
import type { Turn } from '../journal/projection.js'
import { answered, goOn } from './task-answers.js'
import { type Card, timeLimit } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import { giveUp } from './task-endings.js'
import * as moves from './task-moves.js'
import type { Failure, OnTimeout, Task, WaitingFor } from './task.js'

/** The task, once what is due on it by the clock is settled. Throws `not_found`, also for what `by` cannot see. */
export function expect(desk: TaskDesk, turn: Turn, id: Id, by?: Id): Task {
  const task = desk.known(id, by)
  desk.board.tick()
  const card = desk.board.card(id) as Card
  if (!desk.board.expired.has(card)) return task
  expire(desk, turn, task)
  turn.keep()
  return card.task
}

/** Carries out what is due on a task by the clock. */
export function expire(desk: TaskDesk, turn: Turn, task: Task): void {
  const { failAt = Infinity, waitingFor, timeLimitMs = 0 } = task
  const { now } = turn
  if (timeLimit(task) > now) return
  if (failAt <= now) fail(desk, turn, task, 'deadline', `Not done by ${new Date(failAt).toISOString()}`)
  else if (waitingFor) unanswered(desk, turn, task, waitingFor)
  else
    giveUp(desk, turn, task, {
      outcome: 'timed_out',
      code: 'timed_out',
      message: `Took longer than ${timeLimitMs} ms`,
    })
}

/** Nobody has answered in time. */
function unanswered(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { until: _, onTimeout = 'fail', ...question }: WaitingFor,
): void {
  if (onTimeout === 'fail') fail(desk, turn, task, 'timed_out', 'Nobody answered in time')
  else if (onTimeout === 'resume') goOn(desk, turn, task, { waitingFor: undefined })
  else if ('answer' in onTimeout)
    answered(desk, turn, task, { answer: onTimeout.answer, by: CREW }, (move) => goOn(desk, turn, task, move))
  else {
    desk.notices.unasked(turn, task, undefined, 'nobody answered in time')
    const id = desk.journal.environment.id()
    const waitingFor = { ...question, id, ...escalated(onTimeout, turn.now), since: turn.now }
    desk.notices.asked(turn, desk.move(turn, task, { waitingFor }, undefined, 'waiting'))
  }
}

const escalated = (
  { ask: of, withinMs, onTimeout }: Extract<OnTimeout, { readonly ask: unknown }>,
  now: number,
): Pick<WaitingFor, 'of' | 'until' | 'onTimeout'> => ({
  of,
  ...(withinMs !== undefined && { until: now + withinMs }),
  ...(onTimeout !== undefined && { onTimeout }),
})

function fail(desk: TaskDesk, turn: Turn, task: Task, code: Failure['code'], message: string): void {
  desk.move(turn, task, moves.fail(task, { code, message }, turn.now))
}
