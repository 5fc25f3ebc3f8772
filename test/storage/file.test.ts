import fc from 'fast-check'
import { link, mkdtemp, readdir, readFile, rename, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import * as realDisk from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CrewErrorCode } from '../../src/core/errors.js'
import type { Commit, JournalStorage } from '../../src/core/journal-storage.js'
import { fileStorage, type FileStorageOptions } from '../../src/storage/file.js'
import { checkpoint, commit, commits, partsAt, partsOf, storageContract } from '../support/storage-contract.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

let folder = ''
const at = (ending: string): string => join(folder, `journal-crew.${ending}`)
const log = (): string => at('jsonl')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crewlog-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

for (const fsync of [true, false]) {
  storageContract({
    name: `file storage ${fsync ? 'with' : 'without'} fsync`,
    describe,
    it,
    open: () => ({ storage: fileStorage(folder, { fsync }), rival: fileStorage(folder, { fsync }) }),
  })
}

/** Opens the journal, appends up to commit `to`, and closes it again. */
async function fill(to: number, from = 1): Promise<void> {
  const storage = await opened()
  for (const next of commits(from, to)) expect(await storage.append('crew', next)).toEqual({ appended: true })
  await storage.close?.('crew')
}

async function opened(storage = fileStorage(folder)): Promise<JournalStorage> {
  await storage.open?.('crew')
  return storage
}

const failsWith = (code: CrewErrorCode, ...texts: readonly string[]): Error =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(texts.map(escape).join('.*') || '.') as unknown,
  }) as Error

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

async function read(after = 0, storage = fileStorage(folder)): Promise<readonly Commit[]> {
  const run = await storage.read('crew', after, 1000)
  if ('trimmedTo' in run) throw new Error(`trimmed to ${run.trimmedTo}`)
  return run.commits
}

const seal = (text: string): string => `["${crc32(text).toString(16).padStart(8, '0')}",${text}]\n`

describe('options of the file storage', () => {
  it('are checked', () => {
    const wrong: readonly (readonly unknown[])[] = [
      [''],
      [undefined],
      [7],
      ['a\0b'],
      ['a', { fsync: 'yes' }],
      ['a', { sync: true }],
      ['a', null],
    ]
    for (const [path, options] of wrong)
      expect(() => fileStorage(path as string, options as FileStorageOptions)).toThrow(failsWith('invalid_input'))
  })

  it('name a folder that is made when it is missing', async () => {
    const storage = await opened(fileStorage(join(folder, 'a', 'b')))
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await storage.close?.('crew')
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['journal-crew.jsonl'])
  })

  it('name no file', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(opened(fileStorage(join(folder, 'file')))).rejects.toEqual(failsWith('storage_unavailable', 'file'))
  })

  it('let names of journals be texts of whole characters only', async () => {
    const storage = fileStorage(folder)
    for (const name of ['', 'a\ud800', 5, undefined])
      await expect(storage.open?.(name as string)).rejects.toEqual(failsWith('invalid_input'))
  })
})

describe('files', () => {
  it('have legal names that differ by more than case, whatever the names of the journals', async () => {
    const names = ['a/b', 'a%2fb', 'a%2Fb', 'A/b', 'a', 'A', '%41', 'a.b', 'a b', 'con', 'é', '~a', '@'.repeat(128)]
    const storage = fileStorage(folder)
    const long = 'x'.repeat(201)
    names.push(`${'@'.repeat(127)}a`, long.slice(1), long, createHash('sha256').update(long).digest('hex'))
    for (const name of names) {
      await storage.open?.(name)
      expect(await storage.append(name, commit(1))).toEqual({ appended: true })
      await storage.close?.(name)
    }
    const files = await readdir(folder)
    expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length)
    for (const file of files) {
      expect(file).toMatch(/^journal-[a-z0-9_%~-]+\.jsonl$/)
      expect(file.length).toBeLessThan(230)
    }
  })

  it('have a line of JSON for each commit, with the checksum of its text', async () => {
    await fill(3)
    const lines = (await readFile(log(), 'utf8')).split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      commits(1, 3).map((each) => [crc32(JSON.stringify(each)).toString(16).padStart(8, '0'), each]),
    )
  })

  it('are written only by who has opened the journal', async () => {
    const storage = fileStorage(folder)
    for (const call of [
      storage.append('crew', commit(1)),
      storage.trim('crew', 1),
      storage.saveCheckpoint('crew', checkpoint(1)),
    ])
      await expect(call).rejects.toEqual(failsWith('not_open', 'crew', 'open()'))
    await fill(1)
    await storage.open?.('crew')
    await storage.close?.('crew')
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('not_open'))
  })
})

describe('a journal that is open', () => {
  it('is refused to a second opener, who is told the holder and the lock file', async () => {
    const storage = await opened()
    for (const second of [storage, fileStorage(folder), fileStorage(`${folder}/../${basename(folder)}`)])
      await expect(opened(second)).rejects.toEqual(
        failsWith('storage_unavailable', `process ${process.pid} on ${hostname()}`, at('lock')),
      )
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  // Guard: `late()` in whileWanted.
  it('is closed again when the opener has left meanwhile', async () => {
    const leaving = new AbortController()
    const slow = disk({
      after: (call) => {
        if (call === 'sync log') leaving.abort()
      },
    })
    await expect(slow.storage.open?.('crew', { signal: leaving.signal })).rejects.toEqual(failsWith('cancelled'))
    await expect.poll(() => readdir(folder)).toEqual(['journal-crew.jsonl'])
    expect(slow.handles()).toBe(0)
    await fill(1)
  })

  // Guard: 'ENOENT' in `put`.
  it('is opened though another, cleaning up behind the dead, removed the draft of its lock', async () => {
    const holder = fileStorage(folder)
    await holder.open?.('crew')
    const dead = { ...(JSON.parse(await readFile(at('lock'), 'utf8')) as object), pid: 2 ** 30, token: 'dead' }
    await holder.close?.('crew')
    const removed = new Set<string>()
    const { storage, calls } = disk({
      before: (call) => {
        if (!/^(link|rename) lock/.test(call) || removed.has(call)) return
        removed.add(call)
        for (const file of readdirSync(folder)) if (file.endsWith('.tmp')) rmSync(join(folder, file))
      },
    })
    await writeFile(at('lock'), JSON.stringify(dead))
    await opened(storage)
    expect(calls.filter((call) => call === 'rename lock').length).toBe(2)
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  // Guard: the comparison of tokens in `acquire`.
  it('is opened though the answer to the link of its lock was lost', async () => {
    const { storage } = disk({
      after: (call) => {
        if (call === 'link lock') throw failure('EEXIST')
      },
    })
    await opened(storage)
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  it('is locked without hard links too', async () => {
    const { storage } = disk({
      before: (call) => {
        if (call === 'link lock') throw failure('EPERM')
      },
    })
    await opened(storage)
    for (const second of [storage, fileStorage(folder)])
      await expect(opened(second)).rejects.toEqual(failsWith('storage_unavailable', `process ${process.pid}`))
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  // Guard: `#turns` of JournalFiles.
  it('is closed by a close that comes while it opens', async () => {
    const storage = fileStorage(folder)
    const opening = storage.open?.('crew')
    await storage.close?.('crew')
    await opening
    await fill(1)
  })

  // Guard: `assertHeld` in LogWriter.exclusively; and in FileLock.release, the look whether the lock is held.
  it('is written no more once its lock file is gone, and leaves the lock of another alone', async () => {
    const storage = await opened()
    await storage.append('crew', commit(1))
    await unlink(at('lock'))
    const other = await opened()
    for (const call of [
      () => storage.append('crew', commit(2)),
      () => storage.trim('crew', 1),
      () => storage.saveCheckpoint('crew', checkpoint(1)),
    ])
      await expect(call()).rejects.toEqual(failsWith('storage_unavailable', at('lock')))
    await storage.close?.('crew')
    expect(await other.append('crew', commit(2))).toEqual({ appended: true })
    await other.close?.('crew')
    expect(await read()).toEqual(commits(1, 2))
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  // Guard: the look at size and nlink in LogWriter.#file.
  it.each([
    ['removed', () => unlink(log())],
    [
      'replaced',
      async () => {
        await writeFile(at('copy'), await readFile(log()))
        await rename(at('copy'), log())
      },
    ],
    ['cut', () => truncate(log(), 10)],
    ['written', () => writeFile(log(), 'x', { flag: 'a' })],
  ])('is written no more once its file was %s by somebody else', async (_, change) => {
    const storage = await opened()
    await storage.append('crew', commit(1))
    await change()
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('storage_unavailable', log()))
    await storage.close?.('crew')
  })

  it('reads a short run without the rest of the file', async () => {
    const slow = disk()
    await opened(slow.storage)
    for (const next of commits(1, 500)) await slow.storage.append('crew', next)
    const before = slow.bytesRead()
    expect(await slow.storage.read('crew', 250, 3)).toEqual({ commits: commits(251, 253) })
    expect(slow.bytesRead() - before).toBeLessThan(1000)
    await slow.storage.close?.('crew')
  })

  // Guard: `hasCode(error, 'EEXIST')`, and `turns`, hold the order; the handle count, every `finally { handle.close() }`.
  it('leaves no handle open', async () => {
    const { storage, handles } = disk()
    await opened(storage)
    await expect(opened(storage)).rejects.toEqual(failsWith('storage_unavailable'))
    for (const next of commits(1, 5)) await storage.append('crew', next)
    await storage.trim('crew', 3)
    await storage.saveCheckpoint('crew', checkpoint(4))
    for await (const part of (await storage.loadCheckpoint('crew'))?.parts ?? []) if (part) break
    await storage.read('crew', 3, 10)
    await storage.close?.('crew')
    await storage.read('crew', 0, 10)
    expect(handles()).toBe(0)
  })
})

describe('a reader beside the holder', () => {
  it('takes a torn tail for the end, and does not touch it', async () => {
    await fill(3)
    const whole = await readFile(log())
    const tail = Buffer.from(seal(JSON.stringify(commit(4))))
    for (let length = 1; length < tail.length; length++) {
      const torn = Buffer.concat([whole, tail.subarray(0, length)])
      await writeFile(log(), torn)
      expect(await read()).toEqual(commits(1, 3))
      expect((await readFile(log())).equals(torn)).toBe(true)
    }
  })

  // Guard: `mark` in LogReader.#read.
  it('notices that the file was trimmed', async () => {
    const storage = await opened()
    const reader = fileStorage(folder)
    for (let seq = 1; seq <= 30; seq++) {
      await storage.append('crew', commit(seq))
      if (seq % 7 === 0) await storage.trim('crew', seq - 3)
      expect(await reader.read('crew', Math.max(0, seq - 3), 10)).toEqual({
        commits: commits(Math.max(1, seq - 2), seq),
      })
      if (seq >= 7) expect(await reader.read('crew', 0, 1)).toEqual({ trimmedTo: seq - (seq % 7) - 3 })
    }
    await storage.close?.('crew')
  })

  it('notices it though the file is as long as before', async () => {
    const storage = await opened()
    const reader = fileStorage(folder)
    for (const next of commits(1, 4)) await storage.append('crew', next)
    expect(await read(0, reader)).toEqual(commits(1, 4))
    await storage.trim('crew', 3)
    const text = 'x'.repeat(2000)
    const long = commit(5, { events: [{ type: 'note.written', id: 'n', at: 0, changes: { text } }] })
    await storage.append('crew', long)
    expect(await read(4, reader)).toEqual([long])
    await storage.close?.('crew')
  })

  // Guard: the second `#read` in LogReader.read.
  it('notices that the holder cut off a failed write and went on', async () => {
    await fill(3)
    const reader = fileStorage(folder)
    for (const id of ['a', 'much longer than the others', 'b']) {
      expect((await reader.read('crew', 0, 10)) as unknown).toMatchObject({
        commits: { length: expect.any(Number) as number },
      })
      const lines = (await readFile(log(), 'utf8')).split('\n')
      await truncate(log(), Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1)
      const storage = await opened()
      const others = [commit(3, { id }), commit(4, { prev: id })]
      for (const other of others) await storage.append('crew', other)
      await storage.close?.('crew')
      expect(await read(0, reader)).toEqual([...commits(1, 2), ...others])
    }
  })
})

describe('damage', () => {
  // Guard: `#cut` in LogWriter.open.
  it.each([
    ['behind others', 3, 0],
    ['that is the only one', 1, 0],
    ['that is the only one left after a trim', 3, 2],
  ])('that is a torn tail, at every byte of a last record %s, is cut off', async (_, count, trimmedTo) => {
    const storage = await opened()
    for (const next of commits(1, count)) await storage.append('crew', next)
    await storage.trim('crew', trimmedTo)
    await storage.close?.('crew')
    const whole = await readFile(log())
    const start = whole.lastIndexOf(0x0a, whole.length - 2) + 1
    for (let length = start; length < whole.length; length++) {
      await writeFile(log(), whole.subarray(0, length))
      const again = await opened()
      expect((await readFile(log())).equals(whole.subarray(0, start))).toBe(true)
      expect(await read(trimmedTo, again)).toEqual(commits(trimmedTo + 1, count - 1))
      expect(await again.append('crew', commit(count))).toEqual({ appended: true })
      await again.close?.('crew')
      expect((await readFile(log())).equals(whole)).toBe(true)
    }
  })

  it('that a power cut leaves of the last write, blocks of zeros or of other files, is cut off', async () => {
    await fill(3)
    const whole = await readFile(log())
    const last = Buffer.from(seal(JSON.stringify(commit(4))))
    const zeros = Buffer.alloc(4096)
    const tails = [
      zeros,
      Buffer.concat([last.subarray(0, 50), zeros]),
      Buffer.concat([zeros, last.subarray(50)]),
      Buffer.concat([last.subarray(0, -1), zeros]),
      Buffer.concat([last.subarray(0, 20), Buffer.from('other'), last.subarray(25)]),
    ]
    for (const tail of tails) {
      await writeFile(log(), Buffer.concat([whole, tail]))
      expect(await read()).toEqual(commits(1, 3))
      await (await opened()).close?.('crew')
      expect((await readFile(log())).equals(whole)).toBe(true)
    }
  })

  // Guards: the checksum in `unseal`, `if (broken) throw` and `hidesRecord` in `extend`.
  it('anywhere else is told by file, line and byte, and nothing is changed', async () => {
    const storage = await opened()
    for (const next of commits(1, 8)) await storage.append('crew', next)
    const untrimmed = await readFile(log())
    await storage.trim('crew', 3)
    await storage.close?.('crew')
    const trimmed = await readFile(log())
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (isTrimmed, place, bits) => {
        const whole = isTrimmed ? trimmed : untrimmed
        const lastStart = whole.lastIndexOf(0x0a, whole.length - 2) + 1
        const offset = place % lastStart
        const bytes = Buffer.from(whole)
        bytes[offset] = (bytes[offset] ?? 0) ^ bits
        await writeFile(log(), bytes)
        const lineStart = whole.subarray(0, offset).lastIndexOf(0x0a) + 1
        const line = whole.subarray(0, lineStart).filter((byte) => byte === 0x0a).length + 1
        for (const call of [() => opened(), () => read(isTrimmed ? 3 : 0)]) {
          const error: unknown = await call().catch((thrown: unknown) => thrown)
          expect(error).toEqual(failsWith('journal_corrupt', log()))
          expect(error).toMatchObject({
            details: { file: log(), line, offset: lineStart },
          })
        }
        expect((await readFile(log())).equals(bytes)).toBe(true)
        expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
      }),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 300) },
    )
  })

  // Guard: `hidesRecord` in `extend`.
  it('of the newline before the last record does not cost the last two', async () => {
    await fill(4)
    const whole = await readFile(log())
    const offset = whole.lastIndexOf(0x0a, whole.length - 2)
    for (const byte of [0x0b, 0x20, 0]) {
      const bytes = Buffer.from(whole)
      bytes[offset] = byte
      await writeFile(log(), bytes)
      await expect(opened()).rejects.toEqual(failsWith('journal_corrupt', 'line 3'))
      await expect(read()).rejects.toEqual(failsWith('journal_corrupt', 'line 3'))
      expect((await readFile(log())).equals(bytes)).toBe(true)
    }
  })

  it('of the last record is never taken for a commit', async () => {
    await fill(4)
    const whole = await readFile(log())
    const start = whole.lastIndexOf(0x0a, whole.length - 2) + 1
    for (let offset = start; offset < whole.length; offset++) {
      const bytes = Buffer.from(whole)
      bytes[offset] = (bytes[offset] ?? 0) ^ 1
      await writeFile(log(), bytes)
      const isNewline = offset === whole.length - 1
      if (isNewline) await expect(opened()).rejects.toEqual(failsWith('journal_corrupt'))
      else {
        await (await opened()).close?.('crew')
        expect(await read()).toEqual(commits(1, 3))
      }
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
  ])('by %s is found', async (_, change) => {
    await fill(5)
    const lines = (await readFile(log(), 'utf8')).trimEnd().split('\n')
    await writeFile(log(), `${change(lines).join('\n')}\n`)
    await expect(opened()).rejects.toEqual(failsWith('journal_corrupt', log(), 'line', 'byte'))
    await expect(read()).rejects.toEqual(failsWith('journal_corrupt', log(), 'line', 'byte'))
  })

  it('that comes while the journal is open is found when it is read', async () => {
    const storage = await opened()
    for (const next of commits(1, 4)) await storage.append('crew', next)
    const bytes = await readFile(log())
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4
    await writeFile(log(), bytes)
    await expect(read(0, storage)).rejects.toEqual(failsWith('journal_corrupt', log()))
    // Guard: the look for broken lines in LogWriter.#rest.
    await expect(storage.trim('crew', 1)).rejects.toEqual(failsWith('journal_corrupt', log()))
    expect((await readFile(log())).equals(bytes)).toBe(true)
    await storage.close?.('crew')
  })

  // Guard: the comparison of numbers in readRun.
  it('that swaps lines while the journal is open is found too', async () => {
    const storage = await opened()
    for (const next of commits(1, 4)) await storage.append('crew', next)
    const lines = (await readFile(log(), 'utf8')).split('\n')
    await writeFile(log(), lines.toSpliced(1, 2, lines[2] ?? '', lines[1] ?? '').join('\n'))
    await expect(read(0, storage)).rejects.toEqual(failsWith('journal_corrupt', 'line 2'))
    await storage.close?.('crew')
  })

  it('is not an empty file', async () => {
    await writeFile(log(), '')
    expect(await read()).toEqual([])
    await fill(2)
  })
})

describe('checkpoints in files', () => {
  async function saved(...seqs: readonly number[]): Promise<JournalStorage> {
    const storage = await opened()
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
        await writeFile(path, bytes)
        const kept = await storage.loadCheckpoint('crew')
        expect([kept?.seq, await partsOf(kept)]).toEqual([10, partsAt(10)])
      }
    }
    await writeFile(path, Buffer.concat([whole, whole]))
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
    await storage.close?.('crew')
  })

  it('are passed over without another only as long as the log reaches back', async () => {
    const storage = await saved(10, 20)
    await writeFile(at('checkpoint-2.jsonl'), 'x')
    await storage.trim('crew', 10)
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
    await storage.trim('crew', 11)
    await expect(storage.loadCheckpoint('crew')).rejects.toEqual(failsWith('journal_corrupt', 'checkpoint'))
    await expect(fileStorage(folder).loadCheckpoint('crew')).rejects.toEqual(failsWith('journal_corrupt'))
    await storage.close?.('crew')
  })

  it('that are all damaged are none while the log is whole', async () => {
    const storage = await saved(10, 20)
    for (const slot of [1, 2]) await writeFile(at(`checkpoint-${slot}.jsonl`), 'x')
    expect(await storage.loadCheckpoint('crew')).toBeUndefined()
    await storage.close?.('crew')
  })

  // Guard: in #publish, the path of the one that is not the newest whole one.
  it('replace a damaged one rather than a whole one', async () => {
    const storage = await saved(10, 20)
    await writeFile(at('checkpoint-2.jsonl'), 'x')
    await storage.saveCheckpoint('crew', checkpoint(20))
    expect((await storage.loadCheckpoint('crew', 20))?.seq).toBe(10)
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toEqual(partsAt(20))
    await storage.close?.('crew')
  })

  // Guard: the comparison of heads in #readParts.
  it('that were replaced since they were loaded bring no parts of others', async () => {
    const storage = await saved(10)
    const kept = await storage.loadCheckpoint('crew')
    for (const seq of [20, 30]) await storage.saveCheckpoint('crew', checkpoint(seq))
    await expect(partsOf(kept)).rejects.toEqual(failsWith('storage_unavailable', 'Checkpoint 10'))
    await storage.close?.('crew')
  })

  it('saved at the same time leave the newest two', async () => {
    const storage = await saved()
    await Promise.all([30, 10, 40, 20].map((seq) => storage.saveCheckpoint('crew', checkpoint(seq))))
    expect((await storage.loadCheckpoint('crew'))?.seq).toBe(40)
    expect((await readdir(folder)).filter((file) => file.endsWith('.tmp'))).toEqual([])
    await storage.close?.('crew')
  })

  // Guard: `#isClosed` in LogWriter.exclusively.
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
    await storage.close?.('crew')
    const other = await opened()
    go()
    await expect(saving).rejects.toEqual(failsWith('closed'))
    await other.saveCheckpoint('crew', checkpoint(15))
    expect((await other.loadCheckpoint('crew'))?.seq).toBe(15)
    await other.close?.('crew')
    expect((await readdir(folder)).filter((file) => file.endsWith('.tmp'))).toEqual([])
  })

  // Guard: `check()` in `lines`.
  it('end with the caller who leaves, and leave nothing behind', async () => {
    const { storage, handles } = disk()
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
    await expect.poll(() => readdir(folder)).toEqual(['journal-crew.jsonl', 'journal-crew.lock'])
    expect(isEnded).toBe(true)
    await storage.close?.('crew')
    expect(handles()).toBe(0)
  })

  it('have parts within the limit', async () => {
    const storage = await opened()
    const parts = [JSON.stringify('x'.repeat(storage.maxCommitBytes))]
    await expect(storage.saveCheckpoint('crew', checkpoint(1, parts))).rejects.toEqual(failsWith('limit_exceeded'))
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  // Guard: removeDrafts in JournalFiles.open.
  it('and logs that a crash left half written are removed at open, those of this journal alone', async () => {
    const mine = ['jsonl.abc.tmp', 'checkpoint.abc.tmp', 'lock.abc.tmp'].map((ending) => `journal-crew.${ending}`)
    const others = ['journal-crew-2.jsonl.abc.tmp', 'other.tmp', 'journal-crew.txt']
    for (const file of [...mine, ...others]) await writeFile(join(folder, file), 'x')
    await fill(1)
    expect(await readdir(folder)).toEqual([...others, 'journal-crew.jsonl'].sort())
  })
})

/** A disk that counts, and fails when told: `before` a call may throw, and `write` may get so many bytes out first. */
interface Plan {
  readonly before?: (call: string) => void
  readonly after?: (call: string) => void
  /** How many bytes a write to the log may take; the rest fails. */
  readonly room?: () => number
}

interface TestDisk {
  readonly storage: JournalStorage
  /** Open at the moment. */
  readonly handles: () => number
  readonly bytesRead: () => number
  /** Such as 'datasync log', 'rename log', 'sync folder'. */
  readonly calls: string[]
}

type Disk = Pick<typeof realDisk, 'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink'>

function disk(plan: Plan = {}, options: FileStorageOptions = {}): TestDisk {
  let handles = 0
  let bytesRead = 0
  const calls: string[] = []
  const kindOf = (path: string): string => {
    if (path === folder) return 'folder'
    const [, kind = 'other'] = /\.(jsonl|lock|checkpoint)\b/.exec(path) ?? []
    return `${kind === 'jsonl' ? 'log' : kind}${path.endsWith('.tmp') ? ' draft' : ''}`
  }
  const around = async <T>(call: string, run: () => Promise<T>): Promise<T> => {
    calls.push(call)
    plan.before?.(call)
    const answer = await run()
    plan.after?.(call)
    return answer
  }
  const watched = (handle: realDisk.FileHandle, kind: string): realDisk.FileHandle => {
    const methods = {
      stat: () => around(`stat ${kind}`, () => handle.stat()),
      sync: () => around(`sync ${kind}`, () => handle.sync()),
      datasync: () => around(`datasync ${kind}`, () => handle.datasync()),
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
        handles -= 1
        await handle.close()
      },
    }
    return methods as unknown as realDisk.FileHandle
  }
  const all: Disk = {
    open: async (path, flags) => {
      const handle = await around(`open ${kindOf(String(path))}`, () => realDisk.open(path, flags))
      handles += 1
      return watched(handle, kindOf(String(path)))
    },
    link: (from, to) => around(`link ${kindOf(String(to))}`, () => link(from, to)),
    rename: (from, to) => around(`rename ${kindOf(String(to))}`, () => rename(from, to)),
    stat: ((path: string) => around(`stat ${kindOf(path)}`, () => stat(path))) as Disk['stat'],
    unlink: (path) => around(`unlink ${kindOf(String(path))}`, () => unlink(path)),
    mkdir: ((path: string, how: object) => around('mkdir', () => realDisk.mkdir(path, how))) as Disk['mkdir'],
    readdir: ((path: string) => around('readdir', () => readdir(path))) as Disk['readdir'],
    readFile: ((path: string, how: 'utf8') => around('readFile', () => readFile(path, how))) as Disk['readFile'],
  }
  const internal = fileStorage as (path: string, how: FileStorageOptions, disk: Disk) => JournalStorage
  return { storage: internal(folder, options, all), handles: () => handles, bytesRead: () => bytesRead, calls }
}

const failure = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code })

describe('a disk that fails', () => {
  // Guard: `isFull` in #takeBack, `#cut` in #file.
  it.each([0, 1, 11, 12, 100])('for want of room, after %i bytes, stores nothing and says so', async (room) => {
    let left = Infinity
    const { storage, handles } = disk({
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
    await storage.close?.('crew')
    expect(await read()).toEqual(commits(1, 4))
    expect(handles()).toBe(0)
  })

  it('writes a line in as many pieces as it likes', async () => {
    const { storage } = disk({ room: () => 7 })
    await opened(storage)
    for (const next of commits(1, 3)) expect(await storage.append('crew', next)).toEqual({ appended: true })
    await storage.close?.('crew')
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
    const { storage, handles } = disk({
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
    await storage.close?.('crew')
    expect(await read()).toEqual(commits(1, 2))
    expect(handles()).toBe(0)
  })

  // Guard: `this.#handle = undefined` before the write in append.
  it.each(['truncate log', 'sync log', 'open log', 'read log', 'sync folder'])(
    'and then at %s too, is not written again before it works',
    async (second) => {
      let fails = false
      const { storage, handles } = disk({
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
      await storage.close?.('crew')
      expect(await read()).toEqual([commit(1), commit(2, { id: 'other' })])
      expect(handles()).toBe(0)
    },
  )

  // Guards: the last `readRun` in #file, and that it comes before `#cut`.
  it.each([
    ['loses what it had acknowledged', 'x', 'r+'],
    ['has another file in its place', 'x'.repeat(10_000), 'w'],
  ])('and then %s, is not written any more', async (_, text, flag) => {
    let fails = false
    const { storage } = disk({
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
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('journal_corrupt', log()))
    expect((await readFile(log())).equals(left)).toBe(true)
    if (flag === 'w') expect(left.length).toBe(text.length)
    await storage.close?.('crew')
  })

  it.each(['write log draft', 'sync log draft', 'rename log', 'open log draft'])(
    'at %s, leaves a trim undone and the log as it was',
    async (call) => {
      let fails = false
      const { storage, handles } = disk({
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
      expect(await readdir(folder)).toEqual(['journal-crew.jsonl', 'journal-crew.lock'])
      expect(await storage.append('crew', commit(6))).toEqual({ appended: true })
      fails = false
      await storage.trim('crew', 3)
      await storage.close?.('crew')
      expect(await read(3)).toEqual(commits(4, 6))
      expect(handles()).toBe(0)
    },
  )

  // Guard: `this.#file()` at the end of trim, which syncs the folder before the next append.
  it('at the sync of the folder after a trim, is not written again before it works', async () => {
    let fails = false
    const { storage } = disk({
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
    await storage.close?.('crew')
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
      const { storage, handles } = disk({
        before: (name) => {
          if (fails && name === call) throw failure('ENOSPC')
        },
      })
      await opened(storage)
      await storage.saveCheckpoint('crew', checkpoint(10))
      fails = true
      await expect(storage.saveCheckpoint('crew', checkpoint(20))).rejects.toEqual(failsWith('limit_exceeded'))
      expect((await storage.loadCheckpoint('crew'))?.seq).toBe(10)
      await storage.close?.('crew')
      expect((await readdir(folder)).filter((file) => file.endsWith('.tmp'))).toEqual([])
      expect(handles()).toBe(0)
    }
  })

  // Each call of the file system in turn is the last one that a process makes.
  it('for good, at any call, loses nothing that was acknowledged, and doubles nothing', async () => {
    for (let last = 0, isDone = false; !isDone; last++) {
      let made = 0
      const { storage } = disk({
        before: () => {
          if (made++ >= last) throw failure('EIO')
        },
        room: () => 100,
      })
      const acknowledged: number[] = []
      const checkpoints: number[] = []
      let trimmedTo = 0
      try {
        await storage.open?.('crew')
        for (const next of commits(1, 6)) {
          if ((await storage.append('crew', next)).appended) acknowledged.push(next.seq)
          if (next.seq % 2 === 0) {
            await storage.saveCheckpoint('crew', checkpoint(next.seq))
            checkpoints.push(next.seq)
            trimmedTo = next.seq - 1
            await storage.trim('crew', trimmedTo)
          }
        }
        await storage.close?.('crew')
        isDone = true
      } catch {
        // As dead as its process would be.
      }
      await rm(at('lock'), { force: true })
      const next = await opened()
      const run = await next.read('crew', 0, 10)
      const gone = 'trimmedTo' in run ? run.trimmedTo : 0
      expect(gone === trimmedTo || gone === Math.max(0, trimmedTo - 2)).toBe(true)
      const left = await read(gone, next)
      const head = gone + left.length
      expect(left).toEqual(commits(gone + 1, head))
      expect(head - (acknowledged.at(-1) ?? 0)).toBeOneOf([0, 1])
      const kept = await next.loadCheckpoint('crew')
      expect((kept?.seq ?? 0) - (checkpoints.at(-1) ?? 0)).toBeOneOf([0, 2])
      expect(await partsOf(kept)).toEqual(kept ? partsAt(kept.seq) : [])
      expect(await next.append('crew', commit(head + 1))).toEqual({ appended: true })
      await next.close?.('crew')
      expect((await readdir(folder)).filter((file) => /tmp|lock/.test(file))).toEqual([])
      for (const file of await readdir(folder)) await unlink(join(folder, file))
    }
  })
})

describe('fsync', () => {
  // Guards: `if (this.#fsync)` in append, #cut, writeNew, and #publish.
  it('comes before every answer: of the file after each append, of the folder after it was made or a file renamed', async () => {
    const { storage, calls } = disk()
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
    await storage.close?.('crew')
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
    const storage = await opened(internal(join(folder, 'a', 'b'), {}, recording))
    await storage.close?.('crew')
    expect(synced).toEqual([join(folder, 'a'), folder, join(folder, 'a', 'b')])
  })

  // Else a power cut after a trim could cost the whole journal.
  it('is left out of appends alone when switched off', async () => {
    const { storage, calls } = disk({}, { fsync: false })
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
    await storage.close?.('crew')
    expect(await read(1)).toEqual(commits(2, 3))
  })
})

describe('a commit over the limit', () => {
  // Guard: the comparison with MAX_BYTES in append.
  it('is rejected, and nothing is stored', async () => {
    const storage = await opened()
    const text = 'x'.repeat(storage.maxCommitBytes)
    const next = commit(1, { events: [{ type: 'note.written', id: 'n', at: 0, changes: { text } }] })
    await expect(storage.append('crew', next)).rejects.toEqual(failsWith('limit_exceeded', String(64 * 1024 * 1024)))
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await storage.close?.('crew')
    expect(await read()).toEqual([commit(1)])
  })
})

describe('calls that do not wait for each other', () => {
  it('run one after another, each seeing what the one before it did', async () => {
    const storage = await opened()
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
    const storage = await opened()
    let seq = 1
    for (let round = 0; round < 60; round++) {
      const leaving = new AbortController()
      const calls = [commit(seq), commit(seq), commit(seq + 1)].map((next) =>
        storage.append('crew', next, { signal: leaving.signal }).catch(() => ({ appended: 'unknown' })),
      )
      if (round % 3 > 0) for (let turns = 0; turns < round; turns++) await Promise.resolve()
      if (round % 4 === 3) await stat(folder)
      leaving.abort()
      const answers = await Promise.all(calls)
      const run = await storage.read('crew', seq - 1, 10)
      const stored = 'commits' in run ? run.commits : []
      expect(stored).toEqual(commits(seq, seq + stored.length - 1))
      expect(answers.filter(({ appended }) => appended === true).length).toBeLessThanOrEqual(stored.length)
      seq += stored.length
    }
    await storage.close?.('crew')
    expect(await read()).toEqual(commits(1, seq - 1))
  })

  it('with a signal that has aborted store nothing', async () => {
    const storage = await opened()
    const options = { signal: AbortSignal.abort() }
    await expect(storage.append('crew', commit(1), options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.trim('crew', 1, options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.read('crew', 0, 1, options)).rejects.toEqual(failsWith('cancelled'))
    await expect(storage.open?.('other', options)).rejects.toEqual(failsWith('cancelled'))
    await storage.close?.('crew')
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
    expect((await stat(log())).size).toBe(0)
  })
})
