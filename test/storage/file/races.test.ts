import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Commit } from '../../../src/core/journal/journal-storage.js'
import { fileStorage } from '../../../src/storage/file.js'
import { closed, folder, lockFile, opened, useFolder } from '../../support/journal-folder.js'
import { kill, staleLock, start, usePrograms } from '../../support/programs.js'
import { commits, partsOf } from '../../../src/testing/storage-contract/samples.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

const KILLS = Number(process.env['CREWLOG_KILLS'] ?? 3)
const ROUNDS = Number(process.env['CREWLOG_ROUNDS'] ?? 15)

/** All that is left, and the number of the last commit that is gone. */
async function readAll(): Promise<{ readonly trimmedTo: number; readonly left: readonly Commit[] }> {
  const storage = fileStorage(folder())
  const run = await storage.read('crew', 0, 1)
  const trimmedTo = 'trimmedTo' in run ? run.trimmedTo : 0
  const rest = await storage.read('crew', trimmedTo, Infinity)
  return { trimmedTo, left: 'commits' in rest ? rest.commits : [] }
}

function expectChain({ trimmedTo, left }: { readonly trimmedTo: number; readonly left: readonly Commit[] }): void {
  expect(left.map(({ seq }) => seq)).toEqual(left.map((_, index) => trimmedTo + 1 + index))
  expect(left.slice(1).map(({ prev }) => prev)).toEqual(left.slice(0, -1).map(({ id }) => id))
}

useFolder()
usePrograms()

describe('several who take over at the same moment', () => {
  // Guard: the second lock in `acquire`, and the second look under it.
  it('are let in one at a time', { timeout: 600_000 }, async () => {
    const stale = await staleLock()
    const racers = [1, 2, 3].map(() =>
      start(`
        say('ready')
        for (;;) {
          const time = Number(await told())
          while (Date.now() < time);
          const answer = await storage.open('crew').then(() => 'in', ({ code, message }) => message.includes('is locked by process') ? code : message)
          say(answer)
          await told()
          if (answer === 'in') await storage.close('crew')
          say('closed')
        }
      `),
    )
    for (const racer of racers) await racer.next()
    for (let round = 0; round < ROUNDS; round++) {
      await writeFile(lockFile(), stale)
      if (round % 2 === 1) await writeFile(`${lockFile()}+`, stale)
      const time = Date.now() + 3
      for (const racer of racers) racer.tell(String(time))
      const answers = await Promise.all(racers.map((racer) => racer.next()))
      expect(answers.sort()).toEqual(['in', 'storage_unavailable', 'storage_unavailable'])
      for (const racer of racers) racer.tell('close')
      await Promise.all(racers.map((racer) => racer.next()))
    }
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  it('never push out one who has just got in', { timeout: 600_000 }, async () => {
    await writeFile(join(folder(), 'stale'), await staleLock())
    // Each holder leaves as if it had been killed: with a stale lock behind it. Two at once would find the witness.
    const racers = [1, 2, 3].map(() =>
      start(`
        let held = 0
        while (held < ${ROUNDS}) {
          try {
            await storage.open('crew')
          } catch (error) {
            if (!error.message.includes('is locked by process')) throw error
            continue
          }
          await files.writeFile(folder + '/witness', '', { flag: 'wx' })
          const answer = await storage.append('crew', next(await head()))
          if (!answer.appended) throw new Error('refused')
          await files.unlink(folder + '/witness')
          await storage.close('crew')
          await files.link(folder + '/stale', folder + '/journal-crew.lock').catch(() => undefined)
          held++
        }
        say('done')
        process.exit()
      `),
    )
    for (const racer of racers) expect(await racer.next()).toBe('done')
    const all = await readAll()
    expectChain(all)
    expect(all.left.length).toBe(3 * ROUNDS)
  })
})

describe('a writer that is killed', () => {
  it(`loses nothing that was acknowledged and doubles nothing, ${KILLS} times`, { timeout: 600_000 }, async () => {
    const acknowledged = new Map<number, string>()
    for (let round = 0; round < KILLS; round++) {
      const writer = start(
        `
          say('ready')
          await storage.open('crew')
          let last = await head()
          if (last.id === '') last = { seq: last.seq, id: '' }
          async function* parts(seq) { yield String(seq); yield JSON.stringify('x'.repeat(50000)) }
          for (;;) {
            const commit = next(last, Math.random() < 0.1 ? 200000 * Math.random() : 300 * Math.random())
            const answer = await storage.append('crew', commit)
            if (!answer.appended) throw new Error('refused at ' + commit.seq)
            say(commit.seq + ' ' + commit.id)
            last = commit
            if (last.seq % 40 === 0) await storage.saveCheckpoint('crew', { seq: last.seq, id: last.id, format: 1, parts: parts(last.seq) })
            if (last.seq % 50 === 0) await storage.trim('crew', last.seq - 30)
          }
        `,
        { CREWLOG_FSYNC: round % 3 === 2 ? 'no' : 'yes' },
      )
      await writer.next()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * (round % 2 ? 250 : 60)))
      await kill(writer.child)
      const acks = writer.said.slice(1).map((line) => line.split(' '))
      for (const [seq = '', id = ''] of acks) acknowledged.set(Number(seq), id)
      const reader = await readAll()
      const storage = await opened()
      const all = await readAll()
      // What a torn tail hides from a reader, no holder brings back; the other way round, neither.
      expect(reader).toEqual(all)
      await closed(storage)
      expectChain(all)
      for (const { seq, id } of all.left) expect(acknowledged.get(seq) ?? id).toBe(id)
      const newest = Math.max(0, ...acknowledged.keys())
      expect(all.trimmedTo + all.left.length - newest).toBeOneOf([0, 1])
      // One whose answer the kill cut off stands all the same.
      for (const { seq, id } of all.left) acknowledged.set(seq, id)
      expect(all.left.length).toBeGreaterThanOrEqual(Math.min(newest, 30))
      const kept = await fileStorage(folder()).loadCheckpoint('crew')
      if (kept) expect((await partsOf(kept))[0]).toBe(String(kept.seq))
      expect((await readdir(folder())).filter((file) => /tmp|lock/.test(file))).toEqual([])
    }
    const storage = await opened()
    const { trimmedTo, left } = await readAll()
    const last = left.at(-1)
    const more = commits(trimmedTo + left.length + 1, trimmedTo + left.length + 1).map((each) => ({
      ...each,
      prev: last?.id ?? '',
    }))
    for (const each of more) expect(await storage.append('crew', each)).toEqual({ appended: true })
    await closed(storage)
  })
})
