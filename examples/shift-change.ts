// A shift ends: the task goes on with what is known of it, at whoever accepts first: prints `Day shift: half of it; night shift: the rest`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const day = await crew.join('day')
const night = await crew.join('night')
const late = await crew.join('late')
const { id } = await crew.tracker.create({ description: 'Count the stock' })

const attempt = await day.claim()
if (!attempt) throw new Error('There is nothing to do')
await attempt.progress({ value: 0.5, note: 'Shelves 1 to 8 are counted' })
const offer = await day.handOff(attempt, ['night', 'late'], 'half of it')

await late.decline(offer, 'I leave at six')
const next = await night.accept(offer)
console.log('night knows:', next.task.progress.note)
console.log('and that', next.handedOver?.by, 'said:', next.handedOver?.note)
await next.complete({ result: `Day shift: ${next.handedOver?.note ?? ''}; night shift: the rest` })

console.log(crew.tracker.get(id)?.result)
await crew.close()
