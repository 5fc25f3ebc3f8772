import type { Check } from '../../core/abortable.js'
import { type FileHandle, readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import { type Disk, hasCode, readIfThere, removeIfThere, statIfThere, writeNew } from './disk.js'

/** More often, a lock file that can be neither made nor read is not one that others make and remove meanwhile. */
const TRIES = 100

/** A process, as its lock file names it. */
interface Holder {
  /** Of whoever in the process took it: what they could not remove is theirs when they come again. */
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
  readonly #path: string
  /** While it is open, no other file can have its number. */
  readonly #handle: FileHandle
  readonly #ino: number
  readonly #disk: Disk

  private constructor(path: string, handle: FileHandle, ino: number, disk: Disk) {
    this.#path = path
    this.#handle = handle
    this.#ino = ino
    this.#disk = disk
  }

  /** Rejects with `storage_unavailable`, naming the holder, while another token holds it or may hold it. */
  static async take(path: string, journal: string, token: string, disk: Disk, check: Check): Promise<FileLock> {
    await acquire(path, journal, await thisProcess(token), disk, check)
    let handle: FileHandle | undefined
    try {
      handle = await disk.open(path, 'r')
      const { ino } = await handle.stat()
      return new FileLock(path, handle, ino, disk)
    } catch (error) {
      await handle?.close()
      await removeIfThere(path, disk)
      throw error
    }
  }

  /** Rejects with `storage_unavailable` when the lock file is no longer the one that was taken. */
  async assertHeld(): Promise<void> {
    if (await this.#isHeld()) return
    throw new CrewError(
      'storage_unavailable',
      `The lock file ${this.#path} was removed or replaced while this process held it, so another may write now; ` +
        'close the journal and open it again',
      { lockFile: this.#path },
    )
  }

  async release(): Promise<void> {
    try {
      // Else it is another's by now.
      if (await this.#isHeld()) await this.#disk.unlink(this.#path)
    } finally {
      await this.#handle.close()
    }
  }

  async #isHeld(): Promise<boolean> {
    return (await statIfThere(this.#path, this.#disk))?.ino === this.#ino
  }
}

/**
 * Makes the lock file at `path` this process's. What is there already is replaced only if its holder is dead, and only
 * under a second lock beside it: among those who hold that one, in turn, the first replaces the file of the dead and
 * the others find the file of the living. Nobody else replaces it, and its holder removes only its own, so between the
 * last look and the rename it cannot have become another's.
 */
async function acquire(path: string, journal: string, me: Holder, disk: Disk, check: Check): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    check()
    if (await put('link', path, me, disk)) return
    const text = await readIfThere(path, disk)
    if (text === undefined) continue
    const holder = parseHolder(text)
    // Linked, and only the answer was lost (network file systems send again by themselves), or left by a failed close.
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
  throw new CrewError(
    'storage_unavailable',
    `Journal ${journal} cannot be locked: ${path} can be neither made nor read; see what it is, and remove it`,
    { lockFile: path },
  )
}

/**
 * Makes the lock file, by a link only if there is none; answers whether it did. It appears whole, or not at all, also
 * after a power cut.
 */
async function put(way: 'link' | 'rename', path: string, me: Holder, disk: Disk): Promise<boolean> {
  const draft = `${path}.${systemEnvironment.id()}.tmp`
  const text = [`${JSON.stringify(me)}\n`]
  await writeNew(draft, text, disk)
  try {
    await disk[way](draft, path)
    return true
  } catch (error) {
    // ENOENT: a new holder cleaned up behind a dead one, and took the draft for theirs.
    if (hasCode(error, 'EEXIST', 'ENOENT')) return false
    if (way === 'rename') throw error
    // No hard links here. Dying half-way then leaves an empty file, which nobody takes over.
    return await writeNew(path, text, disk).then(
      () => true,
      (error: unknown) => {
        if (hasCode(error, 'EEXIST')) return false
        throw error
      },
    )
  } finally {
    // If it stays, the next holder removes it.
    await removeIfThere(draft, disk).catch(() => undefined)
  }
}

async function thisProcess(token: string): Promise<Holder> {
  const orNothing = (): string => ''
  const [boot, pids, times, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(orNothing),
    readlink('/proc/self/ns/pid').catch(orNothing),
    readlink('/proc/self/ns/time').catch(orNothing),
    readFile('/proc/self/stat', 'utf8').catch(orNothing),
  ])
  return {
    token,
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
