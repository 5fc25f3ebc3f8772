import type { Chart } from '../report.js'
import { percent } from './markdown.js'
import { mermaidLine, mermaidNumber, mermaidText } from './mermaid.js'
import { colorOf, drawing, element, fitted, hint, textAt } from './svg.js'

export interface Pie {
  readonly title: string
  /** None is negative. */
  readonly slices: readonly { readonly name: string; readonly value: number }[]
}

/** Parts of a whole. */
export const pieChart = (given: Pie): Chart => ({
  toMermaid: () => pieToMermaid(given),
  toSVG: () => pieToSVG(given),
})

/** https://mermaid.js.org/syntax/pie.html; it has no slices of nothing. */
function pieToMermaid({ title, slices }: Pie): string {
  const lines = slices
    .filter(({ value }) => value > 0)
    .map(({ name, value }) => `  ${mermaidText(name)} : ${mermaidNumber(value)}`)
  return ['pie', `  title ${mermaidLine(title)}`, ...lines, ''].join('\n')
}

const CENTRE = { x: 150, y: 170 }
const RADIUS = 120

function pieToSVG({ title, slices }: Pie): string {
  const whole = slices.reduce((sum, { value }) => sum + value, 0)
  let turn = 0
  const parts = slices.map(({ name, value }, index) => {
    const share = whole > 0 ? value / whole : 0
    const from = turn
    turn += share
    const words = `${name}: ${percent(share)}`
    const y = 60 + index * 22
    const label =
      element('rect', { x: 320, y: y - 10, width: 12, height: 12, rx: 2, fill: colorOf(index) }) +
      fitted(340, y, `${percent(share)} ${name}`, 364)
    return slice(from, turn, colorOf(index), words) + label
  })
  const heading = textAt(16, 24, title, { 'font-size': '15', 'font-weight': '600' })
  const description = slices.map(({ name, value }) => `${name}: ${percent(whole > 0 ? value / whole : 0)}`).join('; ')
  const height = Math.max(320, 72 + slices.length * 22)
  return drawing({ title, description, width: 720, height, body: heading + parts.join('') })
}

/** From and to in turns, clockwise from above. */
function slice(from: number, to: number, fill: string, words: string): string {
  if (to <= from) return ''
  if (to - from > 0.9999) return element('circle', { cx: CENTRE.x, cy: CENTRE.y, r: RADIUS, fill }, hint(words))
  const rim = (turn: number): string => {
    const angle = 2 * Math.PI * turn
    return `${(CENTRE.x + RADIUS * Math.sin(angle)).toFixed(1)},${(CENTRE.y - RADIUS * Math.cos(angle)).toFixed(1)}`
  }
  const isLarge = to - from > 0.5 ? 1 : 0
  const d = `M${CENTRE.x},${CENTRE.y}L${rim(from)}A${RADIUS},${RADIUS} 0 ${isLarge} 1 ${rim(to)}Z`
  return element('path', { d, fill }, hint(words))
}
