import { percent, table } from './markdown.js'
import type { ReportDefinition } from './report.js'

export interface WorkloadData {
  readonly rows: readonly {
    readonly member: string
    /** Open tasks that it is given. */
    readonly assigned: number
    readonly inProgress: number
    readonly completed: number
    /** Its attempts that failed, were lost, ran out of time or were abandoned. */
    readonly failed: number
    /** Of all completed tasks, those completed by it: 0–1. */
    readonly share: number
    /** Time in attempts by capacity and time since it joined: 0–1. */
    readonly utilisation: number
  }[]
}

/** Who does how much. */
export const workload: ReportDefinition<WorkloadData> = {
  name: 'workload',

  run({ tracker, statistics, now }) {
    const { board, members } = tracker.parts
    const all = board.inStage('completed').size + board.forgotten.count('completed')
    const busyNow = new Map<string, number>()
    for (const { task } of board.inStage('in_progress')) {
      const startedAt = task.attempts.at(-1)?.startedAt ?? now
      if (task.holder !== undefined)
        busyNow.set(task.holder, (busyNow.get(task.holder) ?? 0) + Math.max(0, now - startedAt))
    }
    const rows = members.list().map(({ id, capacity, joinedAt }) => {
      const { completed, failed, busyMs } = statistics.of(id)
      const possibleMs = capacity * (now - joinedAt)
      return {
        member: id,
        assigned: board.assigned.of(id),
        inProgress: board.held.of(id),
        completed,
        failed,
        share: all > 0 ? completed / all : 0,
        utilisation: possibleMs > 0 ? Math.min(1, (busyMs + (busyNow.get(id) ?? 0)) / possibleMs) : 0,
      }
    })
    return { rows }
  },

  toMarkdown({ rows }) {
    const cells = rows.map(({ member, assigned, inProgress, completed, failed, share, utilisation }) => [
      member,
      assigned,
      inProgress,
      completed,
      failed,
      percent(share),
      percent(utilisation),
    ])
    return `## Workload\n\n${table(['Member', 'Assigned', 'In progress', 'Completed', 'Failed', 'Share', 'Utilisation'], cells)}`
  },
}
