import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fileStorage, type FileStorageOptions } from '../../../src/storage/file.js'
import { closed, failsWith, fill, folder, log, opened, useFolder } from '../../support/journal-folder.js'
import { checkpoint, commit, commits } from '../../../src/testing/storage-contract/samples.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

useFolder()

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
    const storage = await opened(fileStorage(join(folder(), 'a', 'b')))
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
    expect(await readdir(join(folder(), 'a', 'b'))).toEqual(['journal-crew.jsonl'])
  })

  it('name no file', async () => {
    await writeFile(join(folder(), 'file'), '')
    await expect(opened(fileStorage(join(folder(), 'file')))).rejects.toEqual(failsWith('storage_unavailable', 'file'))
  })

  it('let names of journals be texts of whole characters only', async () => {
    const storage = fileStorage(folder())
    for (const name of ['', 'a\ud800', 5, undefined])
      await expect(storage.open?.(name as string)).rejects.toEqual(failsWith('invalid_input'))
  })
})

describe('files', () => {
  it('have legal names that differ by more than case, whatever the names of the journals', async () => {
    const names = ['a/b', 'a%2fb', 'a%2Fb', 'A/b', 'a', 'A', '%41', 'a.b', 'a b', 'con', 'é', '~a', '@'.repeat(128)]
    const storage = fileStorage(folder())
    const long = 'x'.repeat(201)
    names.push(`${'@'.repeat(127)}a`, long.slice(1), long, createHash('sha256').update(long).digest('hex'))
    for (const name of names) {
      await storage.open?.(name)
      expect(await storage.append(name, commit(1))).toEqual({ appended: true })
      await storage.close?.(name)
    }
    const files = await readdir(folder())
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
    const storage = fileStorage(folder())
    for (const call of [
      storage.append('crew', commit(1)),
      storage.trim('crew', 1),
      storage.saveCheckpoint('crew', checkpoint(1)),
    ])
      await expect(call).rejects.toEqual(failsWith('not_open', 'crew', 'open()'))
    await fill(1)
    await storage.open?.('crew')
    await closed(storage)
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('not_open'))
  })
})
