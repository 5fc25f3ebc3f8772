import type { Usage } from './attempt-record.js'
import { hindrance, isFor } from './eligibility.js'
import { CrewError, invalid } from '../errors.js'
import type { Id } from '../input.js'
import { NONE } from '../json.js'
import type { Turn } from '../journal/projection.js'
import { spending } from './task-budgets.js'
import type { TaskDesk } from './task-desk.js'
import { refuseUnsettled } from './task-graph.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import type { Answer, Failure, Move, OnTimeout, Task, WaitingFor, WaitReason } from './task.js'

// How a task comes to wait for somebody, and what the answer makes of it. Each is a part of a decision, like all commands.

/** The attempt ends, and an answer is waited for. */
export function wait(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { fence, of = NONE, withinMs, usage, ...question }: Given['wait'],
): Task {
  moves.expectFrom(task, 'wait', fence)
  desk.admit(turn, of, askedLater(question.onTimeout))
  const { now } = turn
  const waitingFor = { of, since: now, ...(withinMs !== undefined && { until: now + withinMs }), ...question }
  return spending(desk, turn, task, usage, {}, () =>
    task.cancelRequested
      ? desk.move(turn, task, moves.stop(task, now, moves.close(task, 'waiting', now, usage)), task.holder)
      : ask(desk, turn, task, waitingFor, usage),
  )
}

export function resume(desk: TaskDesk, turn: Turn, task: Task, { by, question, ...answer }: Given['resume']): Task {
  const who = answerer(desk, turn, task, 'resume', by, question)
  return answered(desk, turn, task, { ...answer, by: who }, (move) => goOn(desk, turn, task, move, who))
}

export function review(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { by, question, final = false, ...verdict }: Given['review'],
): Task {
  const who = answerer(desk, turn, task, 'review', by, question)
  const decide = !verdict.passed ? (final ? reject : goOn) : pass
  return answered(desk, turn, task, { ...verdict, by: who }, (move) => decide(desk, turn, task, move, who))
}

/** One reviewer more has passed it; it is completed with the last that is needed. */
function pass(desk: TaskDesk, turn: Turn, task: Task, move: Move, who: Id): Task {
  const waitingFor = task.waitingFor as WaitingFor
  const { quorum = 1, passedBy = NONE, waive = NONE } = waitingFor
  const { id } = task
  if (passedBy.includes(who))
    throw new CrewError('invalid_transition', `${who} has passed task ${id} already: it waits for others`, { id })
  if (passedBy.length + 1 < quorum)
    return desk.move(turn, task, { ...move, waitingFor: { ...waitingFor, passedBy: [...passedBy, who] } }, who)
  const subtasks = desk.board.subtasks(id)
  refuseUnsettled(desk.board, task, waive)
  const completed = moves.end('completed', turn.now, move, { progress: { ...task.progress, value: 1 } })
  const passed = desk.move(turn, task, completed, who)
  endWaived(desk, turn, task, subtasks)
  return passed
}

function reject(desk: TaskDesk, turn: Turn, task: Task, move: Move, who: Id): Task {
  const { remarks = 'no remarks' } = move.answers?.at(-1) ?? {}
  const failure: Failure = { code: 'failed', message: `Did not pass the review: ${remarks}` }
  return desk.move(turn, task, moves.end('failed', turn.now, move, { failure }), who)
}

/** Keeps what was answered, lets happen what follows from it, and tells it. */
export function answered(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  answer: Omit<Answer, 'number' | 'for' | 'question' | 'at'>,
  follow: (move: Move) => Task,
): Task {
  const after = follow(moves.answered(task, { ...answer, at: turn.now }))
  desk.notices.answered(turn, task, { for: (task.waitingFor as WaitingFor).for, ...answer })
  return after
}

/** Puts the question to those who may answer. */
export function ask(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  question: Omit<WaitingFor, 'id'>,
  usage?: Usage,
  more?: Move,
): Task {
  const waitingFor = { id: desk.journal.environment.id(), ...question }
  const waiting = desk.move(turn, task, { ...moves.wait(task, waitingFor, usage), ...more }, task.holder)
  desk.notices.asked(turn, waiting, task.holder)
  return waiting
}

/** What was waived when a task was completed is not left open under it. */
export function endWaived(desk: TaskDesk, turn: Turn, { id: rootId }: Task, subtasks: readonly Task[]): void {
  const failure: Failure = { code: 'cancelled', message: `Waived when task ${rootId} was completed`, rootId }
  for (const { id } of subtasks) {
    const subtask = desk.known(id)
    if (subtask.isOpen) desk.move(turn, subtask, moves.cancel(subtask, failure, turn.now))
  }
}

/** Back to pending, but not for ever; kept for its last holder for one lease, if that one can take it at once. */
export function goOn(desk: TaskDesk, turn: Turn, task: Task, move: Move, by?: Id): Task {
  const rounds = (task.counted.rounds ?? 0) + 1
  const counted = { ...task.counted, rounds }
  if (rounds > desk.settings.rounds) {
    const message = `Asked or sent back ${rounds} times in a row; see what it turns in circles about before you retry it`
    const failure: Failure = { code: 'failed', message }
    return desk.move(turn, task, moves.end('failed', turn.now, move, { counted, failure }), by)
  }
  const { member: id, leaseMs = desk.settings.leaseMs } = task.attempts.at(-1) ?? {}
  const member = id === undefined ? undefined : desk.members.get(id)
  const isReady = member && isFor(member, task) && hindrance(desk.board, member) === undefined
  const keptFor = isReady ? { members: [member.id], until: turn.now + leaseMs } : undefined
  return desk.move(turn, task, { ...move, status: 'pending', counted, keptFor }, by)
}

/** Who answers for a waiting task. Throws unless it is one who may, and answers the question that it means. */
function answerer(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  move: 'resume' | 'review',
  by: Id | undefined,
  question: Id | undefined,
): Id {
  const { id } = task
  expectWaiting(task, move)
  const { id: asked, for: reason, of } = task.waitingFor as WaitingFor
  if ((move === 'review') !== (reason === 'review')) {
    const right = reason === 'review' ? 'review()' : 'resume(), as a member answer()'
    throw new CrewError('invalid_transition', `Task ${id} waits for ${reason}: use ${right}`, { id })
  }
  if (question !== undefined && question !== asked)
    throw new CrewError(
      'stale_version',
      `What message ${question} asks is over, and task ${id} waits for another answer: read it again`,
      {
        id,
        version: task.version,
      },
    )
  const who = by ?? only(of)
  if (who === undefined) throw invalid(`Say who answers for task ${id}: { by }`, { id })
  if (CHECKS.includes(reason) && task.selfReview !== true && task.attempts.at(-1)?.member === who)
    throw new CrewError(
      'permission_denied',
      `${who} did task ${id}, and the ${reason} is for others; make the task with { selfReview: true } to let it pass its own work`,
      { id },
    )
  if (of.length > 0 && !of.includes(who))
    throw new CrewError('permission_denied', `Task ${id} waits for ${of.join(', ')}, not for ${who}`, { id })
  desk.admit(turn, [who])
  return who
}

/** What others have to say yes to. */
const CHECKS: readonly WaitReason[] = ['approval', 'authorization', 'review']

/** Throws unless the task waits, and says what became of what it waited for. */
function expectWaiting(task: Task, move: 'resume' | 'review'): void {
  const { answers, failure } = task
  const last = answers.at(-1)
  const answered = last ? `; ${last.by} answered at ${new Date(last.at).toISOString()}` : ''
  const ended = failure?.code === 'timed_out' ? '; nobody answered in time' : answered
  moves.expectMove(task, move, `waits for no ${move === 'review' ? 'review' : 'answer'} now${ended}`)
}

/** Whether a task waits for the verdict of that member, who was asked for it. */
export const awaitsReview = ({ waitingFor, attempts, selfReview }: Task, member: Id): boolean =>
  waitingFor?.for === 'review' &&
  waitingFor.of.includes(member) &&
  waitingFor.passedBy?.includes(member) !== true &&
  (selfReview === true || attempts.at(-1)?.member !== member)

/** Whom it asks when nobody has answered, one after another. */
const askedLater = (onTimeout: OnTimeout | undefined): readonly Id[] =>
  typeof onTimeout === 'object' && 'ask' in onTimeout ? [...onTimeout.ask, ...askedLater(onTimeout.onTimeout)] : NONE

/** The one, where there is exactly one. */
export const only = (ids: readonly Id[]): Id | undefined => (ids.length === 1 ? ids[0] : undefined)
