// Two processes share one crew, one dies at work and the other takes over: prints `bo finished what ana began`.
import { MemoryStorage, openCrew } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'

const environment = manualEnvironment()
const storage = new MemoryStorage() // stands for a storage that processes share
const here = await openCrew({ storage, environment })
const there = await openCrew({ storage, environment })

const ana = await here.join('ana')
await here.join('bo')
const task = await here.tracker.create({ description: 'Summarise' })

// Both want the one task, at the same moment: the journal lets one in.
await there.sync()
const [won, lost] = await Promise.all([ana.claim(), there.as('bo').claim()])
console.log(`${won?.member ?? 'nobody'} has it, bo has ${lost ? 'it too' : 'nothing'}`)

await crash(here) // no renewals any more, and nothing is written
await environment.advance('30s')
console.log('after 30 s:', there.tracker.get(task.id)?.holder)

there.as('bo').work(() => 'a summary')
await environment.advance('3m') // Its lease of 60 s runs out; the lost attempt costs a pause.

const done = there.tracker.get(task.id)
const members = done?.attempts.map(({ member, outcome }) => `${member}: ${outcome ?? 'running'}`)
console.log(members?.join(', '))
if (done?.status === 'completed') console.log('bo finished what ana began')
await there.close()
