import type { Assignment, AssignmentView, Proposal, Rating } from '../core/tasks/assignment.js'
import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'

interface Rated {
  readonly member: MemberInfo
  readonly load: number
  readonly score: number
}

/**
 * Gives one task after another, in the order of the view, to whoever rates highest then: able, below its capacity; among
 * equals to who has the least load, then by id. The strategies that look at one task at a time are this and a rating.
 */
export function greedy(view: AssignmentView, rate: Rating): Proposal {
  const loads = new Map(view.members.map(({ id }) => [id, view.load(id)]))
  const assigned: Assignment[] = []
  let room = roomOf(view)
  for (const task of view.tasks) {
    if (room === 0) break
    const [best, second] = bestTwo(view, task, rate, loads)
    if (!best) continue
    const { id: member } = best.member
    loads.set(member, best.load + 1)
    room--
    const tieBreak = second && tieBreakOf(best, second)
    assigned.push({ taskId: task.id, member, ...(tieBreak !== undefined && { tieBreak }) })
  }
  return { assigned, rate }
}

/** How many tasks all who are there may begin: once it is used up, nobody can be given anything. */
export function roomOf(view: AssignmentView): number {
  const there = view.members.filter(({ available, missingSince }) => available && missingSince === undefined)
  return there.reduce((sum, { id, capacity }) => sum + Math.max(0, capacity - view.load(id)), 0)
}

/** The sum of a score's parts. */
export function scoreOf(parts: Readonly<Record<string, number>>): number {
  let score = 0
  for (const name in parts) score += parts[name] as number
  return score
}

function bestTwo(
  view: AssignmentView,
  task: Task,
  rate: Rating,
  loads: ReadonlyMap<Id, number>,
): readonly [Rated | undefined, Rated | undefined] {
  let best: Rated | undefined
  let second: Rated | undefined
  for (const member of view.able(task)) {
    const load = loads.get(member.id) ?? 0
    if (load >= member.capacity) continue
    const rated = { member, load, score: scoreOf(rate(task, member, load)) }
    if (!best || comesFirst(rated, best)) {
      second = best
      best = rated
    } else if (!second || comesFirst(rated, second)) second = rated
  }
  return [best, second]
}

function comesFirst(a: Rated, b: Rated): boolean {
  if (a.score !== b.score) return a.score > b.score
  return a.load === b.load ? a.member.id < b.member.id : a.load < b.load
}

/** Why the first of two came first, where it was not by its score. */
function tieBreakOf(best: Rated, second: Rated): string | undefined {
  if (best.score !== second.score) return undefined
  const { id } = second.member
  return best.load === second.load ? `by id, as ${id} is as good and as loaded` : `less load than ${id}, who is as good`
}
