import type { Off } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { filledText, flag, object, oneOf, read, time, withMethods } from '../core/input.js'
import type { Communications } from '../core/messages/communications.js'
import { readFilter } from '../core/tasks/task-filter.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import { health, type HealthData } from './health.js'
import { presented } from './presented-report.js'
import type { Pictured, PicturedDefinition, Report, ReportDefinition, ReportOptions } from './report.js'
import { ReportView } from './report-view.js'
import { Statistics } from './statistics.js'
import { summary, type SummaryData } from './summary.js'
import { watched } from './watched.js'
import { workload, type WorkloadData } from './workload.js'

const DEFINITIONS: ReadonlyMap<string, ReportDefinition<never>> = new Map<string, ReportDefinition<never>>(
  [summary, workload, health].map((definition) => [definition.name, definition as ReportDefinition<never>]),
)

/** A report counts all that its filter lets pass, so order and pages mean nothing. */
const reportFilter: typeof readFilter = (value, name, limits) => {
  const filter = readFilter(value, name, limits)
  for (const field of ['orderBy', 'limit', 'after'] as const)
    if (field in filter) throw invalid(`${name} has no field "${field}": a report counts all that pass; leave it out`)
  return filter
}
const optionFields = object({
  from: time,
  to: time,
  filter: reportFilter,
  percentile: oneOf('nearest-rank', 'linear'),
  redact: flag,
})
const reportOptions: typeof optionFields = (value, name, limits) => {
  const options = optionFields(value, name, limits)
  const { from = -Infinity, to = Infinity } = options
  if (from < to) return options
  throw invalid(`${name}.from is not before ${name}.to; a window begins before it ends`)
}
const definitionFields = withMethods<ReportDefinition<unknown>>('run', 'page')
const sourcesFields = object(
  {
    tracker: withMethods<TaskTracker>('create', 'claim'),
    communications: withMethods<Communications>('send', 'receive'),
  },
  ['tracker'],
)

/** Makes reports from what a tracker and its communications hold. */
export class ReportGenerator {
  readonly #tracker: TaskTracker
  readonly #communications: Communications | undefined
  readonly #statistics: Statistics

  constructor(sources: { readonly tracker: TaskTracker; readonly communications?: Communications }) {
    const { tracker, communications } = read(sourcesFields, sources, 'sources')
    this.#tracker = tracker
    this.#communications = communications
    this.#statistics = Statistics.of(tracker)
  }

  /**
   * One by its name, or by a definition from `crewlog/reports`. Throws `invalid_input` for an unknown name and for options
   * that cannot be, `not_open` before the journal is.
   */
  generate(report: 'summary', options?: ReportOptions): Report<SummaryData>
  generate(report: 'workload', options?: ReportOptions): Pictured<WorkloadData>
  generate(report: 'health', options?: ReportOptions): Report<HealthData>
  generate<T>(report: PicturedDefinition<T>, options?: ReportOptions): Pictured<T>
  generate<T>(report: ReportDefinition<T>, options?: ReportOptions): Report<T>
  generate(report: string | ReportDefinition<unknown>, options: ReportOptions = {}): Report<unknown> {
    const given = read(reportOptions, options, 'options')
    const definition = this.#definition(report)
    const { journal } = this.#tracker.parts
    journal.assertOpen()
    const at = journal.environment.now()
    const { from = -Infinity, to = Infinity, filter, percentile = 'nearest-rank', redact = false } = given
    const view = new ReportView({
      tracker: this.#tracker,
      communications: this.#communications,
      statistics: this.#statistics,
      now: at,
      window: { from, to },
      filter,
      percentile,
      redact,
    })
    const data = definition.run(view)
    const window = { ...(from > -Infinity && { from }), ...(to < Infinity && { to }) }
    const head = { name: definition.name, at, seq: journal.head?.seq ?? 0, ...(!view.isOpenEnded && { window }), data }
    return presented(head, definition)
  }

  /**
   * Calls `listener` with the report when its figures have become others than they were at the call, or when it last
   * heard: at most once a turn of the event loop, after something has happened. What moves with the clock alone (how long
   * ago, utilisation) is no news. The report is made anew for that each time, so watch what is cheap for your crew. What
   * the listener throws, or the report, goes to `onError`. Throws as `generate` does.
   */
  watch(report: 'summary', listener: (report: Report<SummaryData>) => unknown, options?: ReportOptions): Off
  watch(report: 'workload', listener: (report: Pictured<WorkloadData>) => unknown, options?: ReportOptions): Off
  watch(report: 'health', listener: (report: Report<HealthData>) => unknown, options?: ReportOptions): Off
  watch<T>(report: PicturedDefinition<T>, listener: (report: Pictured<T>) => unknown, options?: ReportOptions): Off
  watch<T>(report: ReportDefinition<T>, listener: (report: Report<T>) => unknown, options?: ReportOptions): Off
  watch(report: never, listener: (report: never) => unknown, options: ReportOptions = {}): Off {
    if (typeof listener !== 'function') throw invalid('A listener must be a function')
    const { clocked = [] } = this.#definition(report)
    // The caller's object may change later.
    const given = read(reportOptions, options, 'options') as ReportOptions
    const generate = () => this.generate(report, given) as Report<unknown>
    const { journal } = this.#tracker.parts
    return watched({ generate, clocked, listener, journal, sources: [this.#tracker, this.#communications] })
  }

  /** Those that `generate` knows by name. */
  names(): readonly string[] {
    return [...DEFINITIONS.keys()]
  }

  #definition(report: unknown): ReportDefinition<unknown> {
    if (typeof report === 'object') {
      const definition = read(definitionFields, report, 'report')
      read(filledText, definition.name, 'report.name')
      return definition
    }
    const definition = DEFINITIONS.get(report as string) as ReportDefinition<unknown> | undefined
    if (definition) return definition
    throw invalid(`There is no report of that name; there are ${this.names().join(', ')}, and those of crewlog/reports`)
  }
}
