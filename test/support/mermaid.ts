import DOMPurify from 'dompurify'

interface Parsed {
  readonly type: string
  readonly db: unknown
}
interface Mermaid {
  parse(text: string): Promise<unknown>
  readonly mermaidAPI: { getDiagramFromText(text: string): Promise<Parsed> }
}

// What mermaid cleans HTML with needs a DOM. Its grammars do not, and they are what is asked here.
Object.assign(DOMPurify, { addHook: () => undefined, sanitize: (text: unknown) => String(text) })

let mermaid: Promise<Mermaid> | undefined
const load = async (): Promise<Mermaid> => {
  const { default: loaded } = (await import('mermaid')) as unknown as { default: Mermaid }
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
