import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect } from 'vitest'
import type { CrewErrorCode } from '../../src/core/errors.js'
import type { Commit, JournalStorage } from '../../src/core/journal/journal-storage.js'
import { fileStorage } from '../../src/storage/file.js'
import { commits } from '../../src/testing/storage-contract/samples.js'

let path = ''

/** Gives each test of the file a folder of its own; most keep the journal 'crew' in it. */
export function useFolder(): void {
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'crewlog-'))
  })
  afterEach(async () => {
    await rm(path, { recursive: true, force: true })
  })
}

export const folder = (): string => path
/** The file of 'crew' with that ending. */
export const at = (ending: string): string => join(path, `journal-crew.${ending}`)
export const log = (): string => at('jsonl')
export const lockFile = (): string => at('lock')

export async function opened(storage = fileStorage(path)): Promise<JournalStorage> {
  await storage.open?.('crew')
  return storage
}

export async function closed(storage: JournalStorage): Promise<void> {
  await storage.close?.('crew')
}

/** Opens the journal, appends up to commit `to`, and closes it again. */
export async function fill(to: number, from = 1): Promise<void> {
  const storage = await opened()
  for (const next of commits(from, to)) expect(await storage.append('crew', next)).toEqual({ appended: true })
  await closed(storage)
}

/** All behind `after`. */
export async function read(after = 0, storage = fileStorage(path)): Promise<readonly Commit[]> {
  const run = await storage.read('crew', after, Infinity)
  if ('trimmedTo' in run) throw new Error(`trimmed to ${run.trimmedTo}`)
  return run.commits
}

/** An error with that code, and these texts in its message, in that order. */
export const failsWith = (code: CrewErrorCode, ...texts: readonly string[]): Error =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(texts.map(escape).join('.*') || '.') as unknown,
  }) as Error

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** A line as the files have them. */
export const seal = (text: string): string => `["${crc32(text).toString(16).padStart(8, '0')}",${text}]\n`
