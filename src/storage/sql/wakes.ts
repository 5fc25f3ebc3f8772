import type { Off } from '../../core/environment.js'
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
}

/** Who waits for journals to grow: woken by notices of Postgres where they can be heard, else by looking. */
export class Wakes {
  readonly #polling: Polling
  readonly #notices: Notices | undefined
  readonly #listening: Listening | undefined
  readonly #scope: string = ''
  #watchers = 0

  constructor(db: Database, log: SqlLog, hearing: Hearing | undefined) {
    const patience = { timeoutMs: PATIENCE_MS }
    this.#polling = new Polling((journals) => db.call(patience, (check) => log.heads(journals, check)))
    if (!hearing) return
    const { source, channel, scope } = hearing
    this.#scope = scope
    this.#notices = new Notices((journals) =>
      db.call(patience, (check) =>
        db.write(check)(
          `select ${journals.map(() => 'pg_notify(?, ?)').join()}`,
          ...journals.flatMap((journal) => [channel, this.#payload(journal)]),
        ),
      ),
    )
    this.#listening = new Listening(source, channel, this.#heard, (isHearing) => {
      this.#polling.rely(isHearing)
    })
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

  readonly #heard = (payload: string): void => {
    for (const journal of this.#polling.journals) if (this.#payload(journal) === payload) this.#polling.wake(journal)
  }

  /** Short of the 8,000 bytes that Postgres takes, as a name is. */
  #payload(journal: string): string {
    return `${this.#scope}/${keptName(journal, 'The name of a journal')}`
  }
}
