// A unit test of an agent, with node:test, that ends with the test's name: `the summariser asks for a shorter text`.
import { type Attempt, openCrew } from 'crewlog'
import { manualEnvironment, recordEvents } from 'crewlog/testing'
import assert from 'node:assert/strict'
import { test } from 'node:test'

/** The agent. */
const summarise = async (attempt: Attempt): Promise<unknown> => {
  const text = attempt.answer?.answer ?? attempt.task.input
  if (typeof text === 'string' && text.length <= 100) return `In short: ${text}`
  return attempt.wait({ for: 'input', question: 'At most 100 characters, please', of: 'hana' })
}

void test('the summariser asks for a shorter text', async () => {
  const environment = manualEnvironment()
  const crew = await openCrew({ environment })
  const events = recordEvents(crew)
  const ana = await crew.join('ana')
  const hana = await crew.join('hana', { kind: 'human' })
  const task = await crew.tracker.create({ description: 'Summarise', input: 'tides '.repeat(100) })

  ana.work(summarise)
  await environment.settle()
  await hana.answer(task.id, 'The moon did it.')
  await environment.settle()

  assert.deepEqual(events.types('task'), ['created', 'started', 'waiting', 'resumed', 'started', 'completed'])
  assert.equal(crew.tracker.get(task.id)?.result, 'In short: The moon did it.')
})
