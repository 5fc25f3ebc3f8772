import type { Check } from '../../core/abortable.js'
import type { FileHandle } from 'node:fs/promises'
import { CrewError } from '../../core/errors.js'
import { type Commit, parseCommit, type Run } from '../../core/journal/journal-storage.js'
import { isTorn, type Line, readLines, seal, unseal } from './lines.js'

/** A log file that is open for reading, and whether somebody still waits for it. */
export interface Source {
  readonly path: string
  readonly handle: FileHandle
  readonly check: Check
}

/** First line of a file from which something was trimmed. */
interface Header {
  readonly trimmedTo: number
  /** Of the commit with that number, as the next one's `prev`. */
  readonly id: string
}

/** What is known of a log file, so that a run is found without reading what stands before it. */
export class LogIndex {
  /** Number of the last commit that is trimmed; 0 until something is. */
  trimmedTo = 0
  /** The last commit; after a trim of all but it, and before it is read, the last one trimmed. */
  head: { readonly seq: number; readonly id: string } = { seq: 0, id: '' }
  /** Where the line of commit trimmedTo + 1 + i begins. */
  starts: number[] = []
  /** Where the next line will begin. */
  end = 0

  append({ seq, id }: Commit, bytes: number): void {
    this.head = { seq, id }
    this.starts.push(this.end)
    this.end += bytes
  }

  /** Adds the whole records behind the end. Rejects with `journal_corrupt` unless only a torn one stands behind them. */
  async extend(source: Source): Promise<void> {
    let broken: Buffer | undefined
    for await (const lines of readLines(source.handle, this.end, Infinity, source.check)) {
      for (const line of lines) {
        if (broken) throw this.damage(source, this.end)
        const text = unseal(line)
        if (text === undefined) broken = Buffer.from(line.bytes)
        else this.#add(text, line, source)
      }
    }
    if (broken && !isTorn(broken)) throw this.damage(source, this.end)
  }

  /** The commits after `after`, checked again: a disk may forget what it once held. */
  async run(source: Source, after: number, limit: number): Promise<Run> {
    const { trimmedTo, starts, end } = this
    if (after < trimmedTo) return { trimmedTo }
    const first = after - trimmedTo
    const last = Math.min(first + limit, starts.length)
    const commits: Commit[] = []
    if (first >= last) return { commits }
    for await (const lines of readLines(source.handle, starts[first] ?? end, starts[last] ?? end, source.check)) {
      for (const line of lines) {
        const commit = this.#parse(unseal(line), line.at, source)
        if (commit.seq !== after + 1 + commits.length) throw this.damage(source, line.at)
        commits.push(commit)
      }
    }
    if (commits.length < last - first) throw this.damage(source, starts[first + commits.length] ?? end)
    return { commits }
  }

  /** The last commit, unless there is none. */
  async newest(source: Source): Promise<Commit | undefined> {
    const run = this.starts.length > 0 ? await this.run(source, this.head.seq - 1, 1) : undefined
    return run && 'commits' in run ? run.commits[0] : undefined
  }

  damage({ path }: Pick<Source, 'path'>, offset: number, cause?: unknown): CrewError {
    const before = this.starts.findIndex((start) => start >= offset)
    const line = 1 + (this.trimmedTo > 0 ? 1 : 0) + (before < 0 ? this.starts.length : before)
    return new CrewError(
      'journal_corrupt',
      `${path} is damaged in line ${line}, at byte ${offset}, and nothing was changed; restore it from a backup`,
      { file: path, line, offset },
      cause,
    )
  }

  #add(text: string, { bytes, at }: Line, source: Source): void {
    const header = at === 0 ? parseHeader(text) : undefined
    if (header) {
      this.trimmedTo = header.trimmedTo
      this.head = { seq: header.trimmedTo, id: header.id }
      this.end = bytes.length
      return
    }
    const commit = this.#parse(text, at, source)
    if (commit.seq !== this.head.seq + 1 || commit.prev !== this.head.id) throw this.damage(source, at)
    this.append(commit, bytes.length)
  }

  #parse(text: string | undefined, at: number, source: Source): Commit {
    if (text === undefined) throw this.damage(source, at)
    try {
      return parseCommit(text, source.path)
    } catch (error) {
      throw this.damage(source, at, error)
    }
  }
}

export const sealHeader = (header: Header): Buffer => seal(JSON.stringify(header))

/** Undefined for what is no header; whether it is a commit is asked next. */
function parseHeader(text: string): Header | undefined {
  if (!text.startsWith('{"trimmedTo":')) return undefined
  const { trimmedTo, id } = JSON.parse(text) as Header
  return Number.isSafeInteger(trimmedTo) && typeof id === 'string' ? { trimmedTo, id } : undefined
}
