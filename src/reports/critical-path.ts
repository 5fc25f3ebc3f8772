import { type Id, object, read } from '../core/input.js'
import type { Stage } from '../core/tasks/task-card.js'
import type { Task } from '../core/tasks/task.js'
import { longestChain } from './figures/longest-chain.js'
import { endable } from './figures/open-graph.js'
import type { Basis } from './figures/records.js'
import { durationFunction, type DurationSettings, Expectations, expectedMs, graphOfOpen, tookOf } from './outlook.js'
import { moment, span } from './render/markdown.js'
import { ganttChart } from './render/gantt-chart.js'
import type { PicturedDefinition } from './report.js'

export interface CriticalTask {
  readonly taskId: Id
  /** Its title or the beginning of its description; empty for outsiders. */
  readonly name: string
  readonly stage: Stage
  /** Who works on it, or else who is to. */
  readonly members: readonly Id[]
  /** At the earliest, milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** What is left of it; nothing where it only waits for its last subtask. */
  readonly durationMs: number
  /** What that rests on. */
  readonly basis: Basis
}

export interface CriticalPathData {
  /** Each begins when the one before it ends. */
  readonly chain: readonly CriticalTask[]
  /** When the last of them ends at the earliest; now, where nothing is open. */
  readonly endsAt: number
  readonly totalMs: number
  /** Open tasks that are asked for. */
  readonly open: number
  /** Of them, those that cannot end as things are: they wait for what failed or was cancelled. They are in no chain. */
  readonly hindered: number
  /** Of those in the chain, how many are taken to last no time, as nothing is known. */
  readonly unknown: number
  /** On how many completed tasks it rests. */
  readonly records: number
}

const criticalPathSettings = object({ duration: durationFunction })

/**
 * The chain of open tasks that decides when all is done, were there somebody for every task at once: the longest remaining
 * path by expected durations. A filter says which tasks are to be done; the window, of which time completed tasks count
 * as the record. Throws `invalid_input` for settings that cannot be.
 */
export function criticalPath(settings: DurationSettings = {}): PicturedDefinition<CriticalPathData> {
  const { duration } = read(criticalPathSettings, settings, 'settings')
  return {
    name: 'criticalPath',
    clocked: ['from', 'to', 'durationMs', 'endsAt', 'totalMs'],

    run(view) {
      const { board } = view.tracker.parts
      const graph = graphOfOpen(view)
      const { tasks } = graph
      const expectations = new Expectations(view, duration)
      const isWanted = tasks.map(({ id }) => view.lets(id))
      const canEnd = endable(graph, () => true)
      const links = longestChain(graph, {
        durationMs: (place) => {
          const task = tasks[place]
          return task ? expectedMs(expectations.of(task), tookOf(view, task)) : 0
        },
        readyMs: (place) => Math.max(0, (tasks[place]?.notBefore ?? 0) - view.now),
        isWanted: (place) => isWanted[place] === true && canEnd[place] === true,
      })
      const chain = links.map(({ place, startMs, durationMs }): CriticalTask => {
        const task = tasks[place] as Task
        return {
          taskId: task.id,
          name: view.named(task),
          stage: board.card(task.id)?.stage ?? 'new',
          members: task.holder === undefined ? task.assignees : [task.holder],
          from: view.now + startMs,
          to: view.now + startMs + durationMs,
          durationMs,
          basis: expectations.of(task).basis,
        }
      })
      const endsAt = chain.at(-1)?.to ?? view.now
      return {
        chain,
        endsAt,
        totalMs: endsAt - view.now,
        open: isWanted.filter(Boolean).length,
        hindered: isWanted.filter((wanted, place) => wanted && !canEnd[place]).length,
        unknown: chain.filter(({ basis }) => basis === 'none').length,
        records: expectations.count,
      }
    },

    page: ({ chain, endsAt, totalMs, open, hindered, unknown, records }) => ({
      title: 'Critical path',
      parts: [
        {
          columns: [
            'Task',
            'Name',
            'Stage',
            'By',
            { name: 'From', as: 'time' },
            { name: 'Takes', as: 'duration' },
            'Rests on',
          ],
          rows: chain.map((row) => [
            row.taskId,
            row.name,
            row.stage,
            row.members.join(', '),
            row.from,
            row.durationMs,
            row.basis,
          ]),
          empty: 'Nothing is open.',
        },
        `Not done before ${moment(endsAt)}, in ${span(totalMs)}: ${chain.length} of ${open} open tasks decide. It rests on ${records} completed tasks.`,
        ...(unknown > 0 ? [`Of ${unknown} of them nothing is known: they are taken to last no time.`] : []),
        ...(hindered > 0 ? [`Not in it: ${hindered} tasks that wait for what failed or was cancelled.`] : []),
      ],
    }),

    chart: ({ chain }) =>
      ganttChart({
        title: 'Critical path',
        sections: [
          {
            name: 'open tasks',
            bars: chain.map(({ taskId, name, from, to }) => ({ name: name || taskId, from, to, state: 'critical' })),
          },
        ],
      }),
  }
}
