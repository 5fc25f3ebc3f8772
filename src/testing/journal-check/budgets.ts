import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import type { AttemptState, TaskState, TaskStep, UsageState } from './task-states.js'

const UNITS = ['tokens', 'cost'] as const
/** Sums of fractions depend on their order. */
const ROUNDING = 1e-6

type Spent = Readonly<Record<(typeof UNITS)[number], number>>
const NOTHING: Spent = { tokens: 0, cost: 0 }

/** What tasks and members may spend, and have spent. */
export class Budgets {
  readonly #findings: Findings
  readonly #isPartial: boolean
  /** Of a task that was opened anew: what its budget does not count. */
  readonly #uncounted = new Map<string, Spent>()
  /** Of each member, at all tasks. */
  readonly #spent = new Map<string, Spent>()
  readonly #granted = new Map<string, UsageState>()
  /** Who passed a budget in the commit that is checked, and who is said to have. */
  readonly #passed = new Set<string>()
  readonly #told = new Set<string>()

  constructor(findings: Findings, isPartial: boolean) {
    this.#findings = findings
    this.#isPartial = isPartial
  }

  check({ type, before, after }: TaskStep): void {
    const { id, status, failure, holder = '' } = after
    if (type === 'retried') this.#uncounted.set(id, { ...NOTHING, ...after.usage })
    if (type === 'started')
      this.#findings.expect(!this.#isPast(holder), 'budgets', `started by ${holder}, who is past its budget`)
    const last = after.attempts.at(-1)
    const more = last
      ? difference(
          last,
          before?.attempts.find(({ number }) => number === last.number),
        )
      : NOTHING
    const isPast = past(after.usage, after.budget, this.#uncounted.get(id))
    if (failure?.code === 'budget_spent' && failure.rootId === undefined)
      this.#findings.expect(
        past(after.usage, after.budget, this.#uncounted.get(id), -ROUNDING),
        'budgets',
        'failed by a budget that is not spent',
      )
    if (!last || UNITS.every((unit) => more[unit] === 0)) return
    this.#findings.expect(
      !isPast || status === 'cancelled' || failure?.code === 'budget_spent',
      'budgets',
      `has passed its budget, and is ${status}`,
    )
    this.#spend(last.member, more)
  }

  member({ type, id, changes }: JournalEvent): void {
    if (type === 'member.budgetSpent') {
      this.#findings.expect(this.#isPartial || this.#isPast(id, -ROUNDING), 'budgets', `${id} is not past its budget`)
      this.#told.add(id)
    } else if (type === 'member.left') this.#granted.delete(id)
    else if (changes['budget'] === null) this.#granted.delete(id)
    else if (changes['budget'] !== undefined) this.#granted.set(id, changes['budget'] as UsageState)
  }

  /** Who passes a budget is told of in the same commit. */
  endCommit(): void {
    for (const id of this.#passed)
      this.#findings.expect(this.#told.has(id), 'budgets', `${id} has passed its budget, and nobody is told`, id)
    this.#passed.clear()
    this.#told.clear()
  }

  forget(id: string): void {
    this.#uncounted.delete(id)
  }

  #spend(member: string, more: Spent): void {
    const wasPast = this.#isPast(member)
    this.#spent.set(member, added(this.#spent.get(member) ?? NOTHING, more))
    if (!wasPast && this.#isPast(member)) this.#passed.add(member)
  }

  #isPast(member: string, rounding?: number): boolean {
    return past(this.#spent.get(member) ?? NOTHING, this.#granted.get(member), NOTHING, rounding)
  }
}

const added = (a: Spent, b: Spent): Spent => ({ tokens: a.tokens + b.tokens, cost: a.cost + b.cost })

/** What an attempt has spent since. */
function difference({ usage: now = {} }: AttemptState, { usage: then = {} }: Partial<AttemptState> = {}): Spent {
  return { tokens: (now.tokens ?? 0) - (then.tokens ?? 0), cost: (now.cost ?? 0) - (then.cost ?? 0) }
}

function past(
  usage: UsageState,
  budget: TaskState['budget'] = {},
  before: Spent = NOTHING,
  rounding = ROUNDING,
): boolean {
  return UNITS.some((unit) => (usage[unit] ?? 0) > ((budget[unit] ?? Infinity) + before[unit]) * (1 + rounding))
}
