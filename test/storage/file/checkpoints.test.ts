import { readFile, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JournalStorage } from '../../../src/core/journal/journal-storage.js'
import { fileStorage } from '../../../src/storage/file.js'
import { at, closed, failsWith, fill, folder, opened, useFolder } from '../../support/journal-folder.js'
import { checkpoint, commits, partsAt, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { quickStorage, testDisk } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

describe('checkpoints in files', () => {
  async function saved(...seqs: readonly number[]): Promise<JournalStorage> {
    const storage = await opened(quickStorage())
    for (const next of commits(1, 40)) await storage.append('crew', next)
    for (const seq of seqs) await storage.saveCheckpoint('crew', checkpoint(seq))
    return storage
  }

  // Guards: the checksum, the last line and `isComplete` in readTexts.
  it('are passed over when damaged, at any byte, in favour of the older one', async () => {
    const storage = await saved(10, 20)
    const path = at('checkpoint-2.jsonl')
    const whole = await readFile(path)
    for (let offset = 0; offset < whole.length; offset++) {
      const flipped = Buffer.from(whole)
      flipped[offset] = (flipped[offset] ?? 0) ^ 1
      for (const bytes of [flipped, whole.subarray(0, offset)]) {
        await unlink(path)
        await writeFile(path, bytes)
        const kept = await storage.loadCheckpoint('crew')
        expect([kept?.seq, await partsOf(kept)]).toEqual([10, partsAt(10)])
      }
    }
    await writeFile(path, Buffer.concat([whole, whole]))
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
    await closed(storage)
  })

  it('are passed over without another only as long as the log reaches back', async () => {
    const storage = await saved(10, 20)
    await writeFile(at('checkpoint-2.jsonl'), 'x')
    await storage.trim('crew', 10)
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
    await storage.trim('crew', 11)
    await expect(storage.loadCheckpoint('crew')).rejects.toEqual(failsWith('journal_corrupt', 'checkpoint'))
    await expect(fileStorage(folder()).loadCheckpoint('crew')).rejects.toEqual(failsWith('journal_corrupt'))
    await closed(storage)
  })

  it('that are all damaged are none while the log is whole', async () => {
    const storage = await saved(10, 20)
    for (const slot of [1, 2]) await writeFile(at(`checkpoint-${slot}.jsonl`), 'x')
    expect(await storage.loadCheckpoint('crew')).toBeUndefined()
    await closed(storage)
  })

  // Guard: in #publish, the path of the one that is not the newest whole one.
  it('replace a damaged one rather than a whole one', async () => {
    const storage = await saved(10, 20)
    await writeFile(at('checkpoint-2.jsonl'), 'x')
    await storage.saveCheckpoint('crew', checkpoint(20))
    expect((await storage.loadCheckpoint('crew', 20))?.seq).toBe(10)
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toEqual(partsAt(20))
    await closed(storage)
  })

  // Guard: the comparison of heads in #readParts.
  it('that were replaced since they were loaded bring no parts of others', async () => {
    const storage = await saved(10)
    const kept = await storage.loadCheckpoint('crew')
    for (const seq of [20, 30]) await storage.saveCheckpoint('crew', checkpoint(seq))
    await expect(partsOf(kept)).rejects.toEqual(failsWith('storage_unavailable', 'Checkpoint 10'))
    await closed(storage)
  })

  it('saved at the same time leave the newest two', async () => {
    const storage = await saved()
    await Promise.all([30, 10, 40, 20].map((seq) => storage.saveCheckpoint('crew', checkpoint(seq))))
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(40)
    expect((await readdir(folder())).filter((file) => file.endsWith('.tmp'))).toEqual([])
    await closed(storage)
  })

  // Guard: `isOpen` in LogWriter.exclusively.
  it('are not saved by who has closed the journal meanwhile', async () => {
    const storage = await saved(10)
    let go = (): void => undefined
    const wait = new Promise<void>((resolve) => {
      go = resolve
    })
    async function* parts(): AsyncGenerator<string> {
      yield '"a"'
      await wait
    }
    const saving = storage.saveCheckpoint('crew', { ...checkpoint(20), parts: parts() })
    await closed(storage)
    const other = await opened(quickStorage())
    go()
    await expect(saving).rejects.toEqual(failsWith('closed'))
    await other.saveCheckpoint('crew', checkpoint(15))
    expect((await other.loadCheckpoint('crew'))?.seq).toBe(15)
    await closed(other)
    expect((await readdir(folder())).filter((file) => file.endsWith('.tmp'))).toEqual([])
  })

  // Guard: `check()` in `lines`.
  it('end with the caller who leaves, and leave nothing behind', async () => {
    const { storage, handles } = testDisk()
    await opened(storage)
    const leaving = new AbortController()
    let isEnded = false
    async function* parts(): AsyncGenerator<string> {
      try {
        for (let count = 0; ; count++) {
          if (count === 3) leaving.abort()
          yield '"a"'
        }
      } finally {
        isEnded = true
      }
    }
    const saving = storage.saveCheckpoint('crew', { ...checkpoint(1), parts: parts() }, { signal: leaving.signal })
    await expect(saving).rejects.toEqual(failsWith('cancelled'))
    await expect.poll(() => readdir(folder())).toEqual(['journal-crew.jsonl', 'journal-crew.lock'])
    expect(isEnded).toBe(true)
    await closed(storage)
    expect(handles()).toBe(0)
  })

  it('have parts within the limit', async () => {
    const storage = await opened()
    const parts = [JSON.stringify('x'.repeat(storage.maxCommitBytes))]
    await expect(storage.saveCheckpoint('crew', checkpoint(1, parts))).rejects.toEqual(failsWith('limit_exceeded'))
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guard: removeDrafts in JournalFiles.open.
  it('and logs that a crash left half written are removed at open, those of this journal alone', async () => {
    const mine = ['jsonl.abc.tmp', 'checkpoint.abc.tmp', 'lock.abc.tmp'].map((ending) => `journal-crew.${ending}`)
    const others = ['journal-crew-2.jsonl.abc.tmp', 'other.tmp', 'journal-crew.txt']
    for (const file of [...mine, ...others]) await writeFile(join(folder(), file), 'x')
    await fill(1)
    expect(await readdir(folder())).toEqual([...others, 'journal-crew.jsonl'].sort())
  })
})
