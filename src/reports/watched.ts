import type { Off } from '../core/environment.js'
import type { LocalJournal } from '../core/journal/local-journal.js'
import type { Report } from './report.js'

export interface Watch {
  readonly generate: () => Report<unknown>
  /** Fields that move with the clock alone. */
  readonly clocked: readonly string[]
  readonly listener: (report: never) => unknown
  readonly journal: LocalJournal
  readonly sources: readonly ({ subscribe(listener: () => void): Off } | undefined)[]
}

/** Tells a listener of a report when its figures have changed. */
export function watched({ generate, clocked, listener, journal, sources }: Watch): Off {
  const { environment, onError } = journal
  const figures = ({ data }: Report<unknown>): string =>
    JSON.stringify(data, (field, value: unknown) => (clocked.includes(field) ? undefined : value))
  let known = figures(generate())
  let cancel: Off | undefined
  const look = (): void => {
    cancel = undefined
    try {
      const report = generate()
      const now = figures(report)
      if (now === known) return
      known = now
      const answer = listener(report as never)
      if (answer instanceof Promise) answer.catch(onError)
    } catch (error) {
      onError(error)
    }
  }
  // Tasks and messages tell of the same commit each for themselves.
  const ends = sources.map((source) => source?.subscribe(() => (cancel ??= environment.setTimer(look, 0))))
  return () => {
    cancel?.()
    for (const end of ends) end?.()
  }
}
