import { parseArgs } from 'node:util'

/** What the command line says. */
export interface Options {
  readonly file?: string
  readonly members?: number
  readonly folder: string
  readonly pace?: number
  readonly isFresh: boolean
  readonly isVerbose: boolean
  readonly isJson: boolean
  readonly isHelp: boolean
}

/** The command line cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `npm run demo [-- [FILE] [options]]

A crew of scripted agents works off a board. Without FILE: the sample board of a
software project. FILE: a board of JSON lines, or a workflow in WfFormat 1.5.
Killed or stopped, it goes on where it was when it is run again.

  --members K   how many members work (sample: 6, a file: 4)
  --json        the last line is one JSON object with the figures
  --folder DIR  where crews are kept (.crewlog-demo)
  --fresh       start anew, though an earlier run is not finished
  --pace N      how long agents think: 1 as for the sample, 0 not at all, as for files
  --verbose     a line for each event once it is stored, in place of the progress
  --help        this text
`

/** Throws UsageError. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  const [file, more] = positionals
  if (more !== undefined) throw new UsageError(`takes one FILE, not also "${more}"`)
  const { members, pace } = values
  return {
    ...(file !== undefined && { file }),
    ...(members !== undefined && { members: numberOf('--members', members, /^[1-9]\d{0,3}$/, 'from 1 to 9999') }),
    folder: values.folder ?? '.crewlog-demo',
    ...(pace !== undefined && { pace: numberOf('--pace', pace, /^\d{1,3}(?:\.\d+)?$/, 'from 0 to 999') }),
    isFresh: values.fresh === true,
    isVerbose: values.verbose === true,
    isJson: values.json === true,
    isHelp: values.help === true,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        members: { type: 'string' },
        folder: { type: 'string' },
        pace: { type: 'string' },
        json: { type: 'boolean' },
        fresh: { type: 'boolean' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split(/\.?\s*\n|\. /)[0] ?? '') : String(error))
  }
}

function numberOf(option: string, text: string, shape: RegExp, range: string): number {
  if (!shape.test(text)) throw new UsageError(`${option} takes a number ${range}, not "${text}"`)
  return Number(text)
}
