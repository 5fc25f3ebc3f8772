import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, type afterAll } from 'vitest'

// Servers that a test starts for itself, to stop them, to fill them up, and to set them wrongly.

/** Whether tests that start `binary` have to be skipped, which is said in a line; with CREWLOG_REQUIRE_SERVICES=1 it throws instead. */
export function isNotInstalled(binary: string): boolean {
  if (spawnSync(binary, ['--version']).status === 0) return false
  const missing = `${binary} is not installed, which tests start servers of their own with`
  if (process.env.CREWLOG_REQUIRE_SERVICES === '1') throw new Error(missing)
  console.warn(`Skipped: ${missing}`)
  return true
}

/** One server with a port and a folder of its own, which it keeps when it is started again. */
export class OwnServer {
  readonly port: number
  readonly folder: string
  readonly #command: (server: OwnServer) => readonly [binary: string, ...args: string[]]
  /** A line that it writes when it can be talked to. */
  readonly #ready: string
  #child: ChildProcess | undefined

  private constructor(
    port: number,
    folder: string,
    command: (server: OwnServer) => readonly [binary: string, ...args: string[]],
    ready: string,
  ) {
    this.port = port
    this.folder = folder
    this.#command = command
    this.#ready = ready
  }

  static async make(
    command: (server: OwnServer) => readonly [binary: string, ...args: string[]],
    ready: string,
  ): Promise<OwnServer> {
    const folder = await mkdtemp(join(tmpdir(), 'crewlog-server-'))
    const server = new OwnServer(await freePort(), folder, command, ready)
    running.push(server)
    return server
  }

  async start(...more: readonly string[]): Promise<void> {
    const [binary, ...args] = this.#command(this)
    const child = spawn(binary, [...args, ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const said: string[] = []
    await new Promise<void>((resolve, reject) => {
      for (const output of [child.stdout, child.stderr])
        createInterface({ input: output }).on('line', (line) => {
          said.push(line)
          if (line.includes(this.#ready)) resolve()
        })
      child.once('error', reject)
      child.once('close', () => reject(new Error(`${binary} ended: ${said.join('\n')}`)))
    })
  }

  /** Without a word to anybody, unless told otherwise. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
  }

  /** SIGSTOP: it answers nothing, and its connections stay. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name)
  }
}

let running: OwnServer[] = []

/** Ends the servers of each test with it, or those of all tests after them. */
export function useOwnServers(after: typeof afterEach | typeof afterAll = afterEach): void {
  after(async () => {
    for (const server of running) {
      await server.stop()
      await rm(server.folder, { recursive: true, force: true })
    }
    running = []
  })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
