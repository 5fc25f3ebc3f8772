import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { InputError } from '../demo/input-error.js'
import { isFields, textOf, type Fields } from '../demo/json-value.js'

/** One line of a file; asked for what is not there, it throws InputError with its place. */
export class Line {
  constructor(
    readonly fields: Fields,
    readonly place: string,
  ) {}

  text(name: string): string {
    return textOf(this.fields[name]) ?? this.#lacks(`a text as ${name}`)
  }

  /** Milliseconds since the epoch. */
  time(name: string): number {
    const at = Date.parse(this.text(name))
    return Number.isNaN(at) ? this.#lacks(`a time as ${name}`) : at
  }

  #lacks(what: string): never {
    throw new InputError(`${this.place} has not ${what}`)
  }
}

/** Reads FOLDER/NAME.jsonl or NAME.jsonl.gz; no lines where neither is there. Notes what it mended. */
export async function readLines(folder: string, name: string, notes: string[]): Promise<readonly Line[]> {
  const text = (await contentOf(join(folder, `${name}.jsonl`))) ?? (await contentOf(join(folder, `${name}.jsonl.gz`)))
  return (text?.toString('utf8') ?? '').split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = `${name}.jsonl, line ${index + 1},`
    return [new Line(parse(line, place, notes), place)]
  })
}

async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    const content = await readFile(path)
    return path.endsWith('.gz') ? gunzipSync(content) : content
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new InputError(`${path} cannot be read (${code})`)
  }
}

function parse(line: string, place: string, notes: string[]): Fields {
  const whole = parsed(line)
  if (isFields(whole)) return whole
  // Whoever replaces text in JSON by hand leaves backslashes behind that begin nothing.
  const mended = parsed(line.replace(/\\(?:\\|(?!["/bfnrtu]))/g, '\\\\'))
  if (!isFields(mended)) throw new InputError(`${place} is no JSON object`)
  notes.push(`${place} has a backslash that begins no escape: taken as it stands`)
  return mended
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
