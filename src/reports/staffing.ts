import type { Id } from '../core/input.js'
import { unavailability } from '../core/members.js'
import { isFor } from '../core/tasks/eligibility.js'
import type { Task } from '../core/tasks/task.js'
import type { OpenGraph, Place } from './figures/open-graph.js'
import type { Staffing } from './figures/rehearsal.js'
import type { ReportView } from './report-view.js'

/** Who does what is open: members who take work now, each as much at once as it can, and those who are at it. */
export function staffingOf(view: ReportView, { tasks }: OpenGraph): Staffing {
  const { members } = view
  const seats = new Map(members.map(({ id }, seat) => [id, seat]))
  const running = new Map<Place, number>()
  const asked = new Set<Place>()
  for (const [place, { status, holder }] of tasks.entries()) {
    const seat = seats.get(holder ?? '')
    if (seat !== undefined) running.set(place, seat)
    if (status === 'waiting') asked.add(place)
  }
  return {
    capacities: members.map((member) => (unavailability(member) === undefined ? member.capacity : 0)),
    ...audiencesOf(view, tasks),
    rankOf: ranksOf(tasks),
    readyMs: tasks.map(({ notBefore = 0 }) => notBefore - view.now),
    running,
    asked,
  }
}

/** Tasks that are for the same members share an audience. */
function audiencesOf(view: ReportView, tasks: readonly Task[]): Pick<Staffing, 'audiences' | 'audienceOf'> {
  const audiences: number[][] = []
  const known = new Map<string, number>()
  const audienceOf = tasks.map((task) => {
    const name = JSON.stringify(task.assignees.length > 0 ? task.assignees : task.requires)
    let audience = known.get(name)
    if (audience === undefined) {
      const seats = view.members.flatMap((member, seat) =>
        unavailability(member) === undefined && isFor(member, task) ? [seat] : [],
      )
      audience = audiences.push(seats) - 1
      known.set(name, audience)
    }
    return audience
  })
  return { audiences, audienceOf }
}

/** A member's own tasks come before open ones, each by priority and age, as with claims. */
function ranksOf(tasks: readonly Task[]): readonly number[] {
  const isOpen = ({ assignees }: Task): number => (assignees.length > 0 ? 0 : 1)
  const ranks = new Map<Id, number>()
  const sorted = tasks.toSorted((a, b) => isOpen(a) - isOpen(b) || b.priority - a.priority)
  for (const [rank, { id }] of sorted.entries()) ranks.set(id, rank)
  return tasks.map(({ id }) => ranks.get(id) as number)
}
