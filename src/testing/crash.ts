import { invalid } from '../core/errors.js'
import { read, type Reader } from '../core/input.js'
import { Crew } from '../crew/crew.js'
import { settle } from './manual-environment.js'

/**
 * Ends a crew as the death of its process would: no renewals, no more commits, nothing given back; handlers are
 * abandoned, and commands under way are never answered. What waits for news (`ask`, `whenEnded`, `idle`) ends with `closed`.
 */
export async function crash(crew: Crew): Promise<void> {
  read(aCrew, crew, 'crew').journal.crash()
  await settle()
}

const aCrew: Reader<Crew> = (value) => {
  if (value instanceof Crew) return value as Crew
  throw invalid('crash takes what openCrew answered')
}
