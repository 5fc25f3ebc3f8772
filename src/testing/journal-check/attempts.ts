import type { Findings } from './findings.js'
import type { AttemptState, TaskState, TaskStep, UsageState } from './task-states.js'

const isRunning = (attempt: AttemptState | undefined): boolean => attempt !== undefined && attempt.outcome === undefined

/** Who may write to a task, and what its attempts sum up to. */
export class Attempts {
  readonly #findings: Findings
  /** What attempts have spent, of those too that a task no longer remembers. */
  readonly #spent = new Map<string, UsageState>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  check(step: TaskStep): void {
    const { before, after, type } = step
    const findings = this.#findings
    const fence = before?.fence ?? 0
    findings.expect(after.fence >= fence, 'fences', `the fence falls from ${fence} to ${after.fence}`)
    if (type === 'started') this.#checkStart(before, after)
    else this.#checkWrite(before, after)
    const running = after.attempts.at(-1)
    const isAtWork = after.status === 'in_progress'
    if (before?.status !== after.status || type === 'started') {
      findings.expect(
        isAtWork === isRunning(running),
        'one attempt',
        `is ${after.status}, its last attempt ${running?.outcome ?? (running ? 'runs' : 'never began')}`,
      )
      const holder = isAtWork ? running?.member : undefined
      findings.expect(
        after.holder === holder,
        'one attempt',
        `is held by ${after.holder ?? 'nobody'}, not by ${holder ?? 'nobody'}`,
      )
    }
    this.#checkSums(step)
  }

  forget(id: string): void {
    this.#spent.delete(id)
  }

  #checkStart(before: TaskState | undefined, after: TaskState): void {
    const findings = this.#findings
    const last = before?.attempts.at(-1)
    findings.expect(
      !isRunning(last),
      'one attempt',
      `an attempt begins while attempt ${last?.number ?? 0} of ${last?.member ?? ''} runs`,
    )
    const next = after.attempts.at(-1)
    const fence = before?.fence ?? 0
    findings.expect(
      after.fence > fence && next?.fence === after.fence,
      'fences',
      `an attempt begins with fence ${next?.fence ?? 'none'}, the task has ${after.fence} after ${fence}`,
    )
    const number = (before?.attemptCount ?? 0) + 1
    findings.expect(
      after.attemptCount === number && next?.number === number,
      'sums',
      `attempt ${number} is counted as ${after.attemptCount}, and numbered ${next?.number ?? 'not'}`,
    )
    this.#checkOthers(before, after, number)
  }

  #checkWrite(before: TaskState | undefined, after: TaskState): void {
    const count = before?.attemptCount ?? 0
    this.#findings.expect(
      after.attemptCount === count,
      'sums',
      `${after.attemptCount} attempts are counted, ${count} have begun`,
    )
    const last = before?.attempts.at(-1)
    this.#checkOthers(before, after, isRunning(last) ? last?.number : undefined)
  }

  /** All attempts but the one that runs stay as they are. */
  #checkOthers(before: TaskState | undefined, after: TaskState, running: number | undefined): void {
    if (before?.attempts === after.attempts) return
    const known = new Map(before?.attempts.map((attempt) => [attempt.number, attempt]))
    for (const attempt of after.attempts) {
      if (attempt.number === running || attempt === known.get(attempt.number)) continue
      this.#findings.add(
        'outcomes',
        `attempt ${attempt.number} of ${attempt.member} writes, though ${running === undefined ? 'none' : `attempt ${running}`} runs`,
      )
    }
  }

  #checkSums({ event: { id }, type, before, after }: TaskStep): void {
    const known = new Map(before?.attempts.map(({ number, usage }) => [number, usage]))
    let spent = this.#spent.get(id) ?? {}
    if (before?.attempts !== after.attempts)
      for (const { number, usage } of after.attempts) spent = sum(spent, usage, known.get(number))
    this.#spent.set(id, spent)
    for (const unit of ['tokens', 'cost'] as const) {
      const [said = 0, is = 0] = [after.usage[unit], spent[unit]]
      this.#findings.expect(
        Math.abs(said - is) <= Math.abs(is) * 1e-9 || said === Number.MAX_VALUE,
        'sums',
        `its attempts have used ${is} ${unit}, it says ${said}`,
      )
    }
    const comments = (before?.commentCount ?? 0) + (type === 'commented' ? 1 : 0)
    this.#findings.expect(
      after.commentCount === comments,
      'sums',
      `it has ${comments} comments, and counts ${after.commentCount}`,
    )
    const asked = before?.answers.at(-1)?.number ?? 0
    const answered = after.answers.at(-1)?.number ?? 0
    this.#findings.expect(
      answered === asked || answered === asked + 1,
      'sums',
      `answer ${answered} comes after answer ${asked}`,
    )
  }
}

/** All that was spent, once an attempt has told its usage anew. */
function sum(spent: UsageState, now: UsageState = {}, before: UsageState = {}): UsageState {
  const add = (unit: 'tokens' | 'cost'): number => (spent[unit] ?? 0) + (now[unit] ?? 0) - (before[unit] ?? 0)
  return now === before ? spent : { tokens: add('tokens'), cost: add('cost') }
}
