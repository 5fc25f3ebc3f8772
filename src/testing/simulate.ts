import { CrewError } from '../core/errors.js'
import type { JournalStorage } from '../core/journal/journal-storage.js'
import { MemoryStorage } from '../core/journal/memory-storage.js'
import type { TaskDraft } from '../core/tasks/task-input.js'
import { type Crew, openCrew } from '../crew/crew.js'
import type { Report } from '../reports/report.js'
import { employ } from './simulated-member.js'
import { SimulatedProcess } from './simulated-process.js'
import { SimulatedWorld } from './simulated-world.js'
import { type NamedDraft, type Plan, planOf, type SimulationOptions } from './simulation-options.js'
import { type SimulationData, simulationReport, SimulationStatistics } from './simulation-report.js'
import { VirtualTime } from './virtual-time.js'

export interface SimulateOptions extends SimulationOptions {
  /** Called at the end; when it throws, the simulation rejects with the seed and how to repeat it. */
  readonly check?: (result: Simulated) => unknown
}

/** What became of a simulated crew. */
export interface Simulated {
  readonly seed: number
  readonly report: Report<SimulationData>
  /** As the journal has it at the end, for its queries and reports; nobody works in it, and its time stands still. */
  readonly crew: Crew
  /** The journal: where it is kept, and under which name. */
  readonly storage: JournalStorage
  readonly name: string
  /** What nobody awaited, as each process told its `onError`; the newest hundred. */
  readonly errors: readonly unknown[]
}

/** Tasks that are created in one go, when all come at once. */
const AT_ONCE = 100
/** Without any news of tasks for so long, nothing more will happen. */
const QUIET_MS = 86_400_000
/** Within which everybody is back, though a call of the opening hangs. */
const BACK_MS = 600_000
/** For what was on its way when all tasks had ended. */
const AFTERMATH_MS = 60_000
const PAUSE_MS = 1000

/**
 * Simulates a crew: members in any number of processes take and do tasks, in a time that passes by itself, while as much
 * goes wrong as you like. All chance is drawn from the seed, so that the same seed makes the same journal, byte for byte.
 * Rejects with `invalid_input`, or when `check` throws: with the seed, and what it threw as the cause.
 */
export async function simulate(options: SimulateOptions = {}): Promise<Simulated> {
  const plan = planOf(options)
  const simulated = await run(plan, options)
  try {
    await options.check?.(simulated)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`Seed ${plan.seed} fails; repeat it with simulate({ seed: ${plan.seed}, … }): ${why}`, {
      cause: error,
    })
  }
  return simulated
}

async function run(plan: Plan, options: SimulateOptions): Promise<Simulated> {
  const { assign, handler, opened, meanwhile, ended, storage = new MemoryStorage(), crew: crewOptions } = options
  const time = new VirtualTime(plan.seed)
  const statistics = new SimulationStatistics(() => time.monotonic())
  const failures: unknown[] = []
  /** What the caller's own functions throw ends the simulation. */
  const guarded =
    <A extends readonly unknown[], R>(run: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return run(...args)
      } catch (error) {
        failures.push(error)
        throw error
      }
    }
  const guardedPlan = { ...plan, durationMs: guarded(plan.durationMs) }
  const readsMail = assign !== undefined || plan.behaviour.ask > 0
  const employers = employersOf(plan, time.random)
  const world = new SimulatedWorld(time, plan, storage, { ...crewOptions }, async (crew, place, process) => {
    statistics.follow(crew)
    if (place === 0 && assign) assignWith(guarded(assign), crew)
    // Again, where the journal in which they joined may be lost.
    if (crew.members.length === 0 || plan.faults.regress > 0)
      await Promise.all([...plan.joining].map(([id, joining]) => crew.join(id, joining)))
    const isThere = new Set(crew.members.map(({ id }) => id))
    for (const member of employers[place] ?? [])
      if (isThere.has(member.id)) employ(crew, process, member, guardedPlan, handler, readsMail)
    if (opened) guarded(opened)(crew, place)
  })

  const progress = { isBegun: false, isTold: false }
  /** Number of the commit after which all tasks are there. */
  let createdBy = 0
  const story = async (): Promise<void> => {
    await world.begin(0)
    for (let place = 1; place < plan.processes; place++) await world.begin(place)
    progress.isBegun = true
    world.harm()
    const [seq] = await Promise.all([bringTasks(world, plan), meanwhile?.(world)])
    createdBy = plan.faults.regress > 0 ? 0 : seq
    progress.isTold = true
  }
  story().catch((error: unknown) => {
    failures.push(error)
  })
  const isDone = (crew: Crew): boolean => {
    const { board } = crew.tracker.parts
    const ended = (['completed', 'failed', 'cancelled'] as const).reduce(
      (sum, stage) => sum + board.inStage(stage).size,
      0,
    )
    return (crew.journal.head?.seq ?? 0) >= createdBy && ended === board.all.size
  }
  let asOf = -1
  const isOver = (): boolean => {
    if (failures.length > 0 || world.isEnded) return true
    const isNews = progress.isTold && statistics.changes !== asOf
    if (isNews) asOf = statistics.changes
    // Only what has changed can make a difference.
    if (isNews && world.crews.some(isDone)) return true
    return progress.isBegun && time.monotonic() - statistics.newsAt > QUIET_MS
  }
  await time.pass(isOver, plan.limitMs)
  if (failures.length > 0) throw failures[0]

  const isQuiet = progress.isBegun && time.monotonic() - statistics.newsAt > QUIET_MS
  const early = world.isEnded ? 'end' : isQuiet ? 'quiet' : 'limitMs'
  const endedBy = progress.isTold && world.crews.some(isDone) ? 'tasks' : early
  const elapsedMs = early === 'limitMs' && endedBy !== 'tasks' ? plan.limitMs : time.monotonic()
  statistics.end()
  const data = { seed: plan.seed, processes: plan.processes, endedBy, elapsedMs } as const
  world.heal()
  await time.pass(() => world.isWhole, elapsedMs + BACK_MS)
  await time.pass(() => false, time.monotonic() + AFTERMATH_MS)
  let isClosed = false
  const close = async (): Promise<void> => {
    await ended?.(world)
    await world.close()
  }
  close()
    .catch((error: unknown) => {
      failures.push(error)
    })
    .finally(() => {
      isClosed = true
    })
  await time.pass(() => isClosed)
  if (failures.length > 0) throw failures[0]

  const crew = await openCrew({
    ...crewOptions,
    name: world.name,
    storage: world.storage.real,
    environment: new SimulatedProcess(time, 0),
  })
  const report = simulationReport(time.now(), statistics.data(crew, { ...data, faults: world.faults }))
  return { seed: plan.seed, report, crew, storage: world.storage.real, name: world.name, errors: world.errors }
}

/** Who works where: spread evenly, some in two processes. */
function employersOf({ members, processes, faults }: Plan, random: () => number): readonly Plan['members'][] {
  const employers = Array.from({ length: processes }, () => [] as Plan['members'][number][])
  for (const [index, member] of members.entries()) {
    employers[index % processes]?.push(member)
    if (processes > 1 && random() < faults.doubled) employers[(index + 1) % processes]?.push(member)
  }
  return employers
}

/** Creates the tasks as they come; answers the number of a commit by which all are there. */
async function bringTasks(world: SimulatedWorld, plan: Plan): Promise<number> {
  let seq = 0
  let number = 0
  let batch: NamedDraft[] = []
  const bring = async (): Promise<void> => {
    if (batch.length > 0) seq = await create(world, batch)
    batch = []
  }
  for (const draft of plan.tasks(world.random)) {
    const pauseMs = number === 0 ? 0 : plan.arrivalMs(world.random)
    if (pauseMs > 0 || batch.length >= AT_ONCE) await bring()
    if (pauseMs > 0) await world.wait(pauseMs)
    batch.push({ id: `task-${++number}`, ...draft })
  }
  await bring()
  return seq
}

/** Through whatever process runs, until it is known that they are there. */
async function create(world: SimulatedWorld, drafts: readonly NamedDraft[]): Promise<number> {
  for (;;) {
    const crew = world.crew()
    const done = crew && creation(crew, drafts)
    // Who dies meanwhile never answers.
    if (done && (await Promise.race([done, world.wait(60_000).then(() => false)]))) return crew.journal.head?.seq ?? 0
    await world.wait(PAUSE_MS)
  }
}

async function creation(crew: Crew, drafts: readonly TaskDraft[]): Promise<boolean> {
  try {
    await crew.tracker.createMany(drafts)
    return true
  } catch (error) {
    // An earlier try was done, though it was not answered.
    if (CrewError.is(error, 'already_exists')) return true
    if (CrewError.is(error, 'outcome_unknown') || CrewError.is(error, 'storage_unavailable')) return false
    throw error
  }
}

function assignWith(assign: NonNullable<SimulateOptions['assign']>, crew: Crew): void {
  const { tracker } = crew
  const consider = (id: string): void => {
    const task = tracker.get(id)
    if (!task || tracker.stage(id) !== 'new') return
    const chosen = assign(task, crew)
    if (chosen !== undefined) tracker.assign(id, chosen).catch(crew.journal.onError)
  }
  tracker.on('created', ({ task }) => {
    consider(task.id)
  })
  tracker.on('ready', ({ task }) => {
    consider(task.id)
  })
  for (const { id } of tracker.list({ stage: 'new' })) consider(id)
}
