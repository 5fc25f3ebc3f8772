export { criticalPath, type CriticalPathOptions } from './critical-path.js'
export type { Duration } from './duration.js'
export { optimal, type OptimalFigures, type OptimalOptions, type OptimalProposal } from './optimal.js'
export { greedy } from './strategy.js'
