import { aFunction, number, object, read } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Assignment, AssignmentView, Proposal, Rating, Strategy } from '../core/tasks/assignment.js'
import type { Task } from '../core/tasks/task.js'
import type { Duration } from './duration.js'
import { Outlook } from './outlook.js'
import { findSchedule } from './schedule/find-schedule.js'

export interface CriticalPathOptions {
  /** How long a member needs for a task, in milliseconds; `undefined` for who cannot do it. */
  readonly duration: Duration
  /**
   * How long to search, in places looked at; about ten million of them take a second. Default: 2,000 times the square of
   * the number of tasks, at most 10,000,000. 0 is list scheduling alone, which takes milliseconds.
   */
  readonly steps?: number
}

const duration = aFunction<Duration>('a function: (task, member) => milliseconds')
const readOptions = object({ duration, steps: number(0, Number.MAX_SAFE_INTEGER, true) }, ['duration'])

/**
 * A schedule in which all ends soon: who does what and when, by who can do it and how fast, by what waits for what, and by
 * how much each does at once. What starts now is assigned; the rest is the plan's `later`, tasks that are blocked or
 * scheduled included. Ask again when something has ended: by then more is known than the plan could know.
 *
 * It begins with list scheduling, the longest path to the end first, and makes that shorter by a tabu search that moves
 * what is on the critical path (Mastrolilli and Gambardella 2000); what it answers is never longer than the list schedule.
 * It uses no clock and no chance, and says the same for the same board on every machine. What waits for a person, and
 * whatever waits for that, is left out.
 */
export function criticalPath(options: CriticalPathOptions): Strategy {
  const { duration: durationOf, steps } = read(readOptions, options, 'options')
  return (view) => {
    const { tasks, members, problem } = new Outlook(view, durationOf)
    const { entries } = findSchedule(problem, steps)
    const planned = entries.map(({ member, startAt, endAt }, index) => ({
      task: tasks[index] as Task,
      member: members[member] as MemberInfo,
      startAt: view.now + startAt,
      endAt: view.now + endAt,
    }))
    planned.sort((a, b) => a.startAt - b.startAt)
    return { ...divide(view, planned), rate: speedOf(view, durationOf) }
  }
}

interface Planned {
  readonly task: Task
  readonly member: MemberInfo
  readonly startAt: number
  readonly endAt: number
}

/** What can be given now, and what comes later. */
function divide(view: AssignmentView, planned: readonly Planned[]): Pick<Proposal, 'assigned' | 'later'> {
  const wanted = new Set(view.tasks)
  const loads = new Map(view.members.map((member) => [member, view.load(member.id)]))
  const assigned: Assignment[] = []
  const later: Assignment[] = []
  for (const { task, member, startAt, endAt } of planned) {
    const assignment = { taskId: task.id, member: member.id, startAt, endAt }
    const load = loads.get(member) ?? 0
    const isNow = startAt <= view.now && wanted.has(task) && load < member.capacity
    if (isNow) loads.set(member, load + 1)
    if (isNow) assigned.push(assignment)
    else later.push(assignment)
  }
  return { assigned, later }
}

/** How fast a member is, by the fastest of those who are able: 0–1. */
function speedOf(view: AssignmentView, durationOf: Duration): Rating {
  return (task, member) => {
    const own = durationOf(task, member)
    if (own === undefined) return { speed: 0 }
    const least = Math.min(own, ...view.able(task).map((other) => durationOf(task, other) ?? Infinity))
    return { speed: own === 0 ? 1 : least / own }
  }
}
