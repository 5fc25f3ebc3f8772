import {
  type Attempt,
  type ClaimOptions,
  CrewError,
  type Crew,
  type CrewOptions,
  MemoryStorage,
  openCrew,
  type TaskDraft,
  type TaskTracker,
} from 'crewlog'
import { type ManualEnvironment, manualEnvironment, type RecordedEvents, recordEvents } from 'crewlog/testing'

/** A task board of one process, with all that a test turns or looks at. */
export interface Board {
  readonly environment: ManualEnvironment
  readonly crew: Crew
  readonly tracker: TaskTracker
  readonly events: RecordedEvents
  /** Errors that nobody awaited. */
  readonly errors: readonly unknown[]
}

/** Members need not join first, unless the options say so. */
export async function openBoard(options: CrewOptions = {}): Promise<Board> {
  const environment = (options.environment as ManualEnvironment | undefined) ?? manualEnvironment()
  const errors: unknown[] = []
  const crew = await openCrew({
    strictMembers: false,
    onError: (error) => errors.push(error),
    ...options,
    environment,
  })
  return { environment, crew, tracker: crew.tracker, events: recordEvents(crew), errors }
}

/** Several processes that share one storage, by default with one clock. */
export async function openBoards(count: number, options: CrewOptions = {}): Promise<readonly Board[]> {
  const shared = { storage: new MemoryStorage(), environment: manualEnvironment(), ...options }
  return Promise.all(Array.from({ length: count }, () => openBoard(shared)))
}

/** A draft whose id says enough. */
export const named = (id: string, more: Partial<TaskDraft> = {}): TaskDraft => ({ id, description: id, ...more })

/** A claim that must find something. */
export async function claim(tracker: TaskTracker, member: string, options: ClaimOptions = {}): Promise<Attempt> {
  const attempt = await tracker.claim(member, options)
  if (!attempt) throw new Error(`Expected ${member} to get a task`)
  return attempt
}

/** What a command was refused with. */
export async function refusal(command: Promise<unknown>): Promise<CrewError> {
  const answer = await command.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!CrewError.is(answer)) throw new Error('Expected a refusal', { cause: answer })
  return answer
}
