import * as nodeDisk from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Abortable, type Check, whileWanted } from '../core/abortable.js'
import { systemEnvironment } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { filledText, flag, object, read } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { type Disk, toCrewError } from './file/disk.js'
import { JournalFiles } from './file/journal-files.js'
import { MAX_BYTES } from './file/lines.js'
import { encodedName } from './names/encoded-name.js'

export interface FileStorageOptions {
  /**
   * Whether an append resolves only when the disk has it; default true. Without, a crash of the process still loses
   * nothing, but a power cut may lose the last commits.
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
    await whileStored(options, (check, stay) => files.open(check, stay))
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    const { log } = this.#files(journal).held
    return await whileStored(options, (check) => log.append(commit, check))
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    const files = this.#files(journal)
    return await whileStored(options, (check) => files.read(after, limit, check))
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    const { log, checkpoints } = this.#files(journal).held
    await whileStored(options, (check) => checkpoints.save(checkpoint, log, check))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    const files = this.#files(journal)
    return await whileStored(options, (check) => files.loadCheckpoint(before, check))
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    const { log } = this.#files(journal).held
    await whileStored(options, (check) => log.trim(through, check))
  }

  async close(journal: string): Promise<void> {
    await whileStored({}, () => this.#files(journal).close())
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

const whileStored = <T>(options: Abortable, work: (check: Check, stay: Check) => Promise<T>): Promise<T> =>
  whileWanted(options, systemEnvironment, work, toCrewError)

/** Of a journal's files, but for their endings. */
const fileNameOf = (journal: string): string =>
  `journal-${encodedName(journal, { plain: /[a-z0-9_-]/, escape: '%', longest: 200, mark: '~' })}`
