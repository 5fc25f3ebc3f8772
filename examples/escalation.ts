// Nobody answers; the question goes to the next, and at last it goes on with a default: prints `refused, as nobody was there`.
import { openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

const environment = manualEnvironment() // so that an hour passes at once
const crew = await openCrew({ environment })
const desk = await crew.join('desk')
for (const id of ['hana', 'omar']) await crew.join(id, { kind: 'human' })

const { id } = await crew.tracker.create({ description: 'Refund of 900 €' })
desk.work(async (attempt) => {
  if (attempt.answer) return attempt.answer.answer
  return attempt.wait({
    for: 'approval',
    question: 'Pay 900 € back?',
    of: 'hana',
    withinMs: 30 * 60_000,
    onTimeout: { ask: 'omar', withinMs: 30 * 60_000, onTimeout: { answer: 'refused, as nobody was there' } },
  })
})

await environment.advance('31m')
console.log('now asked:', crew.tracker.get(id)?.waitingFor?.of.join())
console.log(crew.reports.generate('health').toMarkdown())

await environment.advance('30m')
const { result } = await crew.tracker.whenEnded(id)
console.log(result)
await crew.close()
