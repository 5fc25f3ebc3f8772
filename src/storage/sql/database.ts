import { CompiledQuery, type Kysely } from 'kysely'
import { type Abortable, type Check, whileWanted } from '../../core/abortable.js'
import { systemClock } from '../../core/environment.js'
import { marked, type SqlDialect } from './dialect.js'
import { causeOf, toCrewError } from './failures.js'

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** As MySQL counts them. */
  readonly affected: number
}

/** Runs a statement, whose parameters are marked by `?`. */
export type Run = (statement: string, ...parameters: readonly Parameter[]) => Promise<Answer>
export type Parameter = string | number

type Connection = Pick<Kysely<unknown>, 'executeQuery'>

/** How long others may be in the way. */
const CONTENTION_MS = 5000
const LONGEST_PAUSE_MS = 100

/** The user's database, as one call of the storage talks to it. */
export class Database {
  readonly dialect: SqlDialect
  readonly #db: Kysely<unknown>
  /** Whether a transaction of SQLite could not be ended, neither way. */
  #isLeftOpen = false

  constructor(db: Kysely<unknown>, dialect: SqlDialect) {
    // Plugins would rename columns, and parse what is a text here.
    this.#db = db.withoutPlugins()
    this.dialect = dialect
  }

  /** Runs `work` until the caller leaves, by signal or time-out; it rejects with a CrewError. */
  call<T>(options: Abortable, work: (check: Check) => Promise<T>): Promise<T> {
    return whileWanted(options, systemClock, work, toCrewError)
  }

  read(check: Check): Run {
    return (...query) => this.#again(check, () => this.#on(check, (connection) => this.#run(connection, query)))
  }

  /** Each statement changes all that it is to change, or nothing. */
  write(check: Check): Run {
    if (this.dialect !== 'sqlite') return this.read(check)
    return (...query) => this.#again(check, () => this.#on(check, (connection) => this.#writeAlone(connection, query)))
  }

  /** Several statements that count together or not at all. */
  transaction<T>(check: Check, work: (run: Run) => Promise<T>): Promise<T> {
    const begin = (): Promise<T> =>
      this.#db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (transaction) => {
          const run: Run = (...query) => {
            check()
            return this.#run(transaction, query)
          }
          const answer = await work(run)
          check()
          return answer
        })
    return this.#again(check, begin)
  }

  #on<T>(check: Check, work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#db.connection().execute(async (connection) => {
      // It may have taken long to get one.
      check()
      if (this.#isLeftOpen) await this.#rollBack(connection)
      return await work(connection)
    })
  }

  async #run(connection: Connection, [statement, ...parameters]: Parameters<Run>): Promise<Answer> {
    const query = CompiledQuery.raw(marked(statement, this.dialect), [...parameters])
    const { rows, numAffectedRows = 0n } = await connection.executeQuery<Answer['rows'][number]>(query)
    return { rows, affected: Number(numAffectedRows) }
  }

  /**
   * A statement of SQLite is a transaction of its own, which lets no other in meanwhile, in this process neither: where
   * a transaction had to be awaited between its statements, a rival in this process would block all, it too. But libsql
   * leaves a statement that found the database busy unfinished, until it is collected as garbage, and what comes after
   * it is answered and not committed (https://github.com/tursodatabase/libsql-client-ts/issues/352). An empty
   * transaction shows that: its end is refused as busy.
   */
  async #writeAlone(connection: Connection, query: Parameters<Run>): Promise<Answer> {
    await this.#run(connection, ['begin'])
    try {
      await this.#run(connection, ['commit'])
      this.#isLeftOpen = false
    } catch (error) {
      this.#isLeftOpen = true
      await this.#rollBack(connection)
      throw error
    }
    return this.#run(connection, query)
  }

  /** Why it fails was told by what came first; it is tried again before anything else is asked. */
  #rollBack(connection: Connection): Promise<void> {
    return this.#run(connection, ['rollback']).then(
      () => {
        this.#isLeftOpen = false
      },
      () => undefined,
    )
  }

  /** Tries again, after pauses that grow, what was undone because others were in the way. */
  async #again<T>(check: Check, attempt: () => Promise<T>): Promise<T> {
    const start = systemClock.monotonic()
    for (let tries = 0; ; tries++) {
      check()
      try {
        return await attempt()
      } catch (error) {
        const isOver = systemClock.monotonic() - start > CONTENTION_MS
        if (isOver || causeOf(error) !== 'contended') throw error
      }
      const pauseMs = Math.min(LONGEST_PAUSE_MS, 2 ** tries) * systemClock.random()
      await new Promise<void>((resolve) => systemClock.setTimer(resolve, pauseMs))
    }
  }
}
