// Processes that claim and complete tasks of one crew as fast as they can, over each engine for many writers: whether each
// task is done once, how fast, and what the slowest of them gets of an equal share.
//   npm run bench:rivals -- [--engine redis] [--processes 8] [--tasks 10000] [--hands 4]
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { SHARED_ENGINE_NAMES } from '../test/support/all-engines.js'
import { rivals } from '../test/support/rivals/rivals.js'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: [...SHARED_ENGINE_NAMES] },
    processes: { type: 'string', default: '8' },
    tasks: { type: 'string', default: '10000' },
    hands: { type: 'string', default: '4' },
  },
})
const [processes, tasks, hands] = [Number(values.processes), Number(values.tasks), Number(values.hands)]
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
/** What the slowest must get of an equal share; of a few hundred tasks it says nothing. */
const LEAST_SHARE = 0.5
const number = (value: number): string => Math.round(value).toLocaleString('en')

console.log(`${processes} processes with ${hands} hands each, ${number(tasks)} tasks, Node ${process.versions.node}\n`)
console.log('| engine | tasks/s | CPU time | slowest share | commits | refusals | load before | each done once |')
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const engine of values.engine) {
  const load = loadavg()[0] ?? 0
  const { tallies, ms, slowestShare, problems } = await rivals({ engine, processes, tasks, hands })
  const cells = [
    number((tasks / ms) * 1000),
    `${(sum(tallies.map(({ cpuMs }) => cpuMs)) / 1000).toFixed(1)} s`,
    slowestShare.toFixed(2),
    number(sum(tallies.map(({ commits }) => commits))),
    number(sum(tallies.map(({ refusals }) => refusals))),
    load.toFixed(1),
    problems.length === 0 ? 'yes' : 'NO',
  ]
  console.log(`| ${[engine, ...cells].join(' | ')} |`)
  for (const problem of problems.slice(0, 10)) console.error(problem)
  if (problems.length > 0 || slowestShare < LEAST_SHARE) process.exitCode = 1
}
