import type { TimeInput } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { TaskFilter } from '../core/tasks/task-filter.js'
import type { PercentileRule } from './percentile.js'
import type { ReportView } from './report-view.js'

export interface ReportOptions {
  /** Of what happened at this time or later; default: since the beginning. */
  readonly from?: TimeInput
  /** Of what happened before this time; default: up to now. */
  readonly to?: TimeInput
  /** Of these tasks only, and of what is about them; it takes no `orderBy`, `limit` and `after`. */
  readonly filter?: TaskFilter
  /** Default `nearest-rank`. */
  readonly percentile?: PercentileRule
  /** For outsiders: without what members wrote freely, titles and descriptions included; default false. */
  readonly redact?: boolean
}

/** A report at one moment: plain data, and ways to show it. */
export interface Report<T> {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Number of the newest commit that it counts; 0 before the first. */
  readonly seq: number
  /** As it was asked for, in milliseconds since the epoch; left out when it was not. */
  readonly window?: { readonly from?: number; readonly to?: number }
  readonly data: T
  /** `{ name, at, seq, window, data }` */
  /** How it reads: headings, sentences and tables as plain data, for a renderer of your own. */
  page(): Page
  toJSON(): Json
  toMarkdown(): string
  /**
   * One table as RFC 4180 says, with a line of names: the first, or the one with that title. Durations are milliseconds,
   * times ISO 8601, shares 0–1. Text that a spreadsheet would take for a formula has a `'` before it. Throws
   * `invalid_input` for a title that no table has.
   */
  toCSV(table?: string): string
  /** Where it is a picture. */
  readonly toMermaid?: () => string
  /** Where it is a picture: a whole document, without scripts and without anything from outside. */
  readonly toSVG?: () => string
}

/** A report that is also a picture. */
export type Pictured<T> = Report<T> & Required<Pick<Report<T>, 'toMermaid' | 'toSVG'>>

/** What a column holds: text of others (the default), figures of a unit, or Markdown in our own words. */
export type Unit = 'text' | 'number' | 'duration' | 'share' | 'time' | 'markdown'
export type Column = string | { readonly name: string; readonly as: Unit }
export type Cell = string | number | undefined

export interface Table {
  /** Its heading, and its name for `toCSV`; the first needs none. */
  readonly title?: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** How many rows a document shows; of the others it tells the number. Default: all. */
  readonly most?: number
  /** What a document says when there are no rows. */
  readonly empty?: string
}

/** How a report reads. */
export interface Page {
  readonly title: string
  /** Tables, and paragraphs between them: Markdown in our own words, never text of others. */
  readonly parts: readonly (Table | string)[]
}

/** A picture, made of plain data by the functions in `render`. */
export interface Chart {
  toMermaid(): string
  toSVG(): string
}

/** A report is its figures and its words; all renderings are made of these. */
export interface ReportDefinition<T> {
  readonly name: string
  /** Answers plain data that does not change later. */
  run(view: ReportView): T
  page(data: T): Page
  chart?(data: T): Chart
  /** Fields of its data that move with the clock alone: no news for who watches. */
  readonly clocked?: readonly string[]
}

export type PicturedDefinition<T> = ReportDefinition<T> & Required<Pick<ReportDefinition<T>, 'chart'>>
