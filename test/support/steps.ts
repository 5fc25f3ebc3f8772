import type { Attempt, Crew, Delivery, TaskStatus } from 'crewlog'

export const MEMBERS = ['ana', 'bo', 'cy'] as const
export const TASKS = ['t0', 't1', 't2', 't3', 't4'] as const

/** The arguments of a step of a story, of which each command uses what it needs. */
export interface Particulars {
  readonly member: (typeof MEMBERS)[number]
  readonly other: (typeof MEMBERS)[number]
  readonly task: (typeof TASKS)[number]
  readonly more: readonly (typeof TASKS)[number][]
  readonly policy: 'fail' | 'cancel' | 'continue' | 'block'
  readonly ms: number
  readonly flag: boolean
  /** Which of the attempts, deliveries or messages that are known. */
  readonly pick: number
}

/** One process of a crew, with what it holds. */
export interface Replica {
  readonly crew: Crew
  readonly attempts: Attempt[]
  readonly deliveries: Delivery[]
}

/** How an acknowledged command shows in the journal. */
export interface Trace {
  /** Events of these types that hold the command's own mark … */
  readonly types: readonly string[]
  readonly mark: string
  /** Only those that change this field. */
  readonly field?: string
  /** … are exactly one, or at most one, where a command may find that all is as it asks already. */
  readonly mayBeNone?: boolean
}

export interface Called {
  readonly trace?: Trace
  readonly answer: Promise<unknown>
}

export type Run = (replica: Replica, step: Particulars, op: string) => Called | undefined

export const at = <T>(list: readonly T[], pick: number): T | undefined => list[pick % list.length]

export const traced = (op: string, answer: Promise<unknown>, types: readonly string[], mayBeNone = false): Called => ({
  answer,
  trace: { types: types.map((type) => (type.includes('.') ? type : `task.${type}`)), mark: `"${op}"`, mayBeNone },
})

/** A command of an attempt that this replica made. */
export const ofAttempt =
  (run: (attempt: Attempt, step: Particulars, op: string) => Called): Run =>
  ({ attempts }, step, op) => {
    const attempt = at(attempts, step.pick)
    return attempt && run(attempt, step, op)
  }

/** A task in that status, or the one of the step. */
export const someTask = ({ crew }: Replica, { pick, task }: Particulars, ...status: readonly TaskStatus[]): string =>
  at(crew.tracker.list({ status }), pick)?.id ?? task

export const someMessage = ({ crew }: Replica, pick: number): string | undefined =>
  at(crew.communications.messages(), pick)?.id
