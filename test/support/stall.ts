import type { Environment } from 'crewlog'

/** A process that can be stopped, as by SIGSTOP or a long garbage collection, while the clocks go on. */
export interface Stalling extends Environment {
  stall(): void
  /** Runs what fell due meanwhile, late. */
  resume(): void
}

/** One process of several on the clock of `environment`. */
export function stalling(environment: Environment): Stalling {
  let late: (() => void)[] | undefined
  return {
    ...environment,
    setTimer(run, ms, background) {
      let isOff = false
      const due = (): void => {
        if (late) late.push(due)
        else if (!isOff) run()
      }
      const off = environment.setTimer(due, ms, background)
      return () => {
        isOff = true
        off()
      }
    },
    stall() {
      late = []
    },
    resume() {
      const due = late ?? []
      late = undefined
      for (const run of due) run()
    },
  }
}
