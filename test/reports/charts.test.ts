import { type ReportDefinition } from 'crewlog'
import type { Chart } from 'crewlog/reports'
import { ticks as d3Ticks } from 'd3-array'
import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { ganttChart } from '../../src/reports/render/gantt-chart.js'
import { graphChart } from '../../src/reports/render/graph-chart.js'
import { pieChart } from '../../src/reports/render/pie-chart.js'
import { ticks } from '../../src/reports/render/scale.js'
import { seriesChart } from '../../src/reports/render/series-chart.js'
import { COLORS } from '../../src/reports/render/svg.js'
import { drawn, parseMermaid } from '../support/mermaid.js'
import { openTeam } from '../support/team.js'

/** Texts that would be something else where a language is not escaped, among any others. */
const text = fc.oneof(
  fc.constantFrom(
    'end', 'click a call alert()', 'section X', 'title', '"]; n9["x', '`', 'a:b, c', '%% x', '%%{init: {}}%%', '---',
    '# x', '#35;', '#quot;', 'ﬂ°°35¶ß', '<script>alert(1)</script>', '</title><script>', ']]>', '&amp;', "' onload='", '{{x}}', '$$x$$',
    'a\nb', 'a\r\nclick b', '\u0000\u001b[31m', '\u202Egnol', '2026-01-01', 'done, 1', 'x: y', '', ' ', '--> n1', '中文', 'é', '👩‍🚀', '\uD800',
  ), // prettier-ignore
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
)
const amount = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constantFrom(0, 1e-9, 1e300))
const time = fc.integer({ min: 0, max: 4e12 })
const kind = fc.constantFrom('line', 'area', 'bar')
const unit = fc.constantFrom('number', 'duration', 'share')

const series = fc.integer({ min: 1, max: 6 }).chain((places) =>
  fc.record({
    title: text,
    kind,
    unit,
    x: fc.oneof(
      fc.array(text, { minLength: places, maxLength: places }),
      fc.uniqueArray(time, { minLength: places, maxLength: places }).map((times) => times.sort((a, b) => a - b)),
    ),
    series: fc.array(
      fc.record({
        name: text,
        values: fc.array(fc.option(amount, { nil: undefined }), { minLength: places, maxLength: places }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
)
const gantt = fc.record({
  title: text,
  sections: fc.array(
    fc.record({
      name: text,
      bars: fc.array(
        fc.record(
          {
            name: text,
            from: time,
            to: time.map((at) => at + 4e12),
            state: fc.constantFrom('done', 'active', 'critical'),
          },
          { requiredKeys: ['name', 'from', 'to'] },
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})
const pie = fc.record({
  title: text,
  slices: fc.array(fc.record({ name: text, value: amount.filter((value) => value < 1e20) }), {
    minLength: 1,
    maxLength: 5,
  }),
})
const graph = fc.uniqueArray(text, { minLength: 1, maxLength: 5 }).chain((ids) =>
  fc.record({
    title: text,
    nodes: fc.tuple(
      ...ids.map((id) =>
        fc.record(
          { id: fc.constant(id), name: text, mark: fc.constantFrom('done', 'active', 'blocked', 'critical') },
          { requiredKeys: ['id', 'name'] },
        ),
      ),
    ),
    edges: fc.array(
      fc.record(
        { from: fc.constantFrom(...ids, 'gone'), to: fc.constantFrom(...ids), isCritical: fc.boolean() },
        { requiredKeys: ['from', 'to'] },
      ),
      { maxLength: 8 },
    ),
  }),
)

/** As it can be shown in one line. */
const inLine = (text: string): string => text.replace(/[\p{C}\p{Z}\s]+/gu, ' ').trim()
const RUNS = { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 40) }

describe('Mermaid', () => {
  it('draws series with any names', async () => {
    await fc.assert(
      fc.asyncProperty(series, async (given) => {
        const { type, db } = await parseMermaid(seriesChart(given).toMermaid())
        const { plots } = (db as { getXYChartData(): { plots: { title: string; data: unknown[] }[] } }).getXYChartData()
        const names = plots.map(({ title }) => inLine(drawn(title)))
        const wanted = given.series.map(({ name }) => inLine(name))
        expect(type).toBe('xychart')
        expect(names).toEqual(given.kind === 'line' ? wanted : wanted.reverse())
        for (const { data } of plots) expect(data).toHaveLength(given.x.length)
      }),
      RUNS,
    )
  })

  it('draws what was done when, with any names', async () => {
    await fc.assert(
      fc.asyncProperty(gantt, async (given) => {
        const { type, db } = await parseMermaid(ganttChart(given).toMermaid())
        const tasks = (
          db as { getTasks(): { task: string; type: string; startTime: Date; endTime: Date }[] }
        ).getTasks()
        const bars = given.sections.flatMap(({ name, bars }) => bars.map((bar) => ({ section: name, ...bar })))
        expect(type).toBe('gantt')
        expect(
          tasks.map(({ task, type, startTime, endTime }) => [
            inLine(drawn(task)),
            inLine(drawn(type)),
            +startTime,
            +endTime,
          ]),
        ).toEqual(bars.map(({ name, section, from, to }) => [inLine(name) || '-', inLine(section) || '-', from, to]))
      }),
      RUNS,
    )
  })

  it('draws parts of a whole, with any names', async () => {
    await fc.assert(
      fc.asyncProperty(pie, async (given) => {
        const { type, db } = await parseMermaid(pieChart(given).toMermaid())
        const names = [...(db as { getSections(): Map<string, number> }).getSections().keys()]
        expect(type).toBe('pie')
        const wanted = given.slices.filter(({ value }) => value > 0).map(({ name }) => inLine(name))
        expect(names.map((name) => inLine(drawn(name)))).toEqual([...new Set(wanted)])
      }),
      RUNS,
    )
  })

  it('draws what waits for what, with any names', async () => {
    await fc.assert(
      fc.asyncProperty(graph, async (given) => {
        const { type, db } = await parseMermaid(graphChart(given).toMermaid())
        const chart = db as {
          getVertices(): Map<string, { text: string }>
          getEdges(): { start: string; end: string }[]
        }
        expect(type).toBe('flowchart-v2')
        const nodes = [...chart.getVertices().values()]
        expect(nodes.map(({ text }) => inLine(drawn(text)))).toEqual(given.nodes.map(({ name }) => inLine(name)))
        const numberOf = (id: string) => `n${given.nodes.findIndex((node) => node.id === id)}`
        expect(chart.getEdges().map(({ start, end }) => [start, end])).toEqual(
          given.edges
            .filter(({ from }) => given.nodes.some(({ id }) => id === from))
            .map(({ from, to }) => [numberOf(from), numberOf(to)]),
        )
      }),
      RUNS,
    )
  })
})

interface Drawing {
  readonly elements: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[]
  readonly texts: readonly string[]
}

/** Read as XML, strictly. */
function readSVG(svg: string): Drawing {
  const elements: { name: string; attributes: Record<string, string> }[] = []
  const texts: string[] = []
  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes: attributes }))
  parser.on('text', (text) => texts.push(text))
  parser.write(svg).close()
  return { elements, texts }
}

const KNOWN = ['svg', 'title', 'desc', 'style', 'rect', 'line', 'path', 'circle', 'text']

describe('SVG', () => {
  const charts = fc.oneof(
    series.map((given) => [given.title, seriesChart(given as never)] as const),
    gantt.map((given) => [given.title, ganttChart(given as never)] as const),
    pie.map((given) => [given.title, pieChart(given)] as const),
    graph.map((given) => [given.title, graphChart(given as never)] as const),
  )

  it('is XML in which texts of others are texts, and nothing is run or fetched', () => {
    fc.assert(
      fc.property(charts, ([, chart]: readonly [string, Chart]) => {
        const { elements } = readSVG(chart.toSVG())
        for (const { name, attributes } of elements) {
          expect(KNOWN).toContain(name)
          for (const [key, value] of Object.entries(attributes)) {
            expect(key).not.toMatch(/^on|href|^src$/)
            expect(value).not.toMatch(/NaN|Infinity|undefined|url\(/)
          }
        }
      }),
      { numRuns: 3 * RUNS.numRuns },
    )
  })

  it('has a title and a description for who does not see it, and grows with its place', () => {
    const svg = seriesChart({
      title: 'Done & dusted',
      kind: 'bar',
      x: ['ana', 'bo'],
      series: [{ name: 'done', values: [2, 5] }],
    }).toSVG()
    const { elements, texts } = readSVG(svg)
    expect(elements[0]).toMatchObject({ name: 'svg', attributes: { role: 'img', viewBox: '0 0 720 340' } })
    expect(elements[0]?.attributes).not.toHaveProperty('width')
    expect(elements.slice(1, 3).map(({ name }) => name)).toEqual(['title', 'desc'])
    expect(texts).toContain('Done & dusted')
    expect(texts).toContain('2 places from ana to bo. done: 2 at first, 5 at last, most 5 (bo)')
    expect(texts).toContain('bo, done: 5')
  })

  it.each([1, 2, 7, 20])(
    'cuts long names at their end, and says them whole to who points there: %i places',
    (places) => {
      const x = Array.from(
        { length: places },
        (_, place) => `${place} WWW member with a name of unusual length, ${'m'.repeat(90)}`,
      )
      const svg = seriesChart({ title: 'x', kind: 'bar', x, series: [{ name: 'n', values: x.map(() => 1) }] }).toSVG()
      const cut = [...svg.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)…<title>([^<]*)</g)]
      expect(cut.length).toBeGreaterThan(0)
      for (const [, middle, shown = '', whole = ''] of cut) {
        expect(x).toContain(whole)
        expect(whole.startsWith(shown)).toBe(true)
        // Letters of 11 px are 7 px wide on average, those of these names.
        expect(Number(middle) - (7 * shown.length) / 2).toBeGreaterThanOrEqual(0)
      }
    },
  )

  it('tells times of a few minutes by their seconds', () => {
    const at = Date.UTC(2026, 0, 1, 12)
    const of = (x: readonly number[]) =>
      readSVG(seriesChart({ title: 'x', kind: 'line', x, series: [{ name: 'n', values: x.map(() => 1) }] }).toSVG())
        .texts
    expect(of([at, at + 1000])).toEqual(expect.arrayContaining(['12:00:00', '12:00:01']))
    expect(of([at, at + 600_000])).toEqual(expect.arrayContaining(['2026-01-01 12:00', '2026-01-01 12:10']))
  })

  it('draws values at their height', () => {
    const svg = seriesChart({
      title: 'x',
      kind: 'bar',
      x: ['a', 'b'],
      series: [
        { name: 'one', values: [10, 5] },
        { name: 'two', values: [0, 5] },
      ],
    }).toSVG()
    const bars = readSVG(svg).elements.filter(
      ({ name, attributes }) => name === 'rect' && attributes['rx'] === undefined,
    )
    const [a, b, second] = bars.map(({ attributes: { y, height, fill } }) => ({
      y: Number(y),
      height: Number(height),
      fill,
    }))
    expect(bars).toHaveLength(3)
    expect(b!.height * 2).toBe(a!.height)
    // On top of the first, and together as high as the other place.
    expect(second!.y + second!.height).toBe(b!.y)
    expect(second!.y).toBe(a!.y)
    expect(second!.fill).not.toBe(b!.fill)
  })

  it('breaks a line where there is no value', () => {
    const svg = seriesChart({
      title: 'x',
      kind: 'line',
      x: [0, 1, 2, 3],
      series: [{ name: 'n', values: [1, undefined, 2, 3] }],
    }).toSVG()
    const { attributes } = readSVG(svg).elements.find(({ name }) => name === 'path')!
    expect(attributes['d']?.replace(/[\d.,-]+/g, '')).toBe('MML')
  })

  it('is seen on light and on dark', () => {
    const light = ([r, g, b]: readonly number[]) =>
      [r!, g!, b!]
        .map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index]!, 0)
    const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    const grounds = [light([255, 255, 255]), light([0x0d, 0x11, 0x17])]
    for (const color of COLORS) {
      const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
      for (const ground of grounds) expect(contrast(light(parts), ground)).toBeGreaterThanOrEqual(3)
    }
    const svg = pieChart({ title: 'x', slices: [{ name: 'a', value: 1 }] }).toSVG()
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg).toContain('fill="currentColor"')
  })
})

describe('ticks', () => {
  it('are those of d3, up to one that no value is above', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), fc.integer({ min: 2, max: 10 }), (max, count) => {
        const own = ticks(max, count)
        const theirs = d3Ticks(0, max, count)
        expect(own.slice(0, theirs.length)).toEqual(theirs)
        expect(own.at(-1)! * (1 + 1e-9)).toBeGreaterThanOrEqual(max)
        expect(own.length - theirs.length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('a report', () => {
  it('is a picture where it has one', async () => {
    const { reports } = await openTeam([])
    const plain: ReportDefinition<null> = {
      name: 'plain',
      run: () => null,
      page: () => ({ title: 'Plain', parts: [] }),
    }
    const report = reports.generate(plain)
    expect(report.toMermaid).toBeUndefined()
    expect(report.toSVG).toBeUndefined()
    const picture = reports.generate({ ...plain, chart: () => pieChart({ title: 'Pie', slices: [] }) })
    expect(picture.toMermaid()).toBe('pie\n  title #80;ie\n')
    expect(picture.toSVG()).toMatch(/^<svg /)
  })

  it('is read as SVG when it is about the workload', async () => {
    const { reports, tracker } = await openTeam(['ana', 'bo'])
    await tracker.create({ description: 'x', assignees: 'ana' })
    const report = reports.generate('workload')
    expect(readSVG(report.toSVG()).texts).toContain('ana, open: 1')
    await expect(parseMermaid(report.toMermaid())).resolves.toMatchObject({ type: 'xychart' })
  })
})
