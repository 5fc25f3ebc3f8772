import { invalid } from '../../core/errors.js'
import { filledText, read } from '../../core/input.js'

/** The keys of one journal, all in one hash slot. */
export interface JournalKeys {
  /** `1 <number> <id as JSON>` of the last commit; 1 is the version of this layout. */
  readonly head: string
  /** A stream, with an entry for each commit under its number. */
  readonly commits: string
  /** The checkpoints that are kept, as JSON. */
  readonly index: string
  /** There is never anything here. */
  readonly nothing: string
  readonly channel: string
  /** A list, the parts of the checkpoint of that token. */
  parts(token: string): string
}

export function keysOf(prefix: string, journal: string): JournalKeys {
  const crew = `${prefix}:{${tagOf(journal)}}`
  return {
    head: `${crew}:head`,
    commits: `${crew}:commits`,
    index: `${crew}:checkpoints`,
    nothing: `${crew}:nothing`,
    channel: crew,
    parts: (token) => `${crew}:checkpoint:${token}`,
  }
}

/** Another for each name, without braces, which would end it. */
function tagOf(journal: string): string {
  try {
    return encodeURIComponent(read(filledText, journal, 'journal'))
  } catch (error) {
    if (error instanceof URIError) throw invalid('The name of a journal must be a text of whole characters')
    throw error
  }
}
