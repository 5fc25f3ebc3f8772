// Where things stand: summary, workload and health: prints `## Summary`, `## Workload` and `Nobody available has law 0.5`.
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
console.log(reports.generate('summary').toMarkdown())
console.log(reports.generate('workload').toMarkdown())
console.log(reports.generate('health').toMarkdown())
