import { type FileHandle, readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'

/** What the file storage asks of the file system, so that tests can pass one that fails. */
export type Disk = Pick<
  typeof import('node:fs/promises'),
  'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'unlink'
>

/** Throws once the caller has left; asked before each step. */
export type Check = () => void

/** A process, as its lock file names it. */
interface Holder {
  /** Made for this one lock: tells it from an earlier one of the same process. */
  readonly token: string
  readonly pid: number
  readonly host: string
  /** Of this run of the machine; '' where the platform has no such id. */
  readonly boot: string
  /** Within which `pid` and `start` mean something; '' if that cannot be known. */
  readonly namespace: string
  /** When the process started, in ticks since boot, because numbers of processes come again; '' if unknown. */
  readonly start: string
  /** ISO 8601. */
  readonly since: string
}

/** A lock file that this process holds. It is the only one to write what the file guards, for as long as it is alive. */
export class FileLock {
  readonly path: string
  /** Of the lock file itself: a link count of 0 tells that somebody removed or replaced it. */
  readonly #handle: FileHandle
  readonly #disk: Disk

  private constructor(path: string, handle: FileHandle, disk: Disk) {
    this.path = path
    this.#handle = handle
    this.#disk = disk
  }

  /** Rejects with `storage_unavailable`, naming the holder, while another holds it or may hold it. */
  static async take(path: string, journal: string, disk: Disk, check: Check): Promise<FileLock> {
    await acquire(path, journal, await thisProcess(), disk, check)
    try {
      return new FileLock(path, await disk.open(path, 'r'), disk)
    } catch (error) {
      await disk.unlink(path)
      throw error
    }
  }

  /** Rejects with `storage_unavailable` when the lock file is no longer the one that was taken. */
  async assertHeld(): Promise<void> {
    if (await this.#isHeld()) return
    throw new CrewError(
      'storage_unavailable',
      `The lock file ${this.path} was removed or replaced while this process held it, so another may write now; ` +
        'close the journal and open it again',
      { lockFile: this.path },
    )
  }

  async release(): Promise<void> {
    const isHeld = await this.#isHeld()
    await this.#handle.close()
    // Else it is another's by now.
    if (isHeld) await this.#disk.unlink(this.path)
  }

  async #isHeld(): Promise<boolean> {
    return (await this.#handle.stat()).nlink > 0
  }
}

/**
 * Makes the lock file at `path` this process's. What is there already is replaced only if its holder is dead, and only
 * under a second lock beside it: among those who hold that one, in turn, the first replaces the file of the dead and
 * the others find the file of the living. Nobody else replaces it, and its holder removes only its own, so between the
 * last look and the rename it cannot have become another's.
 */
async function acquire(path: string, journal: string, me: Holder, disk: Disk, check: Check): Promise<void> {
  for (;;) {
    check()
    if (await put('link', path, me, disk)) return
    const text = await readIfThere(path, disk)
    if (text === undefined) continue
    const holder = parseHolder(text)
    // Linked, and only the answer was lost: network file systems send again by themselves.
    if (holder?.token === me.token) return
    const life = holder ? await lifeOf(holder, me) : 'unknown'
    if (life !== 'dead') throw refusal(path, journal, holder, life, me)
    // Who died at it left this one stale too: the same again, one further.
    const takeover = `${path}+`
    await acquire(takeover, journal, me, disk, check)
    try {
      if ((await readIfThere(path, disk)) === text && (await put('rename', path, me, disk))) return
    } finally {
      // If it stays, it says that this process is alive: takeovers are refused for longer, not let in.
      await disk.unlink(takeover).catch(() => undefined)
    }
  }
}

/** Makes the lock file, by a link only if there is none; answers whether it did. It appears whole, or not at all. */
async function put(way: 'link' | 'rename', path: string, me: Holder, disk: Disk): Promise<boolean> {
  const draft = `${path}.${me.token}.tmp`
  const text = [`${JSON.stringify(me)}\n`]
  // Synced, because a power cut must not leave a lock file that names nobody.
  await writeNew(draft, text, true, disk)
  try {
    await disk[way](draft, path)
    return true
  } catch (error) {
    // ENOENT: a new holder cleaned up behind a dead one, and took the draft for theirs.
    if (hasCode(error, 'EEXIST', 'ENOENT')) return false
    if (way === 'rename') throw error
    // No hard links here. Dying half-way then leaves an empty file, which nobody takes over.
    return await writeNew(path, text, true, disk).then(
      () => true,
      (error: unknown) => {
        if (hasCode(error, 'EEXIST')) return false
        throw error
      },
    )
  } finally {
    await removeIfThere(draft, disk)
  }
}

async function thisProcess(): Promise<Holder> {
  const orNothing = (): string => ''
  const [boot, pids, times, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(orNothing),
    readlink('/proc/self/ns/pid').catch(orNothing),
    readlink('/proc/self/ns/time').catch(orNothing),
    readFile('/proc/self/stat', 'utf8').catch(orNothing),
  ])
  return {
    token: systemEnvironment.id(),
    pid: process.pid,
    host: hostname(),
    boot: boot.trim(),
    // Windows and the Linux inside it have the same host name, and other numbers.
    namespace: process.platform === 'linux' ? pids && `${pids} ${times}` : process.platform,
    // Another number there means that /proc shows another namespace than ours: nothing in it can be gone by.
    start: parseInt(stat) === process.pid ? parseStat(stat).start : '',
    since: new Date(systemEnvironment.now()).toISOString(),
  }
}

type Life = 'alive' | 'dead' | 'unknown'

/** Errs towards life: a holder taken for alive costs a look by a human, one taken for dead costs the journal. */
async function lifeOf(holder: Holder, me: Holder): Promise<Life> {
  if (holder.host !== me.host) return 'unknown'
  if (holder.boot && me.boot && holder.boot !== me.boot) return 'dead'
  if (holder.boot !== me.boot || holder.namespace !== me.namespace || !me.namespace) return 'unknown'
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: there is one, of another user.
    if (hasCode(error, 'ESRCH')) return 'dead'
  }
  if (!holder.start || !me.start) return 'alive'
  const stat = await readFile(`/proc/${holder.pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return 'alive'
  const { start, isEnded } = parseStat(stat)
  return start && (start !== holder.start || isEnded) ? 'dead' : 'alive'
}

/** Of a line of /proc/<pid>/stat. */
function parseStat(stat: string): { readonly start: string; readonly isEnded: boolean } {
  // The second field is the command's name, which may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', threads = '', start = ''] = [fields[0], fields[17], fields[19]]
  // Whoever started it may never ask how it ended (the first process of a container): then it stays, as a zombie. While
  // it has other threads, one of them may still be at a write.
  return { start, isEnded: 'ZX'.includes(state) && Number(threads) <= 1 }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    const texts = [holder.token, holder.host, holder.boot, holder.namespace, holder.start, holder.since]
    // Zero and negative numbers mean groups of processes.
    const isWhole = Number.isSafeInteger(holder.pid) && holder.pid > 0
    return isWhole && texts.every((field) => typeof field === 'string') ? holder : undefined
  } catch {
    return undefined
  }
}

function refusal(path: string, journal: string, holder: Holder | undefined, life: Life, me: Holder): CrewError {
  const refuse = (why: string): CrewError =>
    new CrewError('storage_unavailable', `Journal ${journal} is locked ${why}`, {
      lockFile: path,
      pid: holder?.pid,
      host: holder?.host,
      since: holder?.since,
    })
  if (!holder) return refuse(`by ${path}, which names nobody; delete that file when you are sure that nobody holds it`)
  const { pid, host, since } = holder
  const who = `by process ${pid} on ${host} since ${since} (${path})`
  if (life === 'alive') {
    const remedy = `close it ${pid === me.pid ? 'in this process' : 'there'} before you open it here`
    // Without its start, the process may be any that got the number later.
    return refuse(`${who}; ${remedy}${holder.start && me.start ? '' : ', or delete that file if it is none of yours'}`)
  }
  const where = host === me.host ? 'in another container or system on that machine' : 'on another machine'
  return refuse(
    `${who}, ${where}, so whether it is alive cannot be told from here; delete that file when you are sure that it is not`,
  )
}

// ---- what the file system does, in terms of files that are there or not

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes(String((error as NodeJS.ErrnoException | undefined)?.code))

/** Whether there is no room for what was to be written. */
export const isFull = (error: unknown): boolean => hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')

/** Writes a file that is not there yet; if it cannot be written whole, there is none. */
export async function writeNew(
  path: string,
  content: Iterable<string> | AsyncIterable<Buffer>,
  fsync: boolean,
  disk: Disk,
): Promise<void> {
  const handle = await disk.open(path, 'wx')
  try {
    for await (const piece of content) await handle.appendFile(piece)
    if (fsync) await handle.sync()
  } catch (error) {
    await handle.close()
    await removeIfThere(path, disk)
    throw error
  }
  await handle.close()
}

export async function removeIfThere(path: string, disk: Disk): Promise<void> {
  try {
    await disk.unlink(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

async function readIfThere(path: string, disk: Disk): Promise<string | undefined> {
  try {
    return await disk.readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Makes durable which files a folder has. */
export async function syncFolder(folder: string, disk: Disk): Promise<void> {
  try {
    const handle = await disk.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Windows opens no folder, and some file systems sync none: there the sync of the file itself has to do.
    if (!hasCode(error, 'EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP')) throw error
  }
}
