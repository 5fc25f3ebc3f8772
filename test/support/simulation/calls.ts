import { CrewError, type Crew, type JournalEvent, type Task } from 'crewlog'
import { REFUSALS } from '../refusals.js'
import type { Rules } from './rules.js'

/** A command, and what it has to show for itself in the journal. */
export interface Called {
  readonly member: string
  readonly command: keyof typeof SHOWS
  readonly mark: string
  /** Asked of what is or is not valid; undefined where that depends on more than the call. */
  readonly isFit?: boolean
}

interface Call extends Called {
  readonly crew: Crew
  /** 'done', or the code of the error. */
  answer?: string
  value?: unknown
}

/** In which events the mark of a command is found. */
const SHOWS = {
  create: ['task.created'],
  update: ['task.updated'],
  cancel: ['task.cancelled', 'task.cancelRequested'],
  comment: ['message.sent'],
  send: ['message.sent'],
  publish: ['message.sent'],
  progress: ['task.progressed', 'task.failed', 'task.cancelled'],
  complete: ['task.completed', 'task.failed', 'task.cancelled'],
  fail: ['task.released', 'task.failed', 'task.cancelled'],
  release: ['task.released', 'task.cancelled'],
} as const
/** May find that all is as they ask, or tell it in other words. */
const MAY_BE_SILENT: ReadonlySet<string> = new Set(['cancel', 'fail', 'release'])

const SPENDS: ReadonlySet<string> = new Set(['progress', 'complete', 'fail'])

/** All that members were told, to be held against the rules and the journal. */
export class Calls {
  readonly #rules: Rules
  readonly #calls: Call[] = []

  constructor(rules: Rules) {
    this.#rules = rules
  }

  /** Answers as the command does. */
  async make<T>(crew: Crew, called: Called, run: () => Promise<T>): Promise<T> {
    const call: Call = { ...called, crew }
    this.#calls.push(call)
    try {
      const value = await run()
      Object.assign(call, { answer: 'done', value })
      return value
    } catch (error) {
      call.answer = CrewError.is(error) ? error.code : String(error)
      throw error
    }
  }

  /** Those that these crews have not answered. */
  waiting(crews: readonly Crew[]): readonly string[] {
    return this.#calls.flatMap((call) => (call.answer === undefined && crews.includes(call.crew) ? named(call) : []))
  }

  /** How often which answer was given. */
  get answers(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { answer = 'none' } of this.#calls) counts.set(answer, (counts.get(answer) ?? 0) + 1)
    return counts
  }

  /** What was answered against the rules, or is not what the journal has. */
  wrong(events: readonly JournalEvent[]): readonly string[] {
    const marks = events.map((event) => ({ type: event.type, text: JSON.stringify(event.changes) }))
    return this.#calls.flatMap((call) => {
      const shown = marks.filter(
        ({ type, text }) =>
          (SHOWS[call.command] as readonly string[]).includes(type) && text.includes(`"${call.mark}"`),
      ).length
      return [...this.#againstRules(call), ...againstJournal(call, shown), ...overspent(call)]
    })
  }

  #againstRules(call: Call): readonly string[] {
    const { member, command, answer, isFit } = call
    const mayDo = this.#rules.mayDo(member, command)
    if (!mayDo && answer === 'done') return [`${named(call)} is done, which ${member} may not`]
    if (mayDo && answer === 'permission_denied') return [`${named(call)} is refused, which ${member} may do`]
    if (isFit === false && answer === 'done') return [`${named(call)} is done, which no schema lets in`]
    return []
  }
}

function againstJournal(call: Call, shown: number): readonly string[] {
  const { command, answer = 'none' } = call
  const isDone = answer === 'done' || answer === 'budget_spent'
  // A write that passes a budget is kept.
  const least = isDone && !MAY_BE_SILENT.has(command) ? 1 : 0
  const most = REFUSALS.has(answer) ? 0 : 1
  const isKnown = isDone || REFUSALS.has(answer) || answer === 'outcome_unknown' || answer === 'none'
  if (!isKnown) return [`${named(call)} rejects with ${answer}`]
  return shown < least || shown > most ? [`${named(call)}, ${answer}, is stored ${String(shown)} times`] : []
}

/** A write that is answered has not passed the budget. */
function overspent(call: Call): readonly string[] {
  const { status, usage = {}, budget = {}, counted } = (call.value ?? {}) as Partial<Task>
  if (call.answer !== 'done' || !SPENDS.has(call.command) || status === 'cancelled' || counted?.spent) return []
  const isPast = (usage.tokens ?? 0) > (budget.tokens ?? Infinity)
  return isPast ? [`${named(call)} is done, though ${String(usage.tokens)} tokens pass the budget`] : []
}

const named = ({ member, command, mark }: Called): string => `${command} of ${member} (${mark})`
