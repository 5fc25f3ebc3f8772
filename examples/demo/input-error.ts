/** What the user passed in cannot be used; the message says what to change. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
