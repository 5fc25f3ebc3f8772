// What it costs to simulate many members: npm run bench:crowd
import { simulate } from 'crewlog/testing'

console.log('| members | tasks | CPU time | of the crew | times as fast |\n| --- | --- | --- | --- | --- |')
for (const members of [10, 100, 1000]) {
  const began = process.cpuUsage()
  const { report } = await simulate({ members, tasks: 10 * members })
  const { user, system } = process.cpuUsage(began)
  const seconds = (user + system) / 1e6
  const { tasks, makespanMs } = report.data
  const cells = [members, tasks.completed, `${seconds.toFixed(1)} s`, `${(makespanMs / 60_000).toFixed(0)} min`]
  console.log(`| ${[...cells, (makespanMs / 1000 / seconds).toFixed(0)].join(' | ')} |`)
}
