import type { Communications } from '../core/messages/communications.js'
import type { Json } from '../core/json.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Statistics } from './statistics.js'

/** A report at one moment: plain data, and ways to show it. */
export interface Report<T> {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Number of the newest commit that it counts; 0 before the first. */
  readonly seq: number
  readonly data: T
  toJSON(): Json
  toMarkdown(): string
}

export interface ReportOptions {
  /** For outsiders: without what members wrote freely, titles and descriptions included; default false. */
  readonly redact?: boolean
}

/** What a report is made from. */
export interface ReportView extends Required<ReportOptions> {
  readonly tracker: TaskTracker
  readonly communications?: Communications | undefined
  readonly statistics: Statistics
  readonly now: number
}

export interface ReportDefinition<T> {
  readonly name: string
  run(view: ReportView): T
  toMarkdown(data: T): string
}
