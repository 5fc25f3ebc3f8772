// What holds work up: blocked tasks and their root causes, overdue ones, the critical path: prints `## Blocked`, `## Overdue` and `## Critical path`.
import { blocked, criticalPath, overdue } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
console.log(reports.generate(blocked()).toMarkdown())
console.log(reports.generate(overdue()).toMarkdown())
const path = reports.generate(criticalPath())
console.log(path.toMarkdown())
console.log(path.toMermaid()) // A Gantt chart that GitHub draws.
