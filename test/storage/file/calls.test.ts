import { readdir, stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { closed, failsWith, folder, log, opened, read, useFolder } from '../../support/journal-folder.js'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { quickStorage } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

describe('calls that do not wait for each other', () => {
  it('run one after another, each seeing what the one before it did', async () => {
    const storage = await opened(quickStorage())
    const answers = await Promise.all([
      ...commits(1, 20).map((next) => storage.append('crew', next)),
      storage.trim('crew', 10),
      ...commits(21, 30).map((next) => storage.append('crew', next)),
      storage.read('crew', 10, 100),
      storage.close?.('crew'),
    ])
    expect(answers.at(-2)).toEqual({ commits: commits(11, 30) })
    expect(await read(10)).toEqual(commits(11, 30))
  })

  // Guard: the second `check()` in append.
  it('are stored whole or not at all, whoever leaves, and never twice', async () => {
    const storage = await opened(quickStorage())
    let seq = 1
    for (let round = 0; round < 60; round++) {
      const leaving = new AbortController()
      const calls = [commit(seq), commit(seq), commit(seq + 1)].map((next) =>
        storage.append('crew', next, { signal: leaving.signal }).catch(() => ({ appended: 'unknown' })),
      )
      if (round % 3 > 0) for (let turns = 0; turns < round; turns++) await Promise.resolve()
      if (round % 4 === 3) await stat(folder())
      leaving.abort()
      const answers = await Promise.all(calls)
      const run = await storage.read('crew', seq - 1, 10)
      const stored = 'commits' in run ? run.commits : []
      expect(stored).toEqual(commits(seq, seq + stored.length - 1))
      expect(answers.filter(({ appended }) => appended === true).length).toBeLessThanOrEqual(stored.length)
      seq += stored.length
    }
    await closed(storage)
    expect(await read()).toEqual(commits(1, seq - 1))
  })

  it('with a signal that has aborted store nothing', async () => {
    const storage = await opened(quickStorage())
    const options = { signal: AbortSignal.abort() }
    await expect(storage.append('crew', commit(1), options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.trim('crew', 1, options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.read('crew', 0, 1, options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.open?.('other', options)).rejects.toEqual(failsWith('cancelled'))
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
    expect((await stat(log())).size).toBe(0)
  })
})
