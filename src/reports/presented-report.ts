import type { Json } from '../core/json.js'
import { pageToCSV } from './render/csv.js'
import { pageToMarkdown } from './render/markdown.js'
import type { Report, ReportDefinition } from './report.js'

/** Figures with all ways to show them, made by the one renderer of each. */
export function presented<T>(
  head: Omit<Report<T>, 'page' | 'toJSON' | 'toMarkdown' | 'toCSV' | 'toMermaid' | 'toSVG'>,
  definition: Pick<ReportDefinition<T>, 'page' | 'chart'>,
): Report<T> {
  const { data } = head
  const page = () => definition.page(data)
  const chart = definition.chart?.bind(definition)
  return Object.freeze({
    ...head,
    page,
    toJSON: () => head as unknown as Json,
    toMarkdown: () => pageToMarkdown(page()),
    toCSV: (table?: string) => pageToCSV(page(), table),
    ...(chart && { toMermaid: () => chart(data).toMermaid(), toSVG: () => chart(data).toSVG() }),
  })
}
