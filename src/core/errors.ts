/** What went wrong, as a word to branch on. `docs/errors.md` names the remedy of each. */
export type CrewErrorCode =
  | 'invalid_input'
  | 'limit_exceeded'
  | 'backpressure'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'already_claimed'
  | 'stale_attempt'
  | 'stale_delivery'
  | 'stale_version'
  | 'invalid_transition'
  | 'dependency_cycle'
  | 'not_eligible'
  | 'idempotency_conflict'
  | 'loop_detected'
  | 'budget_spent'
  | 'cancelled'
  | 'timed_out'
  | 'outcome_unknown'
  | 'storage_unavailable'
  | 'journal_corrupt'
  | 'unsupported_version'
  | 'cursor_expired'
  | 'not_open'
  | 'read_only'
  | 'closed'

/** Ids and numbers that say which; never payloads, texts of others, or secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

const RETRYABLE: ReadonlySet<CrewErrorCode> = new Set<CrewErrorCode>([
  'backpressure',
  'already_claimed',
  'not_eligible',
  'timed_out',
  'storage_unavailable',
  'not_open',
])

const BRAND = Symbol.for('crewlog.CrewError')

/**
 * The one error class of the library. Tell errors apart by `code`; the message names the remedy, because a model may
 * read it.
 */
export class CrewError extends Error {
  readonly code: CrewErrorCode
  /** Whether the same call can succeed later without a change. */
  readonly retryable: boolean
  readonly details: ErrorDetails

  constructor(code: CrewErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CrewError'
    this.code = code
    this.retryable = RETRYABLE.has(code)
    this.details = details
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Recognises errors of every copy of the package, and narrows to `code` if one is given. */
  static is(error: unknown, code?: CrewErrorCode): error is CrewError {
    try {
      return (
        error instanceof Error &&
        BRAND in error &&
        (code === undefined || (error as unknown as CrewError).code === code)
      )
    } catch {
      // Anything can be thrown, a proxy that answers nothing, too.
      return false
    }
  }
}

/** For what a user passed in that cannot be meant. */
export const invalid = (message: string, details?: ErrorDetails, cause?: unknown): CrewError =>
  new CrewError('invalid_input', message, details, cause)

/** `kind` is the domain's word: "Task", "Member", "Message". */
export const notFound = (kind: string, id: string, remedy = ''): CrewError =>
  new CrewError('not_found', `${kind} not found: ${id}${remedy}`, { id })

/** What a thrown value says of itself; undefined when it says nothing. Never throws. */
export function wordsOf(error: unknown): string | undefined {
  try {
    const words: unknown = error instanceof Error ? error.message || error.name : error
    return typeof words === 'string' ? words : undefined
  } catch {
    return undefined
  }
}
