import { writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { closed, failsWith, folder, log, opened, read, seal, useFolder } from '../../support/journal-folder.js'
import { checkpoint, commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { failure, testDisk } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

describe('a disk that fails', () => {
  // Guard: `isFull` in #takeBack, `#cut` in #file.
  it.each([0, 1, 11, 12, 100])('for want of room, after %i bytes, stores nothing and says so', async (room) => {
    let left = Infinity
    const { storage, handles } = testDisk({
      room: () => {
        const now = left
        left = left === Infinity ? Infinity : 0
        return now
      },
    })
    await opened(storage)
    for (const next of commits(1, 3)) await storage.append('crew', next)
    const before = await readFile(log())
    left = room
    await expect(storage.append('crew', commit(4))).rejects.toEqual(failsWith('limit_exceeded', log()))
    expect((await readFile(log())).equals(before)).toBe(true)
    expect(await read(0, storage)).toEqual(commits(1, 3))
    left = Infinity
    expect(await storage.append('crew', commit(4))).toEqual({ appended: true })
    await closed(storage)
    expect(await read()).toEqual(commits(1, 4))
    expect(handles()).toBe(0)
  })

  it('writes a line in as many pieces as it likes', async () => {
    const { storage } = testDisk({ room: () => 7 })
    await opened(storage)
    for (const next of commits(1, 3)) expect(await storage.append('crew', next)).toEqual({ appended: true })
    await closed(storage)
    expect(await read()).toEqual(commits(1, 3))
  })

  // Guard: the catch around write and datasync in append.
  it.each([
    ['datasync log', 'EIO', 'storage_unavailable'],
    ['datasync log', 'ENOSPC', 'limit_exceeded'],
    ['write log', 'EDQUOT', 'limit_exceeded'],
    ['write log', 'EFBIG', 'limit_exceeded'],
    ['write log', 'EIO', 'storage_unavailable'],
  ] as const)('at %s with %s has stored nothing, and takes the same commit later', async (call, code, rejection) => {
    let fails = false
    const { storage, handles } = testDisk({
      before: (name) => {
        if (fails && name === call) throw failure(code)
      },
    })
    await opened(storage)
    await storage.append('crew', commit(1))
    const before = await readFile(log())
    fails = true
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith(rejection, 'Nothing was stored', log()))
    expect((await readFile(log())).equals(before)).toBe(true)
    fails = false
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    await closed(storage)
    expect(await read()).toEqual(commits(1, 2))
    expect(handles()).toBe(0)
  })

  // Guard: `this.#handle = undefined` before the write in append.
  it.each(['truncate log', 'sync log', 'open log', 'read log', 'sync folder'])(
    'and then at %s too, is not written again before it works',
    async (second) => {
      let fails = false
      const { storage, handles } = testDisk({
        before: (name) => {
          if (fails && (name === 'datasync log' || name === second)) throw failure('EIO')
        },
      })
      await opened(storage)
      await storage.append('crew', commit(1))
      fails = true
      for (const next of [commit(2), commit(2), commit(2, { id: 'other' })])
        await expect(storage.append('crew', next)).rejects.toEqual(failsWith('storage_unavailable'))
      if (second !== 'open log' && second !== 'read log') expect((await read(0, storage))[0]).toEqual(commit(1))
      fails = false
      expect(await storage.append('crew', commit(2, { id: 'other' }))).toEqual({ appended: true })
      expect(await storage.append('crew', commit(2))).toEqual({ appended: false })
      await closed(storage)
      expect(await read()).toEqual([commit(1), commit(2, { id: 'other' })])
      expect(handles()).toBe(0)
    },
  )

  // Guards: `newest` in #file, and that it comes before `#cut`.
  it.each([
    ['loses what it had acknowledged', 'x', 'r+', 'journal_corrupt'],
    ['has something else in its place', 'x'.repeat(10_000), 'w', 'journal_corrupt'],
    ['has another commit in its place', seal(JSON.stringify(commit(1, { id: 'x1' }))), 'w', 'storage_unavailable'],
  ] as const)('and then %s, is not written any more', async (_, text, flag, rejection) => {
    let fails = false
    const { storage } = testDisk({
      before: (name) => {
        if (!fails || name !== 'datasync log') return
        writeFileSync(log(), text, { flag })
        throw failure('EIO')
      },
    })
    await opened(storage)
    await storage.append('crew', commit(1))
    fails = true
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('storage_unavailable'))
    fails = false
    const left = await readFile(log())
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith(rejection, log()))
    expect((await readFile(log())).equals(left)).toBe(true)
    if (flag === 'w') expect(left.length).toBe(text.length)
    await closed(storage)
  })

  it.each(['write log draft', 'sync log draft', 'rename log', 'open log draft'])(
    'at %s, leaves a trim undone and the log as it was',
    async (call) => {
      let fails = false
      const { storage, handles } = testDisk({
        before: (name) => {
          if (fails && name === call) throw failure('ENOSPC')
        },
      })
      await opened(storage)
      for (const next of commits(1, 5)) await storage.append('crew', next)
      const before = await readFile(log())
      fails = true
      await expect(storage.trim('crew', 3)).rejects.toEqual(failsWith('limit_exceeded'))
      expect((await readFile(log())).equals(before)).toBe(true)
      expect(await readdir(folder())).toEqual(['journal-crew.jsonl', 'journal-crew.lock'])
      expect(await storage.append('crew', commit(6))).toEqual({ appended: true })
      fails = false
      await storage.trim('crew', 3)
      await closed(storage)
      expect(await read(3)).toEqual(commits(4, 6))
      expect(handles()).toBe(0)
    },
  )

  // Guard: `this.#file()` at the end of trim, which syncs the folder before the next append.
  it('at the sync of the folder after a trim, is not written again before it works', async () => {
    let fails = false
    const { storage } = testDisk({
      before: (name) => {
        if (fails && name === 'sync folder') throw failure('EIO')
      },
    })
    await opened(storage)
    for (const next of commits(1, 5)) await storage.append('crew', next)
    fails = true
    await expect(storage.trim('crew', 3)).rejects.toEqual(failsWith('storage_unavailable'))
    await expect(storage.append('crew', commit(6))).rejects.toEqual(failsWith('storage_unavailable'))
    fails = false
    expect(await storage.append('crew', commit(6))).toEqual({ appended: true })
    await closed(storage)
    expect(await read(3)).toEqual(commits(4, 6))
  })

  it('while a checkpoint is saved, leaves the older ones', async () => {
    for (const call of [
      'write checkpoint draft',
      'sync checkpoint draft',
      'rename checkpoint',
      'open checkpoint draft',
    ]) {
      let fails = false
      const { storage, handles } = testDisk({
        before: (name) => {
          if (fails && name === call) throw failure('ENOSPC')
        },
      })
      await opened(storage)
      await storage.saveCheckpoint('crew', checkpoint(10))
      fails = true
      await expect(storage.saveCheckpoint('crew', checkpoint(20))).rejects.toEqual(failsWith('limit_exceeded'))
      expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
      await closed(storage)
      expect((await readdir(folder())).filter((file) => file.endsWith('.tmp'))).toEqual([])
      expect(handles()).toBe(0)
    }
  })
})
