// Several reports with their pictures as one HTML page: prints `pictures: 3`.
import { cumulativeFlow, htmlDocument, members } from 'crewlog/reports'
import { sampleWeek } from './sample/week.js'

const { reports } = await sampleWeek()
const page = htmlDocument({
  title: 'The almanac',
  reports: [
    reports.generate('workload'),
    reports.generate(cumulativeFlow({ per: 'hour' })),
    reports.generate(members()),
  ],
})
// await writeFile('almanac.html', page)
console.log('pictures:', page.split('<svg').length - 1)
