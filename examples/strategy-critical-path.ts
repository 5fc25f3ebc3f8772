// Who does what and when, so that all ends soonest: prints `09:00 frame → ana` and `all done at 15:00`.
import { openCrew } from 'crewlog'
import { criticalPath } from 'crewlog/assignment'
import { manualEnvironment } from 'crewlog/testing'

const HOUR = 3_600_000
const environment = manualEnvironment({ now: '2026-03-02T09:00:00Z' })
const crew = await openCrew({ environment })
await crew.join('ana', { skills: { build: 1 } })
await crew.join('bo', { skills: { build: 0.5 } })
const requires = { build: 0.5 }
await crew.tracker.createMany([
  { id: 'frame', description: 'Frame', requires, estimateMs: 2 * HOUR },
  { id: 'paint', description: 'Paint', requires, estimateMs: HOUR },
  { id: 'roof', description: 'Roof', requires, estimateMs: 3 * HOUR, dependsOn: ['frame'] },
  { id: 'sign', description: 'Sign', requires, estimateMs: HOUR, dependsOn: ['roof', 'paint'] },
])

// Who is half as good takes twice as long.
const strategy = criticalPath({
  duration: ({ estimateMs = HOUR }, { skills }) => (skills['build'] ? estimateMs / skills['build'] : undefined),
})
const { assigned, later } = await crew.autoAssign({ strategy })
const clock = (at = 0): string => new Date(at).toISOString().slice(11, 16)
for (const { taskId, member, startAt } of [...assigned, ...later]) console.log(clock(startAt), taskId, '→', member)
console.log('all done at', clock(Math.max(...[...assigned, ...later].map(({ endAt = 0 }) => endAt))))
await crew.close()
