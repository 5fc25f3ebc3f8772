import type { Board } from '../../examples/demo/board.js'
import type { Work } from './work.js'

/** A recorded workflow, for so many members who are all alike. */
export function workOf({ name, tasks }: Board, count: number): Work {
  const members = Array.from({ length: count }, (_, index) => `member ${index + 1}`)
  return {
    name,
    members,
    unitMs: 1,
    tasks: tasks.map(({ id, dependsOn = [], estimateMs = 0 }) => ({
      id,
      dependsOn: dependsOn.map((edge) => (typeof edge === 'string' ? edge : edge.id)),
      durations: new Map(members.map((member) => [member, estimateMs])),
    })),
  }
}
