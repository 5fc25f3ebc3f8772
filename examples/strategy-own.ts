// A strategy of your own, explained like ours: whoever last worked on the same part: prints `login-fix → bo`.
import { openCrew, type Strategy } from 'crewlog'

/** To whoever did what it depends on; else to whoever is able and below its capacity. */
const sameHands: Strategy = (view) => {
  const loads = new Map(view.members.map(({ id }) => [id, view.load(id)]))
  const assigned = view.tasks.flatMap((task) => {
    const able = view.able(task).filter(({ id, capacity }) => (loads.get(id) ?? 0) < capacity)
    const before = task.dependsOn.map(({ id }) => view.task(id)?.attempts.at(-1)?.member)
    const chosen = able.find(({ id }) => before.includes(id)) ?? able[0]
    if (!chosen) return []
    loads.set(chosen.id, (loads.get(chosen.id) ?? 0) + 1)
    return { taskId: task.id, member: chosen.id, ...(before.includes(chosen.id) && { tieBreak: 'knows it already' }) }
  })
  return { assigned }
}

const crew = await openCrew({ assignment: { strategy: sameHands } })
for (const id of ['ana', 'bo']) await crew.join(id, { capacity: 2 })
await crew.tracker.createMany([
  { id: 'login', description: 'Log in', assignees: 'bo' },
  { id: 'login-fix', description: 'Mend it', dependsOn: ['login'] },
])
await crew.tracker.start('login')
await crew.tracker.complete('login') // Its dependent is assigned in the same commit.
console.log('login-fix →', crew.tracker.get('login-fix')?.assignees.join())
await crew.close()
