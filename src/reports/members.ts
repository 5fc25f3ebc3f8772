import type { Id } from '../core/input.js'
import type { MemberInfo } from '../core/members.js'
import { recordOf } from '../core/tasks/track-records.js'
import { judgedAttempts, type JudgedAttempt } from './figures/judged-attempts.js'
import { uncountedIn, uncountedNote } from './notes.js'
import type { DurationStats } from './percentile.js'
import { percent } from './render/markdown.js'
import { seriesChart } from './render/series-chart.js'
import type { Column, PicturedDefinition } from './report.js'
import type { ReportView } from './report-view.js'

/** How attempts went: those that completed their task, failed it, were lost, ran out of time or were abandoned. */
export interface AttemptsRecord {
  readonly attempts: number
  readonly completed: number
  /** Of the attempts, those that completed: 0–1; 0 without any. */
  readonly successRate: number
  /** How long those that completed took, in the mean; 0 without any. */
  readonly meanMs: number
  /** Of the same, as far as tasks remember them: their newest 20 attempts. */
  readonly durations: DurationStats
}

export interface MemberRow extends AttemptsRecord {
  readonly member: Id
}

export interface SkillRow extends AttemptsRecord {
  readonly member: Id
  /** Of attempts at tasks that require it. */
  readonly skill: string
  /** How good the member is by what it joined with: 0–1; undefined when it has the skill no more. */
  readonly level: number | undefined
}

export interface MembersData {
  /** In the order of joining. */
  readonly members: readonly MemberRow[]
  /** The same members, each with its skills by name. */
  readonly skills: readonly SkillRow[]
  /** Tasks that are forgotten (`retention`), and not counted in durations; nor at all where there is a window or a filter. */
  readonly uncounted: number
}

/**
 * The track record of each member and skill, as strategies see it: all attempts ever. In a window, those of which it was
 * known in it how they went; what was handed in for review went as the review did.
 */
export function members(): PicturedDefinition<MembersData> {
  return {
    name: 'members',

    run(view) {
      const counts = countsOf(view)
      const of = (member: MemberInfo, skill?: string): AttemptsRecord => recordIn(view, counts, member.id, skill)
      return {
        members: view.members.map((member) => ({ member: member.id, ...of(member) })),
        skills: view.members.flatMap((member) =>
          skillsIn(view, counts, member.id).map((skill) => ({
            member: member.id,
            skill,
            level: Object.hasOwn(member.skills, skill) ? member.skills[skill] : undefined,
            ...of(member, skill),
          })),
        ),
        uncounted: uncountedIn(view),
      }
    },

    page: ({ members: rows, skills, uncounted }) => ({
      title: 'Members',
      parts: [
        { columns: ['Member', ...COLUMNS], rows: rows.map((row) => [row.member, ...cellsOf(row)]) },
        {
          title: 'By skill',
          columns: ['Member', 'Skill', { name: 'Level', as: 'number' }, ...COLUMNS],
          rows: skills.map((row) => [row.member, row.skill, row.level, ...cellsOf(row)]),
          empty: 'No attempt at a task that requires a skill has ended.',
        },
        inAll(rows),
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ members: rows }) =>
      seriesChart({
        title: 'Attempts by member',
        kind: 'bar',
        x: rows.map(({ member }) => member),
        series: [
          { name: 'completed', values: rows.map(({ completed }) => completed) },
          { name: 'not completed', values: rows.map(({ attempts, completed }) => attempts - completed) },
        ],
      }),
  }
}

const COLUMNS: readonly Column[] = [
  { name: 'Attempts', as: 'number' },
  { name: 'Completed', as: 'number' },
  { name: 'Success', as: 'share' },
  { name: 'Mean', as: 'duration' },
  { name: 'Half at most', as: 'duration' },
  { name: '90 %', as: 'duration' },
]

/** Nothing is said of what has not been tried. */
const cellsOf = ({ attempts, completed, successRate, meanMs, durations: { count, p50Ms, p90Ms } }: AttemptsRecord) => [
  attempts,
  completed,
  attempts > 0 ? successRate : undefined,
  completed > 0 ? meanMs : undefined,
  ...(count > 0 ? [p50Ms, p90Ms] : [undefined, undefined]),
]

function inAll(rows: readonly MemberRow[]): string {
  const attempts = rows.reduce((sum, row) => sum + row.attempts, 0)
  const completed = rows.reduce((sum, row) => sum + row.completed, 0)
  return attempts === 0
    ? 'No attempt has ended.'
    : `Of ${attempts} attempts ${completed} completed their task (${percent(completed / attempts)}).`
}

/** By member and then by skill; under no skill are all of them. */
type Counts = ReadonlyMap<Id, ReadonlyMap<string | undefined, readonly JudgedAttempt[]>>

function countsOf(view: ReportView): Counts {
  const counts = new Map<Id, Map<string | undefined, JudgedAttempt[]>>()
  for (const task of view.tasks)
    for (const judged of judgedAttempts(task)) {
      if (!view.isIn(judged.at)) continue
      const { member } = judged.attempt
      const bySkill = counts.get(member) ?? new Map<string | undefined, JudgedAttempt[]>()
      counts.set(member, bySkill)
      for (const skill of [undefined, ...Object.keys(task.requires)]) {
        const known = bySkill.get(skill)
        if (known) known.push(judged)
        else bySkill.set(skill, [judged])
      }
    }
  return counts
}

function skillsIn(view: ReportView, counts: Counts, member: Id): readonly string[] {
  const skills = view.isWhole ? view.tracker.parts.records.of(member).bySkill.keys() : counts.get(member)?.keys()
  return [...(skills ?? [])].filter((skill) => skill !== undefined).sort()
}

/** Of all times from what the crew keeps for strategies, which reaches back further than what tasks remember. */
function recordIn(view: ReportView, counts: Counts, member: Id, skill?: string): AttemptsRecord {
  const judged = counts.get(member)?.get(skill) ?? []
  const durations = view.durations(judged.flatMap(({ isWell, ms }) => (isWell ? ms : [])))
  if (view.isWhole) {
    const { finished, successRate, meanMs } = recordOf(view.tracker.parts.records.of(member), skill)
    return { attempts: finished, completed: Math.round(finished * successRate), successRate, meanMs, durations }
  }
  const attempts = judged.length
  const { count: completed, meanMs } = durations
  return { attempts, completed, successRate: attempts > 0 ? completed / attempts : 0, meanMs, durations }
}
