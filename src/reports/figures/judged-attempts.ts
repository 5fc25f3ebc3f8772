import { type AttemptRecord, WENT_WELL } from '../../core/tasks/attempt-record.js'
import type { Task } from '../../core/tasks/task.js'

/** An attempt of which it is known how it went. */
export interface JudgedAttempt {
  readonly attempt: AttemptRecord
  readonly isWell: boolean
  /** When that was known: as it ended, or was reviewed. */
  readonly at: number
  /** From its start to its end. */
  readonly ms: number
}

/** Those that a task remembers, in their order; what was handed in for review went as the review did. */
export function judgedAttempts({ attempts, answers }: Task): readonly JudgedAttempt[] {
  const judged: JudgedAttempt[] = []
  let next = 0
  for (const [place, attempt] of attempts.entries()) {
    const { startedAt, endedAt, outcome } = attempt
    if (endedAt === undefined || !outcome) continue
    const ms = Math.max(0, endedAt - startedAt)
    let isWell = WENT_WELL[outcome]
    let at = endedAt
    if (outcome === 'waiting') {
      while (next < answers.length && (answers[next]?.at ?? 0) < endedAt) next++
      const answer = answers[next]
      if (!answer || answer.at > (attempts[place + 1]?.startedAt ?? Infinity)) continue
      next++
      if (answer.for !== 'review') continue
      isWell = answer.passed === true
      ;({ at } = answer)
    }
    if (isWell !== undefined) judged.push({ attempt, isWell, at, ms })
  }
  return judged
}
