import type { Id } from '../core/input.js'
import type { Stage } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import type { OpenGraph, Place } from './figures/open-graph.js'
import { firstCauses, rootCauses } from './figures/root-causes.js'
import { tellLife } from './figures/life.js'
import { type ListSettings, moreNote, readMost } from './list-settings.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { graphOfOpen } from './outlook.js'
import { dependencyEnds, tellPast } from './past.js'
import type { DurationStats } from './percentile.js'
import { graphChart } from './render/graph-chart.js'
import { span } from './render/markdown.js'
import type { PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

/** What others wait for in the end. */
export interface RootCauseRow {
  readonly taskId: Id
  /** Its title or the beginning of its description; empty for outsiders, and for what is not on the board. */
  readonly name: string
  /** Left out for what is not on the board. */
  readonly stage?: Stage
  /** Who works on it, is to answer, or is to do it; nobody named means anybody. */
  readonly members: readonly Id[]
  /** Blocked tasks that wait for it, directly or through others. */
  readonly holdsUp: number
  /** Of them, those that wait for nothing else. */
  readonly alone: number
}

export interface BlockedRow {
  readonly taskId: Id
  readonly name: string
  readonly assignees: readonly Id[]
  /** What it waits for directly. */
  readonly waitsFor: readonly Id[]
  /** What that comes to in the end, by the first of these, the first that one waits for, and so on. */
  readonly cause: Id
  readonly blockedMs: number
}

/** A task that was the last to let others go, or has yet to. */
export interface HeldRow {
  readonly taskId: Id
  readonly name: string
  readonly tasks: number
  /** How long these tasks were blocked, together. */
  readonly blockedMs: number
}

export interface BlockedData {
  /** Tasks that are blocked now. */
  readonly blocked: number
  /** The one that holds up the most first. Exact for all when there are no more than 256. */
  readonly causes: readonly RootCauseRow[]
  /** Blocked for the longest first. */
  readonly tasks: readonly BlockedRow[]
  /** How long tasks were blocked in the window; of those that were at all, ended ones included. */
  readonly time: DurationStats
  /** By the dependency of each that ended last; what cost the most time first. */
  readonly heldBy: readonly HeldRow[]
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

/** Who waits for what: root causes as things are now, and in the window, how long tasks were blocked and by what. */
export function blocked(settings: ListSettings = {}): PicturedDefinition<BlockedData> {
  const most = readMost(settings)
  return {
    name: 'blocked',
    clocked: ['blockedMs', 'time'],

    run(view) {
      const graph = graphOfOpen(view)
      const { board } = view.tracker.parts
      const isCounted = graph.tasks.map(({ id }) => view.lets(id) && board.card(id)?.stage === 'blocked')
      const causes = rootCauses(graph, (place) => isCounted[place] === true, most)
      const times = blockedTimes(view)
      return {
        blocked: isCounted.filter(Boolean).length,
        causes: causes.map(({ place, holdsUp, alone }) => ({ ...causeAt(view, graph, place), holdsUp, alone })),
        tasks: blockedRows(view, graph, isCounted, most),
        time: view.durations(times.map(({ ms }) => ms)),
        heldBy: heldBy(view, times, most),
        uncounted: uncountedIn(view),
      }
    },

    page: ({ blocked: count, causes, tasks, time, heldBy: rows, uncounted }) => ({
      title: 'Blocked',
      parts: [
        `Blocked now: ${count} tasks.`,
        {
          title: 'Root causes',
          columns: ['Task', 'Name', 'Stage', 'By', { name: 'Holds up', as: 'number' }, { name: 'Alone', as: 'number' }],
          rows: causes.map((row) => [
            row.taskId,
            row.name,
            row.stage ?? 'unknown',
            row.members.join(', '),
            row.holdsUp,
            row.alone,
          ]),
          empty: 'Nothing is blocked.',
        },
        {
          title: 'Blocked tasks',
          columns: ['Task', 'Name', 'Assigned to', 'Waits for', 'Because of', { name: 'For', as: 'duration' }],
          rows: tasks.map((row) => [
            row.taskId,
            row.name,
            row.assignees.join(', '),
            row.waitsFor.join(', '),
            row.cause,
            row.blockedMs,
          ]),
          empty: 'Nothing is blocked.',
        },
        ...moreNote(count, tasks.length, 'blocked tasks'),
        time.count === 0
          ? 'In that time nothing was blocked.'
          : `In that time ${time.count} tasks were blocked, half of them for at most ${span(time.p50Ms)}, nine in ten for at most ${span(time.p90Ms)}.`,
        {
          title: 'Held by',
          columns: ['Task', 'Name', { name: 'Tasks', as: 'number' }, { name: 'Blocked for', as: 'duration' }],
          rows: rows.map((row) => [row.taskId, row.name, row.tasks, row.blockedMs]),
          empty: 'Nothing.',
        },
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ causes, tasks }) =>
      graphChart({
        title: 'Blocked',
        nodes: [
          ...causes.map(({ taskId, name }) => ({ id: taskId, name: name || taskId, mark: 'critical' as const })),
          ...tasks.map(({ taskId, name }) => ({ id: taskId, name: name || taskId, mark: 'blocked' as const })),
        ],
        edges: tasks.flatMap(({ taskId, waitsFor }) => waitsFor.map((id) => ({ from: id, to: taskId }))),
      }),
  }
}

function causeAt(view: ReportView, graph: OpenGraph, place: Place): Omit<RootCauseRow, 'holdsUp' | 'alone'> {
  const taskId = idAt(graph, place)
  const card = view.tracker.parts.board.card(taskId)
  if (!card) return { taskId, name: '', members: [] }
  return { taskId, name: view.named(card.task), stage: card.stage, members: moversOf(card.task) }
}

const idAt = ({ tasks, obstacles }: OpenGraph, place: Place): Id =>
  tasks[place]?.id ?? obstacles[place - tasks.length] ?? ''

const moversOf = ({ holder, waitingFor, assignees }: Task): readonly Id[] =>
  holder === undefined ? (waitingFor?.of ?? assignees) : [holder]

function blockedRows(
  view: ReportView,
  graph: OpenGraph,
  isCounted: readonly boolean[],
  most: number,
): readonly BlockedRow[] {
  const causes = firstCauses(graph)
  const rows = graph.tasks.flatMap((task, place) =>
    isCounted[place] === true ? { task, place, blockedMs: view.now - blockedSince(view, task) } : [],
  )
  return rows
    .sort((a, b) => b.blockedMs - a.blockedMs || a.place - b.place)
    .slice(0, most)
    .map(({ task, place, blockedMs }) => ({
      taskId: task.id,
      name: view.named(task),
      assignees: task.assignees,
      waitsFor: (graph.dependencies[place] as readonly Place[]).map((other) => idAt(graph, other)),
      cause: idAt(graph, causes[place] as Place),
      blockedMs,
    }))
}

function blockedSince(view: ReportView, task: Task): number {
  let since = view.now
  let until = NaN
  tellPast(view, task, (phase, from, to) => {
    if (phase !== 'blocked') return
    // By one dependency after the other.
    if (from !== until) since = from
    until = to
  })
  return since
}

interface BlockedTime {
  readonly ms: number
  /** What let it go last, or has yet to. */
  readonly heldBy: Id
}

/** Of each task that was blocked in the window. */
function blockedTimes(view: ReportView): readonly BlockedTime[] {
  const times: BlockedTime[] = []
  let ms = 0
  const tell = (phase: string, from: number, to: number): void => {
    if (phase === 'blocked') ms += view.overlapMs(from, to)
  }
  for (const task of view.tasks) {
    const ends = dependencyEnds(view, task)
    if (ends.length === 0) continue
    ms = 0
    tellLife(task, ends, view.now, tell)
    if (ms === 0) continue
    const last = ends.indexOf(Math.max(...ends))
    times.push({ ms, heldBy: task.dependsOn[last]?.id ?? '' })
  }
  return times
}

function heldBy(view: ReportView, times: readonly BlockedTime[], most: number): readonly HeldRow[] {
  const { board } = view.tracker.parts
  const rows = new Map<Id, { tasks: number; blockedMs: number }>()
  for (const { ms, heldBy: id } of times) {
    const row = rows.get(id)
    if (!row) rows.set(id, { tasks: 1, blockedMs: ms })
    else {
      row.tasks++
      row.blockedMs += ms
    }
  }
  return [...rows]
    .sort(([a, one], [b, other]) => other.blockedMs - one.blockedMs || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([taskId, row]) => {
      const task = board.get(taskId)
      return { taskId, name: task ? view.named(task) : '', ...row }
    })
}
