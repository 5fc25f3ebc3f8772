import { fits } from './claim-queues.js'
import { CrewError, invalid, notFound } from '../errors.js'
import type { Id } from '../input.js'
import { NONE, sameJson } from '../json.js'
import type { MemberInfo } from '../members.js'
import type { Message } from '../messages/message.js'
import type { Turn } from '../journal/projection.js'
import { isThere } from './obstacles.js'
import { handOff, offer } from './offers.js'
import { resume, review, wait } from './task-answers.js'
import { spending } from './task-budgets.js'
import type { TaskDesk } from './task-desk.js'
import { cancel, complete, fail, release, retry } from './task-endings.js'
import { expect } from './task-expiry.js'
import { refuseCycle, refuseCycles } from './task-graph.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import { refuseUnfit, start } from './task-starts.js'
import { type Move, Task } from './task.js'

// What each command on tasks decides: its guard, its effect, and what follows from it by the graph, the clock and the
// mail. Each is a part of a decision: it emits events, and answers the task as it is then, or throws a refusal.

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
  const updated = desk.move(turn, task, change.requires ? { ...change, keptFor: undefined } : change, by)
  refuseQuorum(updated)
  return updated
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
    ...(!isNobody && { assignedAt: turn.now, offers: NONE }),
  }
  const assigned =
    sameJson(to, task.assignees) && task.autoAssigned !== true
      ? task
      : desk.move(turn, task, move, by, isNobody ? 'unassigned' : 'assigned')
  desk.notices.assigned(turn, assigned, task.assignees, by)
  return assigned
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

/** Asks those who have the skills, by default those that the task requires; the best of them, when they are many. */
function askForHelp(
  desk: TaskDesk,
  turn: Turn,
  task: Task,
  { question, skills = task.requires, fence }: Given['askForHelp'],
): Message {
  moves.expectFrom(task, 'askForHelp', fence)
  const { id, holder: by = '' } = task
  const level = (member: MemberInfo): number =>
    Object.keys(skills).reduce((total, skill) => total + (member.skills[skill] ?? 0), 0)
  const helpers = desk.members
    .list()
    .filter((member) => member.id !== by && isThere(member) && fits(member.skills, skills))
    .filter((member) => desk.access?.sees(member.id, task) !== false)
    .sort((a, b) => level(b) - level(a))
  if (helpers.length === 0)
    throw new CrewError(
      'not_eligible',
      `Nobody else who is there has ${Object.keys(skills).join(', ') || 'a place in this crew'}; ask for other skills, or let somebody join`,
      { id },
    )
  const to = helpers.slice(0, MOST_HELPERS).map((member) => member.id)
  return desk.notices.said(turn, task, 'task.help', { to, content: question, by })
}

/** Who gets a comment by mail: those who watch, and those whom it mentions. */
function readersOf(desk: TaskDesk, { watchers }: Task, { text, by }: Given['comment']): readonly Id[] {
  const mentioned = desk.members.list().flatMap(({ id }) => (mentions(text, id) ? id : []))
  const readers = new Set([...watchers, ...mentioned])
  readers.delete(by ?? '')
  return [...readers]
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

/** Nobody waits for more reviewers than there are. */
function refuseQuorum({ quorum = 0, reviewers }: Task): void {
  if (quorum > reviewers.length)
    throw invalid(`A quorum of ${quorum} needs as many reviewers, not ${reviewers.length}; name more, or lower it`)
}

function checkNew(desk: TaskDesk, turn: Turn, task: Task, by: Id | undefined, made?: ReadonlySet<Id>): void {
  const { dependsOn, parentId, supersedes, assignees } = task
  /** What is made together is known to its maker. */
  refuseQuorum(task)
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

function mentions(text: string, id: Id): boolean {
  for (let at = text.indexOf(`@${id}`); at >= 0; at = text.indexOf(`@${id}`, at + 1)) {
    if (!/^[\w/@-]/.test(text.slice(at + 1 + id.length))) return true
  }
  return false
}

/** Whom one question goes to. */
const MOST_HELPERS = 10

/** What an attempt writes: by right of its fence, as the member who made it. */
const WRITES: readonly string[] = ['progress', 'complete', 'fail', 'release', 'wait', 'handOff', 'askForHelp']

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
  offer,
  handOff,
  askForHelp,
}
export type CommandName = keyof typeof commands
