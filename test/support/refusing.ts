import { CrewError } from 'crewlog'
import { expect } from 'vitest'

/** An error of that code whose message has these words, to compare with. */
export const refusing = (code: string, words: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) as unknown })

/** What `promise` is refused with. */
export async function refusalOf(promise: Promise<unknown> | undefined): Promise<CrewError> {
  const error: unknown = await Promise.resolve(promise).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!CrewError.is(error)) throw new Error(`not refused as it should: ${String(error)}`)
  return error
}
