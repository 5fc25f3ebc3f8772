import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createContext, runInContext } from 'node:vm'

interface Parsed {
  readonly type: string
  readonly db: unknown
}
interface Mermaid {
  parse(text: string): Promise<unknown>
  readonly mermaidAPI: { getDiagramFromText(text: string): Promise<Parsed> }
}

const require = createRequire(import.meta.url)

let mermaid: Promise<Mermaid> | undefined
async function load(): Promise<Mermaid> {
  // A script for pages, of the same grammars as all of mermaid: in a context of its own, as it leaves its name there.
  const context = createContext({ console, setTimeout, clearTimeout, URL, structuredClone, TextEncoder, TextDecoder })
  // What it cleans HTML with needs a DOM, and is a bare function without one. The grammars do not, and are what is asked.
  runInContext('Object.assign(Function.prototype, { addHook() {}, sanitize: String })', context)
  const script = require.resolve('@mermaid-js/tiny')
  runInContext(readFileSync(script, 'utf8'), context, { filename: script })
  const { mermaid: loaded } = context as { mermaid: Mermaid }
  // The first one registers all languages.
  await loaded.parse('pie')
  return loaded
}

/** What mermaid itself understands; rejects for what it does not. */
export async function parseMermaid(text: string): Promise<Parsed> {
  mermaid ??= load()
  return (await mermaid).mermaidAPI.getDiagramFromText(text)
}

/** A text as it is drawn: entity codes, which it keeps in a form of its own, are letters again. */
export const drawn = (text: string): string =>
  text.replace(/ﬂ°°(\d+)¶ß/g, (_, code: string) => String.fromCodePoint(Number(code)))
