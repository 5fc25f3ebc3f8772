import type { AttemptRecord } from '../../core/tasks/attempt-record.js'
import type { Answer, Task } from '../../core/tasks/task.js'

/** What a task remembers of those whom it waited for. */
export type Asked = Pick<Task, 'attempts' | 'answers' | 'reviewers' | 'quorum' | 'selfReview'>

/**
 * The answer that ended the wait after each attempt, place by place: undefined where none did. Every answer ends one, but
 * for the passes of a review before the last that is needed.
 */
export function waitEnds(task: Asked): readonly (Answer | undefined)[] {
  const { attempts, answers } = task
  let used = 0
  return attempts.map((attempt, place) => {
    const { endedAt = Infinity, outcome } = attempt
    if (outcome !== 'waiting') return undefined
    const until = attempts[place + 1]?.startedAt ?? Infinity
    const needed = passesFor(task, attempt)
    let passes = 0
    const end = answers.findIndex(
      ({ at, passed }, index) =>
        index >= used && at >= endedAt && at <= until && (passed !== true || ++passes >= needed),
    )
    if (end < 0) return undefined
    used = end + 1
    return answers[end]
  })
}

/** Who did it does not review it. */
function passesFor({ reviewers, quorum = 1, selfReview = false }: Asked, { member }: AttemptRecord): number {
  const of = selfReview ? reviewers : reviewers.filter((id) => id !== member)
  return Math.max(1, Math.min(quorum, of.length))
}
