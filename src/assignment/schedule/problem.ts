/**
 * What is to be scheduled. Tasks and members are numbers from 0; times are whole numbers of one unit, counted from a common
 * start.
 */
export interface SchedulingProblem {
  readonly tasks: readonly TaskToSchedule[]
  readonly members: readonly MemberToSchedule[]
}

export interface TaskToSchedule {
  /** Who can do it, each in its own time; at least one. */
  readonly choices: readonly Choice[]
  /** The tasks that must have ended before it starts; in no circle. */
  readonly after: readonly number[]
  /** Not to be started before. */
  readonly earliest: number
}

export interface Choice {
  readonly member: number
  readonly duration: number
}

export interface MemberToSchedule {
  /** When each of its places comes free. It works on as many tasks at once as it has places. */
  readonly freeAt: readonly number[]
}

/** Who does what, and when. */
export interface Schedule {
  /** For each task. */
  readonly entries: readonly ScheduledTask[]
  /** When all has ended. */
  readonly makespan: number
}

export interface ScheduledTask {
  readonly member: number
  readonly startAt: number
  readonly endAt: number
}
