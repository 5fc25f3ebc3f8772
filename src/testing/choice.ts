import { invalid } from '../core/errors.js'
import type { Reader } from '../core/input.js'

/** One of some words. In a test the word that was given is no secret, and helps to find the slip. */
export const choice =
  <const W extends readonly string[]>(...words: W): Reader<W[number]> =>
  (value, name) => {
    if (words.includes(value as string)) return value as W[number]
    const given = typeof value === 'string' ? `'${value}'` : value === null ? 'null' : `a ${typeof value}`
    throw invalid(`${name} must be one of ${words.join(', ')}, not ${given}`)
  }
