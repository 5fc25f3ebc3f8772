import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Budgets } from './budgets.js'
import type { Attempts } from './attempts.js'
import type { Findings } from './findings.js'
import type { Graph } from './graph.js'
import type { Keys } from './keys.js'
import type { Mail } from './mail.js'
import type { TaskState } from './task-states.js'

/** What remembers tasks and messages. */
interface Memory {
  readonly tasks: Map<string, TaskState>
  readonly graph: Graph
  readonly mail: Mail
  readonly keys: Keys
  readonly attempts: Attempts
  readonly budgets: Budgets
}

/** What the crew forgets. */
export class Pruning {
  readonly #findings: Findings
  readonly #isPartial: boolean
  readonly #memory: Memory

  constructor(findings: Findings, isPartial: boolean, memory: Memory) {
    this.#findings = findings
    this.#isPartial = isPartial
    this.#memory = memory
  }

  check({ at, changes }: JournalEvent): void {
    const { tasks = [], messages = [] } = changes as {
      readonly tasks?: readonly string[]
      readonly messages?: readonly string[]
    }
    const { tasks: known, graph, mail, keys, attempts, budgets } = this.#memory
    // All by what was there before any of it goes.
    for (const id of tasks) this.#expect(known.has(id), 'task', id, this.#needsTask(id, at))
    for (const id of messages) this.#expect(mail.has(id), 'message', id, this.#needsMessage(id, at))
    for (const id of messages) mail.forget(id)
    for (const id of tasks) {
      graph.forget(id)
      attempts.forget(id)
      budgets.forget(id)
      known.delete(id)
    }
    for (const id of [...tasks, ...messages]) keys.forget(id)
  }

  #expect(isKnown: boolean, what: string, id: string, why: string | undefined): void {
    this.#findings.expect(isKnown || this.#isPartial, 'existence', `there is no ${what} ${id}`, id)
    this.#findings.expect(why === undefined, 'pruning', `the ${what} is forgotten, though ${why ?? ''}`, id)
  }

  #needsTask(id: string, at: number): string | undefined {
    const { graph, mail, keys } = this.#memory
    const thread = [`task:${id}`, ...mail.threadsAbout(id)].find((threadId) => mail.isOpenThread(threadId))
    if (thread !== undefined) return `thread ${thread} is not settled`
    return keys.needs(id, at) ? 'a key stands for it' : graph.needs(id)
  }

  #needsMessage(id: string, at: number): string | undefined {
    const { graph, mail, keys } = this.#memory
    const taskId = mail.taskOf(id)
    if (taskId !== undefined && graph.isOpen(taskId)) return `task ${taskId}, which it is about, is open`
    return keys.needs(id, at) ? 'a key stands for it' : mail.needs(id, at)
  }
}
