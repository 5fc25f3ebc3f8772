/**
 * Text of others inside Mermaid: its own entity codes, https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters,
 * for all but letters, figures and single blanks. The first letter is one too, so that no text begins with a word of the
 * language. What cannot be seen is left out.
 */
function escapeMermaid(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}\s]+/gu, ' ').trim()
  return line.replace(/^.|[^\p{L}\p{N}\p{M} ]/gsu, (mark) => `#${mark.codePointAt(0) ?? 0};`)
}

/** As the rest of a line, which must not be empty. */
export const mermaidLine = (text: string): string => escapeMermaid(text) || '-'

/** As a text between quotes, which must not be empty. */
export const mermaidText = (text: string): string => `"${escapeMermaid(text) || ' '}"`

/** Without an exponent, which the language does not know. */
export const mermaidNumber = (value: number): string => String(Number(Math.min(value, 1e20).toFixed(4)) || 0)
