import type { Id } from './input.js'

/** Tokens, and money in the crew's one currency. */
export interface Usage {
  readonly tokens?: number
  readonly cost?: number
}

export type Outcome = 'completed' | 'failed' | 'released' | 'waiting' | 'cancelled' | 'lost' | 'timed_out' | 'abandoned'

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
  /** Why it ended without completing. */
  readonly reason?: string
  readonly usage: Usage
}

/** What both have spent together. */
export function sum(a: Usage, b: Usage = {}): Usage {
  const total: { -readonly [K in keyof Usage]: Usage[K] } = { ...a }
  for (const unit of ['tokens', 'cost'] as const)
    // No journal can keep a number beyond.
    if (b[unit]) total[unit] = Math.min(Number.MAX_VALUE, (a[unit] ?? 0) + b[unit])
  return total
}
