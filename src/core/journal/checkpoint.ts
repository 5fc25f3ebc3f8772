import { type Environment, pause } from '../environment.js'
import { CrewError } from '../errors.js'
import type { Checkpoint } from './journal-storage.js'
import { freezeJson, type Json } from '../json.js'
import type { CommitInfo, Slice } from './projection.js'

// Parts are `["task",piece,piece…]`; what is too large for one part comes as texts, `{"of":"task","text":"…"}`, of which
// the last has `"end":true`; the last part, the seal, says what there is.

/** The one version of checkpoints that this release writes and reads. */
const CHECKPOINT_FORMAT = 1
/** Of a part, roughly: few enough that what writes it holds nothing up. */
const PART_LENGTH = 128 * 1024
/** Room for what is around the pieces in a part. */
const ENVELOPE_BYTES = 256
/** Work that takes long lets timers run this often. */
const TURN_MS = 10

/** What closes a checkpoint. */
interface Seal {
  /** Of the commit that it is the state after. */
  readonly at: number
  /** Whatever is in it, or could be. */
  readonly kinds: readonly string[]
  readonly parts: number
  /** Of the head, all parts before, and the rest of this one. */
  readonly sum: number
}

type Slices = ReadonlyMap<string, Slice>
type Fragment = { readonly of: string; readonly text: string; readonly end?: true }

/** The checkpoint of what the slices are now, in parts of at most so many bytes; `turn` is awaited between them. */
export function writeCheckpoint(
  head: CommitInfo,
  slices: Slices,
  maxBytes: number,
  turn: () => Promise<void>,
): Checkpoint {
  const { seq, id, at } = head
  // Now, that all are as of one commit.
  const begun = Array.from(slices, ([kind, slice]) => [kind, slice.save()] as const)
  // A unit of a string is three bytes at most, in a JSON text also once it is escaped.
  const room = Math.max(1, Math.min(PART_LENGTH, Math.floor((maxBytes - ENVELOPE_BYTES) / 3)))
  async function* parts(): AsyncGenerator<string> {
    const sum = new Checksum({ seq, id, format: CHECKPOINT_FORMAT })
    let count = 0
    for (const [kind, pieces] of begun) {
      for (const part of partsOf(kind, pieces, room)) {
        await turn()
        sum.add(part)
        count++
        yield part
      }
    }
    yield sealed({ at, kinds: [...slices.keys()], parts: count }, sum)
  }
  return { seq, id, format: CHECKPOINT_FORMAT, parts: parts() }
}

/** The pieces of one slice, as many to a part as there is room for. */
function* partsOf(kind: string, pieces: Iterable<Json>, room: number): Generator<string> {
  let texts: string[] = []
  let length = 0
  const part = (): string => `[${[JSON.stringify(kind), ...texts].join()}]`
  for (const piece of pieces) {
    const text = JSON.stringify(piece)
    if (texts.length > 0 && length + text.length >= room) {
      yield part()
      texts = []
      length = 0
    }
    if (text.length < room) {
      texts.push(text)
      length += text.length + 1
      continue
    }
    for (let from = 0; from < text.length; from += room) {
      const isEnd = from + room >= text.length
      const fragment: Fragment = { of: kind, text: text.slice(from, from + room), ...(isEnd && { end: true }) }
      yield JSON.stringify(fragment)
    }
  }
  if (texts.length > 0) yield part()
}

/** A checkpoint that is whole and undamaged. */
export class LoadedCheckpoint {
  readonly head: CommitInfo
  readonly kinds: readonly string[]
  readonly #parts: readonly string[]

  private constructor(head: CommitInfo, kinds: readonly string[], parts: readonly string[]) {
    this.head = head
    this.kinds = kinds
    this.#parts = parts
  }

  /** Rejects with `unsupported_version`, and with `journal_corrupt` for what is not as it was written. */
  static async read(checkpoint: Checkpoint, turn: () => Promise<void>): Promise<LoadedCheckpoint> {
    const { seq, id, format } = checkpoint
    if (format !== CHECKPOINT_FORMAT)
      throw new CrewError(
        'unsupported_version',
        `Checkpoint ${seq} has format ${format}, this release reads ${CHECKPOINT_FORMAT}; update crewlog`,
        { seq, format },
      )
    const sum = new Checksum({ seq, id, format })
    const parts: string[] = []
    let last: string | undefined
    for await (const part of checkpoint.parts) {
      if (last !== undefined) {
        sum.add(last)
        parts.push(last)
      }
      last = part
      await turn()
    }
    const { at, kinds } = parsed(last) ?? {}
    if (at === undefined || !kinds || last !== sealed({ at, kinds, parts: parts.length }, sum)) throw damaged(seq)
    return new LoadedCheckpoint(Object.freeze({ seq, id, at }), kinds, parts)
  }

  /** Puts the slices, which are clear, into its state, part by part. */
  *into(slices: Slices): Generator<void> {
    let text = ''
    for (const part of this.#parts) {
      const value = JSON.parse(part) as [string, ...(Json & object)[]] | Fragment
      if (Array.isArray(value)) {
        const [kind, ...pieces] = value
        for (const piece of pieces) slices.get(kind)?.load(freezeJson(piece))
      } else {
        const { of, text: more, end } = value
        text += more
        if (end) slices.get(of)?.load(freezeJson(JSON.parse(text) as Json & object))
        if (end) text = ''
      }
      yield
    }
  }
}

/** Lets timers run every few milliseconds of work, so that heartbeats go on; nothing where time stands still meanwhile. */
export function turns(environment: Environment): () => Promise<void> {
  let since = environment.monotonic()
  return async () => {
    if (environment.monotonic() - since < TURN_MS) return
    await pause(environment, 0)
    since = environment.monotonic()
  }
}

/** A sum of texts, in which one wrong character always shows: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
class Checksum {
  #hash = 0x811c9dc5

  constructor(head: Omit<Checkpoint, 'parts'>) {
    this.add(JSON.stringify([head.seq, head.id, head.format]))
  }

  get value(): number {
    return this.#hash >>> 0
  }

  add(text: string): void {
    let hash = this.#hash
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    // Where one text ends and the next begins counts, too.
    this.#hash = Math.imul(hash ^ 0x10000, 0x01000193)
  }
}

/** The text of a seal; nothing else is one. */
function sealed(seal: Omit<Seal, 'sum'>, sum: Checksum): string {
  sum.add(JSON.stringify(seal))
  return JSON.stringify({ ...seal, sum: sum.value } satisfies Seal)
}

function parsed(text = ''): Partial<Seal> | undefined {
  try {
    return (JSON.parse(text) as Partial<Seal> | null) ?? undefined
  } catch {
    return undefined
  }
}

export const damaged = (seq: number, cause?: unknown): CrewError =>
  new CrewError('journal_corrupt', `Checkpoint ${seq} is damaged; restore the journal from a backup`, { seq }, cause)
