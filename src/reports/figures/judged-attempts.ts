import { type AttemptRecord, WENT_WELL } from '../../core/tasks/attempt-record.js'
import type { Task } from '../../core/tasks/task.js'
import { waitEnds } from './wait-ends.js'

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
export function judgedAttempts(task: Task): readonly JudgedAttempt[] {
  let ends: ReturnType<typeof waitEnds> | undefined
  return task.attempts.flatMap((attempt, place) => {
    const { startedAt, endedAt, outcome } = attempt
    if (endedAt === undefined || !outcome) return []
    const ms = Math.max(0, endedAt - startedAt)
    const isWell = WENT_WELL[outcome]
    if (isWell !== undefined) return { attempt, isWell, at: endedAt, ms }
    if (outcome !== 'waiting') return []
    const answer = (ends ??= waitEnds(task))[place]
    return answer?.for === 'review' ? { attempt, isWell: answer.passed === true, at: answer.at, ms } : []
  })
}
