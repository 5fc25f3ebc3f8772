// The least cost in all, where taking turns would cost 14: prints `It costs 8 in all; no plan costs less` and `read → bo`.
import { openCrew } from 'crewlog'
import { optimal } from 'crewlog/assignment'

const COSTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  read: { ana: 1, bo: 2, cy: 9 },
  sum: { ana: 2, bo: 9, cy: 9 },
  send: { ana: 5, bo: 3, cy: 4 },
}
const crew = await openCrew()
for (const id of ['ana', 'bo', 'cy']) await crew.join(id)
await crew.tracker.createMany(Object.keys(COSTS).map((id) => ({ id, description: id })))

const plan = await crew.autoAssign({ strategy: optimal({ cost: ({ id }, member) => COSTS[id]?.[member.id] }) })
console.log(plan.explain())
await crew.close()
