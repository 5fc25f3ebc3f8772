import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { CrewError } from 'crewlog'
import { InputError } from '../../examples/demo/input-error.js'
import { assign } from './assign.js'
import { type Problem, readProblems } from './problem-file.js'
import { schedule } from './schedule.js'

const USAGE = `npm run assign -- FILE|FOLDER… [--members 4] [--json]

Lets strategies solve recorded problems, and checks the answers by the file alone.

  .json  a flexible job shop, or a workflow (WfFormat 1.5), for so many members who are alike
  .txt   a square matrix of costs, or generalised assignment problems as in the OR-library

  --json  one JSON object for each problem: its cost, value or makespan, and whether it is valid`

/** Where lines go. */
export interface Output {
  readonly out: (line: string) => void
  readonly error: (line: string) => void
}

/** Answers the exit code: 0 when all could be read and every answer is valid, else 1. */
export async function run(args: readonly string[], { out, error }: Output): Promise<number> {
  let code = 0
  const fail = (why: unknown, of?: string): void => {
    // A mistake of who wrote the file; anything else is ours, and shows its stack.
    if (!(why instanceof InputError) && !CrewError.is(why)) throw why
    error(of === undefined ? why.message : `${of}: ${why.message}`)
    code = 1
  }
  try {
    const { paths, members, isJson } = readArguments(args)
    for (const path of await filesOf(paths, fail))
      try {
        for (const problem of readProblems(nameOf(path), await access(() => readFile(path, 'utf8')), members)) {
          const result = await solve(problem)
          if (!result.valid) code = 1
          out(isJson ? JSON.stringify(result) : Object.values(result).join('\t'))
        }
      } catch (why) {
        fail(why, path)
      }
  } catch (why) {
    fail(why)
  }
  return code
}

type Result = Readonly<Record<string, unknown>> & { readonly valid: boolean }

async function solve(problem: Problem): Promise<Result> {
  if ('work' in problem) {
    const { name, tasks, members } = problem.work
    const { makespan, faults, ms } = await schedule(problem.work)
    return { name, tasks: tasks.length, members: members.length, makespan, ...verdictOf(faults), ms: Math.round(ms) }
  }
  const { name, goal, amounts } = problem.instance
  const { total, bound, faults, ms } = await assign(problem.instance)
  const sizes = { tasks: amounts[0]?.length ?? 0, members: amounts.length }
  return {
    name,
    ...sizes,
    [goal]: total,
    ...(bound !== undefined && { bound }),
    ...verdictOf(faults),
    ms: Math.round(ms),
  }
}

const verdictOf = (faults: readonly string[]): Result =>
  faults.length === 0 ? { valid: true } : { valid: false, faults }

function readArguments(args: readonly string[]) {
  const { values, positionals } = parsed(args)
  if (positionals.length === 0) throw new InputError(USAGE)
  const members = Number(values.members)
  if (!Number.isInteger(members) || members < 1 || members > 1000)
    throw new InputError('--members must be a whole number from 1 to 1,000')
  return { paths: positionals, members, isJson: values.json }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { members: { type: 'string', default: '4' }, json: { type: 'boolean', default: false } },
    })
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

/** Of folders all files of these formats, in the order of their names. */
async function filesOf(paths: readonly string[], fail: (why: unknown, of: string) => void): Promise<readonly string[]> {
  const files: string[] = []
  for (const path of paths)
    try {
      files.push(...(await filesIn(path)))
    } catch (why) {
      fail(why, path)
    }
  return files
}

async function filesIn(path: string): Promise<readonly string[]> {
  const found = await access(() => stat(path))
  if (!found.isDirectory()) return [path]
  const names = (await access(() => readdir(path))).filter((name) => /\.(json|txt)$/.test(name)).sort()
  if (names.length === 0) throw new InputError('holds no .json or .txt files')
  return names.map((name) => join(path, name))
}

async function access<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new InputError(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`)
  }
}

const nameOf = (path: string): string => basename(path).replace(/\.(json|txt)$/, '')
