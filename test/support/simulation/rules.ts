import type { Commit, Json, JournalEvent, Policy, TaskDraft } from 'crewlog'
import { article, brief, slowBrief } from '../schemas.js'

/** What tasks take and give; `slow` takes a while to say. */
export const KINDS = {
  article: { input: brief, result: article },
  slow: { input: slowBrief, result: article },
  plain: {},
} as const
export type Kind = keyof typeof KINDS | undefined

/** What everybody may do, so that all are there, and tasks come to an end. */
const FREE: ReadonlySet<string> = new Set(['join', 'claim', 'complete', 'fail', 'receive', 'acknowledge'])

/** Who may do what: by chance of the seed, all but every fourth command of each member. */
export class Rules {
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  mayDo(member: string, command: string): boolean {
    if (FREE.has(command)) return true
    let bits = Math.imul(this.#seed, 0x9e3779b1)
    for (const character of `${member} ${command}`) bits = Math.imul(bits ^ (character.codePointAt(0) ?? 0), 0x01000193)
    return ((bits >>> 13) & 3) !== 0
  }

  readonly policy: Policy = (member, command) => this.mayDo(member, command) || 'not you, as simulated'
}

/** A draft of that kind, whose input fits or does not. */
export function draftOf(kind: Kind, description: string, isFit: boolean): TaskDraft {
  const input: Json = isFit ? { title: ` ${description} ` } : { title: 5 }
  const needsInput = kind === 'article' || kind === 'slow'
  return { description, ...(kind !== undefined && { kind }), ...(needsInput && { input }) }
}

interface Fields {
  readonly kind?: string | null
  readonly input?: Json
  readonly result?: Json
}

/** What the journal holds of tasks that does not fit their kinds, judged without the schemas. */
export function misfits(commits: readonly Commit[]): readonly string[] {
  const tasks = new Map<string, Fields>()
  const found: string[] = []
  const look = ({ type, id, changes }: JournalEvent, seq: number): void => {
    const { kind, input, result } = { ...tasks.get(id), ...(changes as Fields) }
    tasks.set(id, {
      ...(kind !== undefined && { kind }),
      ...(input !== undefined && { input }),
      ...(result !== undefined && { result }),
    })
    // What a budget ended keeps its result, and may be given another kind when it is opened again.
    const isGiven = 'result' in changes || type === 'task.completed'
    const misfit = whatIsWrong(kind ?? undefined, input, isGiven ? result : undefined)
    if (misfit) found.push(`commit ${String(seq)}: ${type} of ${id} leaves ${misfit}`)
  }
  for (const { seq, events } of commits)
    for (const event of events) if (event.type.startsWith('task.')) look(event, seq)
  return found
}

function whatIsWrong(kind: string | undefined, input: Json | undefined, result: Json | undefined): string | undefined {
  if (kind === undefined || kind === 'plain') return undefined
  if (kind !== 'article' && kind !== 'slow') return `a kind that nobody registered, ${kind}`
  const { title, words } = (input ?? {}) as { readonly title?: unknown; readonly words?: unknown }
  if (typeof title !== 'string' || title !== title.trim() || typeof words !== 'number')
    return `an input that is not what the schema makes of one: ${JSON.stringify(input)}`
  if (result !== undefined && result !== null && (typeof result !== 'string' || result.length < 3))
    return `a result that does not fit: ${JSON.stringify(result)}`
  return undefined
}
