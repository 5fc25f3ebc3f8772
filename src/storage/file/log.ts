import type { Check } from '../../core/abortable.js'
import { constants, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import { type Appended, type Commit, commitText, type Run } from '../../core/journal/journal-storage.js'
import { type Disk, hasCode, isFull, removeIfThere, statIfThere, syncFolder, writeNew } from './disk.js'
import { MAX_BYTES, PREFIX_BYTES, readLines, seal, tooLarge, unseal } from './lines.js'
import type { FileLock } from './lock.js'
import { LogIndex, sealHeader, type Source } from './log-index.js'
import { Turns } from './turns.js'

/** A log file as any process may read it, also while its holder writes: what is not yet whole counts as the end. */
export class LogReader {
  readonly #path: string
  readonly #disk: Disk
  readonly #turns = new Turns()
  #index = new LogIndex()
  /** Tells the file that `#index` is of from the one that it replaced, or will be replaced by. */
  #mark = ''

  constructor(path: string, disk: Disk) {
    this.#path = path
    this.#disk = disk
  }

  read(after: number, limit: number, check: Check): Promise<Run> {
    return this.#turns.take(async () => {
      try {
        return await this.#read(after, limit, check)
      } catch (error) {
        if (!CrewError.is(error, 'journal_corrupt')) throw error
        // The holder may have cut off a failed write, and written on, while this read over it.
        this.#mark = ''
        return await this.#read(after, limit, check)
      }
    })
  }

  async #read(after: number, limit: number, check: Check): Promise<Run> {
    try {
      return await reading(this.#path, this.#disk, check, async (source) => {
        const { ino, size } = await source.handle.stat()
        const { buffer, bytesRead } = await source.handle.read(Buffer.alloc(PREFIX_BYTES), 0, PREFIX_BYTES, 0)
        const mark = `${ino} ${buffer.toString('latin1', 0, bytesRead)}`
        if (this.#mark !== mark || size < this.#index.end) this.#index = new LogIndex()
        this.#mark = mark
        await this.#index.extend(source)
        return await this.#index.run(source, after, limit)
      })
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return { commits: [] }
      throw error
    }
  }
}

/** A log file as its one holder reads and writes it: one thing at a time. */
export class LogWriter {
  readonly #path: string
  readonly #fsync: boolean
  readonly #disk: Disk
  readonly #lock: FileLock
  readonly #turns = new Turns()
  #state: 'new' | 'open' | 'closed' = 'new'
  #index = new LogIndex()
  /** Tells the file from every other one at its path. */
  #ino = 0
  /** Only while the file is known to be as `#index` says; not after a failed write, until its traces are gone. */
  #handle: FileHandle | undefined

  constructor(path: string, fsync: boolean, disk: Disk, lock: FileLock) {
    this.#path = path
    this.#fsync = fsync
    this.#disk = disk
    this.#lock = lock
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Reads the file from end to end, cuts off what a crash left of the last write, and rejects other damage. */
  async open(check: Check): Promise<void> {
    this.#handle = await openLog(this.#path, constants.O_CREAT, this.#disk)
    await this.#index.extend({ path: this.#path, handle: this.#handle, check })
    check()
    this.#ino = await this.#cut(this.#handle)
    this.#state = 'open'
  }

  /** Runs `work` while nothing else of this journal is written. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      if (!this.isOpen) throw new CrewError('closed', `${this.#path} was closed meanwhile; open the journal again`)
      await this.#lock.assertHeld()
      return work()
    })
  }

  async append(commit: Commit, check: Check): Promise<Appended> {
    const line = seal(commitText(commit))
    if (line.length - PREFIX_BYTES - 2 > MAX_BYTES) throw tooLarge('Commit')
    return this.exclusively(async () => {
      const handle = await this.#file()
      const { head, end } = this.#index
      if (commit.seq !== head.seq + 1 || commit.prev !== head.id) return { appended: false }
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
      this.#index.append(commit, line.length)
      return { appended: true }
    })
  }

  read(after: number, limit: number, check: Check): Promise<Run> {
    return this.#turns.take(() => {
      check()
      // By a handle of its own, so that what is stored can be read though writing fails.
      return reading(this.#path, this.#disk, check, (source) => this.#index.run(source, after, limit))
    })
  }

  trim(through: number, check: Check): Promise<void> {
    return this.exclusively(async () => {
      check()
      const handle = await this.#file()
      const { trimmedTo, head, starts, end } = this.#index
      const gone = Math.min(through, head.seq - 1) - trimmedTo
      if (!(gone > 0)) return
      const source = { path: this.#path, handle, check }
      const run = await this.#index.run(source, trimmedTo + gone - 1, 1)
      const id = 'commits' in run ? (run.commits[0]?.id ?? '') : ''
      const header = sealHeader({ trimmedTo: trimmedTo + gone, id })
      const cut = starts[gone] ?? end
      const draft = `${this.#path}.${systemEnvironment.id()}.tmp`
      await writeNew(draft, this.#rest(header, cut, source), this.#disk)
      this.#handle = undefined
      // Windows replaces no file that is open.
      await handle.close()
      try {
        const { ino } = await this.#disk.stat(draft)
        await this.#disk.rename(draft, this.#path)
        this.#ino = ino
      } catch (error) {
        await removeIfThere(draft, this.#disk)
        throw error
      }
      const moved = header.length - cut
      this.#index.trimmedTo += gone
      this.#index.starts = starts.slice(gone).map((start) => start + moved)
      this.#index.end += moved
      await this.#file()
    })
  }

  /** Waits for what is under way, then lets go of the file and the lock. If it fails, it can be called again. */
  close(): Promise<void> {
    return this.#turns.take(async () => {
      this.#state = 'closed'
      try {
        await this.#handle?.close()
      } finally {
        await this.#lock.release()
      }
    })
  }

  /** What stands from `cut` on, behind a new header. */
  async *#rest(header: Buffer, cut: number, source: Source): AsyncGenerator<Buffer> {
    yield header
    for await (const lines of readLines(source.handle, cut, this.#index.end, source.check)) {
      // What is damaged must not replace what might yet be repaired.
      const broken = lines.find((line) => unseal(line) === undefined)
      if (broken) throw this.#index.damage(source, broken.at)
      yield Buffer.concat(lines.map(({ bytes }) => bytes))
    }
  }

  /**
   * The file as this process left it: no foreign hand in it, and nothing behind its end. Rejects, and so refuses to
   * write, while that cannot be had.
   */
  async #file(): Promise<FileHandle> {
    const there = await statIfThere(this.#path, this.#disk)
    const { head, end } = this.#index
    const isOurs = there?.ino === this.#ino && (!this.#handle || there.size === end)
    if (!isOurs) throw this.#foreign()
    if (this.#handle) return this.#handle
    const handle = await openLog(this.#path, 0, this.#disk)
    try {
      const newest = await this.#index.newest({ path: this.#path, handle, check: () => undefined })
      if (newest && newest.id !== head.id) throw this.#foreign()
      await this.#cut(handle)
      return (this.#handle = handle)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Cuts off what stands behind the last record, makes durable what stands before, and answers which file it is. */
  async #cut(handle: FileHandle): Promise<number> {
    const { ino, size } = await handle.stat()
    if (size > this.#index.end) await handle.truncate(this.#index.end)
    // What a killed holder wrote last, or renamed, may be whole and still only in memory.
    await handle.sync()
    await syncFolder(dirname(this.#path), this.#disk)
    return ino
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

async function openLog(path: string, more: number, disk: Disk): Promise<FileHandle> {
  try {
    // Where there is no O_NOFOLLOW, on Windows, it is undefined, which counts as 0 here.
    return await disk.open(path, constants.O_RDWR | constants.O_NOFOLLOW | more)
  } catch (error) {
    if (!hasCode(error, 'ELOOP')) throw error
    // A trim would put a file in its place, and a second link to the same file would have a lock of its own.
    throw new CrewError('storage_unavailable', `${path} is a symbolic link; link its folder instead`, {}, error)
  }
}

async function reading<T>(path: string, disk: Disk, check: Check, work: (source: Source) => Promise<T>): Promise<T> {
  const handle = await disk.open(path, 'r')
  try {
    return await work({ path, handle, check })
  } finally {
    await handle.close()
  }
}
