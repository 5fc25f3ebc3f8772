import type { Id } from '../core/input.js'
import { MultiMap } from '../core/multi-map.js'
import type { AssignmentView } from '../core/tasks/assignment.js'
import { isSatisfied } from '../core/tasks/task-graph.js'
import type { Task } from '../core/tasks/task.js'

/** What each open task waits for. */
export class AwaitedTasks {
  readonly #view: AssignmentView
  readonly #subtasks = new MultiMap<Id, Task>()

  constructor(view: AssignmentView) {
    this.#view = view
    for (const task of view.open) if (task.parentId !== undefined) this.#subtasks.add(task.parentId, task)
  }

  /**
   * The open tasks that must end before it starts: its dependencies, and their subtasks, without which they cannot end.
   * Undefined: it cannot start at all, as a dependency has failed and blocks it.
   */
  of({ dependsOn }: Task): readonly Task[] | undefined {
    const found = new Set<Task>()
    for (const edge of dependsOn) {
      const task = this.#view.task(edge.id)
      if (task?.isOpen) found.add(task)
      else if (task && !isSatisfied(edge, task)) return undefined
    }
    // What is added meanwhile is looked at, too.
    for (const { id } of found) for (const subtask of this.#subtasks.of(id)) found.add(subtask)
    return [...found]
  }
}
