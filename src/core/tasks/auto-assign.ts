import { flag, id, many, object, read, type Reader, wrong } from '../input.js'
import type { Plan, Strategy } from './assignment.js'
import { planOf } from './assignment-plan.js'
import { begin, goOn, type Order } from './assigning.js'
import type { TrackerParts } from './task-queries.js'

export const readStrategy: Reader<Strategy> = (value, name) =>
  typeof value === 'function'
    ? (value as Strategy)
    : wrong(name, 'a function: a strategy, as leastLoaded() answers one', value)

const fields = object({ strategy: readStrategy, tasks: many(id), dryRun: flag }, ['strategy'])

/** Assigns by a strategy; see TaskTracker. */
export async function autoAssign({ journal, desk, records }: TrackerParts, options: object): Promise<Plan> {
  const { dryRun = false, ...given } = read(fields, options, 'options')
  const order: Order = { ...given, dryRun }
  let progress = await journal.decide((turn) => begin(desk, records, turn, order))
  while (progress.steps.length > 0) {
    const before = progress
    progress = await journal.decide((turn) => goOn(desk, records, turn, order, before))
  }
  return planOf(progress.assigned, progress.left, progress.about)
}
