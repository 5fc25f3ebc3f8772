import type { Crew } from '../crew/crew.js'
import { settle } from './manual-environment.js'

/**
 * Ends a crew as the death of its process would: no renewals, no more commits, nothing given back; handlers are
 * abandoned, and what was awaited is never answered.
 */
export async function crash(crew: Crew): Promise<void> {
  crew.journal.crash()
  await settle()
}
