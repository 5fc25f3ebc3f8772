import type { Crew } from 'crewlog'
import {
  blocked,
  burndown,
  type CalendarSettings,
  conversations,
  cost,
  criticalPath,
  cumulativeFlow,
  cycleTime,
  forecast,
  htmlDocument,
  members,
  overdue,
  throughput,
} from 'crewlog/reports'
import type { CarriedOut } from './plan-then.js'
import { why } from './why-report.js'

export interface PageOptions {
  readonly title: string
  readonly subtitle: string
  /** To be explained. */
  readonly plan: CarriedOut | undefined
}

/** What there is to say of a crew, as one HTML page with pictures. */
export function reportPage({ reports, tracker }: Crew, { title, subtitle, plan }: PageOptions): string {
  const unit = unitFor(tracker.list({ orderBy: 'createdAt', limit: 1 })[0]?.createdAt, reports.generate('summary').at)
  const isOver = tracker.count({ status: ['pending', 'in_progress', 'waiting'] }) === 0
  return htmlDocument({
    title,
    subtitle,
    reports: [
      reports.generate('summary'),
      reports.generate('health'),
      reports.generate('workload'),
      reports.generate(members()),
      ...(plan ? [reports.generate(why(plan))] : []),
      reports.generate(cumulativeFlow(unit)),
      reports.generate(burndown(unit)),
      reports.generate(throughput(unit)),
      reports.generate(cycleTime()),
      ...(isOver
        ? []
        : [forecast(), criticalPath(), blocked(), overdue()].map((report) => reports.generate<unknown>(report))),
      reports.generate(cost()),
      reports.generate(conversations()),
    ],
  })
}

/** The longest that is cut into at least ten. */
function unitFor(from: number | undefined, to: number): CalendarSettings {
  const spanMs = to - (from ?? to)
  const per = (['week', 'day', 'hour', 'minute'] as const).find((unit) => spanMs >= 10 * LENGTHS[unit])
  return { per: per ?? 'second' }
}
const LENGTHS = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000 }
