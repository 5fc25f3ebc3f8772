// An overloaded model is tried again after growing pauses, on a clock that you turn: prints `pauses: 1 s, 2 s, 4 s`.
import { openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

// A pause is a random share of base × 2^(n−1) after the nth failure; here it is nearly all of it.
const environment = { ...manualEnvironment(), random: () => 0.9999 }
const crew = await openCrew({ environment, retry: { attempts: 4, backoffMs: { base: 1000, cap: 60_000 } } })
const ana = await crew.join('ana')
const task = await crew.tracker.create({ description: 'Summarise' })

const pauses: string[] = []
crew.tracker.on('released', ({ task, commit, reason }) => {
  console.log(`attempt ${task.attemptCount} failed: ${reason}`)
  pauses.push(`${Math.round((task.notBefore! - commit.at) / 1000)} s`)
})

ana.work(async (attempt) => {
  if (attempt.number < 4) throw new Error('model overloaded') // With `retryable: false` it would be final.
  return 'a summary'
})
await environment.advance('10s')

const { attemptCount, result } = await crew.tracker.whenEnded(task.id)
console.log('pauses:', pauses.join(', '))
console.log(`attempt ${attemptCount} completed:`, result)
await crew.close()
