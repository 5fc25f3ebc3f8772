import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What the demo said of one event, after it was stored. */
export interface Told {
  readonly seq: number
  readonly type: string
  readonly id: string
}

/** When a child is to be killed: so many events after its first one, and some milliseconds later. */
export interface Moment {
  readonly events: number
  readonly delayMs: number
}

export interface Killed {
  readonly told: readonly Told[]
  /** False when it ended by itself before that. */
  readonly wasKilled: boolean
  /** It left what was there for a new run. */
  readonly isAnew: boolean
  readonly err: string
}

/** Runs `npm run demo` in a process of its own, kills it with SIGKILL at a moment, and answers what it told until then. */
export async function killedAt(args: readonly string[], { events, delayMs }: Moment): Promise<Killed> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), 'examples/demo/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  let kill = (): void => {
    kill = () => undefined
    setTimeout(() => child.kill('SIGKILL'), delayMs)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    if (eventsIn(out).length >= events) kill()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  await once(child, 'close')
  const wasKilled = child.signalCode === 'SIGKILL'
  return { told: eventsIn(out), wasKilled, isAnew: out.includes('starting anew'), err }
}

/** Of whole lines: what was cut off was not told. */
function eventsIn(out: string): readonly Told[] {
  return out
    .slice(0, out.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => {
      const [, seq, type, id] = /^#(\d+) (\S+) (\S+)/.exec(line) ?? []
      return type === undefined || id === undefined ? [] : [{ seq: Number(seq), type, id }]
    })
}
