import { type Environment, pause } from '../environment.js'
import { CrewError } from '../errors.js'

/** Before what failed is tried again. */
const PAUSE_MS = 1000

/** What nobody has called: commands for what is due by the clock, one after another. */
export interface Chore {
  /** It is under way, or was in vain a moment ago. */
  isBusy: boolean
}

/** Runs it, unless it is busy; `after` is called when it may run again, which is after a pause where it failed. */
export async function doChore(
  chore: Chore,
  { environment, onError }: { readonly environment: Environment; readonly onError: (error: unknown) => void },
  run: () => Promise<unknown>,
  after: () => void,
): Promise<void> {
  if (chore.isBusy) return
  chore.isBusy = true
  try {
    await run()
  } catch (error) {
    onError(error)
    // What can only be read stays so.
    if (CrewError.is(error, 'read_only')) return
    await pause(environment, PAUSE_MS, true)
  }
  chore.isBusy = false
  after()
}
