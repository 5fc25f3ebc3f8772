import type { Cell, Page, Table, Unit } from '../report.js'
import { shown } from './markdown.js'
import { element, escapeXml } from './svg.js'

/** A page with its picture, where it has one, as the inside of a section. */
export function pageToHTML({ title, parts }: Page, picture?: string): string {
  const texts = parts.map((part) => (typeof part === 'string' ? element('p', {}, words(part)) : section(part)))
  const figure = picture === undefined ? '' : `<figure>${picture}</figure>\n`
  return `<h2>${escapeXml(title)}</h2>\n<div class="parts">${figure}${texts.join('\n')}</div>`
}

function section({ title, columns, rows, empty, most = Infinity }: Table): string {
  const heading = title === undefined ? '' : element('h3', {}, escapeXml(title))
  if (rows.length === 0 && empty !== undefined) return `<div>${heading}${element('p', {}, words(empty))}</div>`
  const units = columns.map((column) => (typeof column === 'string' ? 'text' : column.as))
  const names = columns.map((column) => (typeof column === 'string' ? column : column.name))
  const head = names.map((name, index) => cell('th', escapeXml(name), units[index]))
  const body = rows
    .slice(0, most)
    .map((cells) =>
      element('tr', {}, cells.map((value, index) => cell('td', inside(value, units[index]), units[index])).join('')),
    )
  const more = rows.length > most ? element('p', {}, `and ${rows.length - most} more`) : ''
  const table = `<table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`
  return `<div class="table">${heading}${table}${more}</div>`
}

const cell = (name: 'th' | 'td', html: string, unit: Unit = 'text'): string =>
  `<${name}${unit === 'text' || unit === 'markdown' ? '' : ' class="figure"'}>${html}</${name}>`

function inside(value: Cell, unit: Unit = 'text'): string {
  if (typeof value !== 'string') return escapeXml(shown(value, unit))
  return unit === 'markdown' ? words(value) : escapeXml(value)
}

/** Our own words: of Markdown they hold code spans, and nothing else. */
const words = (markdown: string): string =>
  markdown
    .split('`')
    .map((text, index) => (index % 2 === 1 ? element('code', {}, escapeXml(text)) : escapeXml(text)))
    .join('')
