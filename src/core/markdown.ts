/** Text of others inside Markdown: shown as it is, without effect as Markdown, HTML or terminal codes. */
export const escapeMarkdown = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- terminal codes begin with them
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .replace(/[&<>]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    // Underscores inside words, as in names, are harmless.
    .replace(/[\\`*[\]()#+!|~-]|\b_|_\b/g, '\\$&')

/** The same for a cell of a table, or whatever is one line. */
export const escapeLine = (text: string): string => escapeMarkdown(text).replace(/\s*\n\s*/g, ' ')
