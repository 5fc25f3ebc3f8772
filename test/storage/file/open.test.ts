import { readdirSync, rmSync } from 'node:fs'
import { link, readdir, readFile, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { Journal, openCrew } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { fileStorage } from '../../../src/storage/file.js'
import {
  at,
  closed,
  failsWith,
  fill,
  folder,
  lockFile,
  log,
  opened,
  read,
  useFolder,
} from '../../support/journal-folder.js'
import { checkpoint, commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { failure, quickStorage, testDisk } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

/** A storage, and an open whose caller leaves at the last moment. */
function leaver() {
  const leaving = new AbortController()
  const disk = testDisk({
    after: (call) => {
      if (call === 'sync log') leaving.abort()
    },
  })
  return { ...disk, leave: async () => disk.storage.open?.('crew', { signal: leaving.signal }) }
}

async function replaceLog(): Promise<void> {
  await writeFile(at('copy'), await readFile(log()))
  await rename(at('copy'), log())
}

describe('a journal that is open', () => {
  it('is refused to a second opener, who is told the holder and the lock file', async () => {
    const storage = await opened()
    for (const second of [storage, fileStorage(folder()), fileStorage(`${folder()}/../${basename(folder())}`)])
      await expect(opened(second)).rejects.toEqual(
        failsWith('storage_unavailable', `process ${process.pid} on ${hostname()}`, lockFile()),
      )
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guard: `stay()` in JournalFiles.open.
  it('is closed again when the opener has left meanwhile', async () => {
    const { storage, leave, handles } = leaver()
    await expect(leave()).rejects.toEqual(failsWith('cancelled'))
    await expect.poll(() => readdir(folder())).toEqual(['journal-crew.jsonl'])
    expect(handles()).toBe(0)
    await closed(await opened(storage))
  })

  // Guard: that this is done in the turn of the open, not by a close that comes after others.
  it('stays open for one who comes after the one who has left', async () => {
    const { storage, leave } = leaver()
    await expect(leave()).rejects.toEqual(failsWith('cancelled'))
    await Promise.all([closed(storage), opened(storage)])
    await storage.close?.('another, to let a close that came late be done')
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
  })

  // Guard: 'ENOENT' in `put`.
  it('is opened though another, cleaning up behind the dead, removed the draft of its lock', async () => {
    const holder = fileStorage(folder())
    await holder.open?.('crew')
    const dead = { ...(JSON.parse(await readFile(lockFile(), 'utf8')) as object), pid: 2 ** 30, token: 'dead' }
    await closed(holder)
    const removed = new Set<string>()
    const { storage, calls } = testDisk({
      before: (call) => {
        if (!/^(link|rename) lock/.test(call) || removed.has(call)) return
        removed.add(call)
        for (const file of readdirSync(folder())) if (file.endsWith('.tmp')) rmSync(join(folder(), file))
      },
    })
    await writeFile(lockFile(), JSON.stringify(dead))
    await opened(storage)
    expect(calls.filter((call) => call === 'rename lock').length).toBe(2)
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guard: the comparison of tokens in `acquire`.
  it('is opened though the answer to the link of its lock was lost', async () => {
    const { storage } = testDisk({
      after: (call) => {
        if (call === 'link lock') throw failure('EEXIST')
      },
    })
    await opened(storage)
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  it('is locked without hard links too', async () => {
    const { storage } = testDisk({
      before: (call) => {
        if (call === 'link lock') throw failure('EPERM')
      },
    })
    await opened(storage)
    for (const second of [storage, fileStorage(folder())])
      await expect(opened(second)).rejects.toEqual(failsWith('storage_unavailable', `process ${process.pid}`))
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guard: `#turns` of JournalFiles.
  it('is closed by a close that comes while it opens', async () => {
    const storage = fileStorage(folder())
    const opening = storage.open?.('crew')
    await closed(storage)
    await opening
    await fill(1)
  })

  // Guard: `assertHeld` in LogWriter.exclusively; and in FileLock.release, the look whether the lock is held.
  it('is written no more once its lock file is gone, and leaves the lock of another alone', async () => {
    const storage = await opened()
    await storage.append('crew', commit(1))
    await unlink(lockFile())
    const other = await opened()
    for (const call of [
      () => storage.append('crew', commit(2)),
      () => storage.trim('crew', 1),
      () => storage.saveCheckpoint('crew', checkpoint(1)),
    ])
      await expect(call()).rejects.toEqual(failsWith('storage_unavailable', lockFile()))
    await closed(storage)
    expect(await other.append('crew', commit(2))).toEqual({ appended: true })
    await closed(other)
    expect(await read()).toEqual(commits(1, 2))
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guards: in FileLock, the comparison of inodes.
  it.each([
    ['moved', (lock: string) => rename(lock, at('moved'))],
    [
      'replaced, though a link to it is left',
      async (lock: string) => {
        await link(lock, at('link'))
        await writeFile(at('new'), '')
        await rename(at('new'), lock)
      },
    ],
  ])('is written no more once its lock file was %s', async (_, change) => {
    const storage = await opened()
    await change(lockFile())
    await expect(storage.append('crew', commit(1))).rejects.toEqual(failsWith('storage_unavailable', lockFile()))
    await closed(storage)
    expect(await read()).toEqual([])
  })

  it('is written no more once its folder was removed, and begins anew when it is opened again', async () => {
    const storage = await opened()
    await storage.append('crew', commit(1))
    await rm(folder(), { recursive: true })
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('storage_unavailable', lockFile()))
    await closed(storage)
    await opened(storage)
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
  })

  // Guard: the comparison of inodes and sizes in LogWriter.#file.
  it.each([
    ['removed', () => unlink(log())],
    ['moved', () => rename(log(), at('moved'))],
    ['replaced', () => replaceLog()],
    [
      'replaced, though a link to it is left,',
      async () => {
        await link(log(), at('link'))
        await replaceLog()
      },
    ],
    ['cut', () => truncate(log(), 10)],
    ['written', () => writeFile(log(), 'x', { flag: 'a' })],
  ])('is written no more once its file was %s by somebody else', async (_, change) => {
    const storage = await opened()
    await storage.append('crew', commit(1))
    await change()
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('storage_unavailable', log()))
    await expect(storage.trim('crew', 1)).rejects.toEqual(failsWith('storage_unavailable', log()))
    await closed(storage)
  })

  it('reads a short run without the rest of the file', async () => {
    const slow = testDisk()
    await opened(slow.storage)
    for (const next of commits(1, 500)) await slow.storage.append('crew', next)
    const before = slow.bytesRead()
    expect(await slow.storage.read('crew', 250, 3)).toEqual({ commits: commits(251, 253) })
    expect(slow.bytesRead() - before).toBeLessThan(1000)
    await closed(slow.storage)
  })

  // Guard: every `finally { await handle.close() }`.
  it('leaves no handle open', async () => {
    const { storage, handles } = testDisk()
    await opened(storage)
    await expect(opened(storage)).rejects.toEqual(failsWith('storage_unavailable'))
    for (const next of commits(1, 5)) await storage.append('crew', next)
    await storage.trim('crew', 3)
    await storage.saveCheckpoint('crew', checkpoint(4))
    for await (const part of (await storage.loadCheckpoint('crew'))?.parts ?? []) if (part) break
    await storage.read('crew', 3, 10)
    await closed(storage)
    await storage.read('crew', 0, 10)
    expect(handles()).toBe(0)
  })
})

describe('symbolic links', () => {
  it('to the folder lead to the same journal, and to the same lock', async () => {
    await symlink(folder(), `${folder()}-link`)
    const linked = fileStorage(`${folder()}-link`)
    const storage = await opened(linked)
    await expect(opened()).rejects.toEqual(failsWith('storage_unavailable', `process ${process.pid}`))
    await storage.append('crew', commit(1))
    await closed(storage)
    expect(await read()).toEqual([commit(1)])
    await unlink(`${folder()}-link`)
  })

  // Guard: O_NOFOLLOW. Through it, two folders could hold the same log, each with a lock of its own.
  it('to the log are refused', async () => {
    await fill(1)
    await rename(log(), at('elsewhere'))
    await symlink(at('elsewhere'), log())
    await expect(opened()).rejects.toEqual(failsWith('storage_unavailable', log(), 'symbolic link'))
    expect(await read()).toEqual([commit(1)])
    expect(await readdir(folder())).not.toContain('journal-crew.lock')
  })

  // Guard: TRIES.
  it('that lead nowhere, in the place of the lock, are refused', async () => {
    await symlink(at('nowhere'), lockFile())
    await expect(opened(quickStorage())).rejects.toEqual(failsWith('storage_unavailable', lockFile()))
    expect(await readdir(folder())).toEqual(['journal-crew.lock'])
  })
})

describe('a crew that cannot be opened', () => {
  // Guard: `#letGo` in Journal.open.
  it('leaves its journal to others', async () => {
    const storage = await opened()
    await storage.append('crew', commit(1, { format: 2 }))
    await closed(storage)
    await expect(openCrew({ storage })).rejects.toEqual(failsWith('unsupported_version'))
    await closed(await opened())
  })

  // Guard: `#taken` in Journal.
  it('leaves it to the one who has it, in the same storage', async () => {
    const storage = fileStorage(folder())
    const crew = await openCrew({ storage })
    const second = new Journal({ storage })
    await expect(second.open()).rejects.toEqual(failsWith('storage_unavailable'))
    await second.close()
    await crew.join('ana')
    await crew.close()
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })
})
