// In turns, whoever is able: prints `a → ana`, `b → bo`, `c → cy` and `d → ana`.
import { openCrew, roundRobin } from 'crewlog'

const crew = await openCrew({ assignment: { strategy: roundRobin() } })
for (const id of ['ana', 'bo', 'cy']) await crew.join(id, { capacity: 2 })
for (const id of ['a', 'b', 'c', 'd']) {
  const task = await crew.tracker.create({ id, description: `Task ${id}` })
  console.log(id, '→', task.assignees.join())
}
await crew.close()
