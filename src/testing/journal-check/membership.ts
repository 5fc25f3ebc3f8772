import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import type { TaskStep } from './task-states.js'

interface MemberState {
  readonly skills: Readonly<Record<string, number>>
  readonly capacity: number
  readonly available: boolean
  readonly hasLeft?: boolean
}

/** Who the crew itself writes as. */
const CREW = 'crew'

/** Who takes part, and what each may take. */
export class Membership {
  readonly #findings: Findings
  /** Whether the beginning of the journal is gone, so that members may have joined unseen. */
  readonly #isPartial: boolean
  readonly #members = new Map<string, MemberState>()
  /** How many tasks each holds. */
  readonly #held = new Map<string, number>()

  constructor(findings: Findings, isPartial: boolean) {
    this.#findings = findings
    this.#isPartial = isPartial
  }

  change({ type, id, changes }: JournalEvent): void {
    const known = this.#members.get(id)
    const isIn = this.isIn(id)
    if (type === 'member.joined') this.#findings.expect(!isIn, 'once', `${id} has joined already`)
    else this.#findings.expect(isIn || this.#isPartial, 'existence', `${id} is no member`)
    const blank: MemberState = { skills: {}, capacity: 1, available: true }
    if (type === 'member.left') this.#members.set(id, { ...(known ?? blank), hasLeft: true })
    else this.#members.set(id, { ...blank, ...(isIn && known), ...changes })
  }

  isIn(id: string): boolean {
    const known = this.#members.get(id)
    return known !== undefined && known.hasLeft !== true
  }

  /** Reports those who never joined: a mailbox outlives its member. */
  expect(ids: readonly string[], what: string): void {
    for (const id of ids)
      this.#findings.expect(
        this.#members.has(id) || id === CREW || this.#isPartial,
        'members',
        `${what} ${id} is no member`,
      )
  }

  check({ type, before, after }: TaskStep): void {
    if (before?.assignees !== after.assignees) this.expect(after.assignees, 'assignee')
    if (before?.reviewers !== after.reviewers) this.expect(after.reviewers, 'reviewer')
    if (before?.watchers !== after.watchers) this.expect(after.watchers, 'watcher')
    if (type === 'started') this.#checkTaker(after)
    if (before?.holder === after.holder) return
    if (before?.holder !== undefined) this.#hold(before.holder, -1)
    if (after.holder !== undefined) this.#hold(after.holder, 1)
  }

  #checkTaker({ holder = '', assignees, requires }: TaskStep['after']): void {
    const member = this.#members.get(holder)
    const report = (why: string): void => this.#findings.add('eligibility', `started by ${holder}, ${why}`)
    if (assignees.length > 0 && !assignees.includes(holder)) report(`but assigned to ${assignees.join(', ')}`)
    if (!member) {
      this.expect([holder], 'holder')
      return
    }
    if (member.hasLeft === true || !member.available) report('who is not available')
    const held = this.#held.get(holder) ?? 0
    if (held >= member.capacity) report(`who works on ${held} of ${member.capacity} tasks`)
    for (const [skill, level] of assignees.length > 0 ? [] : Object.entries(requires)) {
      const has = member.skills[skill] ?? 0
      if (has < level) report(`who has ${skill} ${has} of ${level}`)
    }
  }

  #hold(member: string, by: number): void {
    this.#held.set(member, (this.#held.get(member) ?? 0) + by)
  }
}
