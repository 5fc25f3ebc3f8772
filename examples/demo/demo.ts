import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AssignmentOptions,
  bestFit,
  CrewError,
  leastLoaded,
  openCrew,
  systemEnvironment,
  type Crew,
  type Environment,
  type Member,
  type Strategy,
} from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { playAgents } from './agents.js'
import { countOf, isFinished, loadBoard, makespanOf, openingOf, type Board, type Opening } from './board.js'
import { equalCast, sampleCast, type Role } from './cast.js'
import { HUMAN, playHuman } from './human.js'
import { InputError } from './input-error.js'
import { readInputFile } from './input-file.js'
import { readOptions, USAGE, UsageError, type Options } from './options.js'
import { greatestPlan } from './plan-then.js'
import { Progress, type Output } from './progress.js'
import { reportPage } from './report-page.js'
import { SAMPLE_BOARD } from './sample-board.js'
import { simulate, simulatedTime } from './simulation.js'

/** Where the demo runs. */
export interface Surroundings {
  readonly out: Output
  readonly err: Output
  /** Stops it cleanly. */
  readonly signal: AbortSignal
}

/** Runs the demo as the command line says, and answers the exit code. */
export async function runDemo(args: readonly string[], { out, err, signal }: Surroundings): Promise<number> {
  try {
    const options = readOptions(args)
    if (options.isHelp) {
      out.write(USAGE)
      return 0
    }
    return await new Demo(options, await boardOf(options), out).run(signal)
  } catch (error) {
    if (error instanceof UsageError) {
      err.write(`demo: ${error.message}; see npm run demo -- --help\n`)
      return 2
    }
    if (!(error instanceof InputError) && !CrewError.is(error)) throw error
    err.write(`demo: ${error.message.replaceAll('\n', ' ')}\n`)
    return 1
  }
}

const boardOf = async ({ file }: Options): Promise<Board> =>
  file === undefined ? SAMPLE_BOARD : await readInputFile(file)

/** One run over one board. */
class Demo {
  readonly #options: Options
  readonly #board: Board
  readonly #out: Output
  readonly #cast: readonly Role[]
  readonly #pace: number
  readonly #time = simulatedTime()
  readonly #environment: Environment
  readonly #assignment: Pick<AssignmentOptions, 'automatic'> & { readonly strategy: Strategy }
  readonly #folder: string

  constructor(options: Options, board: Board, out: Output) {
    const { file, members, pace = file === undefined ? 1 : 0 } = options
    this.#options = options
    this.#board = board
    this.#out = out
    this.#pace = pace
    this.#cast = castOf(options, board)
    this.#environment = board.isSimulated ? this.#time : systemEnvironment
    // Machines are all alike, and get something once all that ends at an instant has ended.
    this.#assignment = board.isSimulated ? { strategy: leastLoaded(), automatic: false } : { strategy: bestFit() }
    // Another board, or another number of members, is another crew.
    const print = createHash('sha256').update(JSON.stringify([board, members ?? 'default']))
    this.#folder = join(options.folder, `${board.name}-${print.digest('hex').slice(0, 8)}`)
  }

  async run(signal: AbortSignal): Promise<number> {
    const crew = await this.#open()
    const stop = (): void => {
      void crew.close()
    }
    try {
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      await this.#work(crew)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', stop)
      await crew.close()
    }
    if (!signal.aborted) return 0
    this.#out.write('Stopped. Run it again, and it goes on here.\n')
    return 130
  }

  /** From here on tasks are assigned as they become ready. */
  async #open(): Promise<Crew> {
    const crew = await this.#openBoard()
    try {
      await crew.join(HUMAN, { kind: 'human', available: false })
      await loadBoard(crew, this.#board, HUMAN)
      for (const { id, options } of this.#cast) await crew.join(id, options)
    } finally {
      await crew.close()
    }
    return this.#openCrew(this.#assignment)
  }

  /** The crew of an earlier run that was not finished, or a new one. */
  async #openBoard(): Promise<Crew> {
    const crew = await this.#openCrew()
    try {
      if (!openingOf(crew)) return crew
      const { done, all } = countOf(crew, this.#board)
      const finished = isFinished(crew)
      if (!finished && !this.#options.isFresh) {
        this.#say(`${done} of ${all} tasks are done: going on in ${this.#folder}`)
        return crew
      }
      this.#say(`An earlier run ${finished ? 'is finished' : `stopped at ${done} of ${all}`}: starting anew`)
    } catch (error) {
      await crew.close()
      throw error
    }
    await crew.close()
    await rm(this.#folder, { recursive: true })
    return this.#openCrew()
  }

  async #openCrew(assignment?: AssignmentOptions): Promise<Crew> {
    const crew = await openCrew({
      name: 'demo',
      ...(assignment && { assignment }),
      storage: fileStorage(this.#folder),
      environment: this.#environment,
      limits: { dependencies: 1_000_000 },
      retry: { backoffMs: { base: 400 * this.#pace, cap: 2000 } },
      onError: (error) => this.#say(`An error that nobody awaited: ${String(error)}`),
    })
    if (this.#options.isVerbose)
      crew.on('*', ({ seq, type, id, by }) => {
        this.#say(`#${seq} ${type} ${id}${by === undefined ? '' : ` by ${by}`}`)
      })
    return crew
  }

  async #work(crew: Crew): Promise<void> {
    const board = this.#board
    const hana = crew.as(HUMAN)
    const members = this.#cast.map(({ id }) => crew.as(id))
    const opening = await loadBoard(crew, board, hana.id)
    const { tasks, edges, ready, blocked } = opening
    this.#say(`${board.name}: ${tasks} tasks, ${edges} edges; at first ${ready} ready and ${blocked} blocked`)
    this.#say(`${members.length} members work; ${hana.id} stands in for a person`)

    const progress = this.#follow(crew)
    try {
      if (board.isSimulated) await simulate(crew, this.#time)
      else await this.#play(crew, hana, members)
    } finally {
      progress.end()
    }
    await this.#report(crew, opening, members.length)
  }

  async #play(crew: Crew, hana: Member, members: readonly Member[]): Promise<void> {
    const running = [playHuman(crew, hana, this.#pace), ...playAgents(crew, members, this.#pace)]
    await crew.idle()
    await Promise.all(running.map((one) => one.stop()))
  }

  #follow(crew: Crew): Progress {
    const progress = new Progress(this.#out)
    if (this.#options.isVerbose) return progress
    const show = (): void => {
      const { done, all } = countOf(crew, this.#board)
      const { tracker } = crew
      const working = tracker.count({ status: 'in_progress' })
      const waiting = tracker.count({ status: 'waiting' })
      progress.show(done, all, `${working} under way, ${waiting} waiting for ${HUMAN}`)
    }
    show()
    for (const event of ['started', 'completed', 'failed', 'cancelled', 'waiting'] as const)
      crew.tracker.on(event, show)
    return progress
  }

  async #report(crew: Crew, opening: Opening, members: number): Promise<void> {
    const makespanMs = makespanOf(crew, this.#board)
    const { reports } = crew
    const parts = [reports.generate('summary'), reports.generate('workload'), reports.generate('health')]
    for (const part of parts) this.#say(`\n${part.toMarkdown()}`)
    this.#say('')
    const { done, all } = countOf(crew, this.#board)
    const inTime = this.#board.isSimulated ? ' of simulated time' : ''
    this.#say(`${done} of ${all} tasks done in ${(makespanMs / 1000).toFixed(1)} s${inTime}; kept in ${this.#folder}`)
    const page = `${this.#folder}.html`
    const plan = await greatestPlan(fileStorage(this.#folder), this.#assignment.strategy)
    const title = `The crew of ${this.#board.name}`
    await writeFile(page, reportPage(crew, { title, subtitle: `${done} of ${all} tasks done`, plan }))
    this.#say(`The report with pictures: ${page}`)
    const completed = crew.tracker.count({ status: 'completed' })
    const failed = crew.tracker.count({ status: 'failed' })
    if (this.#options.isJson) this.#say(JSON.stringify({ ...opening, completed, failed, members, makespanMs }))
  }

  #say(line: string): void {
    this.#out.write(`${line}\n`)
  }
}

function castOf({ file, members }: Options, { isSimulated }: Board): readonly Role[] {
  if (file === undefined) return sampleCast(members)
  return isSimulated
    ? equalCast('machine', members ?? 4, { kind: 'service' })
    : equalCast('agent', members ?? 4, { capacity: 2 })
}
