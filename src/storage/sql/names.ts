import { invalid } from '../../core/errors.js'

/** Longest name that the tables hold, as it is kept. */
export const NAME_BYTES = 1024

/**
 * A name as the tables keep it: in ASCII, and another for each name, so that every engine, encoding and collation
 * compares it byte by byte, and none has to hold U+0000 or half a character.
 */
export function keptName(name: string, what: string): string {
  const kept = name.replace(/[^ -[\]-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (kept.length > NAME_BYTES) throw invalid(`${what} is too long: it takes ${kept.length} of ${NAME_BYTES} bytes`)
  return kept
}

export const givenName = (kept: string): string =>
  kept.replace(/\\u(....)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
