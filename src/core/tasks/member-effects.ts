import type { Id } from '../input.js'
import type { Members } from '../members.js'
import { difference, sum, type Usage } from './attempt-record.js'
import type { Task } from './task.js'

/** Of a member that a change of a task says something of: how it was before. */
export interface MemberEffect {
  readonly id: Id
  readonly usage: Usage
  readonly missingSince: number | undefined
}

/** What an attempt tells of its member, besides of the task: what it spent, that it is lost, or that it is there. */
export function applyEffect(members: Members, before: Task | undefined, after: Task): MemberEffect | undefined {
  if (!before || before.attempts === after.attempts) return undefined
  const { member: id = '', outcome, endedAt } = after.attempts.at(-1) ?? {}
  const hasSpent = before.usage !== after.usage
  const isLost = outcome === 'lost' && before.running !== undefined
  const isBack = after.attemptCount > before.attemptCount && members.get(id)?.missingSince !== undefined
  if (!hasSpent && !isLost && !isBack) return undefined
  const effect = { id, usage: members.usageOf(id), missingSince: members.get(id)?.missingSince }
  if (hasSpent) members.setUsage(id, sum(effect.usage, difference(after.usage, before.usage)))
  if (isLost) members.setMissing(id, endedAt)
  if (isBack) members.setMissing(id, undefined)
  return effect
}

export function revertEffect(members: Members, { id, usage, missingSince }: MemberEffect): void {
  if (members.usageOf(id) !== usage) members.setUsage(id, usage)
  members.setMissing(id, missingSince)
}
