import type { Findings } from './findings.js'
import { type EdgeState, isOpen, type TaskState, type TaskStep } from './task-states.js'

/** A writer's clock may have gone on within the turn that a commit was decided in. */
const TURN_MS = 1000

/** What tasks wait for: their dependencies and their subtasks. */
export class Graph {
  readonly #findings: Findings
  readonly #tasks: ReadonlyMap<string, TaskState>
  readonly #dependents = new Map<string, Set<string>>()
  readonly #parts = new Map<string, Set<string>>()
  /** Of the commit that is checked. */
  readonly #ended = new Set<string>()
  readonly #exposed = new Set<string>()
  readonly #linked = new Set<string>()
  #isCascading = false

  constructor(findings: Findings, tasks: ReadonlyMap<string, TaskState>) {
    this.#findings = findings
    this.#tasks = tasks
  }

  check({ event, type, before, after }: TaskStep): void {
    const { id } = after
    this.#link(before, after)
    if (before?.dependsOn !== after.dependsOn || before.parentId !== after.parentId) this.#linked.add(id)
    if (['created', 'dependencyAdded', 'retried', 'released', 'resumed'].includes(type)) this.#exposed.add(id)
    if (before?.status !== after.status && !isOpen(after)) this.#ended.add(id)
    if (type === 'started') this.#checkReady(after, event.at)
  }

  /** The rest of a cascade comes in later commits. */
  cascading(): void {
    this.#isCascading = true
  }

  /** What must hold at the end of a commit. */
  endCommit(): void {
    for (const id of this.#linked) this.#checkCycle(id)
    if (!this.#isCascading) {
      for (const id of this.#ended) this.#checkFalls(id)
      for (const id of this.#exposed) this.#checkEdges(id)
    }
    this.#isCascading = false
    for (const set of [this.#ended, this.#exposed, this.#linked]) set.clear()
  }

  /** Who is open and refers to a task. */
  needs(id: string): string | undefined {
    const task = this.#tasks.get(id)
    if (task && isOpen(task)) return id
    return [...(this.#dependents.get(id) ?? []), ...(this.#parts.get(id) ?? [])].find((other) => this.#isOpen(other))
  }

  #link(before: TaskState | undefined, after: TaskState): void {
    const { id, parentId, dependsOn } = after
    if (before?.dependsOn !== dependsOn) {
      for (const edge of before?.dependsOn ?? []) this.#dependents.get(edge.id)?.delete(id)
      for (const edge of dependsOn) add(this.#dependents, edge.id, id)
    }
    if (before?.parentId === parentId) return
    if (before?.parentId !== undefined) this.#parts.get(before.parentId)?.delete(id)
    if (parentId !== undefined) add(this.#parts, parentId, id)
  }

  #checkReady({ dependsOn, parentId, notBefore = 0 }: TaskState, at: number): void {
    for (const edge of dependsOn) {
      const dependency = this.#tasks.get(edge.id)
      if (dependency && verdict(edge, dependency) !== 'continue')
        this.#findings.add('readiness', `started while its dependency ${edge.id} is ${dependency.status}`)
    }
    const seen = new Set<string>()
    for (let above = parentId; above !== undefined && !seen.has(above); above = this.#tasks.get(above)?.parentId) {
      seen.add(above)
      const parent = this.#tasks.get(above)
      if (parent && !isOpen(parent))
        this.#findings.add('readiness', `started while ${above}, which it is part of, is ${parent.status}`)
    }
    this.#findings.expect(notBefore <= at + TURN_MS, 'readiness', `started at ${at}, before ${notBefore}`)
  }

  #checkFalls(id: string): void {
    const ended = this.#tasks.get(id)
    if (!ended || isOpen(ended)) return
    for (const part of this.#parts.get(id) ?? [])
      this.#findings.expect(
        !this.#isOpen(part),
        'cascades',
        `is open, though ${id}, which it is part of, is ${ended.status}`,
        part,
      )
    for (const dependent of this.#dependents.get(id) ?? []) this.#checkEdges(dependent)
  }

  #checkEdges(id: string): void {
    const task = this.#tasks.get(id)
    if (task?.status !== 'pending') return
    for (const edge of task.dependsOn) {
      const dependency = this.#tasks.get(edge.id)
      const to = dependency && verdict(edge, dependency)
      this.#findings.expect(
        to !== 'fail' && to !== 'cancel',
        'cascades',
        `is pending, though its dependency ${edge.id} is ${dependency?.status ?? ''} and its edge says ${to ?? ''}`,
        id,
      )
    }
  }

  /** Comes back to where it began? */
  #checkCycle(start: string): void {
    const seen = new Set<string>()
    const next = [...this.#awaited(start)]
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      if (at === start) {
        this.#findings.add('cycles', `waits for itself`, start)
        return
      }
      if (seen.has(at)) continue
      seen.add(at)
      next.push(...this.#awaited(at))
    }
  }

  #awaited(id: string): readonly string[] {
    return [...(this.#tasks.get(id)?.dependsOn ?? []).map((edge) => edge.id), ...(this.#parts.get(id) ?? [])]
  }

  #isOpen(id: string): boolean {
    const task = this.#tasks.get(id)
    return task !== undefined && isOpen(task)
  }
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  if (set) set.add(value)
  else sets.set(key, new Set([value]))
}

/** What an edge says of a task whose dependency is so. */
function verdict({ onFailure, onCancel }: EdgeState, { status }: TaskState): string | undefined {
  if (status === 'completed') return 'continue'
  if (status === 'failed') return onFailure
  return status === 'cancelled' ? onCancel : undefined
}
