import type { Id, MemberOptions } from 'crewlog'

/** Who works in the demo: a name, and what it can. */
export interface Role {
  readonly id: Id
  readonly options: MemberOptions
}

/** The crew of the sample board. */
const SAMPLE_CAST: readonly Role[] = [
  { id: 'ada', options: { skills: { backend: 0.9, ops: 0.5 }, capacity: 2 } },
  { id: 'bo', options: { skills: { frontend: 0.9, design: 0.6 } } },
  { id: 'cy', options: { skills: { test: 0.9, backend: 0.4 }, capacity: 2 } },
  { id: 'dee', options: { skills: { ops: 0.9, backend: 0.6 } } },
  { id: 'eli', options: { skills: { design: 0.9, write: 0.8 } } },
  { id: 'fay', options: { skills: { backend: 0.7, frontend: 0.7, write: 0.5 } } },
]

/** Its roles; shared out when there are fewer members, and taken twice when there are more. */
export function sampleCast(members = SAMPLE_CAST.length): readonly Role[] {
  return Array.from({ length: members }, (_, index) => {
    const roles = SAMPLE_CAST.filter((_, role) => role % members === index % SAMPLE_CAST.length)
    const id = roles.map((role) => role.id).join('-')
    const turn = Math.floor(index / SAMPLE_CAST.length)
    return {
      id: turn === 0 ? id : `${id}-${turn + 1}`,
      options: Object.assign({}, ...roles.map(({ options }) => options), { skills: best(roles) }) as MemberOptions,
    }
  })
}

/** Each skill at the highest level that one of the roles has. */
function best(roles: readonly Role[]): Record<string, number> {
  const skills: Record<string, number> = {}
  for (const { options } of roles)
    for (const [skill, level] of Object.entries(options.skills ?? {}))
      skills[skill] = Math.max(level, skills[skill] ?? 0)
  return skills
}

/** Members that are all alike. */
export const equalCast = (name: string, members: number, options: MemberOptions = {}): readonly Role[] =>
  Array.from({ length: members }, (_, index) => ({ id: `${name}-${index + 1}`, options }))
