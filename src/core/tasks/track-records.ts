import type { Id } from '../input.js'
import type { Json } from '../json.js'
import { pieces, type Slice } from '../journal/projection.js'
import { type AttemptRecord, WENT_WELL } from './attempt-record.js'
import type { TrackRecord } from './assignment.js'
import type { Task } from './task.js'

/** Of attempts: how many ended, how many of them well, and how long those took. */
type Sums = readonly [finished: number, completed: number, totalMs: number]

/** Of one member, as it is: a later attempt makes another. */
export interface MemberRecord {
  readonly all: Sums
  readonly bySkill: ReadonlyMap<string, Sums>
}

const NO_SUMS: Sums = [0, 0, 0]
const NO_RECORD: MemberRecord = { all: NO_SUMS, bySkill: new Map() }

/**
 * How the attempts of each member have ended, in all and by the skills that the tasks required. Kept as tasks change and
 * in checkpoints, so that it reaches back further than the attempts that tasks remember, and tasks that are forgotten.
 */
export class TrackRecords implements Slice {
  readonly #byMember = new Map<Id, MemberRecord>()

  constructor(changes: Set<(before: Task | undefined, after: Task) => void>) {
    changes.add((before, after) => {
      if (before && before.status !== after.status) this.#count(before, after)
    })
  }

  of(member: Id): MemberRecord {
    return this.#byMember.get(member) ?? NO_RECORD
  }

  save(): Iterable<Json> {
    return pieces([...this.#byMember], ([id, { all, bySkill }]) => [id, all, [...bySkill]])
  }

  load(piece: Json): void {
    const [id, all, bySkill] = piece as unknown as readonly [Id, Sums, readonly (readonly [string, Sums])[]]
    this.#byMember.set(id, { all, bySkill: new Map(bySkill) })
  }

  clear(): void {
    this.#byMember.clear()
  }

  #count(before: Task, after: Task): void {
    const last = after.attempts.at(-1)
    if (!last) return
    const isWell = endOf(last, before, after)
    if (isWell === undefined) return
    const { member, startedAt, endedAt = startedAt } = last
    const ms = Math.max(0, endedAt - startedAt)
    const { all, bySkill } = this.of(member)
    const skills = Object.keys(after.requires)
    const counted = new Map(bySkill)
    for (const skill of skills) counted.set(skill, add(bySkill.get(skill), isWell, ms))
    this.#byMember.set(member, { all: add(all, isWell, ms), bySkill: skills.length > 0 ? counted : bySkill })
  }
}

export function recordOf({ all, bySkill }: MemberRecord = NO_RECORD, skill?: string): TrackRecord {
  const [finished, completed, totalMs] = skill === undefined ? all : (bySkill.get(skill) ?? NO_SUMS)
  return {
    finished,
    successRate: finished === 0 ? 0 : completed / finished,
    meanMs: completed === 0 ? 0 : totalMs / completed,
  }
}

/** Whether the last attempt ended well by this change; undefined if it did not end by it, or was not tried to the end. */
function endOf({ outcome }: AttemptRecord, before: Task, after: Task): boolean | undefined {
  if (before.running) return outcome && WENT_WELL[outcome]
  const isReviewed = before.waitingFor?.for === 'review' && after.answers !== before.answers
  return isReviewed ? after.status === 'completed' : undefined
}

const add = ([finished, completed, totalMs]: Sums = NO_SUMS, isWell: boolean, ms: number): Sums =>
  isWell ? [finished + 1, completed + 1, totalMs + ms] : [finished + 1, completed, totalMs]
