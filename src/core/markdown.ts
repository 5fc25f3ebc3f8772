/** Text of others inside Markdown: shown as it is, without effect as Markdown, HTML or terminal codes. */
export const escapeMarkdown = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- terminal codes begin with them
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    // Underscores inside words, as in names, are harmless.
    .replace(/[\\`*[\]()#+!|~-]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/[&<>]/g, entity)
    // At the start of a line: headings, numbered lists, code by indentation.
    .replace(
      /^([ \t]*)(=|\d+\.)/gm,
      (_, indent: string, mark: string) => `${indent}${mark.slice(0, -1)}\\${mark.slice(-1)}`,
    )
    .replace(/^[ \t]/gm, entity)

/** The same for a cell of a table, or whatever is one line. */
export const escapeLine = (text: string): string => escapeMarkdown(text.trim().replace(/\s*\n\s*/g, ' '))

const entity = (mark: string): string => `&#${mark.charCodeAt(0)};`
