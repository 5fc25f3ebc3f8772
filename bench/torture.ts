// Kills processes that create, send, claim and complete on one crew, at random moments, and judges the journal they leave.
//   npm run torture -- --engine file --kills 200 [--seed 1] [--processes 3]
import { parseArgs } from 'node:util'
import { ENGINE_NAMES } from '../test/support/all-engines.js'
import { torture } from '../test/support/torture/torture.js'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: [...ENGINE_NAMES] },
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string' },
  },
})
const kills = Number(values.kills)

for (const engine of values.engine) {
  const start = performance.now()
  const result = await torture({
    engine,
    kills,
    seed: Number(values.seed),
    ...(values.processes !== undefined && { processes: Number(values.processes) }),
    onKill: (done) => {
      if (done % 20 === 0) console.log(`${engine}: ${done} of ${kills} kills`)
    },
  })
  const { problems, killedOpening, suspended, commits, events, acknowledged } = result
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(
    `${engine}: ${result.kills} kills in ${seconds} s, ${killedOpening} of them at opening, ${suspended} processes suspended before; ` +
      `${commits} commits, ${events} events; ${acknowledged} answers told: ${problems.length === 0 ? 'none lost, none doubled' : 'PROBLEMS'}`,
  )
  for (const problem of problems) console.error(problem)
  if (problems.length > 0 || result.kills < kills) process.exitCode = 1
}
