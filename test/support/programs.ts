import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { build } from 'tsup'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { folder, lockFile, log } from './journal-folder.js'

let running: ChildProcess[] = []
/** Of the storage as plain JavaScript, because programs that compile it themselves take four times as long to start. */
let compiled = ''

/** Lets each test of the file run programs over its folder, which end with the test. Call it after `useFolder`. */
export function usePrograms(): void {
  beforeAll(async () => {
    compiled = await mkdtemp(join(tmpdir(), 'crewlog-'))
    const entry = { storage: 'src/storage/file.ts' }
    const outExtension = (): { js: string } => ({ js: '.mjs' })
    await build({
      entry,
      outDir: compiled,
      outExtension,
      format: 'esm',
      noExternal: [/./],
      config: false,
      silent: true,
    })
  })
  afterAll(async () => {
    await rm(compiled, { recursive: true })
  })
  afterEach(async () => {
    await Promise.all(running.map(kill))
    running = []
  })
}

/** What every program below can use: `storage`, `say(text)`, and `told()`, the next line it is sent. */
const prelude = (): string => `
  import { writeSync } from 'node:fs'
  import * as files from 'node:fs/promises'
  import { createInterface } from 'node:readline'
  import { fileStorage } from ${JSON.stringify(pathToFileURL(join(compiled, 'storage.mjs')).href)}
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

export interface Program {
  readonly child: ChildProcess
  readonly said: readonly string[]
  /** The next thing it says. */
  next(): Promise<string>
  tell(line: string): void
}

/** Runs `program` in a process of its own, or as `"$0" "$@"` of a shell's `script`. */
export function start(program: string, env: NodeJS.ProcessEnv = {}, script?: string): Program {
  const node = [process.execPath, '--input-type=module', '-e']
  const words = [...(script ? ['-c', script] : []), ...node, `${prelude()}\n${program}`]
  const child = spawn(script ? 'sh' : words.shift()!, words, {
    env: { ...process.env, ...env, CREWLOG_FOLDER: folder() },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
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

/** Holds the journal until it is told something. */
export const HOLD = `
  await storage.open('crew')
  say('open')
  await told()
  await storage.close('crew')
  say('closed')
  process.exit()
`

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

let stale: string | undefined

/** What a holder that is dead now left in the lock file. */
export async function staleLock(): Promise<string> {
  if (stale !== undefined) return stale
  const holder = start(HOLD)
  await holder.next()
  stale = await readFile(lockFile(), 'utf8')
  await kill(holder.child)
  for (const file of [lockFile(), log()]) await unlink(file)
  return stale
}
