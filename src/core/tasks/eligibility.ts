import { fits } from './claim-queues.js'
import { CrewError } from '../errors.js'
import { type MemberInfo, unavailability } from '../members.js'
import type { TaskBoard } from './task-board.js'
import type { Task } from './task.js'

/** Why a member can take no task at all now. */
export function hindrance(board: TaskBoard, member: MemberInfo): string | undefined {
  const { id, capacity } = member
  const away = unavailability(member)
  if (away !== undefined) return away
  const busy = board.index.held.of(id)
  return busy < capacity ? undefined : `${id} works on ${busy} of ${capacity} tasks; it must end one first`
}

/** Whoever was given a task may do it; of the others, when it is given to nobody, those with the skills. */
export const isFor = (member: MemberInfo, { assignees, requires }: Task): boolean =>
  assignees.length > 0 ? assignees.includes(member.id) : fits(member.skills, requires)

/** What keeps a member from starting a pending task, be it offered to it or not: `already_claimed` or `not_eligible`. */
export function refusal(board: TaskBoard, task: Task, member: MemberInfo, isOffered = false): CrewError | undefined {
  const { id, holder } = task
  if (holder !== undefined)
    return new CrewError('already_claimed', `Task ${id} is held by ${holder}; claim another`, { id, holder })
  const why = hindrance(board, member) ?? obstacle(board, task, member, isOffered)
  return why === undefined ? undefined : notEligible(task, member, why)
}

/** Why a member cannot be given a task; undefined when it can. */
export function unfit(member: MemberInfo, { requires }: Task): string | undefined {
  const away = unavailability(member)
  if (away !== undefined) return away
  return fits(member.skills, requires)
    ? undefined
    : `it requires ${Object.entries(requires)
        .map((pair) => pair.join(' '))
        .join(', ')}`
}

export const notEligible = (task: Task, member: MemberInfo, why: string): CrewError =>
  new CrewError('not_eligible', `${member.id} cannot take task ${task.id}: ${why}`, { id: task.id, member: member.id })

function obstacle(board: TaskBoard, task: Task, member: MemberInfo, isOffered: boolean): string | undefined {
  const { dependsOn, notBefore = 0, keptFor, assignees } = task
  const now = board.now()
  const open = dependsOn.filter((edge) => board.isOpenEdge(edge))
  if (board.card(task.id)?.cascades) return 'it falls with another, which has ended'
  if (open.length > 0) return `it waits for ${open.map(({ id }) => id).join(', ')}`
  if (notBefore > now) return `it is scheduled for ${new Date(notBefore).toISOString()}`
  if (keptFor && keptFor.until > now && !keptFor.members.includes(member.id))
    return `it is kept for ${keptFor.members.join(', ')}`
  if (isOffered) return unfit(member, task)
  return isFor(member, task) ? undefined : (unfit(member, task) ?? `it is assigned to ${assignees.join(', ')}`)
}
