import { until } from '../core/abortable.js'
import { systemEnvironment } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { read, type Reader } from '../core/input.js'
import { Crew } from '../crew/crew.js'
import { settle } from './settle.js'

/** What a lock takes to be let go, in real time; nobody waits for a storage that hangs. */
const LET_GO_MS = 2000

/**
 * Ends a crew as the death of its process would: no renewals, no more commits, nothing given back; handlers are
 * abandoned, and commands under way are never answered. What waits for news (`ask`, `whenEnded`, `idle`) ends with
 * `closed`, as does every call from now on. A storage for one writer can be opened again, as after a real death.
 */
export async function crash(crew: Crew): Promise<void> {
  const { journal } = read(aCrew, crew, 'crew')
  journal.remedy = REMEDY
  const died = journal.crash()
  await until(died, { timeoutMs: LET_GO_MS }, systemEnvironment).catch(() => undefined)
  await settle()
}

const REMEDY = 'crash(crew) ended its process; go on with another that openCrew answers, with the same storage and name'

const aCrew: Reader<Crew> = (value) => {
  if (value instanceof Crew) return value as Crew
  throw invalid('crash takes what openCrew answered')
}
