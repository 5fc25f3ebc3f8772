// An agent asks a person before it pays money back and goes on with the answer: prints `refunded: 90 €`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const desk = await crew.join('desk')
const hana = await crew.join('hana', { kind: 'human' })
const task = await crew.tracker.create({ description: 'Refund of 90 €', kind: 'refund' })

desk.work({
  refund: async (attempt) => {
    const { answer } = attempt
    if (!answer) {
      // The attempt ends here, and nobody holds the task; with the answer, another attempt begins.
      await attempt.wait({
        for: 'approval',
        question: 'Pay 90 € back?',
        of: 'hana',
        withinMs: 30 * 60_000,
      })
      return
    }
    return answer.answer === 'yes' ? 'refunded: 90 €' : 'refused'
  },
})

await crew.idle() // A task that waits for a person does not hold it.
console.log(crew.reports.generate('health').toMarkdown())

// In an application a page shows hana.inbox, and her click answers.
for (const { message } of await hana.receive()) console.log('hana reads:', message.content)
await hana.answer(task.id, 'yes')

const done = await crew.tracker.whenEnded(task.id)
console.log(done.result)
await crew.close()
