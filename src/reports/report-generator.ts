import type { Communications } from '../core/messages/communications.js'
import { invalid } from '../core/errors.js'
import { flag, object, read, withMethods } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import { health, type HealthData } from './health.js'
import type { Report, ReportDefinition, ReportOptions } from './report.js'
import { Statistics } from './statistics.js'
import { summary, type SummaryData } from './summary.js'
import { workload, type WorkloadData } from './workload.js'

const DEFINITIONS: ReadonlyMap<string, ReportDefinition<never>> = new Map<string, ReportDefinition<never>>(
  [summary, workload, health].map((definition) => [definition.name, definition as ReportDefinition<never>]),
)

const reportOptions = object({ redact: flag })
const sourcesFields = object(
  {
    tracker: withMethods<TaskTracker>('create', 'claim'),
    communications: withMethods<Communications>('send', 'receive'),
  },
  ['tracker'],
)

/** Makes reports from what a tracker and its communications hold, by counts that are kept as tasks change. */
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

  /** Throws `invalid_input` for an unknown name, `not_open` before the journal is. */
  generate(name: 'summary', options?: ReportOptions): Report<SummaryData>
  generate(name: 'workload', options?: ReportOptions): Report<WorkloadData>
  generate(name: 'health', options?: ReportOptions): Report<HealthData>
  generate(name: string, options: ReportOptions = {}): Report<unknown> {
    const { redact = false } = read(reportOptions, options, 'options')
    const definition = DEFINITIONS.get(name) as ReportDefinition<unknown> | undefined
    if (!definition) throw invalid(`There is no report of that name; there are ${this.names().join(', ')}`)
    const { journal } = this.#tracker.parts
    journal.assertOpen()
    const at = journal.environment.now()
    const data = definition.run({
      tracker: this.#tracker,
      communications: this.#communications,
      statistics: this.#statistics,
      now: at,
      redact,
    })
    const head = { name, at, seq: journal.head?.seq ?? 0, data }
    return Object.freeze({
      ...head,
      toJSON: () => head as unknown as Json,
      toMarkdown: () => definition.toMarkdown(data),
    })
  }

  names(): readonly string[] {
    return [...DEFINITIONS.keys()]
  }
}
