import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..', '..')

/** A program of TypeScript as plain JavaScript, because one that compiles itself takes four times as long to start. */
export interface Program {
  /** Runs it in a process of its own, with a text to go by. */
  start(what: unknown, onLine: (line: string) => void): Child
  remove(): Promise<void>
}

export interface Child {
  /** Ends when the process has, and all that it said has been heard. */
  readonly ended: Promise<void>
  /** What it wrote to its standard error. */
  readonly complaint: string
  /** Whether it ended by a signal that was sent to it. */
  readonly wasKilled: boolean
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  tell(line: string): void
}

/** `entry` is a path from the root of the repository. */
export async function compileProgram(entry: string): Promise<Program> {
  // Within the reach of node_modules: what is there is imported as it is.
  const cache = join(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const outdir = await mkdtemp(join(cache, 'crewlog-program-'))
  await build({
    absWorkingDir: ROOT,
    entryPoints: { program: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
  })
  return {
    start: (what, onLine) => startChild(join(outdir, 'program.mjs'), what, onLine),
    remove: () => rm(outdir, { recursive: true }),
  }
}

function startChild(file: string, what: unknown, onLine: (line: string) => void): Child {
  const child = spawn(process.execPath, ['--enable-source-maps', file, JSON.stringify(what)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const lines = createInterface({ input: child.stdout }).on('line', onLine)
  return {
    ended: endOf(child, lines),
    get complaint() {
      return complaint
    },
    get wasKilled() {
      return child.signalCode === 'SIGKILL'
    },
    signal(name) {
      child.kill(name)
    },
    tell(line) {
      child.stdin.write(`${line}\n`)
    },
  }
}

async function endOf(child: ChildProcess, lines: ReturnType<typeof createInterface>): Promise<void> {
  await Promise.all([once(child, 'close'), once(lines, 'close')])
}
