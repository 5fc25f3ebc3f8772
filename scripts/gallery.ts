import {
  bestFit,
  type Crew,
  leastLoaded,
  openCrew,
  type Pictured,
  type Plan,
  type Report,
  roundRobin,
  type Strategy,
} from 'crewlog'
import { criticalPath as soonest, optimal } from 'crewlog/assignment'
import {
  blocked,
  burndown,
  conversations,
  cost,
  criticalPath,
  cumulativeFlow,
  cycleTime,
  defineReport,
  forecast,
  members,
  overdue,
  throughput,
} from 'crewlog/reports'
import { manualEnvironment } from 'crewlog/testing'
import { sampleWeek } from '../examples/sample/week.js'
import { ganttChart } from '../src/reports/render/gantt-chart.js'
import { graphChart } from '../src/reports/render/graph-chart.js'
import type { Chart } from '../src/reports/report.js'

/** One section of the gallery. */
export interface Exhibit {
  readonly title: string
  /** How it is made, as code. */
  readonly code: string
  readonly says: string
  /** The file in examples that shows it. */
  readonly example: string
  readonly picture?: { readonly name: string; readonly svg: string; readonly alt: string }
  /** What it reads like, as Markdown. */
  readonly text?: string
}

/** Every report, of the sample week. */
export async function reportExhibits(): Promise<readonly Exhibit[]> {
  const { reports } = await sampleWeek()
  const byKind = defineReport({
    name: 'By kind',
    of: 'tasks',
    where: { status: 'completed' },
    groupBy: 'kind',
    measures: { count: 'count', tokens: { sum: ({ usage }) => usage.tokens } },
    orderBy: 'count',
  })
  const day = { per: 'day' } as const
  const hour = { per: 'hour' } as const
  return [
    read('summary', 'What stands where, how long it took, what it cost.', 'standing', reports.generate('summary')),
    drawn('workload', 'Who does how much.', 'standing', reports.generate('workload')),
    read('health', 'What needs a person now, the oldest first, and what to do.', 'standing', reports.generate('health')),
    drawn('throughput', 'What was created and ended in each span of the calendar.', 'flow', reports.generate(throughput(day)), "{ per: 'day' }"),
    drawn('cycleTime', 'How long completed tasks took, and with what: waiting, blocked, worked on, asking, in review.', 'flow', reports.generate(cycleTime()), ''),
    drawn('burndown', 'What is open still, from day to day.', 'flow', reports.generate(burndown(day)), "{ per: 'day' }"),
    drawn('cumulativeFlow', 'How many tasks stood where at each time; where a band grows wider, work piles up.', 'flow', reports.generate(cumulativeFlow(hour)), "{ per: 'hour' }"),
    drawn('blocked', 'What is blocked, by which root causes, and what held others up.', 'obstacles', reports.generate(blocked()), ''),
    read('overdue', 'What is late, and how much was on time.', 'obstacles', reports.generate(overdue()), ''),
    drawn('criticalPath', 'The chain of open tasks that decides when all is done.', 'obstacles', reports.generate(criticalPath()), ''),
    drawn('forecast', 'When all may be done, played through a thousand times over recorded durations, the graph, the members and their capacities.', 'outlook', reports.generate(forecast()), ''),
    drawn('members', 'The track record of each member and skill, which strategies go by.', 'people', reports.generate(members()), ''),
    drawn('cost', 'Tokens and money by member, kind, label and task.', 'people', reports.generate(cost()), ''),
    drawn('conversations', 'Who wrote to whom, how soon it was answered, what lies unread.', 'people', reports.generate(conversations()), ''),
    { ...read('defineReport', 'A report of your own, from typed measures.', 'own', reports.generate(byKind)), code: 'crew.reports.generate(defineReport({ … }))' },
  ] // prettier-ignore
}

const codeOf = (name: string, settings: string | undefined): string =>
  `crew.reports.generate(${settings === undefined ? `'${name}'` : `${name}(${settings})`})`

function read(name: string, says: string, example: string, report: Report<unknown>, settings?: string): Exhibit {
  const text = report
    .toMarkdown()
    .replace(/^## .*\n\n/, '')
    .replaceAll(/^### (.*)$/gm, '**$1**')
  return { title: name, code: codeOf(name, settings), says, example: `report-${example}.ts`, text }
}

function drawn(name: string, says: string, example: string, report: Pictured<unknown>, settings?: string): Exhibit {
  const { title } = report.page()
  const picture = { name: fileOf(name), svg: report.toSVG(), alt: `${title} of the sample week` }
  return { title: name, code: codeOf(name, settings), says, example: `report-${example}.ts`, picture }
}

const fileOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const HOUR = 3_600_000

/** Six tasks for three members. */
async function board(): Promise<Crew> {
  const crew = await openCrew({ environment: manualEnvironment({ now: '2026-03-02T08:00:00Z' }) })
  await crew.join('ana', { skills: { data: 0.9, write: 0.5 }, capacity: 2 })
  await crew.join('bo', { skills: { write: 0.9, data: 0.6 }, capacity: 2 })
  await crew.join('cy', { skills: { write: 0.7, data: 0.7, draw: 0.8 }, capacity: 2 })
  const row = (id: string, skill: string, hours: number, dependsOn: readonly string[] = []) => ({
    id,
    description: id,
    requires: { [skill]: 0.5 },
    estimateMs: hours * HOUR,
    dependsOn,
  })
  await crew.tracker.createMany([
    row('tides', 'data', 6),
    row('stars', 'data', 4),
    row('rules', 'write', 5),
    row('outline', 'write', 2),
    row('map', 'draw', 4),
    row('licence', 'law', 1),
    row('index', 'write', 3, ['outline', 'map']),
  ])
  return crew
}

const effort: Parameters<typeof soonest>[0]['duration'] = ({ requires, estimateMs = HOUR }, { skills }) => {
  const [skill = ''] = Object.keys(requires)
  return skills[skill] ? Math.round(estimateMs / skills[skill]) : undefined
}

/** Whoever comes first in the alphabet and has a place. */
const alphabetical: Strategy = (view) => {
  const loads = new Map(view.members.map(({ id }) => [id, view.load(id)]))
  const assigned = view.tasks.flatMap((task) => {
    const free = view.able(task).filter(({ id, capacity }) => (loads.get(id) ?? 0) < capacity)
    const member = free.map(({ id }) => id).sort()[0]
    if (member === undefined) return []
    loads.set(member, (loads.get(member) ?? 0) + 1)
    return { taskId: task.id, member }
  })
  return { assigned }
}

/** Every strategy, asked about the same board. */
export async function strategyExhibits(): Promise<readonly Exhibit[]> {
  const crew = await board()
  const show = async (name: string, strategy: Strategy, code: string, says: string): Promise<Exhibit> => {
    const plan = await crew.autoAssign({ strategy, dryRun: true })
    const chart = name === 'criticalPath' ? scheduled(plan) : given(name, plan, crew)
    const file = fileOf(name)
    return {
      title: name === 'own' ? 'One of your own' : name,
      code,
      says,
      example: `strategy-${file}.ts`,
      picture: { name: `strategy-${file}`, svg: chart.toSVG(), alt: `Who is given what by ${name}` },
      text: `\`\`\`\n${plan.explain()}\n\`\`\``,
    }
  }
  return [
    await show('roundRobin', roundRobin(), 'roundRobin()', 'In turns, by id, from whoever was given something last.'),
    await show('leastLoaded', leastLoaded(), 'leastLoaded()', 'To whoever has the greatest share of its capacity free.'),
    await show('bestFit', bestFit(), 'bestFit()', 'To whoever suits the task best: expertise, load, track record, due date. The default.'),
    await show('optimal', optimal({ cost: (task, member) => effort(task, member) }), 'optimal({ cost: hours })', 'As many as possible at the least cost in all; here the cost is time.'),
    await show('criticalPath', soonest({ duration: effort }), 'criticalPath({ duration: hours })', 'Who does what and when, so that all ends soonest; later tasks are planned, and given when they are ready.'),
    await show('own', alphabetical, '(view) => ({ assigned })', 'A pure function; here whoever comes first in the alphabet and has a place.'),
  ] // prettier-ignore
}

/** Tasks on the left, members on the right. */
function given(name: string, { assigned, left }: Plan, crew: Crew): Chart {
  return graphChart({
    title: `Who is given what by ${name === 'own' ? 'a strategy of your own' : name}`,
    nodes: [
      ...assigned.map(({ taskId }) => ({ id: `task ${taskId}`, name: taskId, mark: 'active' as const })),
      ...left.map(({ taskId }) => ({ id: `task ${taskId}`, name: `${taskId}: nobody`, mark: 'blocked' as const })),
      ...crew.members.map(({ id, capacity }) => ({ id, name: `${id}, up to ${capacity}`, mark: 'done' as const })),
    ],
    edges: assigned.map(({ taskId, member }) => ({ from: `task ${taskId}`, to: member })),
  })
}

function scheduled({ assigned, later }: Plan): Chart {
  const bars = [
    ...assigned.map((one) => ({ ...one, state: 'active' as const })),
    ...later.map((one) => ({ ...one, state: 'done' as const })),
  ]
  const ids = [...new Set(bars.map(({ member }) => member))].sort()
  return ganttChart({
    title: 'Who does what and when by criticalPath: now, and later (grey)',
    sections: ids.map((id) => ({
      name: id,
      bars: bars
        .filter(({ member }) => member === id)
        .map(({ taskId, startAt = 0, endAt = 0, state }) => ({ name: taskId, from: startAt, to: endAt, state })),
    })),
  })
}
