import type { Chart } from '../report.js'
import { mermaidNumber, mermaidText } from './mermaid.js'
import { figure } from './markdown.js'
import { durationUnit, inWords, labels, ticks } from './scale.js'
import { axisTexts, colorOf, dashOf, drawing, element, fitted, hint, legend, textAt } from './svg.js'

export interface Series {
  readonly title: string
  /** Areas and bars are stacked: their values are parts of one whole. */
  readonly kind: 'line' | 'area' | 'bar'
  /** Times (milliseconds since the epoch) or names, from left to right. */
  readonly x: readonly (number | string)[]
  /** What values are; default number. */
  readonly unit?: 'number' | 'duration' | 'share'
  /** A value for each place, none negative; undefined where there is none, which Mermaid can only draw as 0. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[]
}

/** Values over time or by name. */
export const seriesChart = (given: Series): Chart => ({
  toMermaid: () => seriesToMermaid(given),
  toSVG: () => seriesToSVG(given),
})

/** How high each series reaches at each place. */
function heights({ kind, series }: Series): readonly (readonly number[])[] {
  const sums: number[] = []
  return series.map(({ values }) =>
    values.map((value = 0, place) => (sums[place] = value + (kind === 'line' ? 0 : (sums[place] ?? 0)))),
  )
}

const greatest = (rows: readonly (readonly number[])[]): number =>
  rows.reduce((max, row) => row.reduce((a, b) => Math.max(a, b), max), 0)

/** What values are divided by for an axis, and what they are then. */
const axisOf = (unit: Series['unit'], max: number): { readonly name: string; readonly ms: number } =>
  unit === 'duration' ? durationUnit(max) : unit === 'share' ? { name: '%', ms: 0.01 } : { name: 'number', ms: 1 }

/** https://mermaid.js.org/syntax/xyChart.html. Older versions show no names of series, so the title has them, too. */
function seriesToMermaid(given: Series): string {
  const { title, kind, x, unit, series } = given
  const rows = heights(given)
  const { name, ms } = axisOf(unit, greatest(rows))
  const top = ticks(greatest(rows) / ms).at(-1) ?? 1
  const lines = series.map((one, index) => {
    const values = (rows[index] ?? []).map((value) => mermaidNumber(value / ms))
    return `  ${kind === 'bar' ? 'bar' : 'line'} ${mermaidText(one.name)} [${values.join(', ')}]`
  })
  // It draws bars over each other, from the first: the highest comes first, and what is left to see of it is its part.
  if (kind !== 'line') lines.reverse()
  const names = series.map((one) => one.name).join(', ')
  return [
    'xychart-beta',
    `  title ${mermaidText(series.length > 1 ? `${title}: ${names}` : title)}`,
    `  x-axis [${labels(x).map(mermaidText).join(', ')}]`,
    `  y-axis ${mermaidText(name)} 0 --> ${mermaidNumber(top)}`,
    ...lines,
    '',
  ].join('\n')
}

const WIDTH = 720
const HEIGHT = 340
const LEFT = 64
const RIGHT = 704
const TOP = 64
const BOTTOM = 296

/** Where what is drawn. */
interface Frame extends Series {
  readonly rows: readonly (readonly number[])[]
  readonly names: readonly string[]
  readonly xOf: (place: number) => number
  readonly yOf: (value: number) => number
  /** Room for one place. */
  readonly step: number
}

function seriesToSVG(given: Series): string {
  const { title, kind, unit = 'number', series } = given
  const rows = heights(given)
  const max = greatest(rows)
  const { name, ms } = axisOf(unit, max)
  const marks = ticks(max / ms).map((tick) => tick * ms)
  const top = marks.at(-1) ?? 1
  const frame: Frame = { ...given, ...across(given), rows, yOf: (value) => BOTTOM - (value / top) * (BOTTOM - TOP) }
  const body = [
    textAt(16, 24, title, { 'font-size': '15', 'font-weight': '600' }),
    legend(
      series.map(({ name }) => name),
      LEFT,
      48,
    ),
    ...marks.map((value) =>
      gridLine(frame.yOf(value), unit === 'duration' ? `${figure(value / ms)} ${name}` : inWords(value, unit)),
    ),
    ...xLabels(frame),
    ...(kind === 'bar' ? bars(frame) : kind === 'area' ? areas(frame) : curves(frame)),
  ]
  return drawing({ title, description: described(given), width: WIDTH, height: HEIGHT, body: body.join('') })
}

/** Where places are: times by their distance, names and bars in equal steps. */
function across({ kind, x }: Series): Pick<Frame, 'names' | 'xOf' | 'step'> {
  const names = labels(x)
  const step = (RIGHT - LEFT) / Math.max(1, x.length)
  const first = x[0]
  const last = x.at(-1)
  if (kind === 'bar' || typeof first !== 'number' || typeof last !== 'number' || last <= first)
    return { names, step, xOf: (place) => LEFT + (place + 0.5) * step }
  return { names, step, xOf: (place) => LEFT + (((x[place] as number) - first) / (last - first)) * (RIGHT - LEFT) }
}

const gridLine = (y: number, label: string): string =>
  element('line', { x1: LEFT, x2: RIGHT, y1: y, y2: y, stroke: 'currentColor', 'stroke-opacity': 0.15 }) +
  textAt(LEFT - 8, y + 4, label, { 'text-anchor': 'end' })

const MOST_LABELS = 8

/** As many as there is room for; names are cut, and times are not. */
function xLabels({ names, x, xOf, step }: Frame): readonly string[] {
  const y = BOTTOM + 20
  const size = 11
  if (x.every((at) => typeof at === 'number'))
    return axisTexts(
      names.map((text, place) => ({ x: xOf(place), text })),
      y,
      WIDTH,
      size,
    )
  const every = Math.ceil(names.length / MOST_LABELS)
  return names.flatMap((name, place) => {
    if (place % every > 0) return []
    const middle = xOf(place)
    const room = Math.min(step * every - 6, 2 * middle, 2 * (WIDTH - middle))
    return fitted(middle, y, name, room, { 'text-anchor': 'middle', 'font-size': size })
  })
}

const said = ({ series, names, unit = 'number' }: Frame, index: number, place: number): string => {
  const { name = '', values } = series[index] ?? {}
  return `${names[place] ?? ''}, ${name}: ${inWords(values?.[place] ?? 0, unit)}`
}

function bars(frame: Frame): readonly string[] {
  const { series, rows, xOf, yOf, step } = frame
  return series.flatMap(({ values }, index) =>
    values.map((value = 0, place) => {
      if (value === 0) return ''
      const y = yOf(rows[index]?.[place] ?? 0)
      const height = yOf(0) - yOf(value)
      const at = { x: xOf(place) - step * 0.4, y, width: step * 0.8, height, fill: colorOf(index) }
      return element('rect', at, hint(said(frame, index, place)))
    }),
  )
}

function curves(frame: Frame): readonly string[] {
  const { series, xOf, yOf } = frame
  return series.map(({ name, values }, index) => {
    let isBroken = true
    const path = values.map((value, place) => {
      if (value === undefined) isBroken = true
      if (value === undefined) return ''
      const move = isBroken ? 'M' : 'L'
      isBroken = false
      return `${move}${point(xOf(place), yOf(value))}`
    })
    const stroke = { fill: 'none', stroke: colorOf(index), 'stroke-width': 2, 'stroke-dasharray': dashOf(index) }
    return element('path', { d: path.join(''), ...stroke }, hint(name))
  })
}

function areas({ series, rows, xOf, yOf }: Frame): readonly string[] {
  return series.map(({ name }, index) => {
    const upper = (rows[index] ?? []).map((value, place) => point(xOf(place), yOf(value)))
    const lower = (rows[index - 1] ?? upper.map(() => 0)).map((value, place) => point(xOf(place), yOf(value)))
    const d = upper.length > 0 ? `M${[...upper, ...lower.reverse()].join('L')}Z` : 'M0,0'
    return element('path', { d, fill: colorOf(index), 'fill-opacity': 0.85 }, hint(name))
  })
}

const point = (x: number, y: number): string => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`

/** First, last and greatest of each, for who does not see it. */
function described({ series, unit = 'number', x }: Series): string {
  const names = labels(x)
  const facts = series.map(({ name, values }) => {
    const known = values.map((value = 0) => value)
    const most = greatest([known])
    const when = names[known.indexOf(most)] ?? ''
    return `${name}: ${inWords(known[0] ?? 0, unit)} at first, ${inWords(known.at(-1) ?? 0, unit)} at last, most ${inWords(most, unit)} (${when})`
  })
  return `${names.length} places from ${names[0] ?? 'none'} to ${names.at(-1) ?? 'none'}. ${facts.join('; ')}`
}
