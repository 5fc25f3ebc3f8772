import fc from 'fast-check'
import { type Commit, MemoryStorage, openCrew, type Strategy } from 'crewlog'
import { crash, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { aStep, call, MEMBERS, type Replica, type Step } from './crew-commands.js'
import { automatic } from './strategies.js'

/** What a crew of two processes does, one thing after another, on a storage that does not fail. */
export type History = readonly {
  readonly of: number
  readonly do: Step | 'crash' | 'set back'
  readonly waitMs: number
}[]

export const aHistory = (maxLength: number): fc.Arbitrary<History> =>
  fc.array(
    fc.record({
      of: fc.nat({ max: 1 }),
      do: fc.oneof(
        { weight: 20, arbitrary: aStep },
        { weight: 1, arbitrary: fc.constantFrom('crash' as const, 'set back' as const) },
      ),
      waitMs: fc.constantFrom(0, 0, 0, 7, 400, 2500, 65_000),
    }),
    { minLength: 1, maxLength, size: 'max' },
  )

/** Keeps text, as most storages do. */
export class TextStorage extends MemoryStorage {
  override readonly maxCommitBytes: number = 50_000
}

/** A crew with a history: the same each time. With a strategy, its second process assigns by it. */
export async function live(
  history: History,
  strategy?: Strategy,
): Promise<{ readonly storage: TextStorage; readonly environment: ManualEnvironment }> {
  const storage = new TextStorage()
  const environment = manualEnvironment()
  const open = async (index: number): Promise<Replica> => ({
    crew: await openCrew({
      storage,
      environment,
      ...automatic(index === 1 ? strategy : undefined),
      onError: () => undefined,
    }),
    attempts: [],
    deliveries: [],
  })
  const replicas = [await open(0), await open(1)]
  for (const member of MEMBERS) await replicas[0]!.crew.join(member, { capacity: 2 })
  await takePart(replicas, history, environment, async (index) => {
    await crash(replicas[index]!.crew)
    replicas[index] = await open(index)
  })
  for (const { crew } of replicas) await crash(crew)
  return { storage, environment }
}

/** The replicas do what the history says. */
export async function takePart(
  replicas: readonly Replica[],
  history: History,
  environment: ManualEnvironment,
  reopen: (index: number) => Promise<void>,
): Promise<void> {
  for (const [index, step] of history.entries()) {
    const of = step.of % replicas.length
    if (step.do === 'crash') await reopen(of)
    else if (step.do === 'set back') environment.setWallClock(environment.now() - 3_600_000)
    else call(replicas[of]!, step.do, `op${index}`)?.answer.catch(() => undefined)
    await environment.advance(step.waitMs)
  }
}

export async function commitsOf(storage: MemoryStorage, after = 0): Promise<readonly Commit[]> {
  const run = await storage.read('crew', after, Infinity)
  return 'commits' in run ? run.commits : []
}
