import fc from 'fast-check'
import { readFile, rm, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Commit } from '../../../src/core/journal/journal-storage.js'
import { closed, failsWith, fill, folder, log, opened, read, seal, useFolder } from '../../support/journal-folder.js'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { quickStorage } from '../../support/test-disk.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

/** Makes the log anew: some file systems flush one that is written over, which takes a while. */
async function put(content: string | Buffer): Promise<void> {
  await rm(log(), { force: true })
  await writeFile(log(), content)
}

/** A commit of few bytes, for loops over all of them. */
const small = (seq: number): Commit => commit(seq, { events: [] })

describe('damage', () => {
  // Guard: `#cut` in LogWriter.open.
  it.each([
    ['behind others', 3, 0],
    ['that is the only one', 1, 0],
    ['that is the only one left after a trim', 3, 2],
  ])('that is a torn tail, at every byte of a last record %s, is cut off', async (_, count, trimmedTo) => {
    const storage = await opened(quickStorage())
    for (let seq = 1; seq <= count; seq++) await storage.append('crew', small(seq))
    await storage.trim('crew', trimmedTo)
    await closed(storage)
    const whole = await readFile(log())
    const start = whole.lastIndexOf(0x0a, whole.length - 2) + 1
    for (let length = start; length < whole.length; length++) {
      await put(whole.subarray(0, length))
      const again = await opened(quickStorage())
      expect((await readFile(log())).equals(whole.subarray(0, start))).toBe(true)
      expect(await read(trimmedTo, again)).toEqual(
        Array.from({ length: count - 1 - trimmedTo }, (_, index) => small(trimmedTo + 1 + index)),
      )
      expect(await again.append('crew', small(count))).toEqual({ appended: true })
      await closed(again)
      expect((await readFile(log())).equals(whole)).toBe(true)
    }
  })

  it('that a power cut leaves of the last write, blocks of zeros, is cut off', async () => {
    await fill(3)
    const whole = await readFile(log())
    const last = Buffer.from(seal(JSON.stringify(commit(4))))
    const zeros = Buffer.alloc(4096)
    const tails = [
      zeros,
      Buffer.concat([last.subarray(0, 50), zeros]),
      Buffer.concat([zeros, last.subarray(50)]),
      Buffer.concat([last.subarray(0, -1), zeros]),
    ]
    for (const tail of tails) {
      await put(Buffer.concat([whole, tail]))
      expect(await read()).toEqual(commits(1, 3))
      await closed(await opened(quickStorage()))
      expect((await readFile(log())).equals(whole)).toBe(true)
    }
  })

  // Guards: the checksum in `unseal`, `if (broken) throw` and `isTorn` in LogIndex.extend.
  it('anywhere else is told by file, line and byte, and nothing is changed', async () => {
    const storage = await opened(quickStorage())
    for (const next of commits(1, 8)) await storage.append('crew', next)
    const untrimmed = await readFile(log())
    await storage.trim('crew', 3)
    await closed(storage)
    const trimmed = await readFile(log())
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (isTrimmed, place, bits) => {
        const whole = isTrimmed ? trimmed : untrimmed
        const lastStart = whole.lastIndexOf(0x0a, whole.length - 2) + 1
        const offset = place % lastStart
        const bytes = Buffer.from(whole)
        bytes[offset] = (bytes[offset] ?? 0) ^ bits
        await put(bytes)
        const lineStart = whole.subarray(0, offset).lastIndexOf(0x0a) + 1
        const line = whole.subarray(0, lineStart).filter((byte) => byte === 0x0a).length + 1
        for (const call of [() => opened(quickStorage()), () => read(isTrimmed ? 3 : 0)]) {
          const error: unknown = await call().catch((thrown: unknown) => thrown)
          expect(error).toEqual(failsWith('journal_corrupt', log()))
          expect(error).toMatchObject({
            details: { file: log(), line, offset: lineStart },
          })
        }
        expect((await readFile(log())).equals(bytes)).toBe(true)
        expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
      }),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 100) },
    )
  })

  // Guard: `isTorn` in LogIndex.extend.
  it('of the newline before the last record does not cost the last two', async () => {
    await fill(4)
    const whole = await readFile(log())
    const offset = whole.lastIndexOf(0x0a, whole.length - 2)
    for (const byte of [0x0b, 0x20, 0]) {
      const bytes = Buffer.from(whole)
      bytes[offset] = byte
      await put(bytes)
      await expect(opened(quickStorage())).rejects.toEqual(failsWith('journal_corrupt', 'line 3'))
      await expect(read()).rejects.toEqual(failsWith('journal_corrupt', 'line 3'))
      expect((await readFile(log())).equals(bytes)).toBe(true)
    }
  })

  it('of the last record, which was written to its end, is told and not cut off', async () => {
    const storage = await opened(quickStorage())
    for (const seq of [1, 2]) await storage.append('crew', small(seq))
    await closed(storage)
    const whole = await readFile(log())
    const start = whole.lastIndexOf(0x0a, whole.length - 2) + 1
    for (let offset = start; offset < whole.length; offset++) {
      const bytes = Buffer.from(whole)
      bytes[offset] = (bytes[offset] ?? 0) ^ 1
      await put(bytes)
      await expect(opened(quickStorage())).rejects.toEqual(failsWith('journal_corrupt'))
      expect((await readFile(log())).equals(bytes)).toBe(true)
    }
  })

  it.each<[string, (lines: string[]) => string[]]>([
    ['a line that is missing', (lines) => lines.toSpliced(2, 1)],
    ['a first line that is missing', (lines) => lines.slice(1)],
    ['a line that stands twice', (lines) => lines.toSpliced(2, 0, lines[2] ?? '')],
    ['lines in another order', (lines) => lines.toSpliced(1, 2, lines[2] ?? '', lines[1] ?? '')],
    [
      'a commit that does not follow the one before',
      (lines) => lines.with(3, seal(JSON.stringify(commit(4, { prev: 'x' }))).trim()),
    ],
    ['a commit with another number', (lines) => lines.with(4, seal(JSON.stringify(commit(6, { prev: 'c4' }))).trim())],
    ['a record that is no commit', (lines) => lines.with(2, seal('{"seq":3}').trim())],
    ['an empty line', (lines) => lines.toSpliced(2, 0, '')],
    ['the line ends of another system', (lines) => lines.map((line) => `${line}\r`)],
    ['a header that is not the first line', (lines) => lines.toSpliced(1, 0, seal('{"trimmedTo":1,"id":"c1"}').trim())],
  ])('by %s is found (MP-09)', async (_, change) => {
    await fill(5)
    const lines = (await readFile(log(), 'utf8')).trimEnd().split('\n')
    await put(`${change(lines).join('\n')}\n`)
    await expect(opened(quickStorage())).rejects.toEqual(failsWith('journal_corrupt', log(), 'line', 'byte'))
    await expect(read()).rejects.toEqual(failsWith('journal_corrupt', log(), 'line', 'byte'))
  })

  it('that comes while the journal is open is found when it is read', async () => {
    const storage = await opened(quickStorage())
    for (const next of commits(1, 4)) await storage.append('crew', next)
    const bytes = await readFile(log())
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4
    await writeFile(log(), bytes)
    await expect(read(0, storage)).rejects.toEqual(failsWith('journal_corrupt', log()))
    // Guard: the look for broken lines in LogWriter.#rest.
    await expect(storage.trim('crew', 1)).rejects.toEqual(failsWith('journal_corrupt', log()))
    expect((await readFile(log())).equals(bytes)).toBe(true)
    await closed(storage)
  })

  // Guard: the comparison of numbers in LogIndex.run.
  it('that swaps lines while the journal is open is found too', async () => {
    const storage = await opened(quickStorage())
    for (const next of commits(1, 4)) await storage.append('crew', next)
    const lines = (await readFile(log(), 'utf8')).split('\n')
    await writeFile(log(), lines.toSpliced(1, 2, lines[2] ?? '', lines[1] ?? '').join('\n'))
    await expect(read(0, storage)).rejects.toEqual(failsWith('journal_corrupt', 'line 2'))
    await closed(storage)
  })

  // Guard: LONGEST_LINE.
  it('that is longer than any commit is not taken for a torn tail, and costs no more memory than one', async () => {
    await fill(2)
    await truncate(log(), (await stat(log())).size + 2 ** 32)
    await expect(opened()).rejects.toEqual(failsWith('journal_corrupt', 'line 3'))
  })

  it('is not an empty file', async () => {
    await put('')
    expect(await read()).toEqual([])
    await fill(2)
  })
})
