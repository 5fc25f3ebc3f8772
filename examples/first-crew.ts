// Two agents build and test a feature, one after the other, and mail each other: ends with `| completed | 2 |`.
import { type Attempt, openCrew } from 'crewlog'

const crew = await openCrew()
const ana = await crew.join('ana', { skills: { code: 0.9 }, capacity: 2 })
const bo = await crew.join('bo', { skills: { test: 0.8 } })

const build = await crew.tracker.create({ description: 'Implement feature A', requires: { code: 0.5 } })
await crew.tracker.create({ description: 'Test feature A', requires: { test: 0.5 }, dependsOn: [build.id] })

bo.listen((message) => {
  console.log(`${message.sender} to bo:`, message.content)
})
await ana.send('bo', 'Hello bo, feature A comes to you next')

crew.tracker.on('started', ({ task, by }) => {
  console.log(`${by ?? ''} begins: ${task.description}`)
})
crew.tracker.on('completed', ({ task }) => {
  console.log('done:', task.description, task.result)
})

/** Stands for a call of your model. */
const myAgent = async ({ member, task }: Attempt): Promise<{ by: string; words: number }> => ({
  by: member,
  words: task.description.split(' ').length,
})
for (const member of [ana, bo]) member.work(myAgent)

await crew.idle()
console.log(crew.reports.generate('summary').toMarkdown())
console.log(crew.reports.generate('workload').toMarkdown())
await crew.close()
