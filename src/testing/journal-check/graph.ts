import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import { type EdgeState, isOpen, type TaskState, type TaskStep } from './task-states.js'
import { WaitingOrder } from './waiting-order.js'

/** A writer's clock may have gone on within the turn that a commit was decided in. */
const TURN_MS = 1000

type Linked = Pick<TaskState, 'id' | 'dependsOn' | 'parentId' | 'supersedes'>

/** What tasks wait for: their dependencies and their subtasks. */
export class Graph {
  readonly #findings: Findings
  readonly #tasks: ReadonlyMap<string, TaskState>
  readonly #isPartial: boolean
  readonly #dependents = new Map<string, Set<string>>()
  readonly #parts = new Map<string, Set<string>>()
  readonly #successors = new Map<string, Set<string>>()
  readonly #order = new WaitingOrder(
    (id) => this.#awaited(id),
    (id) => this.#awaiting(id),
  )
  /** Cascades under way, by the task that each began with: what others have yet to fall with. */
  readonly #open = new Map<string, Set<string>>()
  /** Of the commit that is checked: what has ended, or is no longer open in a cascade; what edges have a say in anew. */
  readonly #ended = new Set<string>()
  readonly #exposed = new Set<string>()

  constructor(findings: Findings, tasks: ReadonlyMap<string, TaskState>, isPartial: boolean) {
    this.#findings = findings
    this.#tasks = tasks
    this.#isPartial = isPartial
  }

  check({ event, type, before, after }: TaskStep): void {
    const { id } = after
    this.#link(before, after)
    if (before?.dependsOn !== after.dependsOn || before.parentId !== after.parentId)
      this.#findings.expect(this.#order.add(id), 'cycles', 'waits for itself')
    if (['created', 'dependencyAdded', 'retried', 'released', 'resumed'].includes(type)) this.#exposed.add(id)
    if (before?.status !== after.status && !isOpen(after)) this.#ended.add(id)
    if (type === 'started') this.#checkReady(after, event.at)
  }

  /** The rest of a cascade comes in later commits, or has come. */
  cascading({ id, changes }: JournalEvent): void {
    const { added = [], removed = [] } = (changes['open'] ?? {}) as {
      readonly added?: readonly string[]
      readonly removed?: readonly string[]
    }
    const open = this.#open.get(id) ?? new Set()
    for (const cause of added) {
      const { status = 'failed' } = this.#tasks.get(cause) ?? {}
      this.#findings.expect(
        status === 'failed' || status === 'cancelled',
        'cascades',
        `others are to fall with ${cause}, which is ${status}`,
      )
      open.add(cause)
    }
    for (const cause of removed) {
      this.#findings.expect(
        open.delete(cause) || this.#isPartial,
        'cascades',
        `nothing was left to fall with ${cause}, which is said to be over`,
      )
      this.#ended.add(cause)
    }
    if (open.size > 0) this.#open.set(id, open)
    else this.#open.delete(id)
  }

  /** What must hold at the end of a commit. */
  endCommit(): void {
    const open = new Set([...this.#open.values()].flatMap((causes) => [...causes]))
    for (const id of this.#ended) if (!open.has(id)) this.#checkFalls(id, open)
    for (const id of this.#exposed) this.#checkEdges(id, open)
    this.#ended.clear()
    this.#exposed.clear()
  }

  isOpen(id: string): boolean {
    const task = this.#tasks.get(id)
    return task !== undefined && isOpen(task)
  }

  /** What a task is still needed for; undefined when it can be forgotten. */
  needs(id: string): string | undefined {
    const { parentId } = this.#tasks.get(id) ?? {}
    if (this.isOpen(id)) return 'it is open'
    const others = [this.#dependents, this.#parts, this.#successors].flatMap((sets) => [...(sets.get(id) ?? [])])
    const user = [...others, ...(parentId === undefined ? [] : [parentId])].find((other) => this.isOpen(other))
    if (user !== undefined) return `${user} is open and refers to it`
    return [...this.#open.values()].some((causes) => causes.has(id)) ? 'others have yet to fall with it' : undefined
  }

  forget(id: string): void {
    const task = this.#tasks.get(id)
    if (task) this.#link(task, { id, dependsOn: [] })
    this.#order.delete(id)
  }

  #link(before: Linked | undefined, after: Linked): void {
    const { id, parentId, supersedes, dependsOn } = after
    if (before?.dependsOn !== dependsOn) {
      for (const edge of before?.dependsOn ?? []) this.#dependents.get(edge.id)?.delete(id)
      for (const edge of dependsOn) add(this.#dependents, edge.id, id)
    }
    move(this.#parts, id, before?.parentId, parentId)
    move(this.#successors, id, before?.supersedes, supersedes)
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

  #checkFalls(id: string, open: ReadonlySet<string>): void {
    const ended = this.#tasks.get(id)
    if (!ended || isOpen(ended)) return
    for (const part of this.#parts.get(id) ?? [])
      this.#findings.expect(
        !this.isOpen(part),
        'cascades',
        `is open, though ${id}, which it is part of, is ${ended.status}`,
        part,
      )
    for (const dependent of this.#dependents.get(id) ?? []) this.#checkEdges(dependent, open)
  }

  /** But for what has yet to fall. */
  #checkEdges(id: string, open: ReadonlySet<string>): void {
    const task = this.#tasks.get(id)
    if (task?.status !== 'pending') return
    for (const edge of task.dependsOn) {
      const dependency = open.has(edge.id) ? undefined : this.#tasks.get(edge.id)
      const to = dependency && verdict(edge, dependency)
      this.#findings.expect(
        to !== 'fail' && to !== 'cancel',
        'cascades',
        `is pending, though its dependency ${edge.id} is ${dependency?.status ?? ''} and its edge says ${to ?? ''}`,
        id,
      )
    }
  }

  #awaited(id: string): readonly string[] {
    return [...(this.#tasks.get(id)?.dependsOn ?? []).map((edge) => edge.id), ...(this.#parts.get(id) ?? [])]
  }

  #awaiting(id: string): readonly string[] {
    const { parentId } = this.#tasks.get(id) ?? {}
    return [...(this.#dependents.get(id) ?? []), ...(parentId === undefined ? [] : [parentId])]
  }
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  if (set) set.add(value)
  else sets.set(key, new Set([value]))
}

function move(sets: Map<string, Set<string>>, id: string, from: string | undefined, to: string | undefined): void {
  if (from === to) return
  if (from !== undefined) sets.get(from)?.delete(id)
  if (to !== undefined) add(sets, to, id)
}

/** What an edge says of a task whose dependency is so. */
function verdict({ onFailure, onCancel }: EdgeState, { status }: TaskState): string | undefined {
  if (status === 'completed') return 'continue'
  if (status === 'failed') return onFailure
  return status === 'cancelled' ? onCancel : undefined
}
