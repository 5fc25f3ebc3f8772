import type { Findings } from './findings.js'
import type { AttemptState, TaskStep } from './task-states.js'

/** Who of the sessions holds what by a lease. */
export class Sessions {
  readonly #findings: Findings
  readonly #held = new Map<string, Set<string>>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** What an attempt holds. One that was started by hand has no lease, and no session ends it. */
  check({ after: { id }, before, after }: TaskStep): void {
    const [was, is] = [leaseOf(before?.attempts.at(-1)), leaseOf(after.attempts.at(-1))]
    if (was === is) return
    if (was !== undefined) this.drop(was, `task ${id}`)
    if (is !== undefined) this.hold(is, `task ${id}`)
  }

  hold(session: string, what: string): void {
    const held = this.#held.get(session)
    if (held) held.add(what)
    else this.#held.set(session, new Set([what]))
  }

  drop(session: string, what: string): void {
    const held = this.#held.get(session)
    held?.delete(what)
    if (held?.size === 0) this.#held.delete(session)
  }

  /** It may go on later, with other leases. */
  end(session: string): void {
    for (const what of this.#held.get(session) ?? [])
      this.#findings.add('sessions', `has ended, and still holds ${what}`)
  }
}

const leaseOf = (attempt: AttemptState | undefined): string | undefined =>
  attempt?.outcome === undefined && attempt?.leaseMs !== undefined ? attempt.session : undefined
