import { createHash } from 'node:crypto'
import { invalid } from '../../core/errors.js'
import { filledText, read } from '../../core/input.js'

/** How an engine takes the names of journals. */
interface Encoding {
  /** The characters that stay as they are; without capitals, as some engines take them for small letters. */
  readonly plain: RegExp
  /** Stands before the two digits of any other byte. */
  readonly escape: string
  /** Of an encoded name; a longer one is its hash instead. */
  readonly longest: number
  /** Stands before a hash, and in no encoded name. */
  readonly mark: string
}

/** Another text for each name of a journal, also where upper and lower case are the same. */
export function encodedName(journal: string, { plain, escape, longest, mark }: Encoding): string {
  const bytes = Buffer.from(read(filledText, journal, 'journal'))
  if (bytes.toString() !== journal) throw invalid('The name of a journal must be a text of whole characters')
  const encoded = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    return plain.test(character) ? character : `${escape}${byte.toString(16).padStart(2, '0')}`
  }).join('')
  return encoded.length <= longest ? encoded : `${mark}${createHash('sha256').update(bytes).digest('hex')}`
}
