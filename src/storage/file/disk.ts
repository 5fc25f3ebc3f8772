import type { Stats } from 'node:fs'
import { CrewError } from '../../core/errors.js'

/** What the file storage asks of the file system, so that tests can pass one that fails. */
export type Disk = Pick<
  typeof import('node:fs/promises'),
  'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink'
>

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes(String((error as NodeJS.ErrnoException | undefined)?.code))

/** Whether there is no room for what was to be written. */
export const isFull = (error: unknown): boolean => hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')

export function toCrewError(error: unknown): CrewError {
  if (CrewError.is(error)) return error
  const { message } = error as Error
  return isFull(error)
    ? new CrewError('limit_exceeded', `No room on the disk (${message}); make room and try again`, {}, error)
    : new CrewError('storage_unavailable', `The file system failed: ${message}`, {}, error)
}

async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

export const statIfThere = (path: string, disk: Disk): Promise<Stats | undefined> => ifThere(disk.stat(path))
export const readIfThere = (path: string, disk: Disk): Promise<string | undefined> =>
  ifThere(disk.readFile(path, 'utf8'))
export const removeIfThere = (path: string, disk: Disk): Promise<void> => ifThere(disk.unlink(path))

/** Writes a file that is not there yet, durably but for its name; if it cannot be written whole, there is none. */
export async function writeNew(
  path: string,
  content: Iterable<string> | AsyncIterable<Buffer>,
  disk: Disk,
): Promise<void> {
  const handle = await disk.open(path, 'wx')
  try {
    for await (const piece of content) await handle.appendFile(piece)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await removeIfThere(path, disk)
    throw error
  }
  await handle.close()
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
