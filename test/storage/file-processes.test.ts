import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CrewErrorCode } from '../../src/core/errors.js'
import type { Commit, JournalStorage } from '../../src/core/journal-storage.js'
import { fileStorage } from '../../src/storage/file.js'
import { commit, commits, partsOf } from '../support/storage-contract.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

const KILLS = Number(process.env['CREWLOG_KILLS'] ?? 6)
const ROUNDS = Number(process.env['CREWLOG_ROUNDS'] ?? 60)
/** Start times of processes, and ids of boots and namespaces, are known there alone. */
const onLinux = it.runIf(process.platform === 'linux')

let folder = ''
let running: ChildProcess[] = []
const lockFile = (): string => join(folder, 'journal-crew.lock')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crewlog-'))
})
afterEach(async () => {
  await Promise.all(running.map(kill))
  running = []
  await rm(folder, { recursive: true })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** What every program below can use: `storage`, `say(text)`, and `told()`, the next line it is sent. */
const PRELUDE = `
  import { writeSync } from 'node:fs'
  import * as files from 'node:fs/promises'
  import { createInterface } from 'node:readline'
  import { fileStorage } from ${JSON.stringify(new URL('../../src/storage/file.ts', import.meta.url).href)}
  const folder = process.env.CREWLOG_FOLDER
  const storage = fileStorage(folder, { fsync: process.env.CREWLOG_FSYNC !== 'no' })
  const say = (text) => writeSync(1, text + '\\n')
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const told = async () => (await lines.next()).value
  async function head() {
    let found = { seq: 0, id: '' }
    for (;;) {
      const run = await storage.read('crew', found.seq, 1000)
      if (run.commits?.length === 0) return found
      found = run.commits?.at(-1) ?? { seq: run.trimmedTo, id: '' }
    }
  }
  const next = ({ seq, id }, length = 10) => ({
    seq: seq + 1, id: process.pid + '-' + (seq + 1), prev: id, format: 1, at: 0,
    events: [{ type: 'note.written', id: 'n', at: 0, changes: { text: 'x'.repeat(length) } }],
  })
`

interface Program {
  readonly child: ChildProcess
  readonly said: readonly string[]
  /** The next thing it says. */
  next(): Promise<string>
  tell(line: string): void
}

function start(program: string, env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', `${PRELUDE}\n${program}`],
    { env: { ...process.env, ...env, CREWLOG_FOLDER: folder }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  running.push(child)
  const said: string[] = []
  let taken = 0
  let wake = (): void => undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line)
    wake()
  })
  child.on('close', () => {
    wake()
  })
  return {
    child,
    said,
    async next() {
      while (said.length <= taken) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('the program has ended')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return said[taken++] ?? ''
    },
    tell(line) {
      child.stdin.write(`${line}\n`)
    },
  }
}

const HOLD = `
  await storage.open('crew')
  say('open')
  await told()
  await storage.close('crew')
  say('closed')
  process.exit()
`

async function opened(storage = fileStorage(folder)): Promise<JournalStorage> {
  await storage.open?.('crew')
  return storage
}

async function closed(storage: JournalStorage): Promise<void> {
  await storage.close?.('crew')
}

const failsWith = (code: CrewErrorCode, ...texts: readonly string[]): unknown =>
  expect.objectContaining({
    code,
    retryable: true,
    message: expect.toSatisfy((message: string) => texts.every((text) => message.includes(text))) as unknown,
  })

/** All that is left, and the number of the last commit that is gone. */
async function readAll(): Promise<{ readonly trimmedTo: number; readonly left: readonly Commit[] }> {
  const storage = fileStorage(folder)
  const run = await storage.read('crew', 0, 1)
  const trimmedTo = 'trimmedTo' in run ? run.trimmedTo : 0
  const rest = await storage.read('crew', trimmedTo, Infinity)
  return { trimmedTo, left: 'commits' in rest ? rest.commits : [] }
}

function expectChain({ trimmedTo, left }: { readonly trimmedTo: number; readonly left: readonly Commit[] }): void {
  expect(left.map(({ seq }) => seq)).toEqual(left.map((_, index) => trimmedTo + 1 + index))
  expect(left.slice(1).map(({ prev }) => prev)).toEqual(left.slice(0, -1).map(({ id }) => id))
}

/** The lock file that a holder leaves who is killed. */
async function staleLock(): Promise<string> {
  const holder = start(HOLD)
  await holder.next()
  const text = await readFile(lockFile(), 'utf8')
  await kill(holder.child)
  return text
}

describe('a journal that another process holds', () => {
  it('is refused, with process, machine and lock file, until it is closed there', async () => {
    const holder = start(HOLD)
    await holder.next()
    const refusal = failsWith('storage_unavailable', `process ${holder.child.pid} on ${hostname()}`, lockFile())
    await expect(opened()).rejects.toEqual(refusal)
    await expect(opened()).rejects.toMatchObject({ details: { pid: holder.child.pid, lockFile: lockFile() } })
    holder.tell('close')
    await holder.next()
    await closed(await opened())
  })

  it('stays so while that process is stopped', async () => {
    const holder = start(HOLD)
    await holder.next()
    holder.child.kill('SIGSTOP')
    await expect(opened()).rejects.toEqual(failsWith('storage_unavailable', String(holder.child.pid)))
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
    const reader = fileStorage(folder)
    let last: Pick<Commit, 'seq' | 'id'> | undefined
    for (const end = performance.now() + 1000; performance.now() < end;) {
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
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  it('is taken over by somebody else though one died while taking it over', async () => {
    const text = await staleLock()
    for (const path of ['', '+', '++']) await writeFile(`${lockFile()}${path}`, text)
    await closed(await opened())
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
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
    const script = `"$0" "$@" & exec sleep 100`
    const program = `${PRELUDE}\nawait storage.open('crew'); say('open'); setInterval(() => undefined, 1000)`
    const code = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program]
    const env = { ...process.env, CREWLOG_FOLDER: folder }
    const parent = spawn('sh', ['-c', script, process.execPath, ...code], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    running.push(parent)
    await once(parent.stdout, 'data')
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
      failsWith('storage_unavailable', `process ${String(dead['pid'])}`, where, lockFile(), 'delete that file'),
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
    expect(await readdir(folder)).toEqual(['journal-crew.jsonl'])
  })

  it('never push out one who has just got in', { timeout: 600_000 }, async () => {
    await writeFile(join(folder, 'stale'), await staleLock())
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
      const kept = await fileStorage(folder).loadCheckpoint('crew')
      if (kept) expect((await partsOf(kept))[0]).toBe(String(kept.seq))
      expect((await readdir(folder)).filter((file) => /tmp|lock/.test(file))).toEqual([])
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
