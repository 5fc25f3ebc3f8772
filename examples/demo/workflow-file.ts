import type { Id } from 'crewlog'
import type { Board } from './board.js'
import { compareIds } from './board-file.js'
import { dependencyOrder } from './dependency-order.js'
import { InputError } from './input-error.js'
import { isFields, listOf, textOf, type Fields } from './json-value.js'

export const isWorkflow = (value: unknown): value is Fields => isFields(value) && isFields(value['workflow'])

/** Reads a recorded workflow (WfFormat 1.5). The longest path to the end is a task's priority, ties go by id. */
export function readWorkflow(name: string, { schemaVersion, workflow }: Fields): Board {
  if (schemaVersion !== '1.5') throw new InputError(`is WfFormat ${String(schemaVersion)}; only 1.5 can be read`)
  const { specification, execution } = workflow as Fields
  const tasks = recordsOf(specification)
  const runTimes = new Map(recordsOf(execution).map((task) => [idOf(task), task['runtimeInSeconds']]))
  const parents = new Map<Id, Set<Id>>()
  for (const task of tasks) {
    const id = idOf(task)
    if (parents.has(id)) throw new InputError(`the task ${id} is there twice`)
    parents.set(id, new Set())
  }
  const connect = (parent: unknown, child: unknown): void => {
    if (!parents.has(parent as Id)) throw new InputError(`there is no task ${String(parent)} for ${String(child)}`)
    const of = parents.get(child as Id)
    if (!of) throw new InputError(`there is no task ${String(child)} for ${String(parent)}`)
    of.add(parent as Id)
  }
  for (const task of tasks) {
    for (const parent of listOf(task['parents'])) connect(parent, idOf(task))
    for (const child of listOf(task['children'])) connect(idOf(task), child)
  }

  const lastsMs = new Map([...parents.keys()].map((id) => [id, milliseconds(id, runTimes.get(id))]))
  const toEndMs = longestPaths(new Map([...parents].map(([id, of]) => [id, [...of]])), lastsMs)
  return {
    name,
    tasks: [...parents.keys()].sort(compareIds).map((id) => ({
      id,
      description: id,
      priority: toEndMs.get(id) ?? 0,
      estimateMs: lastsMs.get(id) ?? 0,
      dependsOn: [...(parents.get(id) ?? [])],
    })),
    closed: [],
    edges: [...parents.values()].reduce((sum, of) => sum + of.size, 0),
    isSimulated: true,
  }
}

function recordsOf(part: unknown): readonly Fields[] {
  const tasks = isFields(part) ? part['tasks'] : undefined
  if (!Array.isArray(tasks) || !tasks.every(isFields))
    throw new InputError('has no workflow.specification.tasks and workflow.execution.tasks')
  return tasks
}

function idOf({ id }: Fields): Id {
  const given = textOf(id)
  if (given === undefined) throw new InputError('has a task without an id')
  return given
}

function milliseconds(id: Id, seconds: unknown): number {
  if (typeof seconds !== 'number' || seconds < 0) throw new InputError(`the task ${id} has no runtimeInSeconds`)
  return Math.round(seconds * 1000)
}

/** From the start of each task to the end of everything, at best. */
function longestPaths(
  parents: ReadonlyMap<Id, readonly Id[]>,
  lastsMs: ReadonlyMap<Id, number>,
): ReadonlyMap<Id, number> {
  const behindMs = new Map<Id, number>()
  const paths = new Map<Id, number>()
  for (const id of [...dependencyOrder(parents)].reverse()) {
    const path = (lastsMs.get(id) ?? 0) + (behindMs.get(id) ?? 0)
    paths.set(id, path)
    for (const parent of parents.get(id) ?? []) behindMs.set(parent, Math.max(behindMs.get(parent) ?? 0, path))
  }
  return paths
}
