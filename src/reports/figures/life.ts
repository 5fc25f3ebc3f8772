import type { Task, WaitReason } from '../../core/tasks/task.js'
import { type Asked, waitEnds } from './wait-ends.js'

/**
 * What a task spends its time with. `blocked`: until its last dependency has ended. `working`: in attempts. `asking`:
 * until the answer to a question, an approval, an authorization or something external. `review`: until a verdict.
 * `waiting`: all the rest, in which it could be worked on, is scheduled for later, or pauses before another attempt.
 */
export type Phase = 'waiting' | 'blocked' | 'working' | 'asking' | 'review'
export const PHASES: readonly Phase[] = ['waiting', 'blocked', 'working', 'asking', 'review']

/** What a task remembers of its life. */
export type Life = Asked & Pick<Task, 'createdAt' | 'endedAt' | 'waitingFor'>

/**
 * Tells the phases of a task one after the other, from its creation to its end or to `now`; none overlap, none is empty.
 * `dependencyEnds` says of each of its edges since when it holds nothing up; Infinity while it does. The past is derived
 * from what a task remembers: see docs/decisions/0030-reports-over-time.md for what is approximate in it.
 */
export function tellLife(
  life: Life,
  dependencyEnds: readonly number[],
  now: number,
  tell: (phase: Phase, from: number, to: number) => void,
): void {
  const { createdAt, endedAt, attempts, waitingFor, reviewers } = life
  const end = endedAt ?? now
  let at = createdAt
  const pass = (phase: Phase, until: number): void => {
    const to = Math.min(until, end)
    // A wall clock that was set back makes nothing take less than no time.
    if (to <= at) return
    tell(phase, at, to)
    at = to
  }
  let ends: ReturnType<typeof waitEnds> | undefined
  for (const [index, attempt] of attempts.entries()) {
    const { startedAt, endedAt: stoppedAt = end, outcome } = attempt
    // What ended after it had begun cannot have been in its way: that edge came later.
    for (const freeAt of dependencyEnds) if (freeAt <= startedAt) pass('blocked', freeAt)
    pass('waiting', startedAt)
    pass('working', stoppedAt)
    if (outcome !== 'waiting') continue
    const goesOnAt = attempts[index + 1]?.startedAt ?? end
    const answer = (ends ??= waitEnds(life))[index]
    if (answer && answer.at <= goesOnAt) pass(phaseOf(answer.for), answer.at)
    else {
      const reason = index === attempts.length - 1 ? waitingFor?.for : undefined
      pass(phaseOf(reason ?? (reviewers.length > 0 ? 'review' : 'input')), goesOnAt)
    }
  }
  for (const freeAt of dependencyEnds) pass('blocked', freeAt)
  pass('waiting', end)
}

const phaseOf = (reason: WaitReason): Phase => (reason === 'review' ? 'review' : 'asking')
