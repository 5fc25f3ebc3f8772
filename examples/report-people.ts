// Who does what to whom: track records, cost and conversations: prints `## Members`, `## Cost` and `## Conversations`.
import { conversations, cost, members } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
console.log(reports.generate(members()).toMarkdown())
console.log(reports.generate(cost({ most: 5 })).toMarkdown())
console.log(reports.generate(conversations()).toMarkdown())
console.log(reports.generate(members()).toCSV('By skill'))
