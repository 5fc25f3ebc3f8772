import type { Id } from '../input.js'
import type { MemberInfo } from '../members.js'
import type { Task } from './task.js'

/** How a member's attempts have ended so far. */
export interface TrackRecord {
  /** Attempts that completed their task, failed it, or were lost; not those that were given back, cancelled or asked. */
  readonly finished: number
  /** Share of them that completed, 0–1; 0 when none has finished. */
  readonly successRate: number
  /** How long those that completed took, in the mean; 0 when none has. */
  readonly meanMs: number
}

/** What a strategy decides on. It holds as long as the strategy runs. */
export interface AssignmentView {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** What is to be given: ready tasks that nobody has, in the order in which they would be claimed. */
  readonly tasks: readonly Task[]
  /** In the order of joining. */
  readonly members: readonly MemberInfo[]
  /** How many tasks a member works on, or has been given and could start now. */
  load(member: Id): number
  /** Who can be given the task as far as the member goes, in the order of joining; not looking at its load. */
  able(task: Task): readonly MemberInfo[]
  /** Of all attempts, or of those at tasks that require the skill. */
  trackRecord(member: Id, skill?: string): TrackRecord
  /** Any task of the board. */
  task(id: Id): Task | undefined
  /** All that have not ended, in the order of creation. */
  readonly open: readonly Task[]
  /** The tasks that depend directly on this one and have not ended. */
  dependents(task: Id): readonly Id[]
  /** Who was given a task by a strategy last; perhaps no member any more. */
  readonly lastGiven: Id | undefined
}

/** One task given to one member. */
export interface Assignment {
  readonly taskId: Id
  readonly member: Id
  /** Why this one, where others are as good or better. */
  readonly tieBreak?: string
  /** Where a strategy plans ahead; milliseconds since the epoch. */
  readonly startAt?: number
  readonly endAt?: number
}

/**
 * The parts of a member's score for a task, by name, when that many tasks load it; their sum is the score, and the higher
 * one is better. It must say the same for the same arguments, whenever it is asked.
 */
export type Rating = (task: Task, member: MemberInfo, load: number) => Readonly<Record<string, number>>

/** What a strategy answers. A `Plan` is one, too. */
export interface Proposal {
  /** In the order in which they were chosen. */
  readonly assigned: readonly Assignment[]
  /** What the strategy would give later, in the order of starting: for people to see, and given to nobody yet. */
  readonly later?: readonly Assignment[]
  /** What the strategy says of the plan as a whole, such as what is proved of it; `explain()` begins with it. */
  readonly summary?: string
  /** The same in figures, by name. */
  readonly figures?: Readonly<Record<string, number>>
  /** How candidates are scored in the plan's explanation; left out, they have none. */
  readonly rate?: Rating
}

/**
 * Who should do what: a pure, synchronous function, which says the same for the same view. What it proposes is checked:
 * each task once and from the view, each member able and below its capacity.
 */
export type Strategy = (view: AssignmentView) => Proposal

/** A member, as it stood when a task was given or left. */
export interface Candidate {
  readonly member: Id
  readonly eligible: boolean
  /** Why it is not. */
  readonly reasons: readonly string[]
  /** The sum of the parts; 0 for who is not eligible. */
  readonly score: number
  readonly parts: Readonly<Record<string, number>>
}

export interface PlannedAssignment extends Assignment {
  /** Every member: who is eligible first, by score, load and id. */
  readonly candidates: readonly Candidate[]
}

/** A task that nobody was given. */
export interface LeftTask {
  readonly taskId: Id
  readonly reason: string
  /** What would change that. */
  readonly help: string
  readonly candidates: readonly Candidate[]
}

/**
 * What a strategy decided, and why. `summary` and `figures` are left out when others changed something while the plan was
 * carried out, so that the rest of it was planned anew.
 */
export interface Plan extends Proposal {
  readonly assigned: readonly PlannedAssignment[]
  /** Of what was to be given; what is planned for later is among it. */
  readonly left: readonly LeftTask[]
  readonly later: readonly Assignment[]
  /** The same in words, for people and models: the summary, and a line for each task. */
  explain(): string
}

/** Why something does not happen. */
export interface Explanation {
  readonly answer: string
  /** What would change that. */
  readonly help?: string
  /** Of a task that is ready and nobody's: every member, and why it could not be given the task. */
  readonly candidates?: readonly Candidate[]
}
