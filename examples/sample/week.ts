import { bestFit, type Attempt, type Crew, type MemberOptions, openCrew, type TaskDraft } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

const HOUR = 3_600_000

const MEMBERS: Readonly<Record<string, MemberOptions>> = {
  ana: { skills: { data: 0.9, write: 0.5 }, capacity: 2 },
  bo: { skills: { write: 0.9, draw: 0.6 } },
  cy: { skills: { test: 0.8, data: 0.6 } },
  hana: { kind: 'human', available: false },
}

type Row = readonly [
  id: string,
  day: number,
  skill: string,
  hours: number,
  dependsOn?: readonly string[],
  more?: Partial<TaskDraft>,
]

// An almanac for a harbour. Day 0 is a Monday.
const ROWS: readonly Row[] = [
  ['stations', 0, 'data', 6],
  ['tide-tables', 0, 'data', 10, ['stations'], { labels: ['tides'], priority: 3 }],
  ['moon-phases', 0, 'data', 5, [], { labels: ['sky'] }],
  ['sun-times', 0, 'data', 4, [], { labels: ['sky'] }],
  ['outline', 0, 'write', 5, [], { priority: 3 }],
  ['foreword', 0, 'write', 8, ['outline'], { reviewers: ['hana'] }],
  ['map', 0, 'draw', 12, ['stations']],
  ['check-tides', 1, 'test', 6, ['tide-tables'], { labels: ['tides'], dueAt: '2026-03-04T12:00:00Z' }],
  ['check-sky', 1, 'test', 4, ['moon-phases', 'sun-times'], { labels: ['sky'] }],
  ['currents', 1, 'data', 12, ['stations'], { labels: ['tides'] }],
  ['glossary', 1, 'write', 6, ['outline']],
  ['harbour-rules', 2, 'write', 7, ['outline'], { reviewers: ['hana'], dueAt: '2026-03-06T12:00:00Z' }],
  ['charts', 2, 'draw', 14, ['tide-tables', 'currents'], { dueAt: '2026-03-05T18:00:00Z' }],
  ['radio-times', 2, 'data', 3],
  ['check-radio', 2, 'test', 3, ['radio-times']],
  ['licence', 2, 'law', 4, [], { description: 'Ask the survey for a licence' }],
  ['layout', 3, 'draw', 10, ['map', 'charts', 'foreword'], { dueAt: '2026-03-05T10:00:00Z' }],
  ['corrections', 3, 'data', 6, ['currents']],
  ['errata', 3, 'data', 8, ['layout']],
  ['index', 3, 'write', 6, ['glossary', 'layout']],
  ['proof', 3, 'test', 8, ['layout', 'harbour-rules', 'check-tides', 'check-sky']],
  ['print', 3, 'data', 4, ['proof', 'index', 'licence'], { dueAt: '2026-03-09T12:00:00Z' }],
]

/** How much longer than its estimate a task took; what is not here took as long. */
const OVERRUNS: Readonly<Record<string, number>> = {
  'tide-tables': 1.6,
  outline: 0.7,
  map: 1.3,
  currents: 2,
  glossary: 1.4,
}
const FAILS_FIRST: ReadonlySet<string> = new Set(['tide-tables', 'charts', 'check-tides'])

/** Most of a week of a small crew, on a clock that is turned: the same in every run. It ends on Thursday at noon. */
export async function sampleWeek(): Promise<Crew> {
  const environment = manualEnvironment({ now: '2026-03-02T08:00:00Z' })
  const crew = await openCrew({
    environment,
    assignment: { strategy: bestFit() },
    leaseMs: 24 * HOUR,
    retry: { backoffMs: { base: HOUR, cap: HOUR } },
  })
  const after = (ms: number): Promise<void> => new Promise((resolve) => environment.setTimer(resolve, ms))
  for (const [id, options] of Object.entries(MEMBERS)) await crew.join(id, options)

  const work = async (attempt: Attempt): Promise<string> => {
    const { task, number } = attempt
    const takes = (task.estimateMs ?? 0) * (OVERRUNS[task.id] ?? 1)
    const isInVain = number === 1 && FAILS_FIRST.has(task.id)
    await after(isInVain ? takes / 3 : takes)
    await attempt.progress({ usage: { tokens: Math.round(takes / 2000), cost: takes / 3_600_000 / 20 } })
    if (isInVain) throw new Error('The figures do not add up')
    return `${task.id}, done`
  }
  for (const id of ['ana', 'bo', 'cy']) {
    const member = crew.as(id)
    member.work(work)
    member.listen((message) => {
      if (message.kind === 'question') void after(HOUR / 2).then(() => member.reply(message, 'As last year'))
    })
  }
  const hana = crew.as('hana')
  hana.listen(({ kind, taskId = '' }) => {
    if (kind === 'task.review') void after(3 * HOUR).then(() => hana.review(taskId, { passed: true }))
  })

  for (const day of [0, 1, 2, 3]) {
    await crew.tracker.createMany(ROWS.filter(([, on]) => on === day).map(draftOf))
    await crew.as('bo').send('ana', 'Which datum do we take?', { kind: 'question' })
    if (day % 2 === 1) await crew.as('cy').send(['ana', 'bo'], 'Is the layout that of last year?', { kind: 'question' })
    await environment.advance(day < 3 ? '1d' : '4h')
  }
  return crew
}

const draftOf = ([id, , skill, hours, dependsOn = [], more]: Row): TaskDraft => ({
  id,
  description: `${id.replace('-', ' ')} of the almanac`,
  kind: skill,
  requires: { [skill]: 0.5 },
  estimateMs: hours * HOUR,
  dependsOn,
  ...more,
})
