import { NONE } from '../core/json.js'
import { isSatisfied } from '../core/tasks/task-graph.js'
import type { Task } from '../core/tasks/task.js'
import { type Phase, tellLife } from './figures/life.js'
import type { ReportView } from './report-view.js'

/**
 * Since when each dependency of a task holds nothing up, in the order of its edges: when it ended; Infinity while it holds
 * the task, and -Infinity where nobody knows any more.
 */
export function dependencyEnds({ tracker }: ReportView, { dependsOn }: Task): readonly number[] {
  const { board } = tracker.parts
  if (dependsOn.length === 0) return NONE
  return dependsOn.map((edge) =>
    isSatisfied(edge, board.standing(edge.id)) ? (board.get(edge.id)?.endedAt ?? -Infinity) : Infinity,
  )
}

/** The phases of a task, up to `until` where it has not ended. */
export function tellPast(
  view: ReportView,
  task: Task,
  tell: (phase: Phase, from: number, to: number) => void,
  until = view.now,
): void {
  tellLife(task, dependencyEnds(view, task), until, tell)
}
