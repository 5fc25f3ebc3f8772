import { beforeEach, describe, expect, it } from 'vitest'
import { type Crew, Journal, MemoryStorage, openCrew, TaskTracker } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { stateOf } from '../support/crew-state.js'

let environment: ManualEnvironment
let storage: MemoryStorage
const errors: unknown[] = []

beforeEach(() => {
  environment = manualEnvironment()
  storage = new MemoryStorage()
  errors.length = 0
})

const open = (options: Parameters<typeof openCrew>[0] = {}): Promise<Crew> =>
  openCrew({ storage, environment, onError: (error) => errors.push(error), ...options })

describe('a checkpoint', () => {
  it('is what a new replica opens from, reading only what came after', async () => {
    const crew = await open()
    const ana = await crew.join('ana')
    await crew.tracker.create({ id: 'a', description: 'Before' })
    await crew.checkpoint()
    await ana.send('ana', 'After')
    await storage.trim('crew', 2)
    const later = await open()

    expect(stateOf(later)).toEqual(stateOf(crew))
    expect(later.journal.head).toEqual(crew.journal.head)
    await later.tracker.create({ description: 'More' })
    await crew.sync()
    expect(stateOf(later)).toEqual(stateOf(crew))
    expect(errors).toEqual([])
  })

  it('is saved by who folds all of a crew, and by nobody else', async () => {
    const journal = new Journal({ storage, environment })
    const tracker = new TaskTracker({ journal })
    await journal.open()
    await tracker.create({ description: 'Alone' })
    await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'invalid_input' })
    expect(await storage.loadCheckpoint('crew')).toBeUndefined()
  })
})
