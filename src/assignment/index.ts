export { criticalPath, type CriticalPathOptions } from './critical-path.js'
export type { Duration } from './duration.js'
export { greedy } from './strategy.js'
