import type { Check } from '../../core/abortable.js'
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { CrewError } from '../../core/errors.js'

// A file is lines, and a line is `["<crc32 of the text>",<text>]` around one JSON text.

/** Largest commit, and largest part of a checkpoint, in bytes of UTF-8: a larger one would hold up the process. */
export const MAX_BYTES = 16 * 1024 * 1024
/** No line is longer: a part of a checkpoint is kept as a JSON text inside a JSON text, so each byte may become two. */
const LONGEST_LINE = 2 * MAX_BYTES + 1024
/** Of `["01234567",` before the text. */
export const PREFIX_BYTES = 12

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a
const BRACKET = 0x5d

export interface Line {
  /** With its newline, if it has one; a view that holds until the next lines are asked for. */
  readonly bytes: Buffer
  readonly at: number
}

export const tooLarge = (what: string): CrewError =>
  new CrewError('limit_exceeded', `${what} is over ${MAX_BYTES} bytes; split it`, { limit: MAX_BYTES })

const checksum = (bytes: Buffer, so = 0): number => crc32(bytes, so)
const hex = (crc: number): string => crc.toString(16).padStart(8, '0')

/** The line for a JSON text. */
export function seal(text: string): Buffer {
  const line = Buffer.allocUnsafe(PREFIX_BYTES + Buffer.byteLength(text) + 2)
  line.write(text, PREFIX_BYTES)
  line.write(']\n', line.length - 2)
  line.write(`["${hex(checksum(line.subarray(PREFIX_BYTES, -2)))}",`, 0)
  return line
}

/** The JSON text in a line, unless the line is damaged or has no end. */
export function unseal({ bytes }: Line): string | undefined {
  if (bytes.length < PREFIX_BYTES + 2 || bytes.at(-2) !== BRACKET || bytes.at(-1) !== NEWLINE) return undefined
  const text = bytes.subarray(PREFIX_BYTES, -2)
  return bytes.toString('latin1', 0, PREFIX_BYTES) === `["${hex(checksum(text))}",` ? text.toString() : undefined
}

/**
 * Whether what is left of a write that did not end could be `bytes`, which stand last and are no whole line. Such a
 * write leaves no whole record, or one with nothing but the zeros of unwritten blocks after it. Anything else behind one
 * means that a newline is damaged: what looks like one record that was never acknowledged is two that were. And what has
 * its newline and no zeros was written to its end, perhaps acknowledged, and damaged later.
 */
export function isTorn(bytes: Buffer): boolean {
  if (bytes.length > LONGEST_LINE || (bytes.at(-1) === NEWLINE && !bytes.includes(0))) return false
  const line = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes
  const wanted = line.toString('latin1', 2, PREFIX_BYTES - 2)
  let crc = 0
  let from = PREFIX_BYTES
  for (let at = line.indexOf(BRACKET, from); at !== -1; at = line.indexOf(BRACKET, at + 1)) {
    crc = checksum(line.subarray(from, at), crc)
    from = at
    if (hex(crc) === wanted && line.subarray(at + 1).some((byte) => byte !== 0)) return false
  }
  return true
}

/** The lines from `from` to `to`, those of one read together; last, what has no newline. */
export async function* readLines(
  handle: FileHandle,
  from: number,
  to: number,
  check: Check,
): AsyncGenerator<readonly Line[]> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  /** Where in the file the buffer begins, and how much of it holds the start of a line. */
  let at = from
  let filled = 0
  while (filled <= LONGEST_LINE) {
    check()
    const wanted = Math.min(buffer.length - filled, to - at - filled)
    const { bytesRead } = await handle.read(buffer, filled, wanted, at + filled)
    if (bytesRead === 0) break
    const bytes = buffer.subarray(0, filled + bytesRead)
    const lines: Line[] = []
    let start = 0
    for (let end = bytes.indexOf(NEWLINE, filled); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push({ bytes: bytes.subarray(start, end + 1), at: at + start })
      start = end + 1
    }
    if (lines.length > 0) yield lines
    const rest = bytes.subarray(start)
    // Doubled, so that a long line is not copied again with every read.
    if (rest.length > buffer.length / 2) buffer = Buffer.allocUnsafe(buffer.length * 2)
    rest.copy(buffer)
    filled = rest.length
    at += start
  }
  if (filled > 0) yield [{ bytes: buffer.subarray(0, filled), at }]
}
