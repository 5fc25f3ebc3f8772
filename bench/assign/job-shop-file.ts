import { dependencyOrder } from '../../examples/demo/dependency-order.js'
import { InputError } from '../../examples/demo/input-error.js'
import { type Fields, isFields, listOf } from '../../examples/demo/json-value.js'
import type { Work } from './work.js'

/** Whether it is a flexible job shop: `operations`, a line for each way to do one, and `precedences`. */
export const isJobShop = (value: unknown): value is Fields =>
  isFields(value) && Array.isArray(value['operations']) && Array.isArray(value['precedences'])

interface Operation {
  readonly durations: Map<string, number>
  readonly dependsOn: Set<string>
}

/** Machines are members, operations are tasks. */
export function readJobShop(name: string, { operations, precedences }: Fields): Work {
  const ways = linesOf('operations', operations, ['operation', 'machine'], ['duration'])
  const unitMs = unitFor(ways.map(({ duration }) => duration))
  const tasks = new Map<number, Operation>()
  for (const { operation, machine, duration } of ways) {
    const task: Operation = tasks.get(operation) ?? { durations: new Map(), dependsOn: new Set() }
    tasks.set(operation, task)
    // Where a machine can do it in two ways, the shorter one.
    const known = task.durations.get(memberOf(machine)) ?? Infinity
    task.durations.set(memberOf(machine), Math.min(known, Math.round(duration * unitMs)))
  }
  for (const [index, { before, after }] of linesOf('precedences', precedences, ['before', 'after']).entries()) {
    const unknown = [before, after].find((operation) => !tasks.has(operation))
    if (unknown !== undefined) throw new InputError(`precedences[${index}]: there is no operation ${unknown}`)
    tasks.get(after)?.dependsOn.add(taskOf(before))
  }
  dependencyOrder(new Map([...tasks].map(([operation, { dependsOn }]) => [taskOf(operation), [...dependsOn]])))
  return {
    name,
    unitMs,
    members: [...new Set(ways.map(({ machine }) => machine))].sort((a, b) => a - b).map(memberOf),
    tasks: [...tasks].map(([operation, { durations, dependsOn }]) => ({
      id: taskOf(operation),
      durations,
      dependsOn: [...dependsOn],
    })),
  }
}

const memberOf = (machine: number): string => `machine ${machine}`
const taskOf = (operation: number): string => `operation ${operation}`

/** A list of objects that have these numbers. */
function linesOf<N extends string, T extends string = never>(
  list: string,
  lines: unknown,
  numbers: readonly N[],
  times: readonly T[] = [],
): readonly Readonly<Record<N | T, number>>[] {
  const check = (line: unknown, index: number, name: string, isGood: (value: unknown) => boolean, wanted: string) => {
    const value = isFields(line) ? line[name] : undefined
    if (!isGood(value)) throw new InputError(`${list}[${index}]: ${name} must be ${wanted}, not ${told(value)}`)
  }
  const isFrom0 = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0
  return listOf(lines).map((line, index) => {
    for (const name of numbers)
      check(line, index, name, (value) => isFrom0(value) && Number.isSafeInteger(value), 'a whole number from 0')
    for (const name of times) check(line, index, name, isFrom0, 'a number from 0')
    return line as Readonly<Record<N | T, number>>
  })
}

const told = (value: unknown): string => (value === undefined ? 'left out' : JSON.stringify(value))

/** Durations are whole milliseconds: so many decimals as the file has become whole. */
function unitFor(durations: readonly number[]): number {
  const isWhole = (unit: number): boolean =>
    durations.every((duration) => Math.abs(duration * unit - Math.round(duration * unit)) < 1e-9 * unit)
  const unit = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].find(isWhole)
  if (unit === undefined) throw new InputError('operations: a duration has more than six decimals')
  return unit
}
