import type { Id } from 'crewlog'

/** Work from a file, for members who differ in what they can do and how fast. */
export interface Work {
  readonly name: string
  readonly members: readonly Id[]
  readonly tasks: readonly WorkTask[]
}

export interface WorkTask {
  readonly id: Id
  readonly dependsOn: readonly Id[]
  /** In which time, ms, whoever can do it does it. */
  readonly durations: ReadonlyMap<Id, number>
}
