// How much memory a crew holds that works on and on, with retention: nothing more in the second half than in the first.
import { type Crew, type CrewOptions, type JournalStorage, MemoryStorage, openCrew } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { manualEnvironment } from 'crewlog/testing'

/** Tasks, and as many messages, that one wave makes and ends: ten seconds of the crew's clock. */
const WAVE = 50
const SAMPLES = 40

export interface SteadyRun {
  /** Heap after garbage collection, MB, at the end of each fortieth of the run. */
  readonly samplesMB: readonly number[]
  /** What the crew holds at the end, and commits that its storage has. */
  readonly kept: { readonly tasks: number; readonly messages: number; readonly commits: number }
  readonly seconds: number
}

/** Where a crew keeps its journal, and how its time passes. */
export interface Ground {
  readonly options: CrewOptions & { readonly storage: JournalStorage }
  /** After each wave. */
  readonly pass: () => Promise<void>
}

/**
 * Everything is bounded: `retention` what has ended, `keepHistory` and `checkpointEvery` what the storage keeps. The
 * latter keeps a thousand commits and ten minutes behind a checkpoint whatever it is told, so the crew's clock must go
 * on, and waves are small.
 */
export function inMemory(): Ground {
  const environment = manualEnvironment()
  return {
    options: { storage: new MemoryStorage(), environment, checkpointEvery: 200, keepHistory: { ms: 0 } },
    pass: () => environment.advance('10s'),
  }
}

/** By the real clock, as real I/O takes real time. The log is not in memory, and grows. */
export const overFiles = (folder: string): Ground => ({
  options: { storage: fileStorage(folder, { fsync: false }) },
  pass: () => new Promise((resolve) => setTimeout(resolve, 0)),
})

/** `count` tasks and `count` messages through one process. */
export async function steadyRun(count: number, heapBytes: () => number, { options, pass }: Ground): Promise<SteadyRun> {
  const { storage } = options
  const crew = await openCrew({ ...options, retention: { keep: 1000 }, limits: { pairRate: 1_000_000 } })
  await crew.join('ana', { capacity: WAVE })
  await crew.join('bo')
  await crew.as('bo').follow('news')
  let heard = 0
  crew.on('*', () => heard++)

  const waves = count / WAVE
  const samplesMB: number[] = []
  const from = performance.now()
  for (let wave = 1; wave <= waves; wave++) {
    await Promise.all([tasks(crew, wave), mail(crew, wave)])
    await pass()
    if (wave % Math.floor(waves / SAMPLES) === 0) samplesMB.push(heapBytes() / 2 ** 20)
  }
  const run = await storage.read('crew', 0, 1)
  const kept = {
    tasks: crew.tracker.count(),
    messages: crew.communications.messages().length,
    commits: (crew.journal.head?.seq ?? 0) - ('trimmedTo' in run ? run.trimmedTo : 0),
  }
  const { data } = crew.reports.generate('summary')
  if (heard < count * 6) throw new Error(`${heard} events of ${count} tasks and messages: ${JSON.stringify(data)}`)
  await crew.close()
  return { samplesMB, kept, seconds: (performance.now() - from) / 1000 }
}

/** Most are done; some fail and are tried again, some depend on others, some have a key, some are talked of. */
async function tasks({ tracker }: Crew, wave: number): Promise<void> {
  await tracker.create(
    { id: `${wave}`, description: `Wave ${wave}` },
    wave % 20 === 0 ? { idempotencyKey: `wave ${wave}` } : {},
  )
  const parts = Array.from({ length: WAVE - 1 }, (_, n) =>
    tracker.create({
      description: `Part ${n} of ${wave}`,
      priority: n % 5,
      ...(n % 10 === 0 && { dependsOn: [`${wave}`] }),
    }),
  )
  await Promise.all(parts)
  if (wave % 10 === 0) await tracker.comment(`${wave}`, 'How far is it?', { by: 'bo' })
  for (let left = WAVE; left > 0;) {
    const attempts = await Promise.all(Array.from({ length: left }, () => tracker.claim('ana')))
    const held = attempts.filter((attempt) => attempt !== undefined)
    if (held.length === 0) throw new Error(`${left} tasks of wave ${wave} are left, and none can be claimed`)
    left -= held.length
    await Promise.all(
      held.map((attempt, n) =>
        attempt.task.description.startsWith('Part 7 ')
          ? attempt.fail({ error: 'Out of date', retryable: false })
          : attempt.complete({ result: { wave, n } }),
      ),
    )
  }
}

async function mail({ communications }: Crew, wave: number): Promise<void> {
  const first = await communications.send({ sender: 'ana', recipient: 'bo', content: { wave } })
  await Promise.all(
    Array.from({ length: WAVE - 2 }, (_, n) =>
      communications.send({
        sender: 'ana',
        recipient: 'bo',
        content: `Message ${n} of wave ${wave}`,
        ...(n % 10 === 0 && { replyTo: first.id as string }),
      }),
    ),
  )
  await communications.publish('news', { sender: 'ana', content: `News of wave ${wave}` })
  const deliveries = [
    ...(await communications.receive('bo', { limit: 2 * WAVE })),
    ...(await communications.receive('ana', { limit: 2 * WAVE })),
  ]
  await Promise.all(deliveries.map((delivery) => communications.acknowledge(delivery)))
}
