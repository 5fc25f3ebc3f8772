// A support desk: an agent asks who knows, then a person before it pays, and tells the story: prints `is completed`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const desk = await crew.join('desk')
const lena = await crew.join('lena', { skills: { law: 0.9 } })
const hana = await crew.join('hana', { kind: 'human' })

const { id } = await crew.tracker.create({ description: 'Customer wants 90 € back', kind: 'refund' })

desk.work({
  refund: async (attempt) => {
    if (attempt.answer) return attempt.answer.answer === 'yes' ? 'paid 90 €' : 'explained why not'
    const question = await desk.askForHelp(attempt, 'Must we pay after 40 days?', { skills: { law: 0.5 } })
    const advice = await desk.awaitReply(question, { timeoutMs: 5000 })
    await attempt.progress({ value: 0.5, note: `lena says: ${JSON.stringify(advice.content)}` })
    return attempt.wait({
      for: 'approval',
      question: 'Pay 90 € back, though we need not?',
      of: 'hana',
      withinMs: 30 * 60_000,
      onTimeout: { answer: 'no' },
    })
  },
})

lena.listen(async (message) => {
  if (message.kind === 'task.help') await lena.reply(message, 'No, 30 days are the limit.')
})

// In an application a page shows hana.inbox, and her click answers.
hana.listen(async ({ kind, taskId }) => {
  if (kind === 'task.question' && taskId) await hana.answer(taskId, 'yes')
})

await crew.tracker.whenEnded(id)
console.log(crew.communications.thread({ taskId: id }).toMarkdown())
await crew.close()
