import type { Candidate, PlannedAssignment } from 'crewlog'
import type { ReportDefinition, Table } from 'crewlog/reports'
import type { CarriedOut } from './plan-then.js'

/** How many tasks and candidates are shown. */
const MOST = 12

/** One plan of the run, explained: a report of one's own is what it says and how it reads. */
export const why = ({ plan, seq, at }: CarriedOut): ReportDefinition<readonly PlannedAssignment[]> => ({
  name: 'why',
  run: () => plan.assigned,
  page: (assigned) => {
    const contested = assigned.reduce((most, one) => (ableFor(one).length > ableFor(most).length ? one : most))
    const when = new Date(at).toISOString().slice(0, 19).replace('T', ' ')
    return {
      title: 'Why who got what',
      parts: [
        `Commit ${seq} (${when} UTC) gave more tasks than any other. This is why, by what was known then: skills, load, track record and due dates. A score is the sum of its parts.`,
        chosen(assigned),
        candidatesOf(contested),
      ],
    }
  },
})

const ableFor = ({ candidates }: PlannedAssignment): readonly Candidate[] =>
  candidates.filter(({ eligible }) => eligible)

function chosen(assigned: readonly PlannedAssignment[]): Table {
  const of = ({ candidates, member }: PlannedAssignment) => candidates.find((one) => one.member === member)
  const names = namesOf(assigned.flatMap((one) => of(one) ?? []))
  const hasTies = assigned.some(({ tieBreak }) => tieBreak !== undefined)
  return {
    title: 'What was given',
    columns: [
      'Task',
      'To',
      { name: 'Score', as: 'number' },
      ...names.map(figure),
      'Next best',
      ...(hasTies ? ['Tie'] : []),
    ],
    rows: assigned.map((one) => {
      const next = ableFor(one).find(({ member }) => member !== one.member)
      return [
        one.taskId,
        one.member,
        of(one)?.score,
        ...names.map((name) => of(one)?.parts[name]),
        next && `${next.member}, ${next.score.toFixed(2)}`,
        ...(hasTies ? [one.tieBreak] : []),
      ]
    }),
    most: MOST,
  }
}

function candidatesOf({ taskId, candidates }: PlannedAssignment): Table {
  const names = namesOf(candidates)
  return {
    title: `Who could have been given ${taskId}`,
    columns: ['Member', { name: 'Score', as: 'number' }, ...names.map(figure), 'Why not'],
    rows: candidates.map(({ member, eligible, score, parts, reasons }) => [
      member,
      eligible ? score : undefined,
      ...names.map((name) => parts[name]),
      reasons.join('; '),
    ]),
    most: MOST,
  }
}

const figure = (name: string) => ({ name, as: 'number' }) as const

const namesOf = (candidates: readonly Candidate[]): readonly string[] => [
  ...new Set(candidates.flatMap(({ parts }) => Object.keys(parts))),
]
