/** One of the processes that claim from one board. */
export interface Rival {
  readonly engine: string
  readonly place: string
  /** Its member. */
  readonly member: string
  /** Claims that it has under way at once. */
  readonly hands: number
}

/** What it did, once there is nothing more to claim. */
export interface Tally {
  readonly done: readonly string[]
  /** Appends that won, and those that lost. */
  readonly commits: number
  readonly refusals: number
  readonly cpuMs: number
}
