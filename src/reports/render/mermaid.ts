/**
 * Text of others inside Mermaid: its own entity codes, https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters,
 * for all but letters, figures and single blanks. The first letter is one too, so that no text begins with a word of the
 * language. What cannot be seen is left out.
 */
export function escapeMermaid(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}\s]+/gu, ' ').trim()
  return line.replace(/^.|[^\p{L}\p{N}\p{M} ]/gsu, (mark) => `#${mark.codePointAt(0) ?? 0};`)
}

/** As a text between quotes, which must not be empty. */
export const mermaidText = (text: string): string => `"${escapeMermaid(text) || ' '}"`

/** Without an exponent, which the language does not know. */
export const mermaidNumber = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toFixed(4).slice(0, 40))).replace(/e.*$/, '') : '0'
