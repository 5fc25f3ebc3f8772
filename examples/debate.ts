// Two agents argue in one thread, and a judge decides by what was said: prints `wins: tea`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const judge = await crew.join('judge')
const arguments_ = { tea: ['It is calm.', 'It is cheap.'], coffee: ['It is strong.', 'It wakes.', 'It wakes.'] }

for (const side of ['tea', 'coffee'] as const) {
  const member = await crew.join(side)
  let said = 0
  member.listen(async (message) => {
    const argument = arguments_[side][said++]
    // Whoever has nothing left to say does not answer, so that the debate ends by itself.
    if (argument !== undefined) await member.reply(message, argument)
  })
}

judge.work(async ({ task, signal }) => {
  for (const side of ['tea', 'coffee'])
    for (const question of ['Why you?', 'What else?'])
      await judge.ask(side, question, { taskId: task.id, timeoutMs: 5000, signal })
  const said = crew.communications.thread({ taskId: task.id }).filter(({ sender }) => sender !== 'judge')
  const points = (side: string): number =>
    said.filter(({ sender, content }) => sender === side && JSON.stringify(content).includes('calm')).length
  return points('tea') > points('coffee') ? 'tea' : 'coffee'
})

const { id } = await crew.tracker.create({ description: 'Tea or coffee?', assignees: 'judge' })
const { result } = await crew.tracker.whenEnded(id)
console.log(crew.communications.thread({ taskId: id }).toMarkdown())
console.log('wins:', result)
await crew.close()
