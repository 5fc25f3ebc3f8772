import type { Chart } from '../report.js'
import { mermaidLine } from './mermaid.js'
import { labels, ticks } from './scale.js'
import { axisTexts, colorOf, drawing, element, fitted, hint, textAt } from './svg.js'
import { span } from './markdown.js'

export interface Bar {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** What is decisive is marked; what is over looks otherwise than what is under way. */
  readonly state?: 'done' | 'active' | 'critical'
}

export interface Gantt {
  readonly title: string
  readonly sections: readonly { readonly name: string; readonly bars: readonly Bar[] }[]
}

/** What was done when. */
export const ganttChart = (given: Gantt): Chart => ({
  toMermaid: () => ganttToMermaid(given),
  toSVG: () => ganttToSVG(given),
})

const TAGS = { done: 'done, ', active: 'active, ', critical: 'crit, ' } as const

/** https://mermaid.js.org/syntax/gantt.html */
function ganttToMermaid({ title, sections }: Gantt): string {
  const lines = sections.flatMap(({ name, bars }) => [
    `  section ${mermaidLine(name)}`,
    ...bars.map((bar) => {
      const tag = bar.state ? TAGS[bar.state] : ''
      return `  ${mermaidLine(bar.name)} :${tag}${Math.round(bar.from)}, ${Math.round(bar.to)}`
    }),
  ])
  return ['gantt', `  title ${mermaidLine(title)}`, '  dateFormat x', '  axisFormat %Y-%m-%d %H:%M', ...lines, ''].join(
    '\n',
  )
}

const WIDTH = 720
const LEFT = 176
const RIGHT = 704
const ROW = 22
const STATES = { done: 7, active: 0, critical: 1 } as const

function ganttToSVG({ title, sections }: Gantt): string {
  const bars = sections.flatMap((section) => section.bars)
  const first = bars.reduce((least, { from }) => Math.min(least, from), Infinity)
  const last = bars.reduce((most, { to }) => Math.max(most, to), -Infinity)
  const length = Math.max(1, last - first)
  const xOf = (at: number): number => LEFT + ((at - first) / length) * (RIGHT - LEFT)
  let y = 44
  const rows = sections.flatMap(({ name, bars: own }) => {
    y += ROW
    const heading = fitted(16, y, name, LEFT - 24, { 'font-weight': '600' })
    return [
      heading,
      ...own.map((bar) => {
        y += ROW
        return barAt(bar, xOf, y)
      }),
    ]
  })
  const height = y + 48
  const marks = bars.length > 0 ? ticks(length, 4).filter((ms) => ms <= length) : []
  const names = labels(marks.map((ms) => Math.round(first + ms)))
  const lines = marks.map((ms) => {
    const x = xOf(first + ms)
    return element('line', { x1: x, x2: x, y1: 44, y2: y + 10, stroke: 'currentColor', 'stroke-opacity': 0.15 })
  })
  const texts = marks.map((ms, index) => ({ x: xOf(first + ms), text: names[index] ?? '' }))
  const axis = [...lines, ...axisTexts(texts, y + 28, WIDTH, 10)]
  const heading = textAt(16, 24, title, { 'font-size': '15', 'font-weight': '600' })
  const description = bars.map(({ name, from, to }) => `${name}: ${span(to - from)}`).join('; ')
  return drawing({ title, description, width: WIDTH, height, body: [heading, ...axis, ...rows].join('') })
}

function barAt({ name, from, to, state }: Bar, xOf: (at: number) => number, y: number): string {
  const fill = colorOf(STATES[state ?? 'active'])
  const width = Math.max(2, xOf(to) - xOf(from))
  const bar = element(
    'rect',
    { x: xOf(from), y: y - 13, width, height: 16, rx: 3, fill },
    hint(`${name}: ${span(to - from)}`),
  )
  return bar + fitted(LEFT - 8, y, name, LEFT - 24, { 'text-anchor': 'end' })
}
