import { writeSync } from 'node:fs'

/** What a process under torture is told to be. */
export interface Life {
  readonly engine: string
  readonly place: string
  /** Which of the processes that run at once it is: its keys are its own. */
  readonly slot: number
  /** The how-manieth process of its slot. */
  readonly number: number
  readonly seed: number
  /** Of the commands with a key, the first one that no earlier process of its slot has an answer to. */
  readonly firstKey: number
  readonly crew: { readonly leaseMs: number; readonly checkpointEvery: number; readonly retention: { keep: number } }
}

/** What a process says: that it is open, that a command has been answered, or what should not have been. */
export type Told =
  | { readonly did: 'open' | 'trouble'; readonly fact: string }
  | { readonly did: 'acknowledged'; readonly fact: string; readonly key?: number }

/** At once, as it may be the last thing that the process does. */
export const tell = (told: Told): void => {
  writeSync(1, `${JSON.stringify(told)}\n`)
}
