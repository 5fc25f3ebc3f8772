import { aFunction, flag, id, many, object, read } from '../input.js'
import type { Plan, Strategy } from './assignment.js'
import { planOf } from './assignment-plan.js'
import { begin, goOn, type Order } from './assigning.js'
import type { TrackerParts } from './task-queries.js'

export const readStrategy = aFunction<Strategy>('a function: a strategy, as leastLoaded() answers one')

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
