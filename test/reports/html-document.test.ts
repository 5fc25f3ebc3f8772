import { type Crew, CrewError, openCrew } from 'crewlog'
import { htmlDocument } from 'crewlog/reports'
import { manualEnvironment } from 'crewlog/testing'
import { beforeEach, expect, it } from 'vitest'

const HOSTILE = `</style><script>alert(1)</script><img src=x onerror="alert('2')"> & \`b\``

let crew: Crew

beforeEach(async () => {
  crew = await openCrew({ environment: manualEnvironment() })
  await crew.join('ada')
  await crew.tracker.create({ id: 't1', description: HOSTILE, title: HOSTILE, dueAt: '2020-01-01T00:00:00Z' })
})

const three = () => [
  crew.reports.generate('summary'),
  crew.reports.generate('workload'),
  crew.reports.generate('health'),
]

it('holds every report, and a way to each', () => {
  const html = htmlDocument({ title: 'Crew', subtitle: 'a night shift', reports: three() })

  expect(html.match(/<h2>[^<]*<\/h2>/g)).toEqual(['<h2>Summary</h2>', '<h2>Workload</h2>', '<h2>Health</h2>'])
  expect(html.match(/href="#[^"]*"/g)).toEqual(['href="#report-1"', 'href="#report-2"', 'href="#report-3"'])
  expect(html).toContain('a night shift · as of ')
  expect(html).toContain('<svg')
})

it('shows text of others as it is', () => {
  const html = htmlDocument({ title: HOSTILE, subtitle: HOSTILE, reports: three() })

  expect(html).not.toMatch(/<script|<img|<\/style><s/)
  // In the tab, as heading, below it, and in the finding that the task is overdue.
  expect(html.split('&lt;script&gt;alert(1)&lt;/script&gt;').length - 1).toBe(4)
})

it('asks for nothing from outside', () => {
  const html = htmlDocument({ title: 'Crew', reports: three() })

  expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src="|@import|url\(/)
})

it('opens and closes the same elements', () => {
  const html = htmlDocument({ title: 'Crew', reports: three() })
  const open: string[] = []
  for (const [, slash, name = '', empty] of html.matchAll(/<(\/?)([a-z][a-zA-Z0-9]*)[^>]*?(\/?)>/g)) {
    if (name === 'meta' || empty === '/') continue
    if (slash === '') open.push(name)
    else expect(open.pop()).toBe(name)
  }

  expect(open).toEqual([])
})

it.each([
  ['no report', { title: 'Crew', reports: [] }, 'options.reports is empty; give it at least one report'],
  ['no title', { title: '', reports: [] }, 'options.title'],
  ['something else as a report', { title: 'Crew', reports: [{}] }, 'options.reports[0]'],
])('refuses %s', (_what, options, message) => {
  expect(() => htmlDocument(options as never)).toThrow(CrewError)
  expect(() => htmlDocument(options as never)).toThrow(message)
})
