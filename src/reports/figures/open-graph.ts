import type { Id } from '../../core/input.js'
import { NONE } from '../../core/json.js'
import type { Task } from '../../core/tasks/task.js'

/** One task of a graph, by its place there. */
export type Place = number

/**
 * Open tasks and what they wait for, by place: first the tasks, in the order given, then what holds some of them up
 * though it is not open itself: what failed or was cancelled under a `block` edge, or is unknown.
 */
export interface OpenGraph {
  readonly tasks: readonly Task[]
  /** Of places beyond the tasks. */
  readonly obstacles: readonly Id[]
  /** Those that a place waits for, as edges are listed. */
  readonly dependencies: readonly (readonly Place[])[]
  readonly dependents: readonly (readonly Place[])[]
  /** Open subtasks, and the other way. */
  readonly parts: readonly (readonly Place[])[]
  readonly wholes: readonly (Place | undefined)[]
  /** All places; none before one that it waits for, be it a dependency or a part. */
  readonly order: readonly Place[]
}

/** What holds a task up: the ids of its edges that are not satisfied. */
export type OpenEdges = (task: Task) => readonly Id[]

export function openGraph(tasks: readonly Task[], openEdges: OpenEdges): OpenGraph {
  const places = new Map<Id, Place>()
  for (const [place, { id }] of tasks.entries()) places.set(id, place)
  const wholes = tasks.map(({ parentId }) => (parentId === undefined ? undefined : places.get(parentId)))
  const obstacles: Id[] = []
  const placeOf = (id: Id): Place => {
    let place = places.get(id)
    if (place === undefined) {
      place = tasks.length + obstacles.push(id) - 1
      places.set(id, place)
    }
    return place
  }
  const waitsFor = tasks.map((task) => (task.dependsOn.length > 0 ? openEdges(task).map(placeOf) : NONE))
  // What obstacles wait for does not matter any more.
  const none = obstacles.map(() => NONE)
  const dependencies = [...waitsFor, ...none]
  const partOf = [...wholes.map((whole) => (whole === undefined ? NONE : [whole])), ...none]
  const edges = {
    dependencies,
    dependents: reversed(dependencies),
    parts: reversed(partOf),
    wholes: [...wholes, ...obstacles.map(() => undefined)],
  }
  return { tasks, obstacles, ...edges, order: orderOf(edges) }
}

/** Who points at each. */
function reversed(edges: readonly (readonly Place[])[]): readonly (readonly Place[])[] {
  const back = edges.map((): Place[] | undefined => undefined)
  for (const [from, ends] of edges.entries())
    for (const end of ends) {
      const list = back[end]
      if (list) list.push(from)
      else back[end] = [from]
    }
  return back.map((list) => list ?? NONE)
}

/** By Kahn (1962): whoever waits for nothing that is left comes next. */
function orderOf({
  dependencies,
  dependents,
  parts,
  wholes,
}: Pick<OpenGraph, 'dependencies' | 'dependents' | 'parts' | 'wholes'>): readonly Place[] {
  const left = dependencies.map((list, place) => list.length + (parts[place] as readonly Place[]).length)
  const order: Place[] = []
  const leave = (place: Place): void => {
    if (--(left[place] as number) === 0) order.push(place)
  }
  for (const [place, count] of left.entries()) if (count === 0) order.push(place)
  // The list grows while it is walked.
  for (const place of order) {
    for (const dependent of dependents[place] as readonly Place[]) leave(dependent)
    const whole = wholes[place]
    if (whole !== undefined) leave(whole)
  }
  // A circle, as only an old journal can hold one, has no order: it comes last.
  if (order.length < left.length) for (const [place, count] of left.entries()) if (count > 0) order.push(place)
  return order
}

/** Which places can end at all: what `can`, and waits for nothing that cannot. */
export function endable(
  { order, tasks, dependencies, parts }: OpenGraph,
  can: (place: Place) => boolean,
): readonly boolean[] {
  const ends = order.map(() => false)
  const isEndable = (place: Place): boolean => ends[place] === true
  for (const place of order)
    ends[place] =
      place < tasks.length &&
      can(place) &&
      (dependencies[place] as readonly Place[]).every(isEndable) &&
      (parts[place] as readonly Place[]).every(isEndable)
  return ends
}
