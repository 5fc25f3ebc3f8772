import { invalid } from '../../core/errors.js'
import type { Cell, Column, Page, Table, Unit } from '../report.js'

const isTable = (part: Table | string): part is Table => typeof part !== 'string'

/** One table of a page by RFC 4180: the first, or the one with that title. */
export function pageToCSV({ parts }: Page, title?: unknown): string {
  const tables = parts.filter(isTable)
  const wanted = title === undefined ? tables[0] : tables.find((table) => table.title === title)
  if (wanted) return tableToCSV(wanted)
  const titles = tables.flatMap((table) => table.title ?? []).join(', ')
  throw invalid(
    `There is no table of that title; ${titles ? `there are ${titles}, and the first, without a title` : 'there is one, without a title'}`,
  )
}

function tableToCSV({ columns, rows }: Table): string {
  const units = columns.map((column) => (typeof column === 'string' ? 'text' : column.as))
  const lines = [columns.map(header), ...rows.map((cells) => cells.map((cell, index) => field(cell, units[index])))]
  return lines.map((fields) => `${fields.join(',')}\r\n`).join('')
}

const header = (column: Column): string => {
  if (typeof column === 'string') return quoted(column)
  return quoted(column.as === 'duration' ? `${column.name} (ms)` : column.name)
}

function field(cell: Cell, unit: Unit | undefined): string {
  if (typeof cell === 'string') return quoted(cell)
  if (cell === undefined || !Number.isFinite(cell)) return ''
  return unit === 'time' ? new Date(cell).toISOString() : String(cell)
}

/** What a spreadsheet takes for the begin of a formula, also behind blanks; full-width forms are taken for the same. */
const FORMULA = /^[\s\uFEFF]*[=+\-@＝＋－＠]|^[\t\r\n]/
// eslint-disable-next-line no-control-regex -- they cut texts short, or do something to a terminal
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

/** https://owasp.org/www-community/attacks/CSV_Injection: always in quotes, quotes doubled, formulas made text. */
function quoted(text: string): string {
  const clean = text.replace(CONTROLS, '')
  return `"${FORMULA.test(clean) ? "'" : ''}${clean.replaceAll('"', '""')}"`
}
