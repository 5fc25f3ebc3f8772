import { JetStreamApiError } from '@nats-io/jetstream'
import { CrewError, wordsOf } from '../../core/errors.js'

/** Limits of account, server and stream, and their disk: by the numbers of JetStream's errors. */
const NO_ROOM: readonly unknown[] = [10002, 10023, 10028, 10047, 10077]
const TOO_LARGE = 10054

/** What the client or the server said, by the names of the client's errors. */
const REMEDIES = [
  ['JetStreamNotEnabled', 'nobody answers for it: start the server with -js, and see that the stream is there'],
  ['NoRespondersError', 'nobody answers for it: start the server with -js, and see that the stream is there'],
  ['PermissionViolationError', 'the user of the connection may not do this; see what docs/storage-nats.md asks for'],
  ['ClosedConnectionError', 'the connection is closed; open the crew with another one'],
  ['DrainingConnectionError', 'the connection is closed; open the crew with another one'],
  ['TimeoutError', 'no answer; see whether the server is there, and has a leader for the stream'],
] as const

export function refusal(error: unknown, stream: string): CrewError {
  if (CrewError.is(error)) return error
  const words = wordsOf(error) ?? typeof error
  if (error instanceof JetStreamApiError && NO_ROOM.includes(error.code))
    return new CrewError(
      'limit_exceeded',
      `Stream ${stream} has no room (${words}); raise its limits, or free some`,
      {},
      error,
    )
  if ((error instanceof JetStreamApiError && error.code === TOO_LARGE) || words.includes('max_payload'))
    return new CrewError('limit_exceeded', `Stream ${stream} takes no message that large (${words})`, {}, error)
  const names = namesOf(error)
  const [, remedy] = REMEDIES.find(([name]) => names.includes(name)) ?? []
  return new CrewError('storage_unavailable', `Stream ${stream}: ${remedy ?? words}`, {}, error)
}

/** Whether nobody said anything, so that it may be that somebody will. */
export const isUnanswered = (error: unknown): boolean => namesOf(error).includes('TimeoutError')

/** Of the error and what caused it. */
function namesOf(error: unknown): readonly string[] {
  const names: string[] = []
  for (let each = error; each instanceof Error && names.length < 5; each = each.cause)
    names.push(each.name, each.constructor.name)
  return names
}
