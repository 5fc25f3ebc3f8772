import type { Message, Task } from 'crewlog'
import type { Page, ReportDefinition, ReportView } from 'crewlog/reports'
import { LOG } from './replay.js'

export type Counts = Readonly<Record<string, number>>

/** Of durations, in seconds. */
export interface Durations {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
}

/** From the creation of a task to its completion, by what it is grouped by. */
export const leadTimes = (groupBy: (task: Task) => string): ReportDefinition<Readonly<Record<string, Durations>>> => ({
  name: 'lead times',
  run: (view) => {
    const done = view.tasks.filter(({ status }) => status === 'completed')
    const groups = grouped(done, groupBy).map(([group, tasks]) => {
      const times = tasks.map(({ createdAt, endedAt = createdAt }) => endedAt - createdAt)
      return [group, durationsOf(view, times)] as const
    })
    return Object.fromEntries(groups)
  },
  page: (data) => pageOf('Lead times', data),
})

/** From when an agent took an issue to its next closing, each time: an issue that is opened again is taken again. */
export const cycleTimes: ReportDefinition<Readonly<Record<string, Durations>>> = {
  name: 'cycle times',
  run: (view) => {
    const entries = view.communications?.messages({ topic: LOG }) ?? []
    const times = grouped(entries, ({ taskId = '' }) => taskId).flatMap(([, thread]) => cyclesIn(thread))
    return { all: durationsOf(view, times) }
  },
  page: (data) => pageOf('Cycle times', data),
}

function cyclesIn(thread: readonly Message[]): readonly number[] {
  let takenAt: number | undefined
  return thread.flatMap(({ metadata: { type, status }, sentAt = 0 }) => {
    const began = takenAt
    if (status === 'hooked') takenAt ??= sentAt
    if (type !== 'closed' || began === undefined) return []
    takenAt = undefined
    return sentAt - began
  })
}

function durationsOf(view: ReportView, times: readonly number[]): Durations {
  const { count, meanMs, minMs, maxMs, p50Ms, p90Ms, p95Ms } = view.durations(times)
  const sum = times.reduce((total, ms) => total + ms, 0) / 1000
  const [min = 0, max = 0, mean = 0, p50 = 0, p90 = 0, p95 = 0] = [minMs, maxMs, meanMs, p50Ms, p90Ms, p95Ms].map(
    (ms) => Math.round(ms) / 1000,
  )
  return { count, sum, min, max, mean, p50, p90, p95 }
}

const pageOf = (title: string, data: Readonly<Record<string, Durations>>): Page => ({
  title,
  parts: [
    {
      columns: [
        'Of',
        column('Number', 'number'),
        ...['Mean', 'Half within', '90 % within', 'All within'].map((name) => column(name, 'duration')),
      ],
      rows: Object.entries(data)
        .sort(([, a], [, b]) => b.count - a.count)
        .map(([group, { count, mean, p50, p90, max }]) => [
          group,
          count,
          ...[mean, p50, p90, max].map((s) => s * 1000),
        ]),
    },
  ],
})

/** How often each had an issue before the other, as the threads of the tasks tell. */
export const handOvers = counting('Hand-overs', 'From whom to whom', (threads) =>
  threads.flatMap((thread) => changesOver(thread.map(({ sender }) => sender))),
)

/** How often an issue was taken from one assignee and given to another. */
export const reassignments = counting('Reassignments', 'From whom to whom', (threads) =>
  threads.flatMap((thread) => changesOver(assigneesIn(thread))),
)

/** How often each was given an issue. */
export const assignments = counting('Assignments', 'To whom', (threads) => threads.flatMap(assigneesIn))

/** How many entries of the log each wrote. */
export const actions = counting('Actions', 'Who', (threads) =>
  threads.flatMap((thread) => thread.map(({ sender }) => sender)),
)

/** Counts what it finds in the entries of the log, thread by thread. */
function counting(
  title: string,
  what: string,
  find: (threads: readonly (readonly Message[])[]) => readonly string[],
): ReportDefinition<Counts> {
  return {
    name: title.toLowerCase(),
    run: ({ communications }) => {
      const entries = communications?.messages({ topic: LOG }) ?? []
      return countsOf(find(grouped(entries, ({ taskId = '' }) => taskId).map(([, thread]) => thread)))
    },
    page: (counts) => ({
      title,
      parts: [{ columns: [what, column('Times', 'number')], rows: Object.entries(counts), most: 15 }],
    }),
  }
}

/** The most frequent first. */
export function countsOf(names: readonly string[]): Counts {
  const counts = grouped(names, (name) => name).map(([name, all]) => [name, all.length] as const)
  return Object.fromEntries(counts.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}

function assigneesIn(thread: readonly Message[]): readonly string[] {
  return thread.flatMap(({ metadata: { assignee } }) => (typeof assignee === 'string' ? [assignee] : []))
}

const changesOver = (names: readonly string[]): readonly string[] =>
  names.flatMap((name, index) => {
    const before = names[index - 1] ?? name
    return before === name ? [] : [`${before} -> ${name}`]
  })

function grouped<T>(all: Iterable<T>, keyOf: (one: T) => string): readonly (readonly [string, readonly T[]])[] {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const group = groups.get(keyOf(one))
    if (group) group.push(one)
    else groups.set(keyOf(one), [one])
  }
  return [...groups]
}

const column = <U extends 'number' | 'duration'>(name: string, as: U) => ({ name, as })
