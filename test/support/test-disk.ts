import * as nodeDisk from 'node:fs/promises'
import type { JournalStorage } from '../../src/core/journal/journal-storage.js'
import { fileStorage, type FileStorageOptions } from '../../src/storage/file.js'
import type { Disk } from '../../src/storage/file/disk.js'
import { folder } from './journal-folder.js'

interface Plan {
  /** Called with what is about to be done, such as 'datasync log', 'rename log', 'sync folder'; may throw. */
  readonly before?: (call: string) => void
  /** The same, when it is done. */
  readonly after?: (call: string) => void
  /** How many bytes a write to the log may take; the rest fails. */
  readonly room?: () => number
}

export interface TestDisk {
  readonly storage: JournalStorage
  readonly calls: string[]
  readonly bytesRead: () => number
  /** How many files are open. */
  readonly handles: () => number
  /** Whether a file of that kind is: 'log', 'checkpoint', 'lock'. */
  readonly isOpen: (kind: string) => boolean
  /** Closes them, as the end of a process does. */
  readonly die: () => Promise<void>
}

/** The real file system, but that it fails as `plan` says, and that syncs take no time, because nobody cuts the power. */
export function testDisk(plan: Plan = {}, options: FileStorageOptions = {}): TestDisk {
  const open = new Map<nodeDisk.FileHandle, string>()
  const calls: string[] = []
  let bytesRead = 0

  const around = async <T>(call: string, run: () => Promise<T>): Promise<T> => {
    calls.push(call)
    plan.before?.(call)
    const answer = await run()
    plan.after?.(call)
    return answer
  }
  const nothing = async (): Promise<void> => undefined
  const watched = (handle: nodeDisk.FileHandle, kind: string): nodeDisk.FileHandle => {
    const methods = {
      stat: () => around(`stat ${kind}`, () => handle.stat()),
      sync: () => around(`sync ${kind}`, nothing),
      datasync: () => around(`datasync ${kind}`, nothing),
      truncate: (length: number) => around(`truncate ${kind}`, () => handle.truncate(length)),
      appendFile: (data: string) => around(`write ${kind}`, () => handle.appendFile(data)),
      read: (buffer: Buffer, offset: number, length: number, position: number) =>
        around(`read ${kind}`, async () => {
          const answer = await handle.read(buffer, offset, length, position)
          bytesRead += answer.bytesRead
          return answer
        }),
      write: (bytes: Buffer, offset: number, length: number, position: number) =>
        around(`write ${kind}`, async () => {
          const room = plan.room?.() ?? length
          if (room <= 0) throw failure('ENOSPC')
          return handle.write(bytes, offset, Math.min(length, room), position)
        }),
      close: async () => {
        // Whatever it answers, the file is closed then.
        open.delete(handle)
        await handle.close()
        await around(`close ${kind}`, nothing)
      },
    }
    return methods as unknown as nodeDisk.FileHandle
  }
  const disk: Disk = {
    open: async (path, flags) => {
      const kind = kindOf(String(path))
      const handle = await around(`open ${kind}`, () => nodeDisk.open(path, flags))
      open.set(handle, kind)
      return watched(handle, kind)
    },
    link: (from, to) => around(`link ${kindOf(String(to))}`, () => nodeDisk.link(from, to)),
    rename: (from, to) => around(`rename ${kindOf(String(to))}`, () => nodeDisk.rename(from, to)),
    unlink: (path) => around(`unlink ${kindOf(String(path))}`, () => nodeDisk.unlink(path)),
    stat: ((path: string) => around(`stat ${kindOf(path)}`, () => nodeDisk.stat(path))) as Disk['stat'],
    mkdir: ((path: string, how: object) => around('mkdir', () => nodeDisk.mkdir(path, how))) as Disk['mkdir'],
    readdir: ((path: string) => around('readdir', () => nodeDisk.readdir(path))) as Disk['readdir'],
    readFile: ((path: string, how: 'utf8') =>
      around('readFile', () => nodeDisk.readFile(path, how))) as Disk['readFile'],
  }
  const internal = fileStorage as (path: string, how: FileStorageOptions, disk: Disk) => JournalStorage
  return {
    storage: internal(folder(), options, disk),
    calls,
    bytesRead: () => bytesRead,
    handles: () => open.size,
    isOpen: (kind) => [...open.values()].includes(kind),
    die: async () => {
      for (const handle of open.keys()) await handle.close()
      open.clear()
    },
  }
}

/** A storage as it is used, for tests that open it hundreds of times. */
export const quickStorage = (): JournalStorage => testDisk().storage

function kindOf(path: string): string {
  if (path === folder()) return 'folder'
  const [, kind = 'other'] = /\.(jsonl|lock|checkpoint)\b/.exec(path) ?? []
  return `${kind === 'jsonl' ? 'log' : kind}${path.endsWith('.tmp') ? ' draft' : ''}`
}

export const failure = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code })
