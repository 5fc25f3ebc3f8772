import { CrewError, type CrewErrorCode } from '../../core/errors.js'
import { type Json, sameJson } from '../../core/json.js'

// Assertions of our own, so that any runner will do.

export function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`Not so: ${what}`)
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  if (sameJson(actual as Json, expected as Json)) return
  const show = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value).slice(0, 1000))
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

export async function rejects(
  call: Promise<unknown> | undefined,
  what: string,
  code?: CrewErrorCode,
): Promise<CrewError> {
  const error = await Promise.resolve(call).then(
    () => undefined,
    (thrown: unknown) => thrown as CrewError,
  )
  assert(error, `${what} rejects`)
  assert(!code || CrewError.is(error, code), `${what} rejects with ${code}, not ${error.code}: ${error.message}`)
  return error
}
