import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Findings } from './findings.js'
import type { Membership } from './membership.js'

/** Who follows which topic. */
export class Topics {
  readonly #findings: Findings
  readonly #members: Membership
  readonly #isPartial: boolean
  readonly #followers = new Map<string, Set<string>>()

  constructor(findings: Findings, members: Membership, isPartial: boolean) {
    this.#findings = findings
    this.#members = members
    this.#isPartial = isPartial
  }

  change({ type, id: topic, changes }: JournalEvent): void {
    const member = changes['member'] as string
    const followers = this.#followers.get(topic) ?? new Set()
    this.#followers.set(topic, followers)
    this.#members.expect([member], 'follower')
    const isToFollow = type === 'message.followed'
    this.#findings.expect(
      this.#isPartial || followers.has(member) !== isToFollow,
      'topics',
      `${member} ${isToFollow ? 'follows it already' : 'does not follow it'}`,
    )
    if (isToFollow) followers.add(member)
    else followers.delete(member)
  }

  /** Whom a message reached, and whom it could not, are those who follow its topic and are in the crew, but for who wrote it. */
  expect(topic: string, sender: string | undefined, whom: readonly string[]): void {
    if (this.#isPartial) return
    const followers = [...(this.#followers.get(topic) ?? [])]
      .filter((member) => member !== sender && this.#members.isIn(member))
      .sort()
    const named = [...whom].sort()
    this.#findings.expect(
      followers.join() === named.join(),
      'topics',
      `it is for ${named.join(', ') || 'nobody'}; ${topic} is followed by ${followers.join(', ') || 'nobody'}`,
    )
  }
}
