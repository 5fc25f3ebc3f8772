import fc from 'fast-check'
import { expect } from 'vitest'
import { type Commit, type Crew, CrewError, type Limits, MemoryStorage, openCrew, type Strategy } from 'crewlog'
import {
  checkJournal,
  crash,
  type Fault,
  type FaultDetails,
  faultyStorage,
  manualEnvironment,
  type ManualEnvironment,
} from 'crewlog/testing'
import { aFault } from './a-fault.js'
import { aStep, call, MEMBERS, type Replica, type Step, TASKS, timesStored, type Trace } from './crew-commands.js'
import { glanceAt, stateOf } from './crew-state.js'
import { Table } from './crew-table.js'
import { aStrategy, automatic } from './strategies.js'
import { misgiven } from './simulation/board-model.js'
import { REFUSALS } from './refusals.js'

interface Turn {
  /** Which of three processes. */
  readonly of: number
  readonly do: Step | 'crash' | 'close' | 'suspend' | 'set back'
  readonly waitMs: number
}

/** What happens to a crew in several processes, over a storage that fails. */
export interface Story {
  readonly turns: readonly Turn[]
  /** Of each call of the storage in turn, then none. */
  readonly faults: readonly (Fault | FaultDetails | undefined)[]
  /** Whether the storage says when there is more. */
  readonly watches: boolean
  /** Whether the storage keeps text. */
  readonly keepsText: boolean
  /** Whether mailboxes are small, and chains and rates short. */
  readonly isTight: boolean
  /** Whether what has ended is soon forgotten. */
  readonly isForgetful: boolean
  /** Which strategy two of the processes assign by as tasks become ready; none: tasks wait to be claimed. */
  readonly strategy: Strategy | undefined
}

const aTurn: fc.Arbitrary<Turn> = fc.record({
  of: fc.nat({ max: 2 }),
  do: fc.oneof(
    { weight: 20, arbitrary: aStep },
    {
      weight: 1,
      arbitrary: fc.constantFrom('crash' as const, 'close' as const, 'suspend' as const, 'set back' as const),
    },
  ),
  waitMs: fc.constantFrom(0, 0, 0, 0, 0, 7, 400, 2500, 11_000, 65_000),
})
export const aStory: fc.Arbitrary<Story> = fc.record({
  turns: fc.array(aTurn, { minLength: 1, maxLength: 40, size: 'max' }),
  faults: fc.array(aFault({ none: 8, some: 4 }), { maxLength: 60, size: 'max' }),
  watches: fc.boolean(),
  keepsText: fc.boolean(),
  isTight: fc.boolean(),
  isForgetful: fc.boolean(),
  strategy: aStrategy,
})

const TIGHT = { mailbox: 3, pairRate: 4, hops: 2 }

interface Outcome {
  readonly called: string
  readonly trace: Trace | undefined
  /** Of a replica that has crashed, nothing more is heard. */
  readonly isOver: () => boolean
  answer?: 'done' | 'refused' | 'unknown'
}

class TextStorage extends MemoryStorage {
  override readonly maxCommitBytes = 50_000
}

/** More timers than a story could need: somebody sets them again and again without end. */
const MOST_TIMERS = 20_000

/** An environment that fails, rather than run for ever, when timers follow each other without time passing. */
function watchedEnvironment(look: () => void): ManualEnvironment {
  const environment = manualEnvironment()
  let timers = 0
  return {
    ...environment,
    setTimer: (run, ms, background) =>
      environment.setTimer(
        () => {
          if (++timers > MOST_TIMERS) throw new Error('A timer is set again and again')
          look()
          run()
        },
        ms,
        background,
      ),
  }
}

async function allCommits(storage: MemoryStorage): Promise<readonly Commit[]> {
  const run = await storage.read('crew', 0, Infinity)
  return 'commits' in run ? run.commits : []
}

/** A crew that folds only what is stored, as text, and its state after each commit. */
async function replay(
  commits: readonly Commit[],
  environment: ManualEnvironment,
  limits: Limits,
): Promise<{ readonly crew: Crew; readonly glances: readonly string[] }> {
  const storage = new MemoryStorage()
  const crew = await openCrew({ storage, environment, limits, onError: () => undefined })
  const glances = [glanceAt(crew, TASKS)]
  for (const commit of commits) {
    await storage.append('crew', JSON.parse(JSON.stringify(commit)) as Commit)
    await crew.sync()
    glances.push(glanceAt(crew, TASKS))
  }
  return { crew, glances }
}

/** Plays a story and checks, during it and at its end, all that must hold whatever happens. */
export async function play({
  turns,
  faults,
  watches,
  keepsText,
  isTight,
  isForgetful,
  strategy,
}: Story): Promise<void> {
  const limits = isTight ? TIGHT : {}
  const retention = isForgetful ? { retention: { afterMs: 2000 } } : {}
  const storage = keepsText ? new TextStorage() : new MemoryStorage()
  if (!watches) Object.assign(storage, { watch: undefined })
  const replicas: (Replica & { isCrashed: boolean })[] = []
  const slots: (Replica & { isCrashed: boolean })[] = []
  /** What was seen of each number of commits. */
  const seen = new Map<string, string>()
  const look = (): void => {
    for (const { crew, isCrashed } of slots) {
      if (isCrashed) continue
      try {
        seen.set(glanceAt(crew, TASKS), `process ${String(slots.findIndex((slot) => slot.crew === crew))}`)
      } catch (error) {
        if (!CrewError.is(error, 'not_open') && !CrewError.is(error, 'closed')) throw error
      }
    }
  }
  const environment = watchedEnvironment(look)
  const failures: unknown[] = []
  const onError = (error: unknown): void => {
    if (String(error).includes('The strategy')) failures.push(error)
  }
  let calls = 0
  let isHealed = true
  const bad = faultyStorage(storage, {
    environment,
    plan: (call) => {
      look()
      return isHealed || (call !== 'append' && call !== 'read') ? undefined : faults[calls++]
    },
  })
  const open = async (index: number): Promise<void> => {
    const wasHealed = isHealed
    isHealed = true
    const assignment = index === 2 ? {} : automatic(strategy)
    const crew = await openCrew({ storage: bad, environment, limits, ...retention, ...assignment, onError })
    crew.on('*', look)
    const replica = { crew, attempts: [], deliveries: [], isCrashed: false }
    slots[index] = replica
    replicas.push(replica)
    isHealed = wasHealed
  }
  for (const index of [0, 1, 2]) await open(index)
  for (const member of MEMBERS) await slots[0]!.crew.join(member, { capacity: 2 })

  await slots[0]!.crew.tracker.createMany(
    ['t0', 't1', 't2'].map((id) => ({ id, description: id, ...(id === 't1' && { reviewers: ['cy'] }) })),
  )

  isHealed = false
  const outcomes: Outcome[] = []
  const closings: Promise<void>[] = []
  for (const [index, turn] of turns.entries()) {
    const replica = slots[turn.of]!
    if (typeof turn.do === 'object') {
      const op = `op${String(index)}`
      const called = call(replica, turn.do, op)
      if (called) {
        const outcome: Outcome = {
          called: `${op} ${turn.do.command}`,
          trace: called.trace,
          isOver: () => replica.isCrashed,
        }
        outcomes.push(outcome)
        called.answer.then(
          () => (outcome.answer = 'done'),
          (error: unknown) => {
            if (!CrewError.is(error)) throw error
            outcome.answer = REFUSALS.has(error.code) ? 'refused' : 'unknown'
            if (outcome.answer === 'unknown') expect(error.code).toBe('outcome_unknown')
          },
        )
      }
    } else if (turn.do === 'crash') {
      replica.isCrashed = true
      await crash(replica.crew)
      await open(turn.of)
    } else if (turn.do === 'close') {
      closings.push(replica.crew.close())
      await open(turn.of)
    } else if (turn.do === 'suspend') environment.suspend('10m')
    else environment.setWallClock(environment.now() - 3_600_000)
    look()
    if (turn.waitMs) await environment.advance(turn.waitMs)
  }
  await environment.advance('2m')
  isHealed = true
  await environment.advance('3m')
  await Promise.all(closings)
  for (const { called, answer, isOver } of outcomes)
    if (!isOver()) expect(answer, `an answer to ${called}`).toBeDefined()
  await Promise.all(slots.map(({ crew }) => crew.sync()))
  look()
  for (const { crew } of slots)
    for (const member of MEMBERS)
      if (isTight) expect(crew.communications.inbox(member).length).toBeLessThanOrEqual(TIGHT.mailbox)

  const commits = await allCommits(storage)
  Table.walk(commits)
  expect(await checkJournal(storage)).toEqual([])
  expect([...misgiven(commits), ...failures]).toEqual([])
  const events = commits.flatMap((commit) => commit.events)
  for (const { called, trace, answer } of outcomes) {
    if (!trace) continue
    const times = timesStored(trace, events)
    expect(times, `how often ${called}, ${answer ?? 'never answered'}, is stored`).toBeLessThanOrEqual(1)
    if (answer === 'refused') expect(times, `${called} was refused`).toBe(0)
    if (answer === 'done' && !trace.mayBeNone) expect(times, `${called} is done`).toBe(1)
  }
  const { crew: fresh, glances } = await replay(commits, environment, limits)
  const committed = new Set(glances)
  for (const [glance, who] of seen) expect(committed.has(glance), `${who} showed ${glance}`).toBe(true)
  const late = await openCrew({ storage, environment, limits })
  for (const crew of [late, ...slots.map((slot) => slot.crew)]) expect(stateOf(crew)).toEqual(stateOf(fresh))
  await Promise.all([fresh, late, ...slots.map(({ crew }) => crew)].map((crew) => crew.close()))
}
