import { number, read } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'

/** How long a member needs for a task, in milliseconds; `undefined` for who cannot do it. */
export type Duration = (task: Task, member: MemberInfo) => number | undefined

const LONGEST_MS = 8.64e15
const milliseconds = number(0, LONGEST_MS)

/** In whole milliseconds. Throws `invalid_input` for what is no time. */
export function durationIn(durationOf: Duration, task: Task, member: MemberInfo): number | undefined {
  const answer = durationOf(task, member)
  if (answer === undefined) return undefined
  return Math.round(read(milliseconds, answer, `duration(${task.id}, ${member.id})`))
}
