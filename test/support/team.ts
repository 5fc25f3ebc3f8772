import { type CrewOptions, MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

/** A crew whose time the test turns, with these members, and the errors that nobody awaited. */
export async function openTeam(members: readonly string[] = ['ana', 'bo'], options: CrewOptions = {}) {
  const environment = manualEnvironment()
  const errors: unknown[] = []
  const crew = await openCrew({ environment, onError: (error) => errors.push(error), ...options })
  for (const id of members) await crew.join(id)
  const { communications, tracker, reports } = crew
  return { crew, communications, tracker, reports, environment, errors }
}

/** Two processes of one crew, over one storage and under one clock. */
export async function openPair(
  members: readonly string[] = ['ana', 'bo'],
  { storage = new MemoryStorage(), ...options }: CrewOptions & { readonly storage?: MemoryStorage } = {},
) {
  const environment = manualEnvironment()
  const errors: unknown[] = []
  const shared = {
    storage,
    environment,
    onError: (error: unknown) => errors.push(error),
    ...options,
  }
  const here = await openCrew(shared)
  for (const id of members) await here.join(id)
  const there = await openCrew(shared)
  return { here, there, environment, errors, storage, reopen: () => openCrew(shared) }
}

/** How a promise stands once all that is under way in memory is over: its value, its error's code, or 'pending'. */
export function watch<T>(promise: Promise<T>): { state: T | string } {
  const watched: { state: T | string } = { state: 'pending' }
  promise.then(
    (value) => (watched.state = value),
    (error: unknown) => (watched.state = (error as { code?: string }).code ?? String(error)),
  )
  return watched
}
