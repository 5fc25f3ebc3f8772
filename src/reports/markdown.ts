import { escapeLine } from '../core/markdown.js'

/** Text of others, a figure, or our own words. */
type Cell = string | number | { readonly markdown: string }

/** A table in which texts of others are shown as they are. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(row.map(shown)))].join('\n')
}

function shown(cell: Cell): string {
  if (typeof cell === 'number') return figure(cell)
  return typeof cell === 'string' ? escapeLine(cell) : cell.markdown
}

const figure = (value: number): string => String(Math.round(value * 100) / 100)

/** "1 h 5 min", "2.5 s", "40 ms". */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`
  const minutes = Math.round(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`
