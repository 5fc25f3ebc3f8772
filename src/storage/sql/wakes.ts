import type { Off } from '../../core/environment.js'
import { wordsOf } from '../../core/errors.js'
import type { Database } from './database.js'
import { Listening, type ListeningClient, type ListeningPool } from './listening.js'
import type { SqlLog } from './log.js'
import { keptName } from './names.js'
import { Notices } from './notices.js'
import { Polling } from './polling.js'

/** After which a look, or a notice, counts as in vain. */
const PATIENCE_MS = 10_000

export interface Hearing {
  readonly source: ListeningClient | ListeningPool
  readonly channel: string
  /** Tells the schemas of one database apart. */
  readonly scope: string
  /** Hears that there is nothing to be heard. */
  readonly warn: (warning: string) => void
}

/** Who waits for journals to grow: woken by notices of Postgres where they can be heard, else by looking. */
export class Wakes {
  readonly #polling: Polling
  readonly #notices: Notices | undefined
  readonly #listening: Listening | undefined
  readonly #scope: string = ''
  #watchers = 0
  #warn: Hearing['warn'] | undefined
  /** Looks that were answered when LISTEN failed last. */
  #answered = Infinity
  #isTold = false

  constructor(db: Database, log: SqlLog, hearing: Hearing | undefined) {
    const patience = { timeoutMs: PATIENCE_MS }
    this.#polling = new Polling((journals) => db.call(patience, (check) => log.heads(journals, check)))
    if (!hearing) return
    const { source, channel, scope, warn } = hearing
    this.#scope = scope
    this.#notices = new Notices((journals) =>
      db.call(patience, (check) =>
        db.write(check)(
          `select ${journals.map(() => 'pg_notify(?, ?)').join()}`,
          ...journals.flatMap((journal) => [channel, this.#payload(journal)]),
        ),
      ),
    )
    this.#warn = warn
    this.#listening = new Listening(source, channel, this.#heard, this.#changed, this.#failed)
  }

  watch(journal: string, wake: () => void): Off {
    const off = this.#polling.watch(journal, wake)
    if (this.#watchers++ === 0) this.#listening?.start()
    let isWatched = true
    return () => {
      off()
      if (isWatched && --this.#watchers === 0) this.#listening?.stop()
      isWatched = false
    }
  }

  /** This process has added to it. */
  grew(journal: string): void {
    this.#polling.expect(journal)
    this.#notices?.tell(journal)
  }

  async settled(): Promise<void> {
    await this.#notices?.settled()
  }

  readonly #changed = (isHearing: boolean): void => {
    if (isHearing) {
      this.#answered = Infinity
      this.#isTold = false
    }
    this.#polling.rely(isHearing)
  }

  /** While the database is away, too, others tell of that. */
  readonly #failed = (error: unknown): void => {
    const { answered } = this.#polling
    if (answered > this.#answered && !this.#isTold) {
      this.#isTold = true
      const warning = `LISTEN fails; check options.listen (${wordsOf(error)})`
      Promise.resolve(warning)
        .then(this.#warn)
        .catch(() => undefined)
    }
    this.#answered = answered
  }

  readonly #heard = (payload: string): void => {
    for (const journal of this.#polling.journals) if (this.#payload(journal) === payload) this.#polling.wake(journal)
  }

  /** Short of the 8,000 bytes that Postgres takes, as a name is. */
  #payload(journal: string): string {
    return `${this.#scope}/${keptName(journal, 'The name of a journal')}`
  }
}
