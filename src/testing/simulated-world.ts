import { CrewError } from '../core/errors.js'
import type { JournalStorage } from '../core/journal/journal-storage.js'
import { type Crew, openCrew } from '../crew/crew.js'
import type { CrewOptions } from '../crew/crew-options.js'
import type { FaultDetails, StorageCall } from './fault-plan.js'
import { faultyStorage, type FaultyStorage } from './faulty-storage.js'
import { RewindableStorage } from './rewindable-storage.js'
import { SimulatedProcess } from './simulated-process.js'
import type { Plan, Simulation } from './simulation-options.js'
import { milliseconds, type Span } from './span.js'
import type { VirtualTime } from './virtual-time.js'

const HOUR_MS = 3_600_000
/** How long a process is stopped or down, on the average. */
const STALL_MS = 60_000
const SLEEP_MS = 600_000
const DOWN_MS = 60_000
const PAUSE_MS = 1000
/** Longest delay of a call that is slow. */
const SLOW_MS = 5000

/** What befalls a call of the storage when one does, with how often it is this. */
const STORAGE_FAULTS: readonly (readonly [FaultDetails['fault'], number])[] = [
  ['error', 0.2],
  ['throw', 0.05],
  ['lost call', 0.1],
  ['lost answer', 0.2],
  ['delay', 0.15],
  ['slow answer', 0.15],
  ['hang', 0.05],
  ['late', 0.05],
  ['false refusal', 0.05],
]

/** One place for a process: when it dies, another one comes there. */
interface Place {
  process: SimulatedProcess
  crew: Crew | undefined
}

/** The processes of a simulated crew, the storage between them, and what befalls both. */
export class SimulatedWorld implements Simulation {
  readonly time: VirtualTime
  readonly name = 'crew'
  readonly storage: FaultyStorage
  /** Errors that nobody awaited, the newest last; at most a hundred. */
  readonly errors: unknown[] = []

  readonly #plan: Plan
  readonly #options: CrewOptions
  readonly #opened: (crew: Crew, place: number, process: SimulatedProcess) => Promise<void>
  readonly #places: Place[] = []
  /** How often what happened to processes. */
  readonly #mishaps = new Map<string, number>()
  #isHealthy = true
  #isOver = false
  #isEnded = false

  constructor(
    time: VirtualTime,
    plan: Plan,
    storage: JournalStorage,
    options: CrewOptions,
    opened: (crew: Crew, place: number, process: SimulatedProcess) => Promise<void>,
  ) {
    this.time = time
    this.#plan = plan
    this.#options = options
    this.#opened = opened
    this.storage = faultyStorage(storage, { environment: time, plan: (call) => this.#fate(call) })
    time.waitFor(() => RewindableStorage.of(storage).rest())
  }

  get processes(): number {
    return this.#plan.processes
  }

  get random(): () => number {
    return this.time.random
  }

  get elapsedMs(): number {
    return this.time.monotonic()
  }

  wait(span: Span): Promise<void> {
    return this.time.wait(milliseconds(span, 'wait'))
  }

  crew(place?: number): Crew | undefined {
    const places = place === undefined ? this.#places : this.#places.slice(place, place + 1)
    return places.find(({ process, crew }) => process.isRunning && crew)?.crew
  }

  end(): void {
    this.#isEnded = true
  }

  /** Whether somebody asked for its end. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Whether every process runs. */
  get isWhole(): boolean {
    return this.crews.length === this.processes
  }

  /** Those that run. */
  get crews(): readonly Crew[] {
    return this.#places.flatMap(({ process, crew }) => (process.isRunning && crew ? [crew] : []))
  }

  process(place: number): SimulatedProcess {
    return (this.#places[place] as Place).process
  }

  /** Begins a process there, with clocks of its own. Resolves when it has opened the crew. */
  async begin(index: number): Promise<void> {
    const skewMs = this.#plan.faults.clockStep > 0 && !this.#isHealthy ? Math.round(2000 * (this.random() - 0.5)) : 0
    const process = new SimulatedProcess(this.time, skewMs)
    const place: Place = { process, crew: undefined }
    this.#places[index] = place
    for (;;) {
      let crew: Crew | undefined
      try {
        crew = await openCrew({
          ...this.#options,
          name: this.name,
          storage: process.reach(this.storage, this.#plan.latencyMs),
          environment: process,
          onError: (error) => {
            if (this.errors.push(error) > 100) this.errors.shift()
          },
        })
        await this.#opened(crew, index, process)
        place.crew = crew
        return
      } catch (error) {
        if (!CrewError.is(error)) throw error
        await crew?.close()
        await process.wait(PAUSE_MS)
      }
    }
  }

  /** From now on things go wrong. */
  harm(): void {
    this.#isHealthy = false
    for (let place = 0; place < this.processes; place++) void this.#befall(place)
  }

  /** Nothing goes wrong any more: what was stopped goes on, who died comes back, and clocks are right. */
  heal(): void {
    this.#isHealthy = true
    for (const [place, { process }] of this.#places.entries()) {
      process.resume()
      process.correct()
      if (process.isDead) void this.begin(place)
    }
  }

  /** Closes what is open, and lets nobody come back. */
  async close(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.crews.map((crew) => crew.close()))
    for (const { process } of this.#places) process.kill()
  }

  /** How often what went wrong, with processes and with the storage. */
  get faults(): Readonly<Record<string, number>> {
    const counts = new Map(this.#mishaps)
    for (const { fault } of this.storage.faults) counts.set(fault, (counts.get(fault) ?? 0) + 1)
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** What happens to one process after another in a place. */
  async #befall(place: number): Promise<void> {
    const { crash, stall, suspend, clockStep } = this.#plan.faults
    const kinds = [
      { rate: crash, run: () => this.#crash(place) },
      { rate: stall, run: () => this.#stop(place, 'stall') },
      { rate: suspend, run: () => this.#stop(place, 'suspend') },
      { rate: clockStep, run: () => this.#step(place) },
    ]
    const total = kinds.reduce((sum, { rate }) => sum + rate, 0)
    while (total > 0) {
      await this.time.wait(this.time.exponential(HOUR_MS / total))
      if (this.#isHealthy) return
      let draw = this.random() * total
      const kind = kinds.find(({ rate }) => (draw -= rate) < 0)
      if (this.process(place).isRunning) kind?.run()
    }
  }

  #count(mishap: string): void {
    this.#mishaps.set(mishap, (this.#mishaps.get(mishap) ?? 0) + 1)
  }

  #crash(place: number): void {
    this.#count('crash')
    this.process(place).kill()
    this.time.setTimer(() => {
      if (!this.#isOver && this.process(place).isDead) void this.begin(place)
    }, this.time.exponential(DOWN_MS))
  }

  #stop(place: number, how: 'stall' | 'suspend'): void {
    this.#count(how)
    const process = this.process(place)
    process[how]()
    this.time.setTimer(
      () => {
        process.resume()
      },
      this.time.exponential(how === 'stall' ? STALL_MS : SLEEP_MS),
    )
  }

  #step(place: number): void {
    this.#count('clock step')
    this.process(place).step(this.random() < 0.5 ? HOUR_MS : -HOUR_MS)
  }

  #fate(call: StorageCall): FaultDetails | undefined {
    if (this.#isHealthy) return undefined
    const { storage, regress, lostWake } = this.#plan.faults
    let draw = this.random()
    if (call === 'wake') return draw < lostWake ? { fault: 'lost wake' } : undefined
    if (call === 'append' && draw < regress) return { fault: 'regress', commits: 1 + Math.floor(this.random() * 3) }
    draw = this.random()
    if (draw >= storage) return undefined
    draw /= storage
    const [fault] = STORAGE_FAULTS.find(([, weight]) => (draw -= weight) < 0) ?? ['error']
    return fault === 'delay' || fault === 'slow answer' || fault === 'lost answer'
      ? { fault, ms: this.random() * SLOW_MS }
      : { fault }
  }
}
