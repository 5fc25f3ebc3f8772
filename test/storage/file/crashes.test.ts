import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CrewError } from '../../../src/core/errors.js'
import type { JournalStorage } from '../../../src/core/journal/journal-storage.js'
import { at, closed, folder, lockFile, opened, read, useFolder } from '../../support/journal-folder.js'
import { checkpoint, commit, commits, partsAt, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { failure, quickStorage, testDisk, type TestDisk } from '../../support/test-disk.js'

useFolder()

/** Does something to the journal, and tells what was acknowledged. */
type Deed = (storage: JournalStorage, done: Done) => Promise<unknown>

interface Done {
  commit: number
  checkpoint: number
  trim: number
}

const append = async (storage: JournalStorage, done: Done): Promise<void> => {
  expect(await storage.append('crew', commit(done.commit + 1))).toEqual({ appended: true })
  done.commit++
}
const save: Deed = async (storage, done) => {
  await storage.saveCheckpoint('crew', checkpoint(2))
  done.checkpoint = 2
}
const trim: Deed = async (storage, done) => {
  await storage.trim('crew', 1)
  done.trim = 1
}
const WRITE: readonly Deed[] = [opened, append, append, save, trim, append, closed]

const STORIES: readonly (readonly [what: string, deeds: readonly Deed[], locks: readonly string[]])[] = [
  ['writing, with a checkpoint and a trim', WRITE, []],
  ['taking over from one who died while taking over from the dead', [opened, closed], ['lock', 'lock+']],
]

const isLock = (file: string): boolean => /lock\+*$/.test(file)

/** Makes this process's lock files those of a dead one. */
async function bury(): Promise<void> {
  for (const file of (await readdir(folder())).filter(isLock)) {
    const path = join(folder(), file)
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), pid: 2 ** 30 }))
  }
}

/** Tells the story again and again, each time over a disk on which another call fails. */
async function retell(
  locks: readonly string[],
  fails: (made: number, failing: number) => boolean,
  tell: (disk: TestDisk, done: Done) => Promise<void>,
): Promise<void> {
  const holder = await opened()
  await bury()
  const dead = await readFile(lockFile(), 'utf8')
  await closed(holder)
  let failing = 0
  let made = 0
  do {
    for (const file of await readdir(folder())) await unlink(join(folder(), file))
    for (const ending of locks) await writeFile(at(ending), dead)
    made = 0
    const disk = testDisk({
      before: () => {
        if (fails(made++, failing)) throw failure('EIO')
      },
      room: () => 150,
    })
    await tell(disk, { commit: 0, checkpoint: 0, trim: 0 })
  } while (made > failing++)
}

describe('a process that dies at any call of the file system', () => {
  it.each(STORIES)('%s, loses and doubles nothing, and lets others in', async (_, deeds, locks) => {
    const isDead = (made: number, last: number): boolean => made >= last
    await retell(locks, isDead, async ({ storage, die }, done) => {
      try {
        for (const deed of deeds) await deed(storage, done)
      } catch {
        // As dead as its process would be.
      }
      await die()
      await bury()

      const next = await opened(quickStorage())
      const run = await next.read('crew', 0, 10)
      const gone = 'trimmedTo' in run ? run.trimmedTo : 0
      const left = await read(gone, next)
      const head = gone + left.length
      const kept = await next.loadCheckpoint('crew')
      expect(left).toEqual(commits(gone + 1, head))
      expect(head - done.commit).toBeOneOf([0, 1])
      expect((kept?.seq ?? 0) - done.checkpoint).toBeOneOf([0, 2])
      expect(await partsOf(kept)).toEqual(kept ? partsAt(kept.seq) : [])
      expect([done.trim, (kept?.seq ?? 1) - 1]).toContain(gone)
      expect(await next.append('crew', commit(head + 1))).toEqual({ appended: true })
      await closed(next)
      expect((await readdir(folder())).filter((file) => isLock(file) || file.endsWith('.tmp'))).toEqual([])
    })
  })
})

describe('a call of the file system that fails once', () => {
  // Guard: the one token of JournalFiles, by which an open takes a lock that a close could not remove.
  it.each(STORIES)('%s, costs one call of the storage', async (_, deeds, locks) => {
    const isNext = (made: number, failing: number): boolean => made === failing
    await retell(locks, isNext, async ({ storage, handles }, done) => {
      const twice = async <T>(run: () => Promise<T>): Promise<T> => {
        try {
          return await run()
        } catch (error) {
          expect(CrewError.is(error, 'storage_unavailable')).toBe(true)
          return await run()
        }
      }
      for (const deed of deeds) await twice(() => deed(storage, done))
      const isLeft = (await readdir(folder())).includes('journal-crew.lock')
      if (isLeft) await closed(await opened(storage))
      expect(await readdir(folder())).not.toContain('journal-crew.lock')
      expect(await read(done.trim)).toEqual(commits(done.trim + 1, done.commit))
      const kept = await quickStorage().loadCheckpoint('crew')
      expect(await partsOf(kept)).toEqual(kept ? partsAt(done.checkpoint) : [])
      expect(kept?.seq ?? 0).toBe(done.checkpoint)
      expect(handles()).toBe(0)
    })
  })
})

describe('a system that replaces no file that is open, and opens no folder', () => {
  it('keeps a journal all the same', async () => {
    const { storage, isOpen } = testDisk({
      before: (call) => {
        const [, replaced = ''] = /^rename (.+)/.exec(call) ?? []
        if (call === 'open folder' || isOpen(replaced)) throw failure('EPERM')
      },
    })
    const done: Done = { commit: 0, checkpoint: 0, trim: 0 }
    for (const deed of WRITE) await deed(storage, done)
    expect(done).toEqual({ commit: 3, checkpoint: 2, trim: 1 })
    expect(await read(1)).toEqual(commits(2, 3))
  })
})
