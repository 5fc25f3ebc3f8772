import { CrewError, invalid } from '../errors.js'
import type { Id } from '../input.js'
import type { Dependency, EdgePolicy, Task } from './task.js'

/** Where a rule of the graph looks tasks up. */
export interface TaskGraph {
  get(id: Id): Task | undefined
  /** Those that depend directly on the task. */
  dependents(id: Id): readonly Task[]
  subtasks(id: Id): readonly Task[]
}

/** What an edge says now that its dependency is as it is; undefined while that is open or unknown. */
export function verdict(edge: Dependency, dependency: Pick<Task, 'status'> | undefined): EdgePolicy | undefined {
  switch (dependency?.status) {
    case 'completed':
      return 'continue'
    case 'failed':
      return edge.onFailure
    case 'cancelled':
      return edge.onCancel
    default:
      return undefined
  }
}

/** Whether the edge no longer holds its task up. */
export const isSatisfied = (edge: Dependency, dependency: Pick<Task, 'status'> | undefined): boolean =>
  verdict(edge, dependency) === 'continue'

/** 0–1, rolled up from subtasks: see TaskTracker. */
export function progressOf(graph: TaskGraph, whole: Task): number {
  // Without recursion, as subtasks can be deeper than a stack: parts come after their whole, and are valued before it.
  const tasks = [whole]
  for (const { id, isOpen } of tasks) if (isOpen) for (const part of graph.subtasks(id)) tasks.push(part)
  const values = new Map<Id, number>()
  for (const task of tasks.reverse())
    values.set(task.id, task.isOpen ? meanOf(graph.subtasks(task.id), task, values) : 1)
  return values.get(whole.id) as number
}

function meanOf(parts: readonly Task[], whole: Task, values: ReadonlyMap<Id, number>): number {
  const areWeighed = parts.every(({ estimateMs = 0 }) => estimateMs > 0)
  let weights = 0
  let sum = 0
  for (const { id, estimateMs = 1 } of parts) {
    const weight = areWeighed ? estimateMs : 1
    weights += weight
    sum += weight * (values.get(id) as number)
  }
  return weights === 0 ? whole.progress.value : sum / weights
}

/**
 * Throws `dependency_cycle`, with the path, if `id` waits for itself. A task waits for what it depends on, and a parent
 * for its subtasks: the two kinds of edges are one graph.
 */
export function refuseCycle(graph: TaskGraph, id: Id): void {
  const path = cycleThrough(graph, id)
  if (path) throw cycle(path)
}

function cycleThrough(graph: TaskGraph, id: Id): readonly Id[] | undefined {
  // Both ways in turns, as what is below it or what is above it is mostly small.
  const walks = [walk(id, (at) => awaitedBy(graph, at)), walk(id, (at) => awaiting(graph, at))] as const
  for (let turn = 0; ; turn = 1 - turn) {
    const { done, value: path } = (turn === 0 ? walks[0] : walks[1]).next()
    if (done !== true) continue
    return turn === 0 ? path : path?.reverse()
  }
}

/** The same for several tasks, in one walk. */
export function refuseCycles(graph: TaskGraph, ids: readonly Id[]): void {
  const suspect = ids.length === 1 ? ids[0] : onCycle(graph, ids)
  if (suspect === undefined) return
  const path = new Set(cycleThrough(graph, suspect))
  const one = ids.find((id) => path.has(id))
  // A cycle without them is one of an old journal, and hides nothing of theirs.
  for (const id of one === undefined ? ids : [one]) refuseCycle(graph, id)
}

/** What a task waits for: its dependencies and its subtasks. */
const awaitedBy = (graph: TaskGraph, id: Id): readonly Id[] =>
  [...(graph.get(id)?.dependsOn ?? []), ...graph.subtasks(id)].map((other) => other.id)

/** What waits for a task: its dependents and its parent. */
function awaiting(graph: TaskGraph, id: Id): readonly Id[] {
  const dependents = graph.dependents(id).map((other) => other.id)
  const parentId = graph.get(id)?.parentId
  return parentId === undefined ? dependents : [...dependents, parentId]
}

/** From `start` to wherever that leads, a task a step; answers the path on which it comes back, if it does. */
function* walk(start: Id, nextOf: (id: Id) => readonly Id[]): Generator<undefined, Id[] | undefined> {
  /** Where each was reached from. */
  const cameFrom = new Map<Id, Id>()
  const next: Id[] = [start]
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    for (const other of nextOf(at)) {
      if (other === start) return pathTo(cameFrom, at, start)
      if (cameFrom.has(other)) continue
      cameFrom.set(other, at)
      next.push(other)
    }
    yield
  }
  return undefined
}

/** One that waits for itself, among these and what they wait for. */
function onCycle(graph: TaskGraph, ids: readonly Id[]): Id | undefined {
  const entered = new Set<Id>()
  const left = new Set<Id>()
  const next = ids.toReversed()
  for (let at = next.at(-1); at !== undefined; at = next.at(-1)) {
    if (entered.has(at)) {
      // All below it has been walked.
      left.add(at)
      next.pop()
      continue
    }
    entered.add(at)
    for (const other of awaitedBy(graph, at)) {
      if (!entered.has(other)) next.push(other)
      else if (!left.has(other)) return other
    }
  }
  return undefined
}

function pathTo(cameFrom: ReadonlyMap<Id, Id>, last: Id, start: Id): Id[] {
  const path: Id[] = [start]
  for (let at: Id | undefined = last; at !== undefined && at !== start; at = cameFrom.get(at)) path.push(at)
  return [...path, start].reverse()
}

const cycle = (path: readonly Id[]): CrewError =>
  new CrewError('dependency_cycle', `Would wait for itself: ${path.join(' → ')}; leave one of these edges out`, {
    path,
  })

/** A task that falls because another has ended. */
export interface Fall {
  readonly task: Task
  readonly to: 'fail' | 'cancel'
  readonly because: Task
}

/**
 * What falls, at once, with a task that has failed or was cancelled: its open subtasks, and the dependents whose edge
 * says so. In id order, so that every replica decides alike.
 */
export function directFalls(graph: TaskGraph, ended: Task): readonly Fall[] {
  if (ended.status !== 'failed' && ended.status !== 'cancelled') return []
  const subtasks = graph
    .subtasks(ended.id)
    .filter((task) => task.isOpen)
    .map((task): Fall => ({ task, to: 'cancel', because: ended }))
  const dependents = graph.dependents(ended.id).flatMap((task): Fall[] => {
    const edge = task.dependsOn.find(({ id }) => id === ended.id)
    const to = task.status === 'pending' && edge ? verdict(edge, ended) : undefined
    return to === 'fail' || to === 'cancel' ? [{ task, to, because: ended }] : []
  })
  return [...subtasks, ...dependents].sort((a, b) => (a.task.id < b.task.id ? -1 : 1))
}

/** What fell because of `root`, directly or through others, and would be reopened with it. */
export function fallenWith(graph: TaskGraph, root: Task): readonly Task[] {
  const fallen: Task[] = []
  const seen = new Set<Id>([root.id])
  const next = [root]
  for (let at = next.shift(); at; at = next.shift()) {
    for (const task of [...graph.subtasks(at.id), ...graph.dependents(at.id)]) {
      if (seen.has(task.id) || task.failure?.rootId !== root.id) continue
      seen.add(task.id)
      fallen.push(task)
      next.push(task)
    }
  }
  return fallen
}

/** Throws `invalid_transition` while a task has subtasks that are open or failed, but for those that are waived. */
export function refuseUnsettled(graph: TaskGraph, { id }: Task, waive: readonly Id[]): void {
  const subtasks = graph.subtasks(id)
  for (const name of waive)
    if (!subtasks.some((subtask) => subtask.id === name))
      throw invalid(`Task ${name} is no subtask of ${id}`, { id: name })
  const unsettled = subtasks
    .filter((subtask) => (subtask.isOpen || subtask.status === 'failed') && !waive.includes(subtask.id))
    .map((subtask) => subtask.id)
  if (unsettled.length > 0)
    throw new CrewError(
      'invalid_transition',
      `Task ${id} has subtasks that are not done: ${unsettled.slice(0, 5).join(', ')}; end them, or name them in waive`,
      { id, unsettled },
    )
}
