// Lets strategies solve recorded instances, and checks what they answer by the file alone:
//   npm run assign -- FILE [--members 4] [--json]
// FILE is a flexible job shop (JSON) or a workflow (WfFormat 1.5, for so many members who are alike); a folder is all of
// its files. Durations are in the unit of the file, of workflows in milliseconds.
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError } from '../examples/demo/input-error.js'
import { isWorkflow, readWorkflow } from '../examples/demo/workflow-file.js'
import { isJobShop, readJobShop } from './assign/job-shop-file.js'
import { schedule } from './assign/schedule.js'
import type { Work } from './assign/work.js'
import { workOf } from './assign/workflow-work.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { members: { type: 'string', default: '4' }, json: { type: 'boolean', default: false } },
})

async function solve(path: string): Promise<Record<string, unknown>> {
  const work = readWork(basename(path).replace(/\.json$/, ''), await readFile(path, 'utf8'))
  const start = performance.now()
  const { makespan, faults } = await schedule(work)
  const ms = Math.round(performance.now() - start)
  const sizes = { tasks: work.tasks.length, members: work.members.length }
  return { name: work.name, ...sizes, makespan, valid: faults.length === 0, ms, ...(faults.length > 0 && { faults }) }
}

function readWork(name: string, text: string): Work {
  const whole = parsed(text)
  if (isJobShop(whole)) return readJobShop(name, whole)
  if (isWorkflow(whole)) return workOf(readWorkflow(name, whole), memberCount())
  throw new InputError('is neither a flexible job shop nor a workflow (WfFormat 1.5)')
}

function memberCount(): number {
  const count = Number(values.members)
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count
  throw new InputError('--members must be a whole number from 1 to 1,000')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new InputError('is no JSON')
  }
}

async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort()
  return names.map((name) => join(path, name))
}

async function main(): Promise<void> {
  if (positionals.length === 0) throw new InputError('Name a file: npm run assign -- FILE [--members 4] [--json]')
  for (const given of positionals)
    for (const path of await filesOf(given)) {
      const result = await solve(path)
      if (result['valid'] !== true) process.exitCode = 1
      console.log(values.json ? JSON.stringify(result) : Object.values(result).join('\t'))
    }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof InputError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  console.error((error as Error).message)
  process.exitCode = 1
}
