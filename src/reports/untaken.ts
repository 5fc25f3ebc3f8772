import type { Id } from '../core/input.js'
import { hindrance } from '../core/tasks/eligibility.js'
import type { Task } from '../core/tasks/task.js'
import type { ReportView } from './report-view.js'
import { takersAmong } from './takers.js'

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
export function untaken(view: ReportView, ready: readonly Task[]): readonly Untaken[] {
  const { board } = view.tracker.parts
  const before = view.now - SOON_MS
  const takerOf = takersAmong(
    view.members.filter(
      (one) =>
        one.kind !== 'human' &&
        one.joinedAt <= before &&
        hindrance(board, one) === undefined &&
        !view.statistics.isBusySince(one.id, before),
    ),
  )
  const byKind = new Map<string | undefined, { tasks: Task[]; since: number; member: Id }>()
  for (const task of ready) {
    const member = takerOf(task)?.id
    if (member === undefined || view.statistics.begunAt(task.kind) > before) continue
    const since = readySince(view, task)
    if (since > before) continue
    const found = byKind.get(task.kind)
    found?.tasks.push(task)
    if (found) found.since = Math.min(found.since, since)
    else byKind.set(task.kind, { tasks: [task], since, member })
  }
  return [...byKind.values()]
}

function readySince({ tracker }: ReportView, task: Task): number {
  const { createdAt, assignedAt = 0, notBefore = 0, keptFor, attempts, answers } = task
  const ends = task.dependsOn.map(({ id }) => tracker.parts.board.get(id)?.endedAt ?? 0)
  const last = [attempts.at(-1)?.endedAt ?? 0, answers.at(-1)?.at ?? 0, keptFor?.until ?? 0]
  return Math.max(createdAt, assignedAt, notBefore, ...last, ...ends)
}
