import { InputError } from '../../examples/demo/input-error.js'
import { type Fields, isFields, listOf } from '../../examples/demo/json-value.js'
import type { Work } from './work.js'

/** Whether it is a flexible job shop: `operations`, a line for each way to do one, and `precedences`. */
export const isJobShop = (value: unknown): value is Fields =>
  isFields(value) && Array.isArray(value['operations']) && Array.isArray(value['precedences'])

/** Machines are members, operations are tasks. */
export function readJobShop(name: string, { operations, precedences }: Fields): Work {
  const tasks = new Map<number, { durations: Map<string, number>; dependsOn: Set<string> }>()
  const machines = new Set<number>()
  for (const line of listOf(operations)) {
    const [operation, machine, duration] = numbersOf(line, ['operation', 'machine', 'duration'])
    const task = tasks.get(operation) ?? { durations: new Map(), dependsOn: new Set() }
    tasks.set(operation, task)
    task.durations.set(memberOf(machine), duration)
    machines.add(machine)
  }
  for (const line of listOf(precedences)) {
    const [before, after] = numbersOf(line, ['before', 'after'])
    const task = tasks.get(after)
    if (!task || !tasks.has(before)) throw new InputError(`there is no operation ${task ? before : after}`)
    task.dependsOn.add(taskOf(before))
  }
  return {
    name,
    members: [...machines].sort((a, b) => a - b).map(memberOf),
    tasks: [...tasks].map(([operation, { durations, dependsOn }]) => ({
      id: taskOf(operation),
      durations,
      dependsOn: [...dependsOn],
    })),
  }
}

const memberOf = (machine: number): string => `machine ${machine}`
const taskOf = (operation: number): string => `operation ${operation}`

function numbersOf<const N extends readonly string[]>(line: unknown, names: N): { [K in keyof N]: number } {
  const values = names.map((name) => (isFields(line) ? line[name] : undefined))
  if (values.every((value) => typeof value === 'number' && value >= 0)) return values as { [K in keyof N]: number }
  throw new InputError(`${names.join(', ')} must be numbers, not as in ${JSON.stringify(line)}`)
}
