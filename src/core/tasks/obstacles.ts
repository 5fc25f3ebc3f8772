import type { Access } from '../access.js'
import { CrewError } from '../errors.js'
import { type MemberInfo, unavailability } from '../members.js'
import { fits } from './claim-queues.js'
import type { Task } from './task.js'

/** What keeps a member from being given a task; the later ones are the harder to change. */
export const OBSTACLES = ['full', 'away', 'missing', 'forbidden', 'skill'] as const

export interface Obstacle {
  readonly kind: (typeof OBSTACLES)[number]
  readonly text: string
}

/** Whether a strategy may give something to a member at all. */
export const isThere = (member: MemberInfo): boolean =>
  member.missingSince === undefined && unavailability(member) === undefined

/** Whether a strategy may give the task to the member, whatever loads it. */
export const canBeGiven = (member: MemberInfo, task: Task, access: Access | undefined): boolean =>
  isThere(member) && fits(member.skills, task.requires) && (!access || forbidden(member, task, access) === undefined)

/** All that keeps the member from being given the task, its load included. */
export function obstacles(
  member: MemberInfo,
  task: Task,
  load: number,
  access: Access | undefined,
): readonly Obstacle[] {
  const { id, skills, capacity, missingSince } = member
  const found: Obstacle[] = []
  const find = (kind: Obstacle['kind'], text: string | undefined): void => {
    if (text !== undefined) found.push({ kind, text })
  }
  for (const [skill, least] of Object.entries(task.requires)) {
    const level = Object.hasOwn(skills, skill) ? (skills[skill] as number) : undefined
    if (level === undefined) find('skill', `${id} has no ${skill}`)
    else if (level < least) find('skill', `${id} has ${skill} ${level}, of ${least} required`)
  }
  find('forbidden', access && forbidden(member, task, access))
  if (missingSince !== undefined)
    find('missing', `${id} has not been seen since ${new Date(missingSince).toISOString()}`)
  find('away', unavailability(member))
  if (load >= capacity) find('full', `${id} has ${load} of at most ${capacity} tasks`)
  return found
}

/** What nobody can see or claim is not given to them. */
function forbidden({ id }: MemberInfo, task: Task, access: Access): string | undefined {
  if (!access.sees(id, task)) return `${id} cannot see it`
  try {
    access.permit(id, 'claim', { taskId: task.id })
    return undefined
  } catch (error) {
    if (CrewError.is(error)) return error.message
    throw error
  }
}
