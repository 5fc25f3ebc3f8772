import type { Strategy } from '../core/tasks/assignment.js'
import { greedy } from './strategy.js'

/** To whoever has the largest share of its capacity free. */
export const leastLoaded = (): Strategy => (view) =>
  greedy(view, (_task, { capacity }, load) => ({ free: (capacity - load) / capacity }))
