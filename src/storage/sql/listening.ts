import { until } from '../../core/abortable.js'
import { type Off, systemClock } from '../../core/environment.js'
import { invalid } from '../../core/errors.js'
import type { Reader } from '../../core/input.js'

/** A client of `postgres`, or PGlite: connects again by itself. */
export interface ListeningClient {
  listen(channel: string, heard: (payload: string) => void): PromiseLike<unknown>
}

/** A pool of `pg`, of which one connection is taken while something is watched. */
export interface ListeningPool {
  connect(): Promise<ListeningConnection>
  readonly totalCount: number
  readonly options?: { readonly max?: number }
}

export interface ListeningConnection {
  query(statement: string): Promise<unknown>
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  release(destroy?: boolean): void
}

export const listener: Reader<ListeningClient | ListeningPool> = (value, name) => {
  const given = (value ?? {}) as Partial<ListeningClient & ListeningPool>
  if (typeof given.listen === 'function') return given as ListeningClient
  if (typeof given.connect === 'function' && typeof given.totalCount === 'number') return given as ListeningPool
  throw invalid(
    `${name} must be a pool of pg (a pg.Client cannot connect again), a client of postgres, or a PGlite, which listen`,
  )
}

/** Whether a silent connection still lives is asked so often, and how long it may take. */
const BEAT_MS = 10_000
const ANSWER_MS = 5000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** Hears what is told on one channel of Postgres, from start to stop, over broken connections. */
export class Listening {
  readonly #source: ListeningClient | ListeningPool
  readonly #channel: string
  readonly #heard: (payload: string) => void
  /** Called when it begins to hear (something may have been missed until then) and when it ceases to. */
  readonly #changed: (isHearing: boolean) => void
  /** Called at each try in vain. */
  readonly #failed: (error: unknown) => void
  /** What ends the listening that was begun last. */
  #stop: Off | undefined

  constructor(
    source: ListeningClient | ListeningPool,
    channel: string,
    heard: (payload: string) => void,
    changed: (isHearing: boolean) => void,
    failed: (error: unknown) => void,
  ) {
    this.#source = source
    this.#channel = channel
    this.#heard = heard
    this.#changed = changed
    this.#failed = failed
  }

  start(): void {
    if (this.#stop) return
    const source = this.#source
    this.#stop = 'listen' in source ? this.#hearClient(source) : this.#hearPool(source)
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#changed(false)
  }

  #hearClient(client: ListeningClient): Off {
    const wanted = new Wanted()
    const begin = async (pauseMs = FIRST_PAUSE_MS): Promise<void> => {
      try {
        const heard = (payload: string): void => {
          if (!wanted.isOver) this.#heard(payload)
        }
        wanted.holds(endOf(await client.listen(this.#channel, heard)))
        if (!wanted.isOver) this.#changed(true)
      } catch (error) {
        if (!wanted.isOver) this.#failed(error)
        wanted.holds(later(pauseMs, () => begin(Math.min(LONGEST_PAUSE_MS, pauseMs * 2))))
      }
    }
    void begin()
    return () => wanted.end()
  }

  #hearPool(pool: ListeningPool): Off {
    const wanted = new Wanted()
    const begin = async (pauseMs = FIRST_PAUSE_MS): Promise<void> => {
      let nextMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
      let isFailed = false
      // A connection that breaks says so, and refuses what it was asked, too.
      const again = (): void => {
        if (isFailed) return
        isFailed = true
        wanted.holds(later(pauseMs, () => begin(nextMs)))
      }
      let drop: Off = () => undefined
      try {
        // It would be kept, and Kysely wait for it for ever.
        if (pool.options?.max === 1 && pool.totalCount > 0) throw new Error('others use its one connection; raise max')
        const connection = await pool.connect()
        drop = this.#hold(connection, () => {
          this.#changed(false)
          again()
        })
        wanted.holds(drop)
        await connection.query(`listen "${this.#channel}"`)
        nextMs = FIRST_PAUSE_MS
        if (!wanted.isOver) this.#changed(true)
      } catch (error) {
        if (!wanted.isOver) this.#failed(error)
        drop()
        again()
      }
    }
    void begin()
    return () => wanted.end()
  }

  /** A connection with its heart beat; `lost` is called when it breaks, unless it was dropped before. */
  #hold(connection: ListeningConnection, lost: () => void): Off {
    let isHeld = true
    let beat: Off = () => undefined
    const drop = (): void => {
      if (!isHeld) return
      isHeld = false
      beat()
      // It listens: nobody else is to have it.
      connection.release(true)
    }
    const broke = (): void => {
      if (!isHeld) return
      drop()
      lost()
    }
    const ask = (): void => {
      until(connection.query('select 1'), { timeoutMs: ANSWER_MS }, systemClock).then(plan, broke)
    }
    const plan = (): void => {
      if (isHeld) beat = systemClock.setTimer(ask, BEAT_MS, true)
    }
    connection.on('notification', ({ payload }) => {
      if (isHeld && payload !== undefined) this.#heard(payload)
    })
    // Also of what comes after it was let go: nobody else hears of it, and it would end the process.
    connection.on('error', broke)
    connection.on('end', broke)
    plan()
    return drop
  }
}

/** What is held, or waited for, while somebody wants to hear: the last of it. */
class Wanted {
  isOver = false
  #held: Off = () => undefined

  holds(off: Off): void {
    this.#held = off
    if (this.isOver) off()
  }

  end(): void {
    this.isOver = true
    this.#held()
  }
}

const later = (ms: number, run: () => Promise<void>): Off =>
  systemClock.setTimer(() => void run(), ms * (0.5 + systemClock.random() / 2), true)

/** `postgres` answers { unlisten }, PGlite the function itself; both answer a promise. */
function endOf(listening: unknown): Off {
  const { unlisten } = (listening ?? {}) as { readonly unlisten?: unknown }
  const end = typeof unlisten === 'function' ? (unlisten as () => unknown).bind(listening) : listening
  return () => {
    Promise.resolve(typeof end === 'function' ? (end as () => unknown)() : undefined).catch(() => undefined)
  }
}
