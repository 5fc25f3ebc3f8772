import type { MemberInfo } from '../members.js'
import { type Obstacle, OBSTACLES } from './obstacles.js'
import type { Task } from './task.js'

/** Why nobody is given a task, and what would change that. */
export interface Shortage {
  readonly reason: string
  readonly help: string
}

/** A member, with what keeps it from being given a task. */
export interface Hindered {
  readonly member: MemberInfo
  readonly obstacles: readonly Obstacle[]
}

/** How many are named; of the rest, how many they are. */
const NAMED = 3

/** By those who come nearest to being given it. */
export function shortageOf({ requires }: Task, hindered: readonly Hindered[]): Shortage {
  if (hindered.length === 0) return { reason: 'There are no members', help: 'Let one join' }
  const able = hindered.filter(({ obstacles }) => obstacles.length === 0)
  if (able.length > 0)
    return {
      reason: `Nobody was given it, though it could be given to ${named(
        able.map(({ member }) => member.id),
        ', ',
      )}`,
      help: 'Assign it by hand, or by another strategy',
    }
  const ranks = hindered.map(({ obstacles }) => Math.max(...obstacles.map(({ kind }) => OBSTACLES.indexOf(kind))))
  const rank = Math.min(...ranks)
  const kind = OBSTACLES[rank] as Obstacle['kind']
  const nearest = hindered.filter((_, index) => ranks[index] === rank)
  const wanted = Object.entries(requires).map((pair) => pair.join(' '))
  const { because, help } = WORDS[kind]
  return { reason: `${because}: ${named(nearest.map(textOf(kind)), '; ')}`, help: help(wanted.join(', ')) }
}

const textOf =
  (kind: Obstacle['kind']) =>
  ({ obstacles }: Hindered): string =>
    obstacles
      .filter((one) => one.kind === kind)
      .map(({ text }) => text)
      .join(', ')

/** The first of some, and how many more there are. */
export const named = (texts: readonly string[], between: string): string =>
  texts.slice(0, NAMED).join(between) + (texts.length > NAMED ? `${between}and ${texts.length - NAMED} more` : '')

const another = (wanted: string): string => `let another join${wanted === '' ? '' : ` with ${wanted}`}`

const WORDS: Readonly<
  Record<Obstacle['kind'], { readonly because: string; readonly help: (wanted: string) => string }>
> = {
  full: {
    because: 'Whoever could do it has enough to do',
    help: (wanted) => `Wait until one of them ends a task, raise a capacity, or ${another(wanted)}`,
  },
  away: {
    because: 'Whoever could do it is away',
    help: (wanted) => `Make one of them available, or ${another(wanted)}`,
  },
  missing: {
    because: 'Whoever could do it is missing',
    help: (wanted) => `Let one of them claim or join again, or ${another(wanted)}`,
  },
  forbidden: {
    because: 'Whoever could do it may not',
    help: (wanted) => `See policy and canSee of the crew, or ${another(wanted)}`,
  },
  skill: {
    because: 'Nobody has the skills',
    help: (wanted) => `Let somebody join with ${wanted}, or lower what the task requires`,
  },
}
