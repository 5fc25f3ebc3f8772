import { openCrew } from 'crewlog'
import { optimal } from 'crewlog/assignment'
import type { Instance } from './instance.js'

export interface Assigned {
  /** Of all that was given. */
  readonly total: number
  /** What is proved: no plan that gives as many tasks has a total below it, or above it where there is to be much. */
  readonly bound: number | undefined
  /** What is wrong with who does what, in words. */
  readonly faults: readonly string[]
  readonly ms: number
}

/** Lets a crew assign all by `optimal`, and checks by the instance alone who has what on its board. */
export async function assign(instance: Instance): Promise<Assigned> {
  const { goal, amounts, room } = instance
  const members = amounts.map((_, row) => `member ${row + 1}`)
  const tasks = Array.from({ length: amounts[0]?.length ?? 0 }, (_, column) => `task ${column + 1}`)
  const rows = new Map(members.map((id, row) => [id, row]))
  const columns = new Map(tasks.map((id, column) => [id, column]))
  const amountOf = (task: string, member: string): number => at(amounts, rows.get(member), columns.get(task))
  const sign = goal === 'cost' ? 1 : -1
  const strategy = optimal({
    cost: (task, member) => sign * amountOf(task.id, member.id),
    ...(room && {
      need: (task, member) => at(room.needs, rows.get(member.id), columns.get(task.id)),
      capacity: ({ id }) => room.capacities[rows.get(id) ?? NaN] ?? NaN,
    }),
  })

  const crew = await openCrew()
  for (const id of members) await crew.join(id, { kind: 'service', capacity: room ? tasks.length : 1 })
  await crew.tracker.createMany(tasks.map((id) => ({ id, description: id })))
  const start = performance.now()
  const { figures } = await crew.autoAssign({ strategy })
  const ms = performance.now() - start
  const given = tasks.map((id) => crew.tracker.get(id)?.assignees ?? [])
  await crew.close()

  const bound = figures?.['leastCost']
  return {
    total: sum(given.flatMap((ids, column) => ids.map((id) => amountOf(`task ${column + 1}`, id)))),
    bound: bound === undefined ? undefined : sign * bound,
    faults: faultsOf(
      instance,
      given.map((ids) => ids.map((id) => rows.get(id) ?? -1)),
    ),
    ms,
  }
}

/** Whether each task is given once, and nobody has more than its capacity; by the rows of who was given each. */
function faultsOf({ amounts, room }: Instance, given: readonly (readonly number[])[]): readonly string[] {
  const tasks = given.flatMap(({ length }, column) =>
    length === 1 ? [] : [`task ${column + 1} is given to ${length === 0 ? 'nobody' : `${length} members`}`],
  )
  const members = amounts.flatMap((_, row) => {
    const own = given.flatMap((to, column) => (to.includes(row) ? column : []))
    const takes = room ? sum(own.map((column) => at(room.needs, row, column))) : own.length
    const has = room ? (room.capacities[row] ?? NaN) : 1
    // What adding up may take from a sum of decimals.
    return takes <= has * (1 + 1e-9) ? [] : [`member ${row + 1} has capacity ${has}, and its tasks need ${takes}`]
  })
  return [...tasks, ...members]
}

const at = (matrix: readonly (readonly number[])[], row = NaN, column = NaN): number => matrix[row]?.[column] ?? NaN
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
