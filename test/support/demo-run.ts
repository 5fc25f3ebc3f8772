import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { runDemo } from '../../examples/demo/demo.js'

/** What a run of the demo in this process left behind. */
export interface DemoRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The figures of `--json`. */
export interface Figures {
  readonly tasks: number
  readonly edges: number
  readonly ready: number
  readonly blocked: number
  readonly completed: number
  readonly failed: number
  readonly members: number
  readonly makespanMs: number
}

/** A folder of its own for each test, gone after it. */
export function temporaryFolder(): () => string {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crewlog-demo-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
  })
  return () => folder
}

export interface Terminal {
  readonly signal?: AbortSignal
  readonly isTTY?: boolean
  /** Hears all that is written. */
  readonly onWrite?: (text: string) => void
}

/** Runs the demo in this process. */
export async function demo(
  args: readonly string[],
  { signal = new AbortController().signal, isTTY = false, onWrite }: Terminal = {},
): Promise<DemoRun> {
  let out = ''
  let err = ''
  const code = await runDemo(args, {
    signal,
    out: {
      isTTY,
      write(text) {
        out += text
        onWrite?.(text)
      },
    },
    err: {
      write(text) {
        err += text
      },
    },
  })
  return { code, out, err }
}

export const figuresOf = (out: string): Figures => JSON.parse(out.trim().split('\n').at(-1) ?? '') as Figures

/** A workflow in WfFormat 1.5, as small as it can be. */
export function workflowText(
  tasks: readonly { readonly id: string; readonly seconds: number; readonly parents?: readonly string[] }[],
): string {
  return JSON.stringify({
    name: 'test',
    schemaVersion: '1.5',
    workflow: {
      specification: {
        tasks: tasks.map(({ id, parents = [] }) => ({
          name: id,
          id,
          parents,
          children: tasks.filter((other) => other.parents?.includes(id)).map((other) => other.id),
        })),
      },
      execution: { tasks: tasks.map(({ id, seconds }) => ({ id, runtimeInSeconds: seconds })) },
    },
  })
}
