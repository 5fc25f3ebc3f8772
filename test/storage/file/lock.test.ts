import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Commit } from '../../../src/core/journal/journal-storage.js'
import { fileStorage } from '../../../src/storage/file.js'
import { closed, failsWith, folder, lockFile, opened, useFolder } from '../../support/journal-folder.js'
import { HOLD, staleLock, start, usePrograms } from '../../support/programs.js'
import { commit } from '../../../src/testing/storage-contract/samples.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

/** Start times of processes, and ids of boots and namespaces, are known there alone. */
const onLinux = it.runIf(process.platform === 'linux')

useFolder()
usePrograms()

describe('a journal that another process holds', () => {
  it('is refused, with process, machine and lock file, also while that is stopped, until it is closed there', async () => {
    const holder = start(HOLD)
    await holder.next()
    const refusal = failsWith('storage_unavailable', `process ${holder.child.pid} on ${hostname()}`, lockFile())
    await expect(opened()).rejects.toEqual(refusal)
    await expect(opened()).rejects.toMatchObject({ details: { pid: holder.child.pid, lockFile: lockFile() } })
    holder.child.kill('SIGSTOP')
    await expect(opened()).rejects.toEqual(refusal)
    holder.child.kill('SIGCONT')
    holder.tell('close')
    await holder.next()
    await closed(await opened())
  })

  it('can be read while it is written, trimmed and given checkpoints', async () => {
    const writer = start(`
      await storage.open('crew')
      say('open')
      async function* parts() { yield '1'; yield '2' }
      for (let last = await head(); ; ) {
        const commit = next(last, last.seq % 7 === 0 ? 300000 : 100)
        await storage.append('crew', commit)
        last = commit
        if (last.seq % 20 === 0) await storage.saveCheckpoint('crew', { seq: last.seq, id: last.id, format: 1, parts: parts() })
        if (last.seq % 30 === 0) await storage.trim('crew', last.seq - 15)
      }
    `)
    await writer.next()
    const reader = fileStorage(folder())
    let last: Pick<Commit, 'seq' | 'id'> | undefined
    for (const end = performance.now() + 500; performance.now() < end;) {
      const run = await reader.read('crew', last?.seq ?? 0, 7)
      if ('trimmedTo' in run) {
        expect(run.trimmedTo).toBeGreaterThan(last?.seq ?? 0)
        const kept = await reader.loadCheckpoint('crew')
        expect(kept?.seq).toBeGreaterThanOrEqual(run.trimmedTo)
        last = kept
      } else {
        for (const { seq, id, prev } of run.commits) {
          if (last) expect({ seq, prev }).toEqual({ seq: last.seq + 1, prev: last.id })
          last = { seq, id }
        }
      }
    }
    expect(last?.seq).toBeGreaterThan(10)
  })
})

describe('the lock file of a holder that is gone', () => {
  it('is taken over, and removed by the next close', async () => {
    await writeFile(lockFile(), await staleLock())
    const storage = await opened()
    expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() })
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    await closed(storage)
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  it('is taken over by somebody else though one died while taking it over', async () => {
    const text = await staleLock()
    for (const path of ['', '+', '++']) await writeFile(`${lockFile()}${path}`, text)
    await closed(await opened())
    expect(await readdir(folder())).toEqual(['journal-crew.jsonl'])
  })

  // Guards: `start !== holder.start`, the comparison of boots, `isEnded`, each in lifeOf.
  onLinux('is known by the start of the process, when its number is in use again', async () => {
    const dead = JSON.parse(await staleLock()) as Record<string, unknown>
    await writeFile(lockFile(), JSON.stringify({ ...dead, pid: process.pid, start: '1' }))
    await closed(await opened())
  })

  onLinux('is known by the boot of the machine', async () => {
    const dead = JSON.parse(await staleLock()) as Record<string, unknown>
    await writeFile(lockFile(), JSON.stringify({ ...dead, pid: process.pid, start: '1', boot: 'b', namespace: 'n' }))
    await closed(await opened())
  })

  onLinux('is known though its parent never asked how it ended', async () => {
    const program = `await storage.open('crew'); say('open'); setInterval(() => undefined, 1000)`
    const holder = start(program, {}, `"$0" "$@" & exec sleep 100`)
    await holder.next()
    const { pid } = JSON.parse(await readFile(lockFile(), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    // One thread left, the one that ended first: with others, a write may be under way.
    await expect.poll(() => readFile(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z (?:\S+ ){16}1 /)
    await closed(await opened())
  })
})

describe('the lock file of a holder that cannot be looked up', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['is on another machine', { host: 'elsewhere' }, 'on another machine'],
    ['is on another machine that was started at another time', { host: 'elsewhere', boot: 'b' }, 'on another machine'],
    ['is in another container', { namespace: 'pid:[1]' }, 'in another container'],
    ['does not know when its machine was started', { boot: '' }, 'in another container'],
  ])('is left alone when it %s, and the message names the file to delete', async (_, change, where) => {
    const dead = JSON.parse(await staleLock()) as Record<string, unknown>
    if (process.platform !== 'linux' && !('host' in change)) return
    const text = JSON.stringify({ ...dead, ...change })
    await writeFile(lockFile(), text)
    await expect(opened()).rejects.toEqual(
      failsWith('storage_unavailable', `process ${String(dead['pid'])}`, lockFile(), where, 'delete that file'),
    )
    expect(await readFile(lockFile(), 'utf8')).toBe(text)
    await unlink(lockFile())
    await closed(await opened())
  })

  it.each(['', 'x', 'null', '{"pid":1}'])('is left alone when it says %j', async (text) => {
    await writeFile(lockFile(), text)
    await expect(opened()).rejects.toEqual(failsWith('storage_unavailable', lockFile(), 'delete that file'))
    expect(await readFile(lockFile(), 'utf8')).toBe(text)
  })

  it('is left alone when it names a group of processes', async () => {
    const dead = JSON.parse(await staleLock()) as Record<string, unknown>
    for (const pid of [0, -1, 1.5]) {
      await writeFile(lockFile(), JSON.stringify({ ...dead, pid }))
      await expect(opened()).rejects.toEqual(failsWith('storage_unavailable', 'delete that file'))
    }
  })
})
