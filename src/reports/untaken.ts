import { hindrance, isFor } from '../core/tasks/eligibility.js'
import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'
import type { ReportView } from './report-view.js'

/** Tasks of one kind that nobody takes. */
export interface Untaken {
  /** In the order of creation. */
  readonly tasks: readonly Task[]
  readonly since: number
  /** Who could, and has nothing to do. */
  readonly member: Id
}

/** Whoever is at work takes what is ready sooner. */
const SOON_MS = 5 * 60_000

/**
 * What has been ready for minutes while somebody who could do it had nothing to do and none of its kind was begun: there
 * is no handler for it, perhaps as its kind is misspelt. People take their time.
 */
export function untaken({ tracker, now }: ReportView, ready: readonly Task[]): readonly Untaken[] {
  const { board, members } = tracker.parts
  const before = now - SOON_MS
  const idle = members
    .list()
    .filter((one) => one.kind !== 'human' && one.joinedAt <= before && hindrance(board, one) === undefined)
  const since = (task: Task): number => {
    const { createdAt, assignedAt = 0, notBefore = 0, offeredTo, attempts, answers } = task
    const ends = task.dependsOn.map(({ id }) => board.get(id)?.endedAt ?? 0)
    const last = [attempts.at(-1)?.endedAt ?? 0, answers.at(-1)?.at ?? 0, offeredTo?.until ?? 0]
    return Math.max(createdAt, assignedAt, notBefore, ...last, ...ends)
  }
  const byKind = new Map<string | undefined, Task[]>()
  for (const task of ready) {
    if (since(task) > before || !idle.some((member) => isFor(member, task))) continue
    const others = byKind.get(task.kind)
    if (others) others.push(task)
    else byKind.set(task.kind, [task])
  }
  if (byKind.size === 0) return []
  const busy = new Set<Id>()
  for (const { task } of board.all) {
    const last = task.attempts.at(-1)
    if (!last) continue
    if (last.startedAt > before) byKind.delete(task.kind)
    if ((last.endedAt ?? now) > before) busy.add(last.member)
  }
  return [...byKind.values()].flatMap((tasks) => {
    const canDo = (member: MemberInfo): boolean => !busy.has(member.id) && tasks.some((task) => isFor(member, task))
    const member = idle.find(canDo)?.id
    return member === undefined ? [] : { tasks, since: Math.min(...tasks.map(since)), member }
  })
}
