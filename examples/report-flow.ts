// How work flows: throughput, cycle time, burndown and cumulative flow: prints `## Throughput per day`, `## Cycle time`, `## Burndown` and `## Cumulative flow`.
import { burndown, cumulativeFlow, cycleTime, throughput } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
console.log(reports.generate(throughput({ per: 'day' })).toMarkdown())
console.log(reports.generate(cycleTime()).toMarkdown())
console.log(reports.generate(burndown({ per: 'day' })).toMarkdown())
console.log(reports.generate(cumulativeFlow({ per: 'day' })).toMarkdown())
