// When all may be done: a forecast, seeded, which says what it rests on: prints `## Forecast` and `85 %`.
import { forecast } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
const report = reports.generate(forecast({ runs: 1000, seed: 1 }))
console.log(report.toMarkdown())
console.log('in five of six cases by', new Date(report.data.endsAt.p85 ?? NaN).toISOString())
