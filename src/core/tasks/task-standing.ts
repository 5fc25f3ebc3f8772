import { NONE } from '../json.js'
import { hindrance } from './eligibility.js'
import type { Shortage } from './shortages.js'
import { audience, timeLimit } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import type { Task } from './task.js'

/** Why a task is not to be given to anybody, and what would change that; undefined when it is. */
export function standing(desk: TaskDesk, task: Task): Shortage | undefined {
  const { status, failure, holder, attempts } = task
  const last = attempts.at(-1)
  if (status === 'completed') return { reason: `It is completed${by(last?.member)}`, help: 'Create a new task' }
  if (status === 'failed' || status === 'cancelled')
    return { reason: `It is ${status}: ${failure?.message ?? 'no reason was given'}`, help: 'Open it again with retry' }
  if (status === 'in_progress')
    return {
      reason: `${holder ?? 'Somebody'} has been working on it since ${at(last?.startedAt)}`,
      help: 'Wait for the end of that attempt, or cancel the task',
    }
  return status === 'waiting' ? waiting(task) : pending(desk, task)
}

function waiting({ waitingFor, reviewers }: Task): Shortage {
  const { for: reason, question, of = NONE } = waitingFor ?? { for: 'input' }
  const whom = reason === 'review' ? reviewers : of
  const from = whom.length > 0 ? ` from ${whom.join(', ')}` : ''
  return {
    reason: `It waits for ${reason}${from}${question === undefined ? '' : `: ${question}`}`,
    help: reason === 'review' ? 'Review it' : 'Answer, which resumes it',
  }
}

function pending(desk: TaskDesk, task: Task): Shortage | undefined {
  const { board } = desk
  const now = board.now()
  const card = board.card(task.id)
  if (timeLimit(task) <= now) return { reason: `It was to be done by ${at(task.failAt)}`, help: 'Create a new task' }
  if (card?.stage === 'blocked') return blocked(desk, task)
  if (card?.stage === 'scheduled') {
    const { outcome } = task.attempts.at(-1) ?? {}
    const after = outcome === undefined ? '' : `, after an attempt that ended as ${outcome}`
    return { reason: `It is scheduled for ${at(task.notBefore)}${after}`, help: 'Wait until then' }
  }
  if (task.assignees.length > 0) return assigned(desk, task)
  const { keptFor } = task
  return audience(task, now).length > 0 && keptFor
    ? { reason: `It is kept for ${keptFor.members.join(', ')} until ${at(keptFor.until)}`, help: 'Wait until then' }
    : undefined
}

function blocked({ board }: TaskDesk, task: Task): Shortage {
  const open = task.dependsOn.filter((edge) => board.isOpenEdge(edge))
  if (open.length === 0)
    return { reason: 'It may fall with another task, which has ended', help: 'Wait until that is over' }
  const names = open.map(({ id }) => `${id} (${board.standing(id)?.status ?? 'unknown'})`)
  return {
    reason: `It waits for ${names.join(', ')}`,
    help: 'Complete what it waits for, or remove the dependency',
  }
}

function assigned({ board, members }: TaskDesk, { assignees, autoAssigned }: Task): Shortage {
  const names = assignees.join(', ')
  const who = assignees.flatMap((id) => members.get(id) ?? NONE)
  const [why] = who.map((member) => hindrance(board, member) ?? missing(member.missingSince))
  const reason = `It is assigned to ${names}`
  if (who.some((member) => hindrance(board, member) === undefined && member.missingSince === undefined))
    return { reason: `${reason}, who could start it now`, help: 'Let them claim or start it, or assign it to others' }
  return {
    reason: `${reason}: ${why ?? 'no member any more'}`,
    help: autoAssigned === true ? 'Assign it anew, by hand or with autoAssign' : 'Assign it to others',
  }
}

const missing = (since: number | undefined): string | undefined =>
  since === undefined ? undefined : `not seen since ${at(since)}`
const by = (member: string | undefined): string => (member === undefined ? '' : ` by ${member}`)
const at = (time = NaN): string => (Number.isFinite(time) ? new Date(time).toISOString() : 'some time')
