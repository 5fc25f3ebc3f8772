import { createHash } from 'node:crypto'
import * as nodeDisk from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Abortable, endBy } from '../core/abortable.js'
import { systemEnvironment } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { filledText, flag, object, read } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal-storage.js'
import { type Check, type Disk, FileLock, hasCode, isFull, removeIfThere, syncFolder, writeNew } from './file/lock.js'
import { LogReader, LogWriter, MAX_BYTES, readLines, seal, tooLarge, Turns, unseal } from './file/log.js'

export interface FileStorageOptions {
  /**
   * Whether an append, a trim and a checkpoint resolve only when the disk has them; default true. Without, a crash of
   * the process still loses nothing, but a power cut may lose the last commits.
   */
  readonly fsync?: boolean
}

/**
 * Keeps each journal in a file of its own in `folder`, which is made if it is missing: a line of JSON for each commit,
 * with a checksum. One process writes a journal at a time, from `open` to `close`; a second one is refused with
 * `storage_unavailable`, which names the first and its lock file. Any process may read meanwhile. Throws `invalid_input`.
 */
export function fileStorage(folder: string, options?: FileStorageOptions): JournalStorage
// Tests pass a disk that fails. It is not in the types, because nobody else should.
export function fileStorage(folder: string, options: FileStorageOptions = {}, disk: Disk = nodeDisk): JournalStorage {
  const path = read(filledText, folder, 'folder')
  if (path.includes('\0')) throw invalid('folder must be a path, which has no U+0000')
  const { fsync = true } = read(object({ fsync: flag }), options, 'options')
  return new FileStorage(resolve(path), fsync, disk)
}

class FileStorage implements JournalStorage {
  readonly writers = 'one'
  readonly maxCommitBytes: number = MAX_BYTES

  readonly #folder: string
  readonly #fsync: boolean
  readonly #disk: Disk
  readonly #journals = new Map<string, JournalFiles>()

  constructor(folder: string, fsync: boolean, disk: Disk) {
    this.#folder = folder
    this.#fsync = fsync
    this.#disk = disk
  }

  async open(journal: string, options: Abortable = {}): Promise<void> {
    const files = this.#files(journal)
    const closeLate = (): void => {
      files.close().catch(nothing)
    }
    await whileWanted(options, (check) => files.open(check), closeLate)
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    const { log } = this.#files(journal).held
    return await whileWanted(options, (check) => log.append(commit, check))
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    const files = this.#files(journal)
    return await whileWanted(options, (check) => files.read(after, limit, check))
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    const { log, checkpoints } = this.#files(journal).held
    await whileWanted(options, (check) => checkpoints.save(checkpoint, log, check))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    const files = this.#files(journal)
    return await whileWanted(options, (check) => files.loadCheckpoint(before, check))
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    const { log } = this.#files(journal).held
    await whileWanted(options, (check) => log.trim(through, check))
  }

  async close(journal: string): Promise<void> {
    await whileWanted({}, () => this.#files(journal).close())
  }

  #files(journal: string): JournalFiles {
    let files = this.#journals.get(journal)
    if (!files) {
      files = new JournalFiles(journal, join(this.#folder, fileNameOf(journal)), this.#fsync, this.#disk)
      this.#journals.set(journal, files)
    }
    return files
  }
}

/** The files of one journal: `<path>.jsonl`, `<path>.lock`, and two of checkpoints. */
class JournalFiles {
  readonly #journal: string
  readonly #path: string
  readonly #fsync: boolean
  readonly #disk: Disk
  /** Opens and closes, one after another. */
  readonly #turns = new Turns()
  readonly #checkpoints: Checkpoints
  readonly #reader: LogReader
  #log: LogWriter | undefined

  constructor(journal: string, path: string, fsync: boolean, disk: Disk) {
    this.#journal = journal
    this.#path = path
    this.#fsync = fsync
    this.#disk = disk
    this.#checkpoints = new Checkpoints(path, fsync, disk)
    this.#reader = new LogReader(`${path}.jsonl`, disk)
  }

  /** What writes, while open. Throws `not_open`. */
  get held(): { readonly log: LogWriter; readonly checkpoints: Checkpoints } {
    if (this.#log) return { log: this.#log, checkpoints: this.#checkpoints }
    throw new CrewError('not_open', `Journal ${this.#journal} is not open in this storage; await open() before writing`)
  }

  open(check: Check): Promise<void> {
    return this.#turns.take(async () => {
      await makeFolder(dirname(this.#path), this.#fsync, this.#disk)
      const lock = await FileLock.take(`${this.#path}.lock`, this.#journal, this.#disk, check)
      const log = new LogWriter(`${this.#path}.jsonl`, this.#fsync, this.#disk, lock)
      try {
        await log.open(check)
        // Only the holder may: to anybody else they may be what the holder is at.
        await removeDrafts(this.#path, this.#disk)
        this.#log = log
      } catch (error) {
        await log.close().catch(nothing)
        throw error
      }
    })
  }

  close(): Promise<void> {
    return this.#turns.take(async () => {
      const log = this.#log
      this.#log = undefined
      await log?.close()
    })
  }

  read(after: number, limit: number, check: Check): Promise<Run> {
    return (this.#log ?? this.#reader).read(after, limit, check)
  }

  async loadCheckpoint(before: number, check: Check): Promise<Checkpoint | undefined> {
    const { newest, isOneDamaged } = await this.#checkpoints.find(before, check)
    // One that is damaged is passed over, as long as the log goes on from what is left.
    if (isOneDamaged && 'trimmedTo' in (await this.read(newest?.seq ?? 0, 0, check))) {
      throw new CrewError(
        'journal_corrupt',
        `A checkpoint of journal ${this.#journal} is damaged, and the commits before it are trimmed; ` +
          `restore ${this.#path}.* from a backup`,
      )
    }
    return newest && this.#checkpoints.open(newest)
  }
}

type Head = Omit<Checkpoint, 'parts'>
type Kept = Head & { readonly slot: 1 | 2; readonly line: string }

/**
 * The checkpoints of a journal, in two files that take turns: a new one replaces the older of them. A file has a line
 * for the head, one for each part, and one that says how many parts there are.
 */
class Checkpoints {
  readonly #path: string
  readonly #fsync: boolean
  readonly #disk: Disk
  readonly #turns = new Turns()

  constructor(path: string, fsync: boolean, disk: Disk) {
    this.#path = `${path}.checkpoint`
    this.#fsync = fsync
    this.#disk = disk
  }

  async save(checkpoint: Checkpoint, log: LogWriter, check: Check): Promise<void> {
    check()
    const draft = `${this.#path}.${systemEnvironment.id()}.tmp`
    await writeNew(draft, lines(checkpoint, check), this.#fsync, this.#disk)
    try {
      await this.#turns.take(() => this.#publish(draft, checkpoint.seq, log, check))
    } finally {
      await removeIfThere(draft, this.#disk)
    }
  }

  /** The newest whole one with a number below `before`, and whether any was passed over. */
  async find(
    before: number,
    check: Check,
  ): Promise<{ readonly newest: Kept | undefined; readonly isOneDamaged: boolean }> {
    const found = [await this.#inspect(1, check), await this.#inspect(2, check)]
    const whole = found.filter((kept) => typeof kept === 'object').filter(({ seq }) => seq < before)
    return { newest: whole.sort((a, b) => b.seq - a.seq)[0], isOneDamaged: found.includes('damaged') }
  }

  open(kept: Kept): Checkpoint {
    const { seq, id, format } = kept
    return { seq, id, format, parts: this.#readParts(kept) }
  }

  async #publish(draft: string, seq: number, log: LogWriter, check: Check): Promise<void> {
    const { newest } = await this.find(Infinity, check)
    if (newest && seq <= newest.seq) return
    await log.exclusively(async () => {
      check()
      await this.#disk.rename(draft, this.#pathOf(newest?.slot === 1 ? 2 : 1))
      if (this.#fsync) await syncFolder(dirname(this.#path), this.#disk)
    })
  }

  /** Reads all of it: half a checkpoint is none. */
  async #inspect(slot: Kept['slot'], check: Check): Promise<Kept | 'none' | 'damaged'> {
    try {
      let line = ''
      for await (const text of readTexts(this.#pathOf(slot), this.#disk, check)) line ||= text
      return { ...(JSON.parse(line) as Head), line, slot }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 'none'
      if (CrewError.is(error, 'journal_corrupt')) return 'damaged'
      throw error
    }
  }

  async *#readParts({ slot, line, seq }: Kept): AsyncGenerator<string> {
    let isHead = true
    try {
      for await (const text of readTexts(this.#pathOf(slot), this.#disk, nothing)) {
        if (!isHead) yield text
        else if (text !== line)
          throw new CrewError('storage_unavailable', `Checkpoint ${seq} was replaced by newer ones; load one of those`)
        isHead = false
      }
    } catch (error) {
      throw toCrewError(error)
    }
  }

  #pathOf(slot: Kept['slot']): string {
    return `${this.#path}-${slot}.jsonl`
  }
}

/** The head, as JSON, and then the parts in a checkpoint's file. Rejects with `journal_corrupt` unless it is whole. */
async function* readTexts(path: string, disk: Disk, check: Check): AsyncGenerator<string> {
  const handle = await disk.open(path, 'r')
  const damaged = new CrewError('journal_corrupt', `${path} is damaged; restore it from a backup`, { file: path })
  try {
    let count = 0
    let isComplete = false
    for await (const lines of readLines(handle, 0, Infinity, check)) {
      for (const { bytes, isWhole } of lines) {
        const text = isWhole ? unseal(bytes) : undefined
        if (text === undefined) throw damaged
        isComplete = text === lastLine(count - 1)
        if (!isComplete) yield count === 0 ? text : (JSON.parse(text) as string)
        count++
      }
    }
    if (!isComplete) throw damaged
  } finally {
    await handle.close()
  }
}

const lastLine = (parts: number): string => JSON.stringify({ parts })

async function* lines({ seq, id, format, parts }: Checkpoint, check: Check): AsyncGenerator<Buffer> {
  let count = 0
  yield seal(JSON.stringify({ seq, id, format }))
  for await (const part of parts) {
    check()
    if (Buffer.byteLength(part) > MAX_BYTES) throw tooLarge('A part of the checkpoint', MAX_BYTES)
    // As a text inside a text, because a JSON text may have line breaks.
    yield seal(JSON.stringify(part))
    count++
  }
  yield seal(lastLine(count))
}

/** Runs `work` until the caller leaves, by signal or time-out: `check` throws then, and `late` takes back what it brings. */
function whileWanted<T>(
  options: Abortable,
  work: (check: Check) => Promise<T>,
  late: () => void = nothing,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let left: CrewError | undefined
    const off = endBy(options, systemEnvironment, (error) => {
      left = error
      reject(error)
    })
    const check = (): void => {
      if (left) throw left
    }
    const done = (value: T): void => {
      if (left) late()
      else resolve(value)
    }
    const failed = (error: unknown): void => {
      reject(toCrewError(error))
    }
    work(check).then(done, failed).finally(off)
  })
}

function toCrewError(error: unknown): CrewError {
  if (CrewError.is(error)) return error
  const { message } = error as Error
  return isFull(error)
    ? new CrewError('limit_exceeded', `No room on the disk (${message}); make room and try again`, {}, error)
    : new CrewError('storage_unavailable', `The file system failed: ${message}`, {}, error)
}

/** Makes `folder`, and durable that it is there. */
async function makeFolder(folder: string, fsync: boolean, disk: Disk): Promise<void> {
  const first = await disk.mkdir(folder, { recursive: true })
  if (first === undefined || !fsync) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made), disk)
}

/** What crashes left half made. */
async function removeDrafts(path: string, disk: Disk): Promise<void> {
  const start = `${basename(path)}.`
  for (const name of await disk.readdir(dirname(path))) {
    if (name.startsWith(start) && name.endsWith('.tmp')) await removeIfThere(join(dirname(path), name), disk)
  }
}

const LONGEST_NAME = 200

/**
 * The name of a journal's files but for their endings: legal, and another for each journal, also where upper and lower
 * case are the same. `~`, which stands in no encoded name, marks the hash of one that would be too long.
 */
function fileNameOf(journal: string): string {
  const bytes = Buffer.from(read(filledText, journal, 'journal'))
  if (bytes.toString() !== journal) throw invalid('The name of a journal must be a text of whole characters')
  const encoded = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    return /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }).join('')
  const isShort = encoded.length <= LONGEST_NAME
  return `journal-${isShort ? encoded : `~${createHash('sha256').update(bytes).digest('hex')}`}`
}

const nothing = (): void => undefined
