import { type Id, number, object } from '../input.js'

/** Tokens, and money in the crew's one currency. */
export interface Usage {
  readonly tokens?: number
  readonly cost?: number
}

/** How much may be spent; a unit that is left out is not limited. */
export type Budget = Usage

export type Outcome = 'completed' | 'failed' | 'released' | 'waiting' | 'cancelled' | 'lost' | 'timed_out' | 'abandoned'

/**
 * Whether an attempt went well, by its outcome. Who gives a task back, is asked to stop or asks somebody has neither failed
 * nor done it; what is handed in for review goes as the review does.
 */
export const WENT_WELL: Readonly<Partial<Record<Outcome, boolean>>> = {
  completed: true,
  failed: false,
  lost: false,
  timed_out: false,
  abandoned: false,
}

/** One try at a task, as the task's history tells it. */
export interface AttemptRecord {
  /** 1 for the first at the task. */
  readonly number: number
  readonly member: Id
  readonly session: Id
  readonly fence: number
  /** Milliseconds since the epoch, like `endedAt`. */
  readonly startedAt: number
  /** Of a claim; a task started by hand has none. */
  readonly leaseMs?: number
  readonly endedAt?: number
  readonly outcome?: Outcome
  /** Why it ended without completing; of a hand-off its note. */
  readonly reason?: string
  /** Of a hand-off: to whom. */
  readonly handedTo?: readonly Id[]
  readonly usage: Usage
}

/** What both have spent together. */
export function sum(a: Usage, b?: Usage): Usage {
  if (!b) return a
  const total: { -readonly [K in keyof Usage]: Usage[K] } = { ...a }
  for (const unit of ['tokens', 'cost'] as const)
    // No journal can keep a number beyond.
    if (b[unit]) total[unit] = Math.min(Number.MAX_VALUE, (a[unit] ?? 0) + b[unit])
  return total
}

/** What `all` is more than `part`, which is in it. */
export function difference(all: Usage, part: Usage = {}): Usage {
  const { tokens = 0, cost = 0 } = part
  return { tokens: (all.tokens ?? 0) - tokens, cost: (all.cost ?? 0) - cost }
}

/** A budget with what had been spent before it counts. */
export function granted({ tokens, cost }: Budget, before: Usage = {}): Budget {
  return {
    ...(tokens !== undefined && { tokens: tokens + (before.tokens ?? 0) }),
    ...(cost !== undefined && { cost: cost + (before.cost ?? 0) }),
  }
}

/** Whether more is spent than may be, by more than sums of fractions are wrong. */
export const isPast = (usage: Usage, budget: Budget): boolean =>
  (['tokens', 'cost'] as const).some((unit) => (usage[unit] ?? 0) > (budget[unit] ?? Infinity) * (1 + 1e-9))

export const readUsage = object({ tokens: number(0), cost: number(0) })
