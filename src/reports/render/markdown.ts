import { escapeLine } from '../../core/markdown.js'
import type { Cell, Page, Table, Unit } from '../report.js'

/** A page as Markdown. */
export const pageToMarkdown = ({ title, parts }: Page): string =>
  [`## ${title}`, ...parts.map((part) => (typeof part === 'string' ? part : section(part)))].join('\n\n')

function section({ title, columns, rows, empty, most = Infinity }: Table): string {
  const heading = title === undefined ? '' : `### ${title}\n\n`
  if (rows.length === 0 && empty !== undefined) return heading + empty
  const units = columns.map((column) => (typeof column === 'string' ? 'text' : column.as))
  const names = columns.map((column) => escapeLine(typeof column === 'string' ? column : column.name))
  const lines = rows.slice(0, most).map((cells) => line(cells.map((cell, index) => shown(cell, units[index]))))
  const more = rows.length > most ? `\n\nand ${rows.length - most} more` : ''
  return heading + [line(names), line(names.map(() => '---')), ...lines].join('\n') + more
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** A figure in its unit. */
export function shown(cell: Cell, unit: Unit | undefined): string {
  if (typeof cell === 'string') return unit === 'markdown' ? cell : escapeLine(cell)
  if (cell === undefined || !Number.isFinite(cell)) return ''
  if (unit === 'duration') return span(cell)
  if (unit === 'share') return percent(cell)
  return unit === 'time' ? moment(cell) : figure(cell)
}

export const figure = (value: number): string => String(Math.round(value * 100) / 100)

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

/** "2026-12-01 12:00", UTC. */
export const moment = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
