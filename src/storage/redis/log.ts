import type { Check } from '../../core/abortable.js'
import { CrewError } from '../../core/errors.js'
import { type Appended, type Commit, commitText, parseCommit, type Run } from '../../core/journal/journal-storage.js'
import { utf8Bytes } from '../../core/json.js'
import type { JournalKeys } from './keys.js'
import { APPEND, READ, TRIM } from './scripts.js'
import type { RedisServer } from './server.js'

/** A value is at most 512 MB; but a server does nothing else while it takes one in. */
export const MAX_BYTES = 16 * 1024 * 1024
/** Of one answer: more goes into several, between which the server serves others. */
export const PIECE_BYTES = 1024 * 1024
/** Of what comes with a refusal. */
const MISSED = { commits: 100, bytes: 64 * 1024 }
/** Entries that one call trims. */
const TRIM_COMMITS = 1000
/** The version of what is stored, and how. */
const LAYOUT = '1'

/** Number and fields, as a stream keeps it. */
type Entry = readonly [number: string, fields: readonly [name: string, text: string]]
type Head = Pick<Commit, 'seq' | 'id'>

/** The commits of one journal. */
export class RedisLog {
  readonly #server: RedisServer
  readonly #keys: JournalKeys

  constructor(server: RedisServer, keys: JournalKeys) {
    this.#server = server
    this.#keys = keys
  }

  async append(commit: Commit): Promise<Appended> {
    const text = commitText(commit)
    const bytes = utf8Bytes(text)
    if (bytes > MAX_BYTES)
      throw new CrewError('limit_exceeded', `A commit is at most ${MAX_BYTES} bytes; this one has ${bytes}`, {
        limit: MAX_BYTES,
      })
    const { head, commits, channel } = this.#keys
    const wanted = commit.seq === 1 && commit.prev === '' ? '' : headOf({ seq: commit.seq - 1, id: commit.prev })
    const [isAppended, found, exists, missed] = (await this.#server.run(
      APPEND,
      [head, commits],
      [wanted, headOf(commit), `${commit.seq}-0`, text, channel, MISSED.commits, MISSED.bytes],
    )) as [number, string, number, Entry[]]
    if (isAppended) return { appended: true }
    this.#readHead(found, exists)
    return { appended: false, missed: this.#commitsOf(missed) }
  }

  async read(after: number, limit: number, check: Check): Promise<Run> {
    const commits: Commit[] = []
    while (commits.length < limit) {
      check()
      const piece = await this.#readPiece(after + 1 + commits.length, limit - commits.length)
      if ('trimmedTo' in piece) return piece
      commits.push(...piece.commits)
      if (piece.isLast) break
    }
    return { commits }
  }

  async trim(through: number, check: Check): Promise<void> {
    const { head, commits } = this.#keys
    for (let isMore = 1; isMore;) {
      check()
      const answer = (await this.#server.run(TRIM, [head, commits], [through, TRIM_COMMITS])) as [string, number]
      isMore = answer[1]
      this.#seqOf(answer[0])
    }
  }

  async #readPiece(from: number, limit: number): Promise<Run & { readonly isLast?: boolean }> {
    const { head, commits, nothing } = this.#keys
    const [found, exists, entries, first] = (await this.#server.run(
      READ,
      [head, commits, nothing],
      [`${from}-0`, limit, PIECE_BYTES],
    )) as [string, number, Entry[], string]
    const newest = this.#readHead(found, exists)
    if (first !== '' && first === entries[0]?.[0]) return { trimmedTo: parseInt(first, 10) - 1 }
    const read = this.#commitsOf(entries)
    read.forEach(({ seq }, index) => {
      if (seq !== from + index) throw this.#damage(`commit ${from + index} is missing`)
    })
    const next = from + read.length
    if (read.length === 0 && next <= newest) throw this.#damage(`commit ${next} is missing`)
    return { commits: read, isLast: next > newest }
  }

  #commitsOf(entries: readonly Entry[]): readonly Commit[] {
    return entries.map(([number, fields]) => {
      const where = `Entry ${number} of ${this.#keys.commits}`
      const commit = parseCommit(fields[1], where)
      if (number !== `${commit.seq}-0`) throw this.#damage(`entry ${number} holds commit ${commit.seq}`)
      return commit
    })
  }

  /** The number of the last commit, when what belongs together is there. */
  #readHead(head: string, exists: number): number {
    if (head === '' && exists) throw this.#damage('the head is missing, though there are commits')
    if (head !== '' && !exists) throw this.#damage('the commits are missing, though there is a head')
    return this.#seqOf(head)
  }

  #seqOf(head: string): number {
    if (head === '') return 0
    const [, layout, seq] = /^(\S+) (\d+) "/.exec(head) ?? []
    if (layout === LAYOUT) return Number(seq)
    const { head: where } = this.#keys
    throw layout === undefined
      ? this.#damage('the head cannot be read')
      : new CrewError('unsupported_version', `${where} is of layout ${layout}, not ${LAYOUT}; update crewlog`, {
          where,
        })
  }

  #damage(what: string): CrewError {
    const { commits: where } = this.#keys
    return new CrewError(
      'journal_corrupt',
      `${where}: ${what}, as after an eviction (set maxmemory-policy to noeviction); restore the journal from a backup`,
      { where },
    )
  }
}

const headOf = ({ seq, id }: Head): string => `${LAYOUT} ${seq} ${JSON.stringify(id)}`
