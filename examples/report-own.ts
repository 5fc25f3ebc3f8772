// A report of your own, typed, as Markdown and CSV: prints `## By kind` and `"data"`.
import { defineReport } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const byKind = defineReport({
  name: 'By kind',
  of: 'tasks',
  where: { status: 'completed' },
  groupBy: 'kind',
  measures: {
    count: 'count',
    took: { percentile: 'durationMs', p: 0.9 },
    tokens: { sum: ({ usage }) => usage.tokens },
  },
  orderBy: 'count',
})
const { reports } = await sampleWeek()
const report = reports.generate(byKind)
console.log(report.toMarkdown())
console.log(report.toCSV())
console.log(report.data.rows.map(({ group, took }) => `${group}: ${took}`).join(', ')) // Typed: a number, or null.
