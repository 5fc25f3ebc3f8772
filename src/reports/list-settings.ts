import { object, read, whole } from '../core/input.js'

/** How long the lists of a report are. */
export interface ListSettings {
  /** The first so many rows of each list, 1–10,000; default 20. Counts are of all. */
  readonly most?: number
}

const listSettings = object({ most: whole(1, 10_000) })

/** Throws `invalid_input`. */
export const readMost = (settings: ListSettings): number => read(listSettings, settings, 'settings').most ?? 20

/** What a list says of those that it leaves out. */
export const moreNote = (all: number, shown: number, what: string): readonly string[] =>
  all > shown ? [`And ${all - shown} more ${what}.`] : []
