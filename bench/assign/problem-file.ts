import { InputError } from '../../examples/demo/input-error.js'
import { isWorkflow, readWorkflow } from '../../examples/demo/workflow-file.js'
import type { Instance } from './instance.js'
import { isJobShop, readJobShop } from './job-shop-file.js'
import { readNumbers } from './numbers-file.js'
import type { Work } from './work.js'
import { workOf } from './workflow-work.js'

/** What a file asks: who does what, or also in which order. */
export type Problem = { readonly instance: Instance } | { readonly work: Work }

/** Reads all problems of a file, of whichever format. Throws InputError, which says what is wrong and where. */
export function readProblems(name: string, text: string, members: number): readonly Problem[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') throw new InputError('is empty')
  if (!/^[[{"]/.test(trimmed)) return readNumbers(name, text).map((instance) => ({ instance }))
  const work = readWork(name, parsed(trimmed), members)
  if (work.tasks.length === 0) throw new InputError('has no tasks')
  return [{ work }]
}

function readWork(name: string, whole: unknown, members: number): Work {
  if (isJobShop(whole)) return readJobShop(name, whole)
  if (isWorkflow(whole)) return workOf(readWorkflow(name, whole), members)
  throw new InputError(
    'is JSON, but neither a flexible job shop (operations and precedences) nor a workflow (WfFormat 1.5)',
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const [, position] = /position (\d+)/.exec(String(error)) ?? []
    const end = position === undefined ? text.length : Number(position)
    throw new InputError(`is no JSON (line ${text.slice(0, end).split('\n').length})`)
  }
}
