import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Board } from './board.js'
import { readBoard } from './board-file.js'
import { InputError } from './input-error.js'
import { isFields } from './json-value.js'
import { isWorkflow, readWorkflow } from './workflow-file.js'

/** Reads a board (JSON lines) or a workflow (WfFormat 1.5). Throws InputError, in one line that names the file. */
export async function readInputFile(path: string): Promise<Board> {
  try {
    return parse(basename(path), await textOfFile(path))
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${path}: ${error.message}`)
    throw error
  }
}

async function textOfFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new InputError(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`)
  }
}

function parse(name: string, text: string): Board {
  if (text.trim() === '') throw new InputError('is empty')
  const whole = parsed(text)
  if (isWorkflow(whole)) return readWorkflow(name, whole)
  // Broken lines of a board are told by their number, so one good line, or the name, makes it a board.
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const isBoard = name.endsWith('.jsonl') || lines.some((line) => isIssue(parsed(line)))
  if (isBoard) return readBoard(name, text)
  if (whole === undefined) throw new InputError(`is no JSON, nor JSON lines${placeOfError(text)}`)
  throw new InputError('is neither a board (JSON lines with id and status) nor a workflow (WfFormat 1.5)')
}

const isIssue = (value: unknown): boolean => isFields(value) && 'id' in value && 'status' in value

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function placeOfError(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    const [, position] = /position (\d+)/.exec(String(error)) ?? []
    const end = position === undefined ? text.length : Number(position)
    return ` (line ${text.slice(0, end).split('\n').length})`
  }
}
