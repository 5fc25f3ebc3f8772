export { greedy } from './strategy.js'
