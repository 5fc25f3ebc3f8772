import {
  type Attempt,
  type AttemptRecord,
  type Commit,
  type Crew,
  CrewError,
  type JournalEvent,
  type JournalStorage,
  MemoryStorage,
  openCrew,
  type TaskDraft,
} from 'crewlog'
import {
  type BrokenPromise,
  checkJournal,
  type Faults,
  manualEnvironment,
  simulate,
  type SimulatedWork,
  type Simulation,
} from 'crewlog/testing'
import {
  call,
  COLLABORATION,
  COMMANDS,
  FREQUENT,
  MEMBERS,
  type Replica,
  type Step,
  TASKS,
  timesStored,
  type Trace,
} from '../crew-commands.js'
import { stateOf } from '../crew-state.js'
import { REFUSALS } from '../refusals.js'
import { RewindableStorage } from '../../../src/testing/rewindable-storage.js'
import { automatic, STRATEGIES } from '../strategies.js'
import { countGiven, misgiven } from './board-model.js'
import { History } from './history.js'

/** What one seed came to: enough to see that a run was no idle one. */
export interface Trial {
  readonly seed: number
  readonly counts: Readonly<Record<string, number>>
}

/** Tasks that several processes create, claim and change in the same moment. */
const CONTESTED = ['r0', 'r1', 'r2', 'r3'] as const
/** May take any number of tasks, so that only the task itself can be why it gets none. */
const RIVAL = 'rival'
const WORKERS = ['w1', 'w2', 'w3'] as const
const PROCESSES = 3
const CREATIONS: typeof COMMANDS = ['create', 'create', 'createMany', 'addDependency']

interface Outcome {
  readonly called: string
  readonly trace: Trace | undefined
  readonly crew: Crew
  answer?: 'done' | 'refused' | 'unknown'
}

/** Simulates a small crew with rivals by a seed, over an empty storage, and throws at the first promise that was broken. */
export async function trial(
  seed: number,
  wanted: Faults = {},
  storage: JournalStorage = new MemoryStorage(),
): Promise<Trial> {
  try {
    return await new Story(seed, wanted, storage).play()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`Seed ${String(seed)} (npm run simulate -- --seeds 1 --from ${String(seed)}): ${why}`, {
      cause: error,
    })
  }
}

class Story {
  readonly #seed: number
  readonly #wanted: Faults
  readonly #storage: JournalStorage
  readonly #history = new History()
  readonly #replicas = new Map<Crew, Replica>()
  readonly #outcomes: Outcome[] = []
  readonly #heard = new Map<Crew, { readonly from: number; readonly events: string[] }>()
  readonly #counts = new Map<string, number>()
  #wrong: string[] = []

  constructor(seed: number, wanted: Faults, storage: JournalStorage) {
    this.#seed = seed
    this.#wanted = wanted
    this.#storage = storage
  }

  async play(): Promise<Trial> {
    const seed = this.#seed
    // Each fault in every other seed, so that some seeds have few and some all.
    const has = (bit: number): boolean => ((Math.imul(seed, 0x9e3779b1) >>> (8 + bit)) & 1) === 1
    const storage = this.#witnessed(this.#storage, has)
    const faults: Faults = {
      crash: has(0) ? 20 : 0,
      stall: has(1) ? 20 : 0,
      suspend: has(2) ? 10 : 0,
      clockStep: has(3) ? 20 : 0,
      storage: has(4) ? 0.25 : 0.03,
      lostWake: has(5) ? 0.3 : 0,
      doubled: has(6) ? 0.5 : 0,
      regress: has(9) && has(10) ? 0.02 : 0,
      ...this.#wanted,
    }
    const { report, errors, crew } = await simulate({
      seed,
      storage,
      faults,
      processes: PROCESSES,
      members: [
        ...MEMBERS.map((id) => ({ id, capacity: 2, works: false })),
        ...WORKERS.map((id) => ({ id })),
        { id: RIVAL, capacity: 1000, works: false },
      ],
      tasks: firstTasks,
      crew: {
        leaseMs: 5000 + (seed % 4) * 15_000,
        checkpointEvery: has(11) ? 10 : 1000,
        ...automatic(has(12) ? STRATEGIES[seed % STRATEGIES.length] : undefined),
      },
      durationMs: { meanMs: 20_000 },
      latencyMs: seed % 3,
      behaviour: { fail: 0.1, stall: 0.1, ask: 0.1 },
      handler: work,
      opened: (crew, place) => {
        this.#follow(crew, place)
      },
      meanwhile: (simulation) => this.#rival(simulation),
      ended: (simulation) => this.#look(simulation, storage),
    })
    await crew.close()
    this.#wrong.push(...errors.map(String).filter((error) => error.includes('The strategy')))
    if (this.#wrong.length > 0) throw new Error(this.#wrong.slice(0, 5).join('\n'))
    for (const [fault, times] of Object.entries(report.data.faults)) this.#counts.set(fault, times)
    return { seed, counts: Object.fromEntries(this.#counts) }
  }
  /** Counts what is stored and what is refused. */
  #witnessed(storage: JournalStorage, has: (bit: number) => boolean): JournalStorage {
    const stored = new Set<string>()
    const watch = storage.watch?.bind(storage)
    return {
      writers: storage.writers,
      maxCommitBytes: has(7) ? 50_000 : storage.maxCommitBytes,
      append: async (journal, commit, options) => {
        const answer = await storage.append(journal, commit, options)
        if (!answer.appended) this.#count('decided again')
        // Some say so of what they have already, too.
        else if (!stored.has(commit.id)) this.#history.stored()
        if (answer.appended) stored.add(commit.id)
        return answer
      },
      read: (...args) => storage.read(...args),
      saveCheckpoint: (...args) => storage.saveCheckpoint(...args),
      loadCheckpoint: (...args) => storage.loadCheckpoint(...args),
      trim: (...args) => storage.trim(...args),
      open: async (...args) => storage.open?.(...args),
      close: async (...args) => storage.close?.(...args),
      ...(watch && !has(8) && { watch }),
    }
  }

  #follow(crew: Crew, place: number): void {
    this.#history.follow(crew, place)
    this.#replicas.set(crew, { crew, attempts: [], deliveries: [] })
    const events: string[] = []
    crew.on('*', ({ seq, type, id }) => events.push(`${String(seq)} ${type} ${id}`))
    this.#heard.set(crew, { from: crew.journal.head?.seq ?? 0, events })
  }

  /** Commands of rivals in whatever processes run. */
  async #rival(simulation: Simulation): Promise<void> {
    const { random } = simulation
    const steps = 12 + Math.floor(random() * 28)
    for (let number = 0; number < steps; number++) {
      await simulation.wait(oneOf(random, [0, 0, 0, 2, 10, 700, 4000, 20_000]))
      const place = Math.floor(random() * PROCESSES)
      if (random() < 0.35) this.#contest(simulation, `op${String(number)}`)
      else {
        const crew = simulation.crew(place)
        if (crew) this.#call(crew, stepFrom(random), `op${String(number)}`)
      }
    }
    await simulation.wait(oneOf(random, [1000, 20_000, 90_000]))
    simulation.end()
  }

  #call(crew: Crew, step: Step, op: string): void {
    const called = call(this.#replicas.get(crew) as Replica, step, op)
    if (called) this.#expect(crew, `${op} ${step.command}`, called.answer, called.trace)
  }

  /** The same task in several processes at once. */
  #contest(simulation: Simulation, op: string): void {
    const { random } = simulation
    const id = oneOf(random, CONTESTED)
    for (let place = 0; place < PROCESSES; place++) {
      const crew = simulation.crew(place)
      if (!crew) continue
      const { tracker } = crew
      const known = tracker.get(id)
      const run = oneOf<() => Promise<unknown>>(random, [
        () => tracker.create({ id, description: op }),
        () => tracker.claim(RIVAL, { taskId: id }),
        () => tracker.claim(RIVAL, { taskId: id }),
        () => tracker.update(id, { metadata: { op: `${op} ${String(place)}` } }, { version: known?.version ?? 1 }),
        () => this.#history.read(crew, place, id),
        () => tracker.release(id, { fence: known?.fence || 1 }),
        () => tracker.complete(id, { fence: known?.fence || 1, result: op }),
      ])
      this.#expect(crew, `${op} contest`, run(), undefined)
    }
  }

  #expect(crew: Crew, called: string, answer: Promise<unknown>, trace: Trace | undefined): void {
    const outcome: Outcome = { called, trace, crew }
    this.#outcomes.push(outcome)
    answer.then(
      () => (outcome.answer = 'done'),
      (error: unknown) => {
        const code = CrewError.is(error) ? error.code : String(error)
        outcome.answer = REFUSALS.has(code) ? 'refused' : 'unknown'
        if (outcome.answer === 'unknown' && code !== 'outcome_unknown')
          this.#wrong.push(`${called} rejects with ${code}`)
      },
    )
  }

  /** When all is well again: what every process shows, against what is stored. */
  async #look(simulation: Simulation, storage: JournalStorage): Promise<void> {
    const crews = Array.from({ length: PROCESSES }, (_, place) => simulation.crew(place)).flatMap((crew) => crew ?? [])
    if (crews.length < PROCESSES) this.#wrong.push('A process did not come back')
    const isWaiting = ({ crew, answer }: Outcome): boolean => !answer && crews.includes(crew)
    // A call that opens or rebuilds may hang for five minutes.
    for (let tries = 0; tries < 20 && this.#outcomes.some(isWaiting); tries++) await simulation.wait(30_000)
    let commits: readonly Commit[] = []
    // A renewal may come in between.
    for (
      let tries = 0;
      tries < 10 && crews.some(({ journal }) => journal.head?.seq !== (commits.length || -1));
      tries++
    ) {
      await Promise.all(crews.map((crew) => crew.sync()))
      const run = await RewindableStorage.of(storage).read('crew', 0, Infinity)
      commits = 'commits' in run ? run.commits : []
    }
    const environment = manualEnvironment({ now: crews[0]?.journal.environment.now() ?? 0 })
    // It is left open, as closing writes: what it hears of later is nobody's business.
    const onError = (): void => undefined
    const fresh = await openCrew({ storage: RewindableStorage.of(storage), environment, onError })
    const should = JSON.stringify(stateOf(fresh))
    for (const crew of crews) {
      if (crew.journal.head?.seq !== commits.at(-1)?.seq)
        this.#wrong.push(
          `A process does not keep up: ${String(crew.journal.head?.seq)} of ${String(commits.at(-1)?.seq)} ${commits.length}`,
        )
      else if (JSON.stringify(stateOf(crew)) !== should) this.#wrong.push('A process shows what is not stored')
    }
    for (const outcome of this.#outcomes) if (isWaiting(outcome)) this.#wrong.push(`${outcome.called} has no answer`)
    // A journal that went back to nothing is none.
    const broken = commits.length === 0 ? [] : await checkJournal(RewindableStorage.of(storage), 'crew')
    const wentBack = 'regress' in simulation.faults
    // Who did not know yet that it went back may save what nobody will load.
    const isLost = ({ rule }: BrokenPromise): boolean => wentBack && rule === 'checkpoints'
    for (const promise of broken) if (!isLost(promise)) this.#wrong.push(JSON.stringify(promise))
    this.#check(commits, wentBack)
  }

  /** Answers against the journal; of one that went back, what was lost is not there. */
  #check(commits: readonly Commit[], wentBack: boolean): void {
    const events = commits.flatMap((commit) => commit.events)
    for (const { called, trace, answer } of this.#outcomes) {
      if (!trace) continue
      const times = timesStored(trace, events)
      const least = answer === 'done' && !trace.mayBeNone && !wentBack ? 1 : 0
      const most = answer === 'refused' ? 0 : 1
      if (times < least || times > most)
        this.#wrong.push(`${called}, ${answer ?? 'not answered'}, is stored ${String(times)} times`)
    }
    this.#wrong.push(...misgiven(commits))
    if (!wentBack) this.#checkAnswers(commits)
    this.#count('calls', this.#history.calls.length)
    this.#count('commits', commits.length)
    this.#count('given by strategy', countGiven(commits))
    this.#countTakeovers(events)
  }

  #checkAnswers(commits: readonly Commit[]): void {
    const told = commits.flatMap(({ seq, events: some }) => some.map(({ type, id }) => `${String(seq)} ${type} ${id}`))
    const starts = commits.map(({ events: some }) => some.length)
    for (const { from, events: heard } of this.#heard.values()) {
      const before = starts.slice(0, from).reduce((sum, length) => sum + length, 0)
      // One that died heard less.
      if (heard.some((event, index) => event !== told[before + index]))
        this.#wrong.push('A process heard what is not stored')
    }
    this.#wrong.push(...this.#history.untrue(commits), ...this.#history.unlinearizable(commits, CONTESTED, RIVAL))
  }

  #countTakeovers(events: readonly JournalEvent[]): void {
    const attempts = events.flatMap(({ id, changes }) => attemptsIn(changes).map((attempt) => ({ id, ...attempt })))
    const lost = attempts.filter(({ outcome }) => outcome === 'lost')
    this.#count('lost lease', lost.length)
    this.#count(
      'takeover',
      lost.filter(({ id, number, session }) =>
        attempts.some((next) => next.id === id && next.number === number + 1 && next.session !== session),
      ).length,
    )
  }

  #count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }
}

const attemptsIn = (changes: JournalEvent['changes']): readonly AttemptRecord[] =>
  (changes['attempts'] as { readonly added?: readonly AttemptRecord[] } | undefined)?.added ?? []

const oneOf = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

function stepFrom(random: () => number): Step {
  return {
    command: oneOf(random, oneOf(random, [COMMANDS, COMMANDS, FREQUENT, FREQUENT, CREATIONS, COLLABORATION])),
    member: oneOf(random, MEMBERS),
    other: oneOf(random, MEMBERS),
    task: oneOf(random, TASKS),
    more: TASKS.filter(() => random() < 0.2).slice(0, 2),
    policy: oneOf(random, ['fail', 'cancel', 'continue', 'block'] as const),
    ms: oneOf(random, [0, 0, 5, 100, 1000, 5000, 40_000]),
    flag: random() < 0.5,
    pick: Math.floor(random() * 9),
  }
}

/** Some that wait for others, and one that is a part of another. */
function* firstTasks(random: () => number): Iterable<TaskDraft> {
  yield { description: 'first', priority: 2 }
  yield { description: 'second' }
  yield { description: 'third', dependsOn: [{ id: 'task-1', onFailure: oneOf(random, ['fail', 'continue', 'block']) }] }
  yield { description: 'fourth', dependsOn: ['task-3'], retry: { attempts: 2 } }
  yield { description: 'fifth', parentId: oneOf(random, ['task-2', 'task-4']) }
}

/** What a worker does with a task. */
async function work(attempt: Attempt, { durationMs, think, random }: SimulatedWork): Promise<unknown> {
  const draw = random()
  if (draw < 0.1) await attempt.progress({ value: 0.1, note: 'begun' })
  await think(durationMs * (draw < 0.2 ? 10 : 1))
  if (draw > 0.9) throw new Error('failed, as simulated')
  if (draw > 0.8) return attempt.release()
  if (draw > 0.7) return attempt.wait({ for: 'input', question: 'Which?', withinMs: 20_000, onTimeout: 'resume' })
  return 'done'
}
