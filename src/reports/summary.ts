import type { Usage } from '../core/tasks/attempt-record.js'
import type { TaskStatus } from '../core/tasks/task.js'
import { span, table } from './markdown.js'
import type { ReportDefinition } from './report.js'
import type { DurationStats } from './statistics.js'

export interface SummaryData {
  /** Every status is there, zero included. */
  readonly totals: {
    readonly tasks: number
    readonly ready: number
    readonly blocked: number
    readonly overdue: number
  } & {
    readonly [S in TaskStatus]: number
  }
  /** Of completed tasks, from their first start to their end. */
  readonly durations: DurationStats
  /** Of all attempts. */
  readonly usage: Usage
}

/** How many tasks stand where, those that are forgotten included, and how long they take. */
export const summary: ReportDefinition<SummaryData> = {
  name: 'summary',

  run({ tracker, statistics }) {
    const { board } = tracker.parts
    board.tick()
    const ready = board.inStage('new').size + board.inStage('assigned').size
    const blocked = board.inStage('blocked').size
    const { forgotten } = board
    const totals = {
      tasks: board.all.size + forgotten.size,
      pending: ready + blocked + board.inStage('scheduled').size,
      in_progress: board.inStage('in_progress').size,
      waiting: board.inStage('waiting').size,
      completed: board.inStage('completed').size + forgotten.count('completed'),
      failed: board.inStage('failed').size + forgotten.count('failed'),
      cancelled: board.inStage('cancelled').size + forgotten.count('cancelled'),
      ready,
      blocked,
      overdue: board.overdue.size,
    }
    return { totals, durations: statistics.durations, usage: statistics.usage }
  },

  toMarkdown({ totals, durations, usage }) {
    const lines = ['## Summary', '', table(['Tasks', 'Number'], Object.entries(totals)), '']
    lines.push(
      durations.count === 0
        ? 'No task has been completed yet.'
        : `Completed tasks took ${span(durations.meanMs)} on average, half of them at most ${span(durations.p50Ms)}, nine in ten at most ${span(durations.p90Ms)}.`,
    )
    if (usage.tokens !== undefined) lines.push('', `Tokens: ${usage.tokens}.`)
    if (usage.cost !== undefined) lines.push('', `Cost: ${usage.cost}.`)
    return lines.join('\n')
  },
}
