import { CrewError } from '../core/errors.js'
import { list, object, read, text } from '../core/input.js'
import type { Json } from '../core/json.js'

export interface RedactOptions {
  /** Fields to leave out besides, by name, wherever they stand: `['title', 'description', 'labels']`. */
  readonly fields?: readonly string[]
}

/** What members wrote freely, as fields of tasks, messages, deliveries, events and findings are called. */
const PAYLOADS = [
  'content',
  'input',
  'result',
  'metadata',
  'answer',
  'remarks',
  'question',
  'note',
  'message',
  'reason',
  'reasons',
  'text',
] as const

/** Entries of a list: a million live tasks is what a crew has room for. */
const MOST = 1_000_000

const options = object({ fields: list(text) })

/**
 * A task, message, thread, event, report, or whatever else has `toJSON`, as plain JSON for outsiders: ids, numbers,
 * states and names of things, without what members wrote freely. Titles, descriptions and labels stay, unless `fields`
 * names them.
 */
export function redact(what: unknown, given: RedactOptions = {}): Json {
  const { fields = [] } = read(options, given, 'options')
  const out = new Set<string>([...PAYLOADS, ...fields])
  const keep = (name: string, value: unknown): unknown => {
    if (Array.isArray(value) && value.length > MOST)
      throw new CrewError('limit_exceeded', `what has a list of over ${MOST} entries; redact it in pages`, {
        limit: MOST,
      })
    return out.has(name) && !isMessage(name, value) ? undefined : value
  }
  const written = read((value) => JSON.stringify(value, keep) as string | undefined, what, 'what')
  return written === undefined ? null : (JSON.parse(written) as Json)
}

/** Of an event, which is a message of its own; a failure has a text of that name. */
const isMessage = (name: string, value: unknown): boolean => name === 'message' && typeof value === 'object'
