import type { Id } from '../input.js'
import { NONE } from '../json.js'
import type { Turn } from '../journal/projection.js'
import type { LeftTask, PlannedAssignment, Proposal, Strategy } from './assignment.js'
import { type About, Explainer } from './assignment-plan.js'
import { DeskView } from './assignment-view.js'
import { canBeGiven } from './obstacles.js'
import { askStrategy } from './proposals.js'
import type { TaskDesk } from './task-desk.js'
import { leaveUnready } from './task-explanations.js'
import type { Task } from './task.js'
import type { TrackRecords } from './track-records.js'
import { type Wanted, wanted } from './wanted-tasks.js'

/** A task that changes hands, to a member or to nobody. */
interface Step {
  /** As it was when that was decided. */
  readonly task: Task
  readonly to: Id | undefined
}

/** How far a plan has been carried out, commit by commit. */
export interface Progress {
  readonly assigned: readonly PlannedAssignment[]
  readonly left: readonly LeftTask[]
  readonly about: About
  /** What is not done yet. */
  readonly steps: readonly Step[]
}

/** What is asked of `autoAssign`. */
export interface Order {
  readonly strategy: Strategy
  readonly tasks?: readonly Id[] | undefined
  readonly dryRun: boolean
}

/** Plans, and carries out as much as one commit holds. */
export function begin(desk: TaskDesk, records: TrackRecords, turn: Turn, order: Order): Progress {
  desk.board.tick()
  const tasks = order.tasks?.map((id) => desk.known(id))
  const plan = planFor(desk, records, turn, order.strategy, tasks)
  return order.dryRun ? { ...plan, steps: NONE } : { ...plan, steps: carryOut(desk, turn, plan.steps) }
}

/** Goes on with a plan that has not been carried out yet; with another, for what is left of it, when it does not stand any more. */
export function goOn(desk: TaskDesk, records: TrackRecords, turn: Turn, order: Order, before: Progress): Progress {
  desk.board.tick()
  if (stand(desk, before.steps)) return { ...before, steps: carryOut(desk, turn, before.steps) }
  const open = new Set(before.steps.map(({ task }) => task.id))
  const assigned = before.assigned.filter(({ taskId }) => !open.has(taskId))
  const done = new Set(assigned.map(({ taskId }) => taskId))
  const tasks = order.tasks?.flatMap((id) => (done.has(id) ? NONE : (desk.board.get(id) ?? NONE)))
  const plan = planFor(desk, records, turn, order.strategy, tasks)
  const { summary: _summary, figures: _figures, ...about } = plan.about
  return { ...plan, about, assigned: [...assigned, ...plan.assigned], steps: carryOut(desk, turn, plan.steps) }
}

/** Gives at once what the strategy says; answers what the commit has no room for any more. */
export function giveNow(
  desk: TaskDesk,
  records: TrackRecords,
  turn: Turn,
  strategy: Strategy,
  all: Wanted,
): ReadonlySet<Task> {
  const view = new DeskView(desk, records, turn.now, all)
  const steps = stepsOf(view, askStrategy(strategy, view, desk.journal.onError))
  return new Set(carryOut(desk, turn, steps).map(({ task }) => task))
}

function planFor(
  desk: TaskDesk,
  records: TrackRecords,
  turn: Turn,
  strategy: Strategy,
  tasks: readonly Task[] | undefined,
): Progress {
  const named = tasks && new Set(tasks)
  const all = wanted(desk, turn.now, named)
  const view = new DeskView(desk, records, turn.now, all)
  const proposal = askStrategy(strategy, view, desk.journal.onError)
  const { assigned: _, ...about } = proposal
  const explainer = new Explainer(view, proposal)
  for (const task of all.tasks) named?.delete(task)
  return {
    assigned: explainer.assigned(),
    left: [...explainer.left(), ...leaveUnready(desk, [...(named ?? NONE)])],
    about,
    steps: stepsOf(view, proposal),
  }
}

/** What is taken back comes first, so that nobody is over its capacity meanwhile. */
function stepsOf(view: DeskView, { assigned }: Proposal): readonly Step[] {
  const tasks = new Map(view.tasks.map((task) => [task.id, task]))
  const given = assigned.map(({ taskId, member }) => ({ task: tasks.get(taskId) as Task, to: member }))
  for (const { task } of given) tasks.delete(task.id)
  const back = [...tasks.values()].filter((task) => task.assignees.length > 0)
  return [...back.map((task) => ({ task, to: undefined })), ...given]
}

/** Answers what has no room in the commit any more. */
function carryOut(desk: TaskDesk, turn: Turn, steps: readonly Step[]): readonly Step[] {
  for (const [index, step] of steps.entries()) {
    if (turn.isFull) return steps.slice(index)
    move(desk, turn, step)
  }
  return NONE
}

function move(desk: TaskDesk, turn: Turn, { task, to }: Step): void {
  if (to === undefined) {
    desk.move(turn, task, { assignees: NONE, autoAssigned: undefined }, undefined, 'unassigned')
    return
  }
  const given = { assignees: [to], autoAssigned: true, assignedAt: turn.now, keptFor: undefined }
  desk.notices.assigned(turn, desk.move(turn, task, given, undefined, 'assigned'), task.assignees)
}

/** Whether tasks are as they were, and those who are to have them can still be given them. */
function stand({ board, members, access }: TaskDesk, steps: readonly Step[]): boolean {
  const room = new Map<Id, number>()
  return steps.every(({ task, to }) => {
    const card = board.card(task.id)
    if (card?.task !== task || !card.isReady) return false
    const member = to === undefined ? undefined : members.get(to)
    if (!member) return to === undefined
    const left = room.get(member.id) ?? member.capacity - board.loadOf(member.id)
    room.set(member.id, left - 1)
    return left > 0 && canBeGiven(member, task, access)
  })
}
