import { number, object, read, type Reader, wrong } from '../core/input.js'
import type { Assignment, AssignmentView, Rating, Strategy } from '../core/tasks/assignment.js'
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

const duration: Reader<Duration> = (value, name) =>
  typeof value === 'function' ? (value as Duration) : wrong(name, 'a function: (task, member) => milliseconds', value)
const readOptions = object({ duration, steps: number(0, Number.MAX_SAFE_INTEGER, true) }, ['duration'])

/**
 * A schedule in which all ends soon: who does what and when, by who can do it and how fast, by what waits for what, and by
 * how much each does at once. It plans ahead, tasks that are blocked or scheduled for later included.
 *
 * It begins with list scheduling, the longest path to the end first, and makes that shorter by a tabu search that moves
 * what is on the critical path (Mastrolilli and Gambardella 2000); what it answers is never longer than the list schedule.
 * It uses no clock and no chance, and says the same for the same board on every machine.
 */
export function criticalPath(options: CriticalPathOptions): Strategy {
  const { duration: durationOf, steps } = read(readOptions, options, 'options')
  return (view) => {
    const { tasks, members, problem } = new Outlook(view, durationOf)
    const { entries } = findSchedule(problem, steps)
    const assigned = entries.map(({ member, startAt, endAt }, index): Assignment => {
      const taskId = (tasks[index] as (typeof tasks)[number]).id
      const to = (members[member] as (typeof members)[number]).id
      return { taskId, member: to, startAt: view.now + startAt, endAt: view.now + endAt }
    })
    return { assigned: assigned.sort(byStart), rate: speedOf(view, durationOf) }
  }
}

const byStart = (a: Assignment, b: Assignment): number => (a.startAt as number) - (b.startAt as number)

/** How fast a member is, by the fastest of those who are able: 0–1. */
function speedOf(view: AssignmentView, durationOf: Duration): Rating {
  return (task, member) => {
    const own = durationOf(task, member)
    if (own === undefined) return { speed: 0 }
    const least = Math.min(own, ...view.able(task).map((other) => durationOf(task, other) ?? Infinity))
    return { speed: own === 0 ? 1 : least / own }
  }
}
