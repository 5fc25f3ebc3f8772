/**
 * Whether a value has what is expected of it: of an object the named fields, of a list all items, of a text that it is
 * the same or matches a pattern. What has an `asymmetricMatch` (`expect.any(…)` of vitest and Jest) decides by itself.
 */
export function isLike(actual: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return typeof actual === 'string' && expected.test(actual)
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected)
  const { asymmetricMatch } = expected as { readonly asymmetricMatch?: unknown }
  if (typeof asymmetricMatch === 'function') return asymmetricMatch.call(expected, actual) === true
  if (typeof actual !== 'object' || actual === null) return false
  if (Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => isLike(actual[index], item))
    )
  return Object.entries(expected).every(([field, value]) =>
    isLike((actual as Readonly<Record<string, unknown>>)[field], value),
  )
}
