import fc from 'fast-check'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type Crew, CrewError, openCrew } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'
import { at, folder, log, useFolder } from '../../support/journal-folder.js'
import { stateOf } from '../../support/crew-state.js'
import { fileStorage } from '../../../src/storage/file.js'

useFolder()

const files = (): readonly string[] => [log(), at('checkpoint-1.jsonl'), at('checkpoint-2.jsonl')]

/** A crew in files: two checkpoints, with commits before, between and after them. Answers its state after every commit. */
async function filled(isTrimmed: boolean): Promise<ReadonlyMap<number, string>> {
  const environment = manualEnvironment()
  const storage = fileStorage(folder(), { fsync: false })
  const crew = await openCrew({ storage, environment })
  const states = new Map([[0, shown(await openCrew({ environment }))]])
  const done = async (command: Promise<unknown>): Promise<void> => {
    await command
    states.set(crew.journal.head?.seq ?? 0, shown(crew))
  }
  await done(crew.join('ana', { capacity: 2 }))
  await done(crew.tracker.create({ id: 'a', description: 'A', labels: ['x'] }))
  await crew.checkpoint()
  await done(crew.tracker.create({ id: 'b', description: 'B', dependsOn: ['a'] }))
  await done(crew.tracker.start('a', { by: 'ana' }))
  await done(crew.as('ana').send('ana', 'Hello'))
  await crew.checkpoint()
  const { seq } = crew.journal.head!
  await done(crew.tracker.complete('a', { result: 'done' }))
  if (isTrimmed) await storage.trim('crew', seq - 1)
  await done(crew.as('ana').send('ana', 'Again'))
  await crash(crew)
  await storage.close?.('crew')
  return states
}

const shown = (crew: Crew): string => JSON.stringify(stateOf(crew))

/** What is in the files: another way to look than the one that is tested. */
async function contents(): Promise<readonly Buffer[]> {
  return Promise.all(files().map((file) => readFile(file)))
}

async function put(all: readonly Buffer[]): Promise<void> {
  for (const [index, file] of files().entries()) {
    await rm(file, { force: true })
    await writeFile(file, all[index]!)
  }
}

/** A crew over the files as they are answers with a clear error, or with the state after one of the commits. */
async function expectClear(states: ReadonlyMap<number, string>, what: string): Promise<void> {
  const storage = fileStorage(folder(), { fsync: false })
  try {
    const crew = await openCrew({ storage, environment: manualEnvironment() })
    const state = shown(crew)
    const { seq = 0 } = crew.journal.head ?? {}
    await crash(crew)
    expect(state, what).toBe(states.get(seq))
  } catch (error) {
    if (!CrewError.is(error)) throw error
    expect(['journal_corrupt', 'unsupported_version', 'storage_unavailable'], what).toContain(error.code)
  } finally {
    await storage.close?.('crew')
  }
}

const damages = {
  flip: (bytes: Buffer, at: number, by: number) => {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ by
    return damaged
  },
  cut: (bytes: Buffer, at: number) => bytes.subarray(0, at),
  drop: (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  double: (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 9))]),
}

describe('a crew over files of which any byte is damaged', () => {
  it.each([
    ['the whole log and two checkpoints', false],
    ['a log that begins with the newer checkpoint', true],
  ])('is, with %s, in a state that it was in, or says that it is damaged', async (_, isTrimmed) => {
    const states = await filled(isTrimmed)
    const whole = await contents()
    await expectClear(states, 'nothing damaged')
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: files().length - 1 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom(...(Object.keys(damages) as (keyof typeof damages)[])),
        fc.integer({ min: 1, max: 255 }),
        async (file, place, how, by) => {
          const bytes = whole[file]!
          const at = Math.floor(place * bytes.length)
          await put(whole.with(file, damages[how](bytes, at, by)))
          await expectClear(states, `${how} ${files()[file]} at ${at}`)
        },
      ),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 150) },
    )
  })
})
