// To whoever suits a task best, as tasks become ready: prints `query → ana`, `has sql 0.3, of 0.5 required` and `Nobody has the skills`.
import { bestFit, openCrew } from 'crewlog'

const strategy = bestFit({ weights: { expertise: 4, load: 3, trackRecord: 2, deadline: 1 } }) // The defaults.
const crew = await openCrew()
await crew.join('ana', { skills: { sql: 0.9 }, capacity: 2 })
await crew.join('bo', { skills: { sql: 0.6, write: 0.8 } })
await crew.join('cy', { skills: { sql: 0.3 } })
await crew.tracker.createMany([
  { id: 'query', description: 'Make the query fast', requires: { sql: 0.5 } },
  { id: 'guide', description: 'Write the guide', requires: { write: 0.5 } },
  { id: 'logo', description: 'Draw the logo', requires: { draw: 0.5 } },
])

const plan = await crew.autoAssign({ strategy })
console.log(plan.explain())
for (const { member, score, reasons } of plan.assigned[0]?.candidates ?? [])
  console.log(member, score.toFixed(3), reasons.join('; '))
await crew.close()
