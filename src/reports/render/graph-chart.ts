import type { Chart } from '../report.js'
import { mermaidText } from './mermaid.js'
import { colorOf, drawing, element, fitted, hint, textAt } from './svg.js'

export interface Node {
  readonly id: string
  readonly name: string
  readonly mark?: Mark
}
export interface Edge {
  readonly from: string
  readonly to: string
  readonly isCritical?: boolean
}
type Mark = 'done' | 'active' | 'blocked' | 'critical'

/** Edges go from what comes first to what comes after; those to nodes that are not there are left out. */
export interface Graph {
  readonly title: string
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

/** What waits for what. */
export const graphChart = (given: Graph): Chart => ({
  toMermaid: () => graphToMermaid(given),
  toSVG: () => graphToSVG(given),
})

/** https://mermaid.js.org/syntax/flowchart.html; ids of tasks could be words of the language, so nodes are numbered. */
function graphToMermaid({ title, nodes, edges }: Graph): string {
  const numbers = new Map(nodes.map(({ id }, index) => [id, `n${index}`]))
  const lines = nodes.map(
    ({ id, name, mark }) => `  ${numbers.get(id) ?? ''}[${mermaidText(name)}]${mark ? `:::${mark}` : ''}`,
  )
  const arrows = edges.flatMap(({ from, to, isCritical = false }) => {
    const [first, second] = [numbers.get(from), numbers.get(to)]
    return first && second ? `  ${first} ${isCritical ? '==>' : '-->'} ${second}` : []
  })
  const styles = MARKS.map((mark) => `  classDef ${mark} stroke:${colorOf(COLOR_OF[mark])},stroke-width:3px`)
  return ['---', `title: ${JSON.stringify(title)}`, '---', 'flowchart LR', ...lines, ...arrows, ...styles, ''].join(
    '\n',
  )
}

const MARKS: readonly Mark[] = ['done', 'active', 'blocked', 'critical']
const COLOR_OF: Readonly<Record<Mark, number>> = { done: 2, active: 0, blocked: 1, critical: 3 }

const COLUMN = 190
const ROW = 44

/** In columns: each node right of all that come before it. */
function graphToSVG({ title, nodes, edges }: Graph): string {
  const places = placesOf(nodes, edges)
  const all = [...places.values()]
  const width = Math.max(320, 32 + COLUMN * (1 + all.reduce((most, { column }) => Math.max(most, column), 0)))
  const height = 72 + ROW * (1 + all.reduce((most, { row }) => Math.max(most, row), 0))
  const boxes = nodes.map((node) => {
    const { x, y } = centre(places.get(node.id))
    const stroke = node.mark ? colorOf(COLOR_OF[node.mark]) : 'currentColor'
    const box = {
      x: x - 75,
      y: y - 15,
      width: 150,
      height: 30,
      rx: 5,
      fill: 'none',
      stroke,
      'stroke-width': node.mark ? 2 : 1,
    }
    return (
      element('rect', box, hint(node.name)) + fitted(x, y + 4, node.name, box.width - 10, { 'text-anchor': 'middle' })
    )
  })
  const arrows = edges.flatMap(({ from, to, isCritical = false }) => {
    if (!places.has(from) || !places.has(to)) return []
    const [a, b] = [centre(places.get(from)), centre(places.get(to))]
    const stroke = isCritical ? colorOf(COLOR_OF.critical) : 'currentColor'
    return (
      element('line', { x1: a.x + 75, y1: a.y, x2: b.x - 81, y2: b.y, stroke, 'stroke-width': isCritical ? 2 : 1 }) +
      element('path', { d: `M${b.x - 75},${b.y}l-8,-4v8z`, fill: stroke })
    )
  })
  const heading = textAt(16, 24, title, { 'font-size': '15', 'font-weight': '600' })
  const description = `${nodes.length} nodes, ${arrows.length} arrows`
  return drawing({ title, description, width, height, body: [heading, ...arrows, ...boxes].join('') })
}

interface Place {
  readonly column: number
  readonly row: number
}
const centre = ({ column, row }: Place = { column: 0, row: 0 }): { readonly x: number; readonly y: number } => ({
  x: 91 + column * COLUMN,
  y: 64 + row * ROW,
})

/** Its column is the longest way to it; what is in a circle comes last. */
function placesOf(nodes: readonly Node[], edges: readonly Edge[]): ReadonlyMap<string, Place> {
  const open = new Map(nodes.map(({ id }) => [id, 0]))
  const after = new Map<string, string[]>(nodes.map(({ id }) => [id, []]))
  for (const { from, to } of edges) {
    if (!open.has(from) || !open.has(to)) continue
    after.get(from)?.push(to)
    open.set(to, (open.get(to) ?? 0) + 1)
  }
  const places = new Map<string, Place>()
  const rows: number[] = []
  const columns = new Map<string, number>()
  const queue = [...open].filter(([, before]) => before === 0).map(([id]) => id)
  const place = (id: string): void => {
    const column = columns.get(id) ?? 0
    const row = rows[column] ?? 0
    rows[column] = row + 1
    places.set(id, { column, row })
  }
  for (const id of queue) {
    place(id)
    for (const next of after.get(id) ?? []) {
      columns.set(next, Math.max(columns.get(next) ?? 0, (columns.get(id) ?? 0) + 1))
      const left = (open.get(next) ?? 0) - 1
      open.set(next, left)
      if (left === 0) queue.push(next)
    }
  }
  for (const { id } of nodes) if (!places.has(id)) place(id)
  return places
}
