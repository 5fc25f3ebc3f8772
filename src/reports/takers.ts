import { isFor } from '../core/tasks/eligibility.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'

/** Finds the first of some members who may do a task; tasks that want the same are looked at once. */
export function takersAmong(members: readonly MemberInfo[]): (task: Task) => MemberInfo | undefined {
  const known = new Map<string, MemberInfo | undefined>()
  return (task) => {
    const { assignees, requires } = task
    const wish = JSON.stringify(assignees.length > 0 ? assignees : requires)
    if (!known.has(wish))
      known.set(
        wish,
        members.find((member) => isFor(member, task)),
      )
    return known.get(wish)
  }
}
