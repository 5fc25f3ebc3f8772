import { type Environment, type Off, pause } from '../core/environment.js'
import type { JournalStorage } from '../core/journal/journal-storage.js'
import type { VirtualTime } from './virtual-time.js'

/** Below this, what is left of a delay is an error of rounding. */
const LEAST_MS = 0.001

/**
 * One process of a simulation: its own clocks on the common time, its own timers, and its own line to the storage. While
 * it is stopped nothing in it runs; once it is dead, nothing ever does, though what it sent still arrives.
 */
export class SimulatedProcess implements Environment {
  readonly #time: VirtualTime
  /** Of its wall clock against the true one. */
  #aheadMs: number
  /** Of its monotonic clock, which stands still while the machine sleeps. */
  #sleptMs = 0
  #state: 'running' | 'stalled' | 'suspended' | 'dead' = 'running'
  #suspendedAt = 0
  /** What fell due while it was stopped. */
  #late: (() => void)[] = []
  readonly #watches = new Set<Off>()

  constructor(time: VirtualTime, aheadMs: number) {
    this.#time = time
    this.#aheadMs = aheadMs
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  now(): number {
    return Math.floor(this.#time.now() + this.#aheadMs)
  }

  monotonic(): number {
    const until = this.#state === 'suspended' ? this.#suspendedAt : this.#time.monotonic()
    return until - this.#sleptMs
  }

  setTimer(run: () => void, ms: number): Off {
    const dueAt = this.monotonic() + ms
    let off: Off
    let isOff = false
    const fire = (): void => {
      const leftMs = dueAt - this.monotonic()
      // It slept meanwhile.
      if (leftMs > LEAST_MS) off = this.#time.setTimer(due, leftMs)
      else if (!isOff) run()
    }
    const due = (): void => {
      if (!isOff) this.deliver(fire)
    }
    off = this.#time.setTimer(due, ms)
    return () => {
      isOff = true
      off()
    }
  }

  id(): string {
    return this.#time.id()
  }

  random(): number {
    return this.#time.random()
  }

  async wait(ms: number): Promise<void> {
    await pause(this, ms)
  }

  /** Runs what comes from outside: now, when it goes on, or never. */
  deliver(run: () => void): void {
    if (this.#state === 'running') run()
    else if (this.#state !== 'dead') this.#late.push(run)
  }

  /** Stops it, as SIGSTOP or a long garbage collection does: its clocks go on. */
  stall(): void {
    if (this.#state === 'running') this.#state = 'stalled'
  }

  /** Its machine sleeps: only the wall clock goes on. */
  suspend(): void {
    if (this.#state !== 'running') return
    this.#suspendedAt = this.#time.monotonic()
    this.#state = 'suspended'
  }

  resume(): void {
    if (this.#state === 'dead') return
    if (this.#state === 'suspended') this.#sleptMs += this.#time.monotonic() - this.#suspendedAt
    this.#state = 'running'
    // One after another, so that each is over before the next, as in an event loop.
    for (const run of this.#late.splice(0))
      this.#time.setTimer(() => {
        this.deliver(run)
      }, 0)
  }

  kill(): void {
    this.#state = 'dead'
    this.#late = []
    for (const off of this.#watches) off()
  }

  /** Sets its wall clock forwards or backwards. */
  step(ms: number): void {
    this.#aheadMs += ms
  }

  /** Sets its wall clock right. */
  correct(): void {
    this.#aheadMs = 0
  }

  /** The storage at the other end of a line on which a call takes about `latencyMs` each way. */
  reach(storage: JournalStorage, latencyMs: number): JournalStorage {
    const travel = (arrive: () => void): void => {
      this.#time.setTimer(arrive, latencyMs * (0.5 + this.#time.random()))
    }
    const call = <T>(send: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        const answer = (run: () => void): void => {
          travel(() => {
            this.deliver(run)
          })
        }
        travel(() => {
          // Not asynchronous by itself, as a storage may also throw.
          void Promise.resolve()
            .then(send)
            .then(
              (value) => {
                answer(() => {
                  resolve(value)
                })
              },
              (error: unknown) => {
                answer(() => {
                  reject(error)
                })
              },
            )
        })
      })
    return {
      writers: storage.writers,
      maxCommitBytes: storage.maxCommitBytes,
      append: (journal, commit) => call(() => storage.append(journal, commit)),
      read: (journal, after, limit) => call(() => storage.read(journal, after, limit)),
      saveCheckpoint: (journal, checkpoint) => call(() => storage.saveCheckpoint(journal, checkpoint)),
      loadCheckpoint: (journal, before) => call(() => storage.loadCheckpoint(journal, before)),
      trim: (journal, through) => call(() => storage.trim(journal, through)),
      ...(storage.watch && {
        watch: (journal: string, wake: () => void) => {
          let isOff = false
          const unwatch = storage.watch?.(journal, () => {
            travel(() => {
              this.deliver(() => {
                if (!isOff) wake()
              })
            })
          })
          const off = (): void => {
            isOff = true
            unwatch?.()
            this.#watches.delete(off)
          }
          this.#watches.add(off)
          return off
        },
      }),
      ...(storage.open && { open: (journal: string) => call(async () => storage.open?.(journal)) }),
      ...(storage.close && { close: (journal: string) => call(async () => storage.close?.(journal)) }),
    }
  }
}
