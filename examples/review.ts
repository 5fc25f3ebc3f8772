// An editor sends a draft back with remarks and passes the next one: prints `attempt 2 passed: A tide rises.`
import { openCrew } from 'crewlog'

const crew = await openCrew()
const wren = await crew.join('wren', { skills: { write: 0.9 } })
const rita = await crew.join('rita') // a model or a person: reviews are alike

const task = await crew.tracker.create({
  description: 'A sentence about tides',
  requires: { write: 0.7 },
  reviewers: ['rita'],
})

wren.work(async ({ answer }) =>
  answer?.remarks === 'Too long' ? 'A tide rises.' : 'A tide rises because the moon is near, and falls later.',
)

rita.reviews(({ result: draft }) => {
  console.log('rita reads:', draft)
  return typeof draft === 'string' && draft.length <= 20 ? { passed: true } : { passed: false, remarks: 'Too long' }
})

const { attemptCount, result } = await crew.tracker.whenEnded(task.id)
console.log(`attempt ${attemptCount} passed:`, result)
await crew.close()
