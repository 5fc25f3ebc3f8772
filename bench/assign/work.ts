import type { Id } from 'crewlog'

/** Work from a file, for members who differ in what they can do and how fast. */
export interface Work {
  readonly name: string
  readonly members: readonly Id[]
  readonly tasks: readonly WorkTask[]
  /** How many milliseconds are one unit of time of the file. */
  readonly unitMs: number
}

export interface WorkTask {
  readonly id: string
  readonly dependsOn: readonly string[]
  /** In which time, ms, whoever can do it does it. */
  readonly durations: ReadonlyMap<Id, number>
}
