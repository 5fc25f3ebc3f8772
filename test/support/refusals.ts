/** Codes that say: nothing of this is stored. */
export const REFUSALS: ReadonlySet<string> = new Set([
  'invalid_input',
  'not_found',
  'already_exists',
  'permission_denied',
  'already_claimed',
  'not_eligible',
  'invalid_transition',
  'stale_attempt',
  'stale_delivery',
  'stale_version',
  'dependency_cycle',
  'idempotency_conflict',
  'backpressure',
  'loop_detected',
  'storage_unavailable',
  'closed',
])
