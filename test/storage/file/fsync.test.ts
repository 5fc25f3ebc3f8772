import * as realDisk from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JournalStorage } from '../../../src/core/journal/journal-storage.js'
import { fileStorage, type FileStorageOptions } from '../../../src/storage/file.js'
import { closed, folder, opened, read, useFolder } from '../../support/journal-folder.js'
import { checkpoint, commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { testDisk } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

describe('fsync', () => {
  // Guards: the syncs in append, #cut, writeNew, and #publish.
  it('comes before every answer: of the file after each append, of the folder after it was made or a file renamed', async () => {
    const { storage, calls } = testDisk()
    const during = async (run: () => Promise<unknown>): Promise<readonly string[]> => {
      calls.length = 0
      await run()
      return calls.filter((call) => /sync|write|rename/.test(call) && !call.includes('lock'))
    }
    expect(await during(() => opened(storage))).toEqual(['sync log', 'sync folder'])
    expect(await during(() => storage.append('crew', commit(1)))).toEqual(['write log', 'datasync log'])
    await storage.append('crew', commit(2))
    expect((await during(() => storage.trim('crew', 1))).join()).toMatch(
      /^(write log draft,)+sync log draft,rename log,sync log,sync folder$/,
    )
    expect((await during(() => storage.saveCheckpoint('crew', checkpoint(1)))).join()).toMatch(
      /^(write checkpoint draft,)+sync checkpoint draft,rename checkpoint,sync folder$/,
    )
    await closed(storage)
  })

  it('of the folders above too, when they were made', async () => {
    const synced: string[] = []
    const recording = {
      ...realDisk,
      open: async (path: string, flags?: string) => {
        const handle = await realDisk.open(path, flags)
        if ((await handle.stat()).isDirectory()) synced.push(path)
        return handle
      },
    }
    const internal = fileStorage as (path: string, how: FileStorageOptions, disk: unknown) => JournalStorage
    const storage = await opened(internal(join(folder(), 'a', 'b'), {}, recording))
    await closed(storage)
    expect(synced).toEqual([join(folder(), 'a'), folder(), join(folder(), 'a', 'b')])
  })

  // Else a power cut after a trim could cost the whole journal.
  it('is left out of appends alone when switched off', async () => {
    const { storage, calls } = testDisk({}, { fsync: false })
    await opened(storage)
    calls.length = 0
    for (const next of commits(1, 3)) await storage.append('crew', next)
    expect(calls.filter((call) => call.includes('sync'))).toEqual([])
    await storage.saveCheckpoint('crew', checkpoint(1))
    await storage.trim('crew', 1)
    expect(calls.filter((call) => call.includes('sync'))).toEqual([
      ...['sync checkpoint draft', 'sync folder'],
      ...['sync log draft', 'sync log', 'sync folder'],
    ])
    await closed(storage)
    expect(await read(1)).toEqual(commits(2, 3))
  })
})
