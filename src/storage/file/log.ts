import { constants, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import { type Appended, type Commit, commitText, parseCommit, type Run } from '../../core/journal-storage.js'
import { type Check, type Disk, type FileLock, hasCode, isFull, removeIfThere, syncFolder, writeNew } from './lock.js'

/** Largest commit, and largest part of a checkpoint, in bytes of UTF-8. */
export const MAX_BYTES = 64 * 1024 * 1024

const CHUNK_BYTES = 256 * 1024
/** No record is longer: a part of a checkpoint is kept as a JSON text inside a JSON text, so each byte may become two. */
const LONGEST_LINE = 2 * MAX_BYTES + 1024
const NEWLINE = 0x0a
const BRACKET = 0x5d
/** Of `["01234567",` before the text of a record. */
const PREFIX_BYTES = 12

/** What is known of a log file, so that a run is found without reading what stands before it. */
interface Index {
  /** Tells the file from the one that it replaces, or will be replaced by. */
  readonly mark: string
  /** Number of the last commit that is trimmed; 0 until something is. */
  trimmedTo: number
  /** The last commit; after a trim of all but it, and before it is read, the last one trimmed. */
  head: { readonly seq: number; readonly id: string }
  /** Where the line of commit trimmedTo + 1 + i begins. */
  starts: number[]
  /** Where the next line will begin. */
  end: number
}

/** First line of a file from which something was trimmed. */
interface Header {
  readonly trimmedTo: number
  /** Of the commit with that number, as the next one's `prev`. */
  readonly id: string
}

interface Line {
  /** Without its newline; a view that holds until the next lines are asked for. */
  readonly bytes: Buffer
  readonly at: number
  /** Whether it ends in a newline. */
  readonly isWhole: boolean
}

/** A log file that is open for reading, and whether somebody still waits for it. */
interface Source {
  readonly path: string
  readonly handle: FileHandle
  readonly check: Check
}

/** A log file as any process may read it, also while its holder writes: what is not yet whole counts as the end. */
export class LogReader {
  readonly #path: string
  readonly #disk: Disk
  readonly #turns = new Turns()
  #index = emptyIndex('')

  constructor(path: string, disk: Disk) {
    this.#path = path
    this.#disk = disk
  }

  read(after: number, limit: number, check: Check): Promise<Run> {
    return this.#turns.take(async () => {
      try {
        return await this.#read(after, limit, check)
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return { commits: [] }
        if (!CrewError.is(error, 'journal_corrupt')) throw error
        // The holder may have cut off a failed write, and written on, while this read over it.
        this.#index = emptyIndex('')
        return await this.#read(after, limit, check)
      }
    })
  }

  #read(after: number, limit: number, check: Check): Promise<Run> {
    return reading(this.#path, this.#disk, async (handle) => {
      const { ino, size } = await handle.stat()
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(PREFIX_BYTES), 0, PREFIX_BYTES, 0)
      const mark = `${ino} ${buffer.toString('latin1', 0, bytesRead)}`
      if (this.#index.mark !== mark || size < this.#index.end) this.#index = emptyIndex(mark)
      const source = { path: this.#path, handle, check }
      await extend(this.#index, source)
      return await readRun(this.#index, source, after, limit)
    })
  }
}

/** A log file as its one holder reads and writes it: one thing at a time. */
export class LogWriter {
  readonly #path: string
  readonly #fsync: boolean
  readonly #disk: Disk
  readonly #lock: FileLock
  readonly #turns = new Turns()
  #index = emptyIndex('')
  /** Only while the file is known to be as `#index` says; not after a failed write, until its traces are gone. */
  #handle: FileHandle | undefined
  #isClosed = false

  constructor(path: string, fsync: boolean, disk: Disk, lock: FileLock) {
    this.#path = path
    this.#fsync = fsync
    this.#disk = disk
    this.#lock = lock
  }

  /** Reads the file from end to end, cuts off what a crash left of the last write, and rejects other damage. */
  async open(check: Check): Promise<void> {
    const handle = await this.#disk.open(this.#path, constants.O_RDWR | constants.O_CREAT)
    try {
      await extend(this.#index, { path: this.#path, handle, check })
      check()
      await this.#cut(handle)
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
  }

  /** Runs `work` while nothing else of this journal is written. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      if (this.#isClosed) throw new CrewError('closed', `${this.#path} was closed meanwhile; open the journal again`)
      await this.#lock.assertHeld()
      return work()
    })
  }

  async append(commit: Commit, check: Check): Promise<Appended> {
    const { seq, id, prev } = commit
    const line = seal(commitText(commit))
    if (line.length - PREFIX_BYTES - 2 > MAX_BYTES) throw tooLarge('Commit', MAX_BYTES)
    return this.exclusively(async () => {
      const handle = await this.#file()
      const { head, starts, end } = this.#index
      if (seq !== head.seq + 1 || prev !== head.id) return { appended: false }
      check()
      this.#handle = undefined
      try {
        for (let done = 0; done < line.length;)
          done += (await handle.write(line, done, line.length - done, end + done)).bytesWritten
        if (this.#fsync) await handle.datasync()
      } catch (error) {
        await handle.close().catch(() => undefined)
        throw await this.#takeBack(error)
      }
      this.#handle = handle
      starts.push(end)
      this.#index.end = end + line.length
      this.#index.head = { seq, id }
      return { appended: true }
    })
  }

  read(after: number, limit: number, check: Check): Promise<Run> {
    return this.#turns.take(() => {
      check()
      // By a handle of its own, so that what is stored can be read though writing fails.
      return reading(this.#path, this.#disk, (handle) =>
        readRun(this.#index, { path: this.#path, handle, check }, after, limit),
      )
    })
  }

  trim(through: number, check: Check): Promise<void> {
    return this.exclusively(async () => {
      check()
      const handle = await this.#file()
      const { trimmedTo, head, starts, end } = this.#index
      const gone = Math.min(through, head.seq - 1) - trimmedTo
      if (!(gone > 0)) return
      const last = await readRun(this.#index, { path: this.#path, handle, check }, trimmedTo + gone - 1, 1)
      const id = 'commits' in last ? last.commits[0]?.id : undefined
      const header = seal(JSON.stringify({ trimmedTo: trimmedTo + gone, id }))
      const cut = starts[gone] ?? end
      const draft = `${this.#path}.${systemEnvironment.id()}.tmp`
      await writeNew(draft, this.#rest(header, handle, cut, check), this.#fsync, this.#disk)
      this.#handle = undefined
      // Windows replaces no file that is open.
      await handle.close()
      try {
        await this.#disk.rename(draft, this.#path)
      } catch (error) {
        await removeIfThere(draft, this.#disk)
        throw error
      }
      const moved = header.length - cut
      const left = starts.slice(gone).map((start) => start + moved)
      this.#index = { mark: '', trimmedTo: trimmedTo + gone, head, starts: left, end: end + moved }
      await this.#file()
    })
  }

  /** Waits for what is under way, then lets go of the file and the lock. */
  close(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#isClosed) return
      this.#isClosed = true
      try {
        await this.#handle?.close()
      } finally {
        await this.#lock.release()
      }
    })
  }

  /** What stands from `cut` on, behind a new header. */
  async *#rest(header: Buffer, handle: FileHandle, cut: number, check: Check): AsyncGenerator<Buffer> {
    yield header
    for await (const lines of readLines(handle, cut, this.#index.end, check)) {
      // What is damaged must not replace what might yet be repaired.
      const broken = lines.find(({ bytes, isWhole }) => !isWhole || unseal(bytes) === undefined)
      if (broken) throw damaged(this.#path, this.#index, broken.at)
      yield Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.of(NEWLINE)]))
    }
  }

  /**
   * The file as this process left it: no foreign hand in it, and nothing behind its end. Rejects, and so refuses to
   * write, while that cannot be had.
   */
  async #file(): Promise<FileHandle> {
    const { head, starts, end } = this.#index
    const known = this.#handle
    const handle = known ?? (await this.#disk.open(this.#path, 'r+'))
    try {
      const { size, nlink } = await handle.stat()
      if (nlink === 0 || size < end || (known && size > end)) throw this.#foreign()
      if (known) return known
      const source = { path: this.#path, handle, check: () => undefined }
      const run = starts.length > 0 && (await readRun(this.#index, source, head.seq - 1, 1))
      if (run && 'commits' in run && run.commits[0]?.id !== head.id) throw this.#foreign()
      await this.#cut(handle)
      return (this.#handle = handle)
    } catch (error) {
      if (!known) await handle.close()
      throw error
    }
  }

  /** Cuts off what stands behind the last record, and makes durable what stands before. */
  async #cut(handle: FileHandle): Promise<void> {
    const { end } = this.#index
    if ((await handle.stat()).size > end) await handle.truncate(end)
    if (!this.#fsync) return
    // What a killed holder wrote last, or renamed, may be whole and still only in memory.
    await handle.sync()
    await syncFolder(dirname(this.#path), this.#disk)
  }

  /** After a failed write: what to reject with, once its traces are gone, or though they are not. */
  async #takeBack(error: unknown): Promise<CrewError> {
    const why = `writing ${this.#path} failed (${(error as Error).message})`
    try {
      await this.#file()
    } catch (later) {
      const text = `${why}, and so did looking what is stored; nothing more is written until that works`
      return new CrewError('storage_unavailable', text, {}, later)
    }
    return isFull(error)
      ? new CrewError('limit_exceeded', `Nothing was stored, ${why}; make room and try again`, {}, error)
      : new CrewError('storage_unavailable', `Nothing was stored, ${why}; try again`, {}, error)
  }

  #foreign(): CrewError {
    return new CrewError(
      'storage_unavailable',
      `${this.#path} was changed, replaced or removed by somebody else; close the journal and open it again`,
    )
  }
}

/** Runs one piece of work after another, in the order of the calls. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

async function reading<T>(path: string, disk: Disk, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await disk.open(path, 'r')
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

const emptyIndex = (mark: string): Index => ({ mark, trimmedTo: 0, head: { seq: 0, id: '' }, starts: [], end: 0 })

/** Adds to `index` the whole records behind its end. Rejects with `journal_corrupt` unless only the last one is broken. */
async function extend(index: Index, { path, handle, check }: Source): Promise<void> {
  let broken: Buffer | undefined
  for await (const lines of readLines(handle, index.end, Infinity, check)) {
    for (const line of lines) {
      const text = line.isWhole ? unseal(line.bytes) : undefined
      if (broken) throw damaged(path, index, index.end)
      if (text === undefined) broken = Buffer.from(line.bytes)
      else add(index, text, line, path)
    }
  }
  if (broken && (broken.length > LONGEST_LINE || hidesRecord(broken))) throw damaged(path, index, index.end)
}

function add(index: Index, text: string, { bytes, at }: Line, path: string): void {
  const header = at === 0 ? parseHeader(text) : undefined
  if (header) {
    index.trimmedTo = header.trimmedTo
    index.head = { seq: header.trimmedTo, id: header.id }
  } else {
    const { seq, id, prev } = parseRecord(text, index, path, at)
    if (seq !== index.head.seq + 1 || prev !== index.head.id) throw damaged(path, index, at)
    index.head = { seq, id }
    index.starts.push(at)
  }
  index.end = at + bytes.length + 1
}

/** The commits after `after`, checked again: a disk may forget what it once held. */
async function readRun(index: Index, { path, handle, check }: Source, after: number, limit: number): Promise<Run> {
  const { trimmedTo, starts, end } = index
  if (after < trimmedTo) return { trimmedTo }
  const first = after - trimmedTo
  const last = Math.min(first + limit, starts.length)
  const commits: Commit[] = []
  if (first >= last) return { commits }
  for await (const lines of readLines(handle, starts[first] ?? end, starts[last] ?? end, check)) {
    for (const { bytes, at } of lines) {
      const commit = parseRecord(unseal(bytes), index, path, at)
      if (commit.seq !== after + 1 + commits.length) throw damaged(path, index, at)
      commits.push(commit)
    }
  }
  if (commits.length < last - first) throw damaged(path, index, starts[first + commits.length] ?? end)
  return { commits }
}

function parseRecord(text: string | undefined, index: Index, path: string, at: number): Commit {
  if (text === undefined) throw damaged(path, index, at)
  try {
    return parseCommit(text, path)
  } catch (error) {
    throw damaged(path, index, at, error)
  }
}

function damaged(path: string, { trimmedTo, starts }: Index, offset: number, cause?: unknown): CrewError {
  const before = starts.findIndex((start) => start >= offset)
  const line = 1 + (trimmedTo > 0 ? 1 : 0) + (before < 0 ? starts.length : before)
  return new CrewError(
    'journal_corrupt',
    `${path} is damaged in line ${line}, at byte ${offset}, and nothing was changed; restore it from a backup`,
    { file: path, line, offset },
    cause,
  )
}

export const tooLarge = (what: string, limit: number): CrewError =>
  new CrewError('limit_exceeded', `${what} is over ${limit} bytes; split it`, { limit })

function parseHeader(text: string): Header | undefined {
  const { trimmedTo, id } = JSON.parse(text) as Partial<Header>
  return Number.isSafeInteger(trimmedTo) && typeof id === 'string' ? ({ trimmedTo, id } as Header) : undefined
}

// ---- records: a line each, `["<crc32 of the text>",<text>]`

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

/** The JSON text in a line, unless the line is damaged. */
export function unseal(line: Buffer): string | undefined {
  if (line.length <= PREFIX_BYTES || line.at(-1) !== BRACKET) return undefined
  const bytes = line.subarray(PREFIX_BYTES, -1)
  return line.toString('latin1', 0, PREFIX_BYTES) === `["${hex(checksum(bytes))}",` ? bytes.toString() : undefined
}

/**
 * Whether a broken last line begins with a whole record. A write that did not end leaves none, or one with nothing but
 * the zeros of unwritten blocks after it. Anything else there means that a newline is damaged: what looks like one
 * record that was never acknowledged is two that were.
 */
function hidesRecord(line: Buffer): boolean {
  const wanted = line.toString('latin1', 2, PREFIX_BYTES - 2)
  let crc = 0
  let from = PREFIX_BYTES
  for (let at = line.indexOf(BRACKET, from); at !== -1; at = line.indexOf(BRACKET, at + 1)) {
    crc = checksum(line.subarray(from, at), crc)
    from = at
    if (hex(crc) === wanted && line.subarray(at + 1).some((byte) => byte !== 0)) return true
  }
  return false
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
    const { bytesRead } = await handle.read(
      buffer,
      filled,
      Math.min(buffer.length - filled, to - at - filled),
      at + filled,
    )
    if (bytesRead === 0) break
    const bytes = buffer.subarray(0, filled + bytesRead)
    const lines: Line[] = []
    let start = 0
    for (let end = bytes.indexOf(NEWLINE, filled); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push({ bytes: bytes.subarray(start, end), at: at + start, isWhole: true })
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
  if (filled > 0) yield [{ bytes: buffer.subarray(0, filled), at, isWhole: false }]
}
