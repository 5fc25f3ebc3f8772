import type { Abortable } from '../abortable.js'
import type { Off } from '../environment.js'
import { CrewError } from '../errors.js'
import type { Id } from '../input.js'
import type { Json } from '../json.js'

/** One fact: what happened (`type`) to what (`id`), by whom, when, and exactly what it changed. */
export interface JournalEvent {
  readonly type: string
  readonly id: Id
  /** Of the entity after this event: 1, 2, 3 … */
  readonly version?: number
  readonly by?: Id
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly at: number
  readonly changes: { readonly [field: string]: Json }
}

/** One atomic step of a journal: stored whole, or not at all. */
export interface Commit {
  /** 1, 2, 3 … without gaps. */
  readonly seq: number
  /** Made once: tells a retry from a rival. */
  readonly id: string
  /** Id of commit seq - 1, '' before the first: tells a log that went back or forked. */
  readonly prev: string
  /** Of the events; a replica that does not know it stops, and says so. */
  readonly format: number
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly at: number
  /** At least one. */
  readonly events: readonly JournalEvent[]
}

/** The state of all projections at commit `seq`. */
export interface Checkpoint {
  readonly seq: number
  readonly id: string
  readonly format: number
  /** JSON texts, each at most `maxCommitBytes`. */
  readonly parts: AsyncIterable<string>
}

export type Appended = { readonly appended: true } | { readonly appended: false; readonly missed?: readonly Commit[] }
export type Run = { readonly commits: readonly Commit[] } | { readonly trimmedTo: number }

/**
 * The only I/O of crewlog: named logs of numbered commits. A store can hold a crew when it can add commit N only if the
 * last one is N - 1, and read the commits after N in order. Names are compared byte by byte. A commit travels as one
 * JSON text (`commitText`, `parseCommit`). Every method rejects rather than hang once its signal aborts.
 */
export interface JournalStorage {
  /** 'one': a second writer is refused at `open`. 'many': any number, in any number of processes. */
  readonly writers: 'one' | 'many'
  /** Largest commit that the engine takes, in bytes of UTF-8; checked before anything is sent. */
  readonly maxCommitBytes: number
  /**
   * Takes what writing `journal` needs, such as a lock. Rejects with `storage_unavailable`, naming the holder, when
   * `writers` is 'one' and there is another. Reading needs no `open`.
   */
  open?(journal: string, options?: Abortable): Promise<void>
  /**
   * Adds `commit` if the last commit of `journal` has number seq - 1 and id prev; otherwise changes nothing, and may
   * hand over what the writer missed. It compares with the last number and id, not with the absence of a record: a
   * writer that slept must not be let in at an old, now trimmed, number. Rejects with `limit_exceeded` only when the
   * engine took nothing and never will; any other rejection leaves open whether the commit was stored.
   */
  append(journal: string, commit: Commit, options?: Abortable): Promise<Appended>
  /**
   * The run of commits that starts at after + 1, at most `limit`, with every append acknowledged before the call; empty
   * for an unknown journal. When some of that run is gone: the number of the last commit that is gone.
   */
  read(journal: string, after: number, limit: number, options?: Abortable): Promise<Run>
  /** Keeps a checkpoint: visible only when all parts are there; one not newer than the newest kept is no change; two are kept. */
  saveCheckpoint(journal: string, checkpoint: Checkpoint, options?: Abortable): Promise<void>
  /** The newest checkpoint, or the newest with a number strictly below `before`. */
  loadCheckpoint(journal: string, before?: number, options?: Abortable): Promise<Checkpoint | undefined>
  /** Forgets the commits up to `through`, never the newest. */
  trim(journal: string, through: number, options?: Abortable): Promise<void>
  /** Calls `wake` when `journal` may have grown. A hint: without it, or when one is lost, the journal polls. */
  watch?(journal: string, wake: () => void): Off
  /** Lets go of what it holds for `journal`. Never closes a client that the user passed in. */
  close?(journal: string): Promise<void>
}

/** The one version of events that this release writes and reads. */
export const FORMAT = 1

const texts = new WeakMap<Commit, string>()

/** Spares the second writing of a frozen commit whose text is known. */
export const rememberText = (commit: Commit, text: string): void => {
  texts.set(commit, text)
}

/** A commit as it travels and is kept. */
export function commitText(commit: Commit): string {
  const known = texts.get(commit)
  if (known !== undefined) return known
  try {
    return JSON.stringify(commit)
  } catch (error) {
    throw new CrewError('invalid_input', 'This commit is not plain JSON', {}, error)
  }
}

/** Rejects with `journal_corrupt`, naming `where`, what is not a commit. */
export function parseCommit(text: string, where: string): Commit {
  let commit: Partial<Commit> | null = null
  try {
    commit = JSON.parse(text) as Partial<Commit> | null
  } catch {
    // Reported below, like other damage.
  }
  const { seq, id, prev, format, at, events } = commit ?? {}
  const whole =
    Number.isSafeInteger(seq) &&
    typeof id === 'string' &&
    typeof prev === 'string' &&
    typeof format === 'number' &&
    typeof at === 'number'
  if (!whole || !Array.isArray(events)) {
    throw new CrewError('journal_corrupt', `${where} holds no commit; restore the journal from a backup`, { where })
  }
  return commit as Commit
}

/** Throws `unsupported_version` or `journal_corrupt` for what is not the commit after `head`. */
export function expectNext({ seq, prev, format }: Commit, head: Pick<Commit, 'seq' | 'id'> | undefined): void {
  const { seq: last = 0, id: lastId = '' } = head ?? {}
  if (format !== FORMAT)
    throw new CrewError(
      'unsupported_version',
      `Commit ${seq} has format ${format}, this release reads ${FORMAT}; update crewlog`,
      { seq, format },
    )
  if (seq !== last + 1 || prev !== lastId)
    throw new CrewError(
      'journal_corrupt',
      `Commit ${seq} does not follow commit ${last}; restore the journal from a backup`,
      { seq },
    )
}
