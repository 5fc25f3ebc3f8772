// A batch under budgets: who asks for work hears why there is none, and a loop is cut short: prints `over its budget: loop`.
import { CrewError, openCrew } from 'crewlog'

const crew = await openCrew()
const bot = await crew.join('bot', { budget: { tokens: 10_000 } })
await crew.tracker.createMany([
  { id: 'short', description: 'Summarise a page' },
  { id: 'loop', description: 'Summarise until it is perfect', budget: { tokens: 3000 } },
])

for (;;) {
  const { attempt, none, retryAfterMs } = await bot.request()
  if (!attempt) {
    console.log(`nothing more: ${none}; again in ${retryAfterMs / 1000} s.`)
    break
  }
  try {
    // A model that never stops, but for the one page.
    do await attempt.progress({ usage: { tokens: 1000 } })
    while (attempt.task.id === 'loop')
    await attempt.complete({ result: 'Tides rise and fall.' })
  } catch (error) {
    if (!CrewError.is(error, 'budget_spent')) throw error
    console.log('over its budget:', attempt.task.id)
  }
}

console.log(crew.reports.generate('health').toMarkdown())
await crew.close()
