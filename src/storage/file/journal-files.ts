import type { Check } from '../../core/abortable.js'
import { basename, dirname, join } from 'node:path'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint, Run } from '../../core/journal/journal-storage.js'
import { Checkpoints } from './checkpoints.js'
import { type Disk, removeIfThere, syncFolder } from './disk.js'
import { FileLock } from './lock.js'
import { LogReader, LogWriter } from './log.js'
import { Turns } from './turns.js'

/** The files of one journal: `<path>.jsonl`, `<path>.lock`, and two of checkpoints. */
export class JournalFiles {
  readonly #journal: string
  readonly #path: string
  readonly #fsync: boolean
  readonly #disk: Disk
  readonly #token = systemEnvironment.id()
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
    this.#checkpoints = new Checkpoints(`${path}.checkpoint`, disk)
    this.#reader = new LogReader(`${path}.jsonl`, disk)
  }

  /** What writes, while open. Throws `not_open`. */
  get held(): { readonly log: LogWriter; readonly checkpoints: Checkpoints } {
    if (this.#log) return { log: this.#log, checkpoints: this.#checkpoints }
    throw new CrewError('not_open', `Journal ${this.#journal} is not open in this storage; await open() before writing`)
  }

  /** `stay` is called once all is done: if it throws, nothing stays open. */
  open(check: Check, stay: Check): Promise<void> {
    return this.#turns.take(async () => {
      await makeFolder(dirname(this.#path), this.#disk)
      // Who has it open already comes as a stranger, and is refused like one.
      const token = this.#log ? systemEnvironment.id() : this.#token
      const lock = await FileLock.take(`${this.#path}.lock`, this.#journal, token, this.#disk, check)
      const log = new LogWriter(`${this.#path}.jsonl`, this.#fsync, this.#disk, lock)
      try {
        await log.open(check)
        // Only the holder may: to anybody else they may be what the holder is at.
        await removeDrafts(this.#path, this.#disk)
        stay()
        this.#log = log
      } catch (error) {
        await log.close().catch(() => undefined)
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

/** Makes `folder`, and durable that it is there. */
async function makeFolder(folder: string, disk: Disk): Promise<void> {
  const first = await disk.mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made), disk)
}

/** What crashes left half made. */
async function removeDrafts(path: string, disk: Disk): Promise<void> {
  const start = `${basename(path)}.`
  for (const name of await disk.readdir(dirname(path))) {
    if (name.startsWith(start) && name.endsWith('.tmp')) await removeIfThere(join(dirname(path), name), disk)
  }
}
