import type { Crew, Task } from 'crewlog'
import type { ReportDefinition } from 'crewlog/reports'
import type { AgentLog } from './agent-log.js'
import {
  actions,
  assignments,
  type Counts,
  countsOf,
  cycleTimes,
  type Durations,
  handOvers,
  leadTimes,
  reassignments,
} from './figures.js'

export const assigneeOf = ({ assignees }: Task): string => assignees[0] ?? '(none)'

/** All figures of a log, durations in seconds. */
export function figuresOf(crew: Crew, log: AgentLog) {
  const { tracker, reports } = crew
  const tasks = tracker.list()
  const done = tracker.list({ status: 'completed' })
  const handed = reports.generate(handOvers).data
  const reassigned = reports.generate(reassignments).data
  const perActor = reports.generate(actions).data
  return {
    issues: tasks.length,
    type: countsOf(tasks.map(({ kind = '' }) => kind)),
    issues_per_assignee: countsOf(tasks.map(assigneeOf)),
    closed_with_closed_at: done.length,
    lead_time_s: durationsBy(
      crew,
      leadTimes(() => 'all'),
    )['all'],
    lead_time_s_per_assignee: durationsBy(crew, leadTimes(assigneeOf)),
    lead_time_s_per_priority: durationsBy(
      crew,
      leadTimes(({ priority }) => String(4 - priority)),
    ),
    created_per_utc_day: perDay(tasks.map(({ createdAt }) => createdAt)),
    closed_per_utc_day: perDay(done.map(({ createdAt, endedAt = createdAt }) => endedAt)),
    comments: { count: tasks.reduce((sum, { commentCount }) => sum + commentCount, 0) },
    labels: { count: tasks.reduce((sum, { labels }) => sum + labels.length, 0) },
    events: {
      count: total(perActor),
      per_actor: perActor,
      actor_handover_total: total(handed),
      actor_handover_pairs: Object.keys(handed).length,
      actor_handover_top15: first(handed, 15),
      reassignments_total: total(reassigned),
      reassignments_top10: first(reassigned, 10),
      cycle_time_first_hooked_to_closed_s: durationsBy(crew, cycleTimes)['all'],
      assignments_seen_per_assignee: reports.generate(assignments).data,
    },
    notes: log.notes,
  }
}

/** By both rules for percentiles. */
function durationsBy({ reports }: Crew, report: ReportDefinition<Readonly<Record<string, Durations>>>) {
  const linear = reports.generate(report, { percentile: 'linear' }).data
  const figures = Object.entries(reports.generate(report).data).map(([group, ranked]) => {
    const { p50, p90, p95, ...others } = ranked
    const between = linear[group] as Durations
    return [
      group,
      {
        ...others,
        median_linear: between.p50,
        p90_linear: between.p90,
        p95_linear: between.p95,
        p50_nearest_rank: p50,
        p90_nearest_rank: p90,
        p95_nearest_rank: p95,
      },
    ] as const
  })
  return Object.fromEntries(figures)
}

const perDay = (times: readonly number[]): Counts =>
  countsOf(times.map((at) => new Date(at).toISOString().slice(0, 10)).sort())

const total = (counts: Counts): number => Object.values(counts).reduce((sum, times) => sum + times, 0)
const first = (counts: Counts, most: number): Counts => Object.fromEntries(Object.entries(counts).slice(0, most))
