import { describe, expect, it } from 'vitest'
import { type Crew, type JournalStorage, MemoryStorage, openCrew } from 'crewlog'
import { checkJournal, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

const PROCESSES = 8
/** Claims that each process has under way at once. */
const HANDS = 4
const TASKS = 1200

/** A storage at some distance from its processes. */
interface Distance {
  /** Between the first process and the storage, one way, ms; the others have 1. */
  readonly firstMs: number
  /** Whether a refusal brings what the writer missed; without, it costs another way there and back. */
  readonly tellsMissed: boolean
}

/** As the process of that number reaches it. */
function distant(
  storage: JournalStorage,
  environment: ManualEnvironment,
  { firstMs, tellsMissed }: Distance,
  process: number,
): JournalStorage {
  // Nearly always the same, as in one data centre: what one process is quicker by, it is quicker by each time.
  const travel = (): Promise<void> => {
    const ms = (process === 0 ? firstMs : 1) * 2 ** (0.1 * (2 * environment.random() - 1))
    return new Promise((resolve) => environment.setTimer(resolve, ms))
  }
  const there = async <T>(call: () => Promise<T>): Promise<T> => {
    await travel()
    const answer = await call()
    await travel()
    return answer
  }
  return {
    writers: storage.writers,
    maxCommitBytes: storage.maxCommitBytes,
    append: async (...call) => {
      const answer = await there(() => storage.append(...call))
      return answer.appended || tellsMissed ? answer : { appended: false }
    },
    read: (...call) => there(() => storage.read(...call)),
    saveCheckpoint: (...call) => there(() => storage.saveCheckpoint(...call)),
    loadCheckpoint: (...call) => there(() => storage.loadCheckpoint(...call)),
    trim: (...call) => there(() => storage.trim(...call)),
  }
}

/** What the slowest gets of an equal share, while all claim as fast as they can, until all tasks are done. */
async function slowestShare(seed: number, distance: Distance): Promise<number> {
  const environment = manualEnvironment({ seed })
  const storage = new MemoryStorage()
  await fill(storage, environment)
  const places = Array.from({ length: PROCESSES }, (_, process) => distant(storage, environment, distance, process))
  const crews = await environment.run(Promise.all(places.map((place) => openCrew({ storage: place, environment }))))
  const done = await environment.run(Promise.all(crews.map(work)))
  await environment.run(Promise.all(crews.map((crew) => crew.close())))
  expect(done.reduce((sum, count) => sum + count)).toBe(TASKS)
  expect(await checkJournal(storage)).toEqual([])
  return (Math.min(...done) * PROCESSES) / TASKS
}

async function fill(storage: JournalStorage, environment: ManualEnvironment): Promise<void> {
  const crew = await openCrew({ storage, environment })
  for (let process = 0; process < PROCESSES; process++) await crew.join(`member-${process}`, { capacity: HANDS })
  await crew.tracker.createMany(Array.from({ length: TASKS }, () => ({ description: 'Do it once' })))
  await crew.close()
}

/** Until nothing is left; answers how many it has done. */
async function work(crew: Crew, process: number): Promise<number> {
  const member = crew.as(`member-${process}`)
  let done = 0
  const hand = async (): Promise<void> => {
    for (let attempt = await member.claim(); attempt; attempt = await member.claim()) {
      await attempt.complete()
      done++
    }
  }
  await Promise.all(Array.from({ length: HANDS }, hand))
  return done
}

// The line taken away to see each of these fail: in Journal.send, that a writer which has won beside rivals catches up
// before it decides again. Without it the slowest had shares of 0.00 to 0.33.
describe('Of eight processes that claim as fast as they can the slowest gets at least half of its share', () => {
  const seeds = [1, 2, 3, 4]

  it.each(seeds)('where a refusal brings what was missed (seed %i)', async (seed) => {
    expect(await slowestShare(seed, { firstMs: 1, tellsMissed: true })).toBeGreaterThanOrEqual(0.5)
  })

  it.each(seeds)('where what was missed is still to be read (seed %i)', async (seed) => {
    expect(await slowestShare(seed, { firstMs: 1, tellsMissed: false })).toBeGreaterThanOrEqual(0.5)
  })

  it.each(seeds)('where one of them is a tenth nearer (seed %i)', async (seed) => {
    expect(await slowestShare(seed, { firstMs: 0.9, tellsMissed: true })).toBeGreaterThanOrEqual(0.5)
  })
})
