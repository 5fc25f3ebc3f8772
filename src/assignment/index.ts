export { criticalPath, type CriticalPathOptions } from './critical-path.js'
export { greedy } from './strategy.js'
