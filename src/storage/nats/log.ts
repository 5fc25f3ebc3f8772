import type { Check } from '../../core/abortable.js'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import { type Appended, type Commit, commitText, parseCommit, type Run } from '../../core/journal/journal-storage.js'
import { utf8Bytes } from '../../core/json.js'
import type { JournalNames } from './names.js'
import type { NatsStreams, Stored } from './streams.js'

/** Messages that are asked for at once. */
const WINDOW = 32
/** For which a head that was seen is believed, on the same connection: a server that goes back takes longer to come up. */
const BELIEVED_MS = 1000

/** The last commit, and at which number of the stream it is. */
interface Head extends Pick<Commit, 'seq' | 'id'> {
  readonly at: number
  readonly commit?: Commit
}

interface Seen {
  readonly head: Head
  readonly atMs: number
  readonly connection: string
}

/** The commits of one journal: a stream with a message for each, in which nothing else is. */
export class NatsLog {
  /** Whether its stream has to be there. */
  isOpen = false

  readonly #streams: NatsStreams
  readonly #names: JournalNames
  #seen: Seen | undefined

  constructor(streams: NatsStreams, names: JournalNames) {
    this.#streams = streams
    this.#names = names
  }

  async append(commit: Commit, check: Check): Promise<Appended> {
    const text = commitText(commit)
    const bytes = utf8Bytes(text)
    const { maxBytes } = this.#streams
    if (bytes > maxBytes)
      throw new CrewError('limit_exceeded', `A commit is at most ${maxBytes} bytes here; this one has ${bytes}`, {
        limit: maxBytes,
      })
    // What is believed may be old; what is read is not.
    const believed = this.#believed
    const head = believed && follows(commit, believed) ? believed : await this.#readHead()
    check()
    if (!head) throw this.#gone()
    if (!follows(commit, head))
      return { appended: false, ...(head.commit?.seq === commit.seq && { missed: [head.commit] }) }
    return { appended: await this.#publish(commit, text, head.at) }
  }

  async read(after: number, limit: number, check: Check): Promise<Run> {
    const head = await this.#readHead()
    if (!head) {
      if (this.isOpen) throw this.#gone()
      return { commits: [] }
    }
    const until = Math.min(after + limit, head.seq)
    const commits: Commit[] = []
    for (let from = after + 1; from <= until; from += WINDOW) {
      check()
      const window = Array.from({ length: Math.min(WINDOW, until - from + 1) }, (_, index) => from + index)
      const found = await Promise.all(window.map((seq) => this.#commit(seq, head)))
      for (const commit of found) {
        if (!commit) return await this.#trimmed(from, head)
        commits.push(commit)
      }
    }
    return { commits }
  }

  async trim(through: number): Promise<void> {
    const head = await this.#readHead()
    const last = Math.min(through, (head?.seq ?? 0) - 1)
    if (head && last > 0) await this.#streams.purge(this.#names.commits.stream, { seq: last + head.at - head.seq + 1 })
  }

  async #publish(commit: Commit, text: string, lastSequence: number): Promise<boolean> {
    const { stream, subject } = this.#names.commits
    const sent = this.#now()
    this.#seen = undefined
    const at = await this.#streams.publish(stream, subject, text, { lastSequence })
    if (at === undefined) return false
    this.#seen = { ...sent, head: { seq: commit.seq, id: commit.id, at, commit } }
    return true
  }

  /** Undefined when there is no stream. */
  async #readHead(): Promise<Head | undefined> {
    const { stream, subject } = this.#names.commits
    const sent = this.#now()
    let last = await this.#streams.get(stream, { last_by_subj: subject })
    if (last === null && (await this.#hasBegun())) {
      last = await this.#streams.get(stream, { last_by_subj: subject })
      if (last === null) throw this.#damage('all commits were removed')
    }
    if (last === undefined) return undefined
    const head = last ? this.#headOf(last) : { seq: 0, id: '', at: 0 }
    this.#seen = { ...sent, head }
    return head
  }

  #headOf(last: Stored): Head {
    const commit = this.#parse(last)
    return { seq: commit.seq, id: commit.id, at: last.at, commit }
  }

  /** The numbers of a stream go on where they were, also when nothing is left of it. */
  async #hasBegun(): Promise<boolean> {
    const info = await this.#streams.info(this.#names.commits.stream)
    return info !== undefined && info.state.last_seq > 0
  }

  async #commit(seq: number, head: Head): Promise<Commit | undefined> {
    if (seq === head.seq) return head.commit
    const found = await this.#streams.get(this.#names.commits.stream, { seq: seq + head.at - head.seq })
    if (!found) return undefined
    const commit = this.#parse(found)
    if (commit.seq !== seq) throw this.#damage(`message ${found.at} holds commit ${commit.seq}, not ${seq}`)
    return commit
  }

  /** Up to where, when a commit from `from` on is missing. */
  async #trimmed(from: number, head: Head): Promise<Run> {
    const info = await this.#streams.info(this.#names.commits.stream)
    if (!info) throw this.#gone()
    const firstSeq = info.state.first_seq - (head.at - head.seq)
    if (firstSeq > from) return { trimmedTo: firstSeq - 1 }
    throw this.#damage(`a commit behind ${from - 1} is missing`)
  }

  #parse({ at, text }: Stored): Commit {
    return parseCommit(text, `Message ${at} of stream ${this.#names.commits.stream}`)
  }

  #now(): Omit<Seen, 'head'> {
    const { server_id, client_id } = this.#streams.connection.info ?? {}
    return { atMs: systemEnvironment.monotonic(), connection: `${server_id} ${client_id}` }
  }

  get #believed(): Head | undefined {
    const { atMs, connection } = this.#now()
    const seen = this.#seen
    return seen && seen.connection === connection && atMs - seen.atMs < BELIEVED_MS ? seen.head : undefined
  }

  #gone(): CrewError {
    const { stream } = this.#names.commits
    return new CrewError(
      'storage_unavailable',
      `Stream ${stream} is gone; restore it from a backup, or open the crew anew to begin with nothing`,
    )
  }

  #damage(what: string): CrewError {
    const { stream: where } = this.#names.commits
    return new CrewError('journal_corrupt', `Stream ${where}: ${what}; restore it from a backup`, { where })
  }
}

const follows = ({ seq, prev }: Commit, head: Head): boolean => seq === head.seq + 1 && prev === head.id
