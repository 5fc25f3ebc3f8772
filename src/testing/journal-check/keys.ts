import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import type { Mail } from './mail.js'
import type { TaskState } from './task-states.js'
import { isOpen } from './task-states.js'

const KEPT_MS = 24 * 60 * 60_000

interface Use {
  readonly name: string
  readonly ids: readonly string[]
  readonly at: number
}

/** Idempotency keys: what was made with each. */
export class Keys {
  readonly #findings: Findings
  readonly #tasks: ReadonlyMap<string, TaskState>
  readonly #mail: Mail
  readonly #isPartial: boolean
  /** By command, member and key. */
  readonly #uses = new Map<string, Use>()
  readonly #byMade = new Map<string, Set<Use>>()
  /** What came into being in the commit that is checked. */
  readonly #made = new Set<string>()

  constructor(findings: Findings, tasks: ReadonlyMap<string, TaskState>, mail: Mail, isPartial: boolean) {
    this.#findings = findings
    this.#tasks = tasks
    this.#mail = mail
    this.#isPartial = isPartial
  }

  made(id: string): void {
    this.#made.add(id)
  }

  endCommit(): void {
    this.#made.clear()
  }

  use({ id: key, by = '', at, changes }: JournalEvent): void {
    const { command, ids, attempt } = changes as {
      readonly command: string
      readonly ids: readonly string[]
      readonly attempt?: { readonly number: number; readonly fence: number }
    }
    const name = `${command}\n${by}\n${key}`
    const known = this.#uses.get(name)
    this.#findings.expect(
      known === undefined || !this.#isKept(known, at),
      'keys',
      `${by || 'nobody'} has used it for ${command} before, which made ${known?.ids.join(', ') ?? ''}`,
    )
    for (const made of ids) {
      if (attempt) this.#checkClaim(made, attempt)
      else this.#findings.expect(this.#made.has(made), 'keys', `stands for ${made}, which its commit did not make`)
    }
    for (const old of known?.ids ?? []) this.#byMade.get(old)?.delete(known as Use)
    const use = { name, ids, at }
    this.#uses.set(name, use)
    for (const made of ids) this.#byMade.set(made, (this.#byMade.get(made) ?? new Set()).add(use))
  }

  /** Whether a key still stands for it. */
  needs(id: string, at: number): boolean {
    return [...(this.#byMade.get(id) ?? [])].some((use) => this.#isKept(use, at))
  }

  /** With what was made, the key to it is over. */
  forget(id: string): void {
    for (const use of this.#byMade.get(id) ?? []) if (this.#uses.get(use.name) === use) this.#uses.delete(use.name)
    this.#byMade.delete(id)
  }

  #checkClaim(id: string, { number, fence }: { readonly number: number; readonly fence: number }): void {
    const last = this.#tasks.get(id)?.attempts.at(-1)
    if (!last && this.#isPartial) return
    this.#findings.expect(
      last?.number === number && last.fence === fence,
      'keys',
      `stands for attempt ${number} at ${id} with fence ${fence}, the last one is ${last?.number ?? 0} with ${last?.fence ?? 0}`,
    )
  }

  #isKept({ ids, at: usedAt }: Use, at: number): boolean {
    if (at < usedAt + KEPT_MS) return true
    return ids.some((id) => {
      const task = this.#tasks.get(id)
      return (task !== undefined && isOpen(task)) || this.#mail.isBefore(id)
    })
  }
}
