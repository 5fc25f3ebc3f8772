import { readFile, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fileStorage } from '../../../src/storage/file.js'
import { closed, fill, folder, log, opened, read, seal, useFolder } from '../../support/journal-folder.js'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { quickStorage } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

describe('a reader beside the holder', () => {
  it('takes a torn tail for the end, and does not touch it', async () => {
    await fill(3)
    const whole = await readFile(log())
    const tail = Buffer.from(seal(JSON.stringify(commit(4, { events: [] }))))
    for (let length = 1; length < tail.length; length++) {
      const torn = Buffer.concat([whole, tail.subarray(0, length)])
      await writeFile(log(), torn)
      expect(await read()).toEqual(commits(1, 3))
      expect((await readFile(log())).equals(torn)).toBe(true)
    }
  })

  // Guard: `mark` in LogReader.#read.
  it('notices that the file was trimmed', async () => {
    const storage = await opened(quickStorage())
    const reader = fileStorage(folder())
    for (let seq = 1; seq <= 30; seq++) {
      await storage.append('crew', commit(seq))
      if (seq % 7 === 0) await storage.trim('crew', seq - 3)
      expect(await reader.read('crew', Math.max(0, seq - 3), 10)).toEqual({
        commits: commits(Math.max(1, seq - 2), seq),
      })
      if (seq >= 7) expect(await reader.read('crew', 0, 1)).toEqual({ trimmedTo: seq - (seq % 7) - 3 })
    }
    await closed(storage)
  })

  it('notices it though the file is as long as before', async () => {
    const storage = await opened(quickStorage())
    const reader = fileStorage(folder())
    for (const next of commits(1, 4)) await storage.append('crew', next)
    expect(await read(0, reader)).toEqual(commits(1, 4))
    await storage.trim('crew', 3)
    const text = 'x'.repeat(2000)
    const long = commit(5, { events: [{ type: 'note.written', id: 'n', at: 0, changes: { text } }] })
    await storage.append('crew', long)
    expect(await read(4, reader)).toEqual([long])
    await closed(storage)
  })

  // Guard: the second `#read` in LogReader.read.
  it('notices that the holder cut off a failed write and went on', async () => {
    await fill(3)
    const reader = fileStorage(folder())
    for (const id of ['a', 'much longer than the others', 'b']) {
      expect((await reader.read('crew', 0, 10)) as unknown).toMatchObject({
        commits: { length: expect.any(Number) as number },
      })
      const lines = (await readFile(log(), 'utf8')).split('\n')
      await truncate(log(), Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1)
      const storage = await opened(quickStorage())
      const others = [commit(3, { id }), commit(4, { prev: id })]
      for (const other of others) await storage.append('crew', other)
      await closed(storage)
      expect(await read(0, reader)).toEqual([...commits(1, 2), ...others])
    }
  })
})
