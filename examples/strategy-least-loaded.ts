// To whoever has the least to do, with the reason: prints `b → bo: 1 (free 1), ana 0.667` and `as bo is as good and as loaded`.
import { leastLoaded, openCrew } from 'crewlog'

const crew = await openCrew()
await crew.join('ana', { capacity: 3 })
await crew.join('bo', { capacity: 3 })
await crew.tracker.create({ id: 'a', description: 'Under way', assignees: 'ana' })
await crew.tracker.start('a')
await crew.tracker.createMany(['b', 'c', 'd'].map((id) => ({ id, description: `Task ${id}` })))

const plan = await crew.autoAssign({ strategy: leastLoaded() })
console.log(plan.explain())
await crew.close()
