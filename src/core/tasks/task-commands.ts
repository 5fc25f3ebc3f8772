import type { Choice } from './claim-queues.js'
import { hindrance, notEligible, refusal, unfit } from './eligibility.js'
import { CrewError, invalid, notFound } from '../errors.js'
import type { Id } from '../input.js'
import { NONE, sameJson } from '../json.js'
import type { Message } from '../messages/message.js'
import type { Turn } from '../journal/projection.js'
import { goOn, only, resume, review, wait } from './task-answers.js'
import { type Card, timeLimit } from './task-card.js'
import { spending } from './task-budgets.js'
import type { TaskDesk } from './task-desk.js'
import { cancel, complete, fail, giveUp, release, retry } from './task-endings.js'
import { refuseCycle, refuseCycles } from './task-graph.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import { type Failure, type Move, Task } from './task.js'

// What each command on tasks decides: its guard, its effect, and what follows from it by the graph, the clock and the
// mail. Each is a part of a decision: it emits events, and answers the task as it is then, or throws a refusal.

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

/** The task, if who asks for the command can see it and may give it. */
export function expectAllowed(desk: TaskDesk, turn: Turn, id: Id, name: CommandName, given: object): Task {
  const { by } = given as Given['by']
  desk.expectMember(by)
  if (!desk.access) return expect(desk, turn, id)
  const { fence, by: _by, ...rest } = given as Partial<Given['by'] & Given['complete']>
  const task = expect(desk, turn, id, by)
  const target: Record<string, unknown> = { taskId: id, ...rest }
  let command: string = name
  if (name === 'assign' && (target['to'] as readonly Id[]).length === 0) command = 'unassign'
  if (name === 'comment') target['recipient'] = readersOf(desk, task, given as Given['comment'])
  // What is to be removed is undefined by now, which is no JSON.
  if (name === 'update')
    target['change'] = Object.fromEntries(
      Object.entries(target['change'] as Move).map(([field, value]) => [field, value ?? null]),
    )
  const writer = WRITES.includes(name) ? (task.attempts.find((one) => one.fence === fence)?.member ?? task.holder) : by
  desk.access.permit(writer, command, target)
  return task
}

/** All or nothing; edges may point forward. */
export function create(
  desk: TaskDesk,
  turn: Turn,
  drafts: readonly Given['taskDraft'][],
  by: Id | undefined,
): readonly Task[] {
  desk.expectMember(by)
  const ids = drafts.map((draft) => {
    const { id = desk.journal.environment.id(), assignees = NONE, createdBy = by } = draft
    if (desk.board.standing(id))
      throw new CrewError('already_exists', `There is a task ${id} already; leave the id out for a new one`, { id })
    desk.admit(turn, assignees, draft.reviewers, draft.watchers)
    const stamp = { createdBy, createdAt: turn.now, assignedAt: assignees.length > 0 ? turn.now : undefined }
    turn.emit(
      'task.created',
      id,
      Object.assign(Task.changes(undefined, draft as Move), Task.changes(undefined, stamp)),
      by,
      1,
    )
    return id
  })
  refuseCycles(desk.board, suspects(desk, ids))
  const made = desk.access && new Set(ids)
  for (const id of ids) checkNew(desk, turn, desk.known(id), by, made)
  // Only now, so that nothing of the batch has fallen while the rest is checked.
  for (const id of ids) desk.obeyEdges(turn, desk.known(id))
  return ids.map((id) => desk.known(id))
}

function update(desk: TaskDesk, turn: Turn, task: Task, { change, by, version = task.version }: Given['update']): Task {
  const { id, status, isOpen } = task
  if (version !== task.version)
    throw new CrewError('stale_version', `Task ${id} is at version ${task.version}, not ${version}: read it again`, {
      id,
      version: task.version,
    })
  const others = Object.keys(change).filter((field) => field !== 'labels' && field !== 'metadata')
  if (!isOpen && others.length > 0)
    throw new CrewError(
      'invalid_transition',
      `Task ${id} is ${status}: only labels and metadata change, not ${others.join(', ')}`,
      { id },
    )
  desk.admit(turn, change.reviewers, change.watchers)
  return desk.move(turn, task, change.requires ? { ...change, keptFor: undefined } : change, by)
}

function assign(desk: TaskDesk, turn: Turn, task: Task, { to, by, force = false }: Given['assign']): Task {
  const isNobody = to.length === 0
  moves.expectMove(task, isNobody ? 'unassign' : 'assign')
  desk.admit(turn, to)
  if (!force)
    refuseUnfit(
      desk,
      task,
      to.filter((id) => !task.assignees.includes(id)),
    )
  const { keptFor } = task
  // Kept for its last holder only as long as that one may take it.
  const stillKept = keptFor && (isNobody || keptFor.members.every((id) => to.includes(id))) ? keptFor : undefined
  const move = {
    assignees: to,
    autoAssigned: undefined,
    keptFor: stillKept,
    ...(!isNobody && { assignedAt: turn.now }),
  }
  const assigned =
    sameJson(to, task.assignees) && task.autoAssigned !== true
      ? task
      : desk.move(turn, task, move, by, isNobody ? 'unassigned' : 'assigned')
  desk.notices.assigned(turn, assigned, task.assignees, by)
  return assigned
}

/** By hand, without a lease. */
function start(desk: TaskDesk, turn: Turn, task: Task, { by }: Given['by']): Task {
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

function progress(desk: TaskDesk, turn: Turn, task: Task, { fence, usage, ...progress }: Given['progress']): Task {
  moves.expectFrom(task, 'progress', fence)
  const told = { progress: { ...task.progress, ...progress } }
  const spent = usage ? moves.spend(task, usage) : {}
  return spending(desk, turn, task, usage, told, () =>
    desk.move(turn, task, { ...spent, ...told }, task.holder, 'progressed'),
  )
}

function addDependency(desk: TaskDesk, turn: Turn, task: Task, { on: edge, by }: Given['addDependency']): Task {
  moves.expectMove(task, 'addDependency')
  if (desk.known(edge.id, by).isOpen) desk.refuseFalling(edge.id)
  const dependsOn = [...task.dependsOn.filter(({ id }) => id !== edge.id), edge]
  const dependent = desk.move(turn, task, { dependsOn }, by, 'dependencyAdded')
  refuseCycle(desk.board, task.id)
  return desk.obeyEdges(turn, dependent)
}

function removeDependency(desk: TaskDesk, turn: Turn, task: Task, { on, by }: Given['removeDependency']): Task {
  moves.expectMove(task, 'removeDependency')
  const dependsOn = task.dependsOn.filter(({ id }) => id !== on)
  if (dependsOn.length === task.dependsOn.length) throw notFound(`Dependency of ${task.id} on task`, on)
  return desk.move(turn, task, { dependsOn }, by, 'dependencyRemoved')
}

function comment(desk: TaskDesk, turn: Turn, task: Task, given: Given['comment']): Message {
  const { text, by } = given
  const message = desk.notices.commented(turn, task, readersOf(desk, task, given), text, by)
  desk.move(turn, task, { commentCount: task.commentCount + 1 }, by, 'commented')
  return message
}

/** Who gets a comment by mail: those who watch, and those whom it mentions. */
function readersOf(desk: TaskDesk, { watchers }: Task, { text, by }: Given['comment']): readonly Id[] {
  const mentioned = desk.members.list().flatMap(({ id }) => (mentions(text, id) ? id : []))
  const readers = new Set([...watchers, ...mentioned])
  readers.delete(by ?? '')
  return [...readers]
}

/** Carries out what is due on a task by the clock. */
export function expire(desk: TaskDesk, turn: Turn, task: Task): void {
  const { failAt = Infinity, waitingFor, timeLimitMs = 0 } = task
  const { now } = turn
  if (timeLimit(task) > now) return
  const fail = (code: Failure['code'], message: string): unknown =>
    desk.move(turn, task, moves.fail(task, { code, message }, now))
  if (failAt <= now) fail('deadline', `Not done by ${new Date(failAt).toISOString()}`)
  else if (!waitingFor)
    giveUp(desk, turn, task, {
      outcome: 'timed_out',
      code: 'timed_out',
      message: `Took longer than ${timeLimitMs} ms`,
    })
  else if (waitingFor.onTimeout === 'resume') goOn(desk, turn, task, { waitingFor: undefined })
  else if (typeof waitingFor.onTimeout === 'object') {
    const { until: _until, onTimeout, ...question } = waitingFor
    desk.notices.asked(
      turn,
      desk.move(turn, task, { waitingFor: { ...question, of: onTimeout.ask, since: now } }, undefined, 'waiting'),
    )
  } else fail('timed_out', 'Nobody answered in time')
}

/** Those of new tasks that may wait for themselves. */
function suspects(desk: TaskDesk, ids: readonly Id[]): readonly Id[] {
  return ids.filter((id) => {
    const { parentId, dependsOn } = desk.known(id)
    if (parentId !== undefined) return true
    // Made alone and part of nothing, it is waited for by nobody, unless by itself.
    return ids.length > 1 ? dependsOn.length > 0 : dependsOn.some((edge) => edge.id === id)
  })
}

function checkNew(desk: TaskDesk, turn: Turn, task: Task, by: Id | undefined, made?: ReadonlySet<Id>): void {
  const { dependsOn, parentId, supersedes, assignees } = task
  /** What is made together is known to its maker. */
  const known = (id: Id): Task => desk.known(id, made?.has(id) ? undefined : by)
  for (const edge of dependsOn) if (known(edge.id).isOpen) desk.refuseFalling(edge.id)
  if (supersedes !== undefined) known(supersedes)
  if (parentId !== undefined) {
    const { isOpen, status } = known(parentId)
    if (!isOpen)
      throw new CrewError('invalid_transition', `Task ${parentId} is ${status}: it gets no more subtasks`, {
        id: parentId,
      })
    desk.refuseFalling(parentId)
  }
  if (assignees.length > 0) {
    refuseUnfit(desk, task, assignees)
    desk.notices.assigned(turn, task, NONE, by)
  }
}

function refuseUnfit(desk: TaskDesk, task: Task, ids: readonly Id[]): void {
  for (const id of ids) {
    const member = desk.members.expect(id)
    const why = unfit(member, task)
    if (why !== undefined) throw notEligible(task, member, `${why}; assign it with { force: true } to give it anyway`)
  }
}

function begin(desk: TaskDesk, turn: Turn, task: Task, member: Id, leaseMs: number | undefined): Task {
  if (leaseMs !== undefined) desk.journal.leases?.prove(turn, leaseMs)
  return desk.move(turn, task, moves.start(task, member, desk.journal.session, leaseMs, turn.now), member)
}

function mentions(text: string, id: Id): boolean {
  for (let at = text.indexOf(`@${id}`); at >= 0; at = text.indexOf(`@${id}`, at + 1)) {
    if (!/^[\w/@-]/.test(text.slice(at + 1 + id.length))) return true
  }
  return false
}

/** What an attempt writes: by right of its fence, as the member who made it. */
const WRITES: readonly string[] = ['progress', 'complete', 'fail', 'release', 'wait']

/** The commands on one task, by name. */
export const commands = {
  update,
  assign,
  start,
  progress,
  complete,
  fail,
  release,
  wait,
  resume,
  review,
  cancel,
  retry,
  addDependency,
  removeDependency,
  comment,
}
export type CommandName = keyof typeof commands
