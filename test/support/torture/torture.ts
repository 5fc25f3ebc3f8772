import { type Commit, type Crew, type JournalStorage, openCrew, systemEnvironment } from 'crewlog'
import { checkJournal } from 'crewlog/testing'
import { randomFrom } from '../../../src/core/random.js'
import { type Child, compileProgram, type Program } from '../child-programs.js'
import { stateOf } from '../crew-state.js'
import { engineOf } from '../all-engines.js'
import type { Engine } from '../engines.js'
import { Facts } from './facts.js'
import type { Life, Told } from './told.js'

export interface TortureOptions {
  /** Its name in `all-engines.ts`. */
  readonly engine: string
  readonly kills: number
  readonly seed: number
  /** Processes at once; default: one where only one may write, else three. */
  readonly processes?: number
  readonly onKill?: (kills: number) => void
}

export interface TortureResult {
  readonly kills: number
  /** Of them, before the process had opened its crew. */
  readonly killedOpening: number
  /** Processes that were stopped for longer than a lease, and went on. */
  readonly suspended: number
  readonly commits: number
  readonly events: number
  /** Answers that were told. */
  readonly acknowledged: number
  /** Every promise that was broken; none when all is well. */
  readonly problems: readonly string[]
}

const CREW = { leaseMs: 2000, checkpointEvery: 200, retention: { keep: 300 } } as const
const PAGE = 500
/** Most of one sort of problem that are worth telling. */
const MOST = 5

/** Kills processes that work on one crew, so many of them and each at a moment of its own, and judges what they leave. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const engine = await engineOf(options.engine)
  const place = await engine.make()
  const program = await compileProgram('test/support/torture/program.ts')
  try {
    return await new Torture(options, engine, place, program).run()
  } finally {
    await program.remove()
    await engine.remove(place)
  }
}

class Torture {
  readonly #options: TortureOptions
  readonly #engine: Engine
  readonly #place: string
  readonly #program: Program
  readonly #random: () => number
  readonly #problems: string[] = []
  readonly #facts = new Set<string>()
  #begun = 0
  #kills = 0
  #killedOpening = 0
  #suspended = 0
  /** What the clock on the wall shows, when it does not go on: a past's stands at its last commit. */
  #stoppedAt: number | undefined

  constructor(options: TortureOptions, engine: Engine, place: string, program: Program) {
    this.#options = options
    this.#engine = engine
    this.#place = place
    this.#program = program
    this.#random = randomFrom(options.seed)
  }

  async run(): Promise<TortureResult> {
    const connection = await this.#engine.connect(this.#place)
    const { storage } = connection
    const isShared = storage.writers === 'many'
    try {
      // One that only looks on, where it can.
      const watching = isShared ? await this.#open(storage) : undefined
      const { processes = isShared ? 3 : 1 } = this.#options
      await Promise.all(Array.from({ length: processes }, (_, slot) => this.#slot(slot)))
      const crew = watching ?? (await this.#open(storage))
      await this.#finish(crew)
      return await this.#judge(crew, storage)
    } finally {
      await connection.close()
    }
  }

  /** One process after another. */
  async #slot(slot: number): Promise<void> {
    const { kills, seed, engine, onKill } = this.#options
    let firstKey = 0
    for (let number = 0; this.#begun < kills && this.#problems.length === 0; number++) {
      this.#begun++
      const life = {
        engine,
        place: this.#place,
        slot,
        number,
        seed: seed + 1000 * slot + number,
        firstKey,
      }
      firstKey = await this.#live({ ...life, crew: CREW })
      this.#kills++
      onKill?.(this.#kills)
    }
  }

  /** From the start of a process to its death; answers the first key that it got no answer for. */
  async #live(life: Life): Promise<number> {
    const keys = new Set<number>()
    let tellOpen = (): void => undefined
    const open = new Promise<void>((resolve) => (tellOpen = resolve))
    const seen = { open: false }
    const hear = (line: string): void => {
      const told = JSON.parse(line) as Told
      if (told.did === 'trouble') this.#problems.push(told.fact)
      if (told.did === 'acknowledged') this.#facts.add(told.fact)
      if (told.did === 'acknowledged' && told.key !== undefined) keys.add(told.key)
      if (told.did === 'open') seen.open = true
      tellOpen()
    }
    const child = this.#program.start(life, hear)
    if (this.#random() < 0.2) await pause(400 * this.#random())
    else await this.#letWork(child, open)
    child.signal('SIGKILL')
    await child.ended
    if (!seen.open) this.#killedOpening++
    if (!child.wasKilled || child.complaint !== '')
      this.#problems.push(`A process ended by itself, or complained: ${child.complaint}`)
    let firstKey = life.firstKey
    while (keys.has(firstKey)) firstKey++
    return firstKey
  }

  async #letWork(child: Child, open: Promise<void>): Promise<void> {
    await Promise.race([open, child.ended])
    await pause(800 * this.#random())
    // Who is stopped in the middle of a write to a file keeps it locked.
    if (!this.#engine.service) return
    if (this.#suspended > 0 && this.#random() > 0.05) return
    this.#suspended++
    child.signal('SIGSTOP')
    await pause(1.5 * CREW.leaseMs)
    child.signal('SIGCONT')
    await pause(300 * this.#random())
  }

  #open(storage: JournalStorage): Promise<Crew> {
    return openCrew({
      ...CREW,
      storage,
      environment: { ...systemEnvironment, now: () => this.#stoppedAt ?? systemEnvironment.now() },
      onError: (error) => this.#problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    })
  }

  /** Nothing is stuck: what the dead have left is worked off by one who lives. */
  async #finish(crew: Crew): Promise<void> {
    await crew.sync()
    const workers = crew.members.map(({ id }) => crew.as(id).work(() => 'done', { concurrency: 20 }))
    const open = crew.tracker.list({ status: ['pending', 'in_progress', 'waiting'] })
    const ends = await Promise.allSettled(open.map(({ id }) => crew.tracker.whenEnded(id, { timeoutMs: 60_000 })))
    await Promise.all(workers.map((worker) => worker.stop()))
    const stuck = open.filter((_, index) => ends[index]?.status === 'rejected').map(({ id }) => crew.tracker.get(id))
    if (stuck.length > 0) this.#problems.push(`${stuck.length} tasks do not end: ${JSON.stringify(stuck[0])}`)
  }

  async #judge(crew: Crew, storage: JournalStorage): Promise<TortureResult> {
    const facts = new Facts()
    let events = 0
    const commits = await this.#read(storage, (commit) => {
      facts.add(commit)
      events += commit.events.length
    })
    await this.#compare(crew, storage)
    await crew.close()
    const broken = await checkJournal(storage)
    const missing = [...this.#facts].filter((fact) => !facts.has(fact))
    this.#problems.push(
      ...broken.slice(0, MOST).map((promise) => JSON.stringify(promise)),
      ...missing.slice(0, MOST).map((fact) => `Acknowledged and not there: ${fact}`),
      ...facts.doubled.slice(0, MOST).map((fact) => `There more than once: ${fact}`),
    )
    return {
      kills: this.#kills,
      killedOpening: this.#killedOpening,
      suspended: this.#suspended,
      commits,
      events,
      acknowledged: this.#facts.size,
      problems: this.#problems,
    }
  }

  async #read(storage: JournalStorage, hear: (commit: Commit) => void): Promise<number> {
    for (let after = 0; ;) {
      const run = await storage.read('crew', after, PAGE)
      if ('trimmedTo' in run) throw new Error(`The journal is trimmed to ${run.trimmedTo}, and nobody asked for that`)
      run.commits.forEach(hear)
      const last = run.commits.at(-1)
      if (!last) return after
      after = last.seq
    }
  }

  /** Who folds all commits has the state of who saw them come. */
  async #compare(crew: Crew, storage: JournalStorage): Promise<void> {
    await crew.sync()
    const head = crew.journal.head!
    this.#stoppedAt = head.at
    const live = JSON.stringify(stateOf(crew))
    this.#stoppedAt = undefined
    for (const [what, from] of [
      ['all its commits', commitsOf(storage)],
      ['its checkpoint', storage],
    ] as const) {
      const past = await openCrew({ storage: from, at: { seq: head.seq } })
      if (JSON.stringify(stateOf(past)) !== live) this.#problems.push(`A replica opened from ${what} has another state`)
      await past.close()
    }
  }
}

/** To be read without its checkpoints. */
const commitsOf = (storage: JournalStorage): JournalStorage => ({
  writers: 'many',
  maxCommitBytes: Infinity,
  append: () => Promise.reject(new Error('Only to be read')),
  read: (...call) => storage.read(...call),
  saveCheckpoint: () => Promise.reject(new Error('Only to be read')),
  loadCheckpoint: async () => undefined,
  trim: () => Promise.reject(new Error('Only to be read')),
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
