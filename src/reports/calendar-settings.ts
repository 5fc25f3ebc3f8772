import { filledText, object, oneOf, read } from '../core/input.js'
import { type Periods, periodsBetween, type Unit } from './figures/calendar.js'
import type { ReportView } from './report-view.js'

/** What a series counts by. */
export interface CalendarSettings {
  /** Default `day`. Weeks begin on Monday, as in ISO 8601. */
  readonly per?: Unit
  /** Where days begin: a name of the IANA time zone database, as `Europe/Berlin`; default `UTC`. */
  readonly timeZone?: string
}

export const calendarFields = { per: oneOf('second', 'minute', 'hour', 'day', 'week'), timeZone: filledText }
const calendarSettings = object(calendarFields)

/** Throws `invalid_input`, also for an unknown time zone. */
export function readCalendar(settings: CalendarSettings): Required<CalendarSettings> {
  return withDefaults(read(calendarSettings, settings, 'settings'))
}

/** With what is left out; an unknown time zone is refused at once, not when a report is made. */
export function withDefaults<S extends CalendarSettings>(settings: S): S & Required<CalendarSettings> {
  const { per = 'day', timeZone = 'UTC' } = settings
  periodsBetween(0, 0, per, timeZone)
  return { ...settings, per, timeZone }
}

/** The window in these units: since the first task where it is open, and up to now at the most unless something else is said. */
export function periodsOf(view: ReportView, { per, timeZone }: Required<CalendarSettings>, to = view.until): Periods {
  let { from } = view.window
  if (from === -Infinity) {
    from = to
    for (const { createdAt } of view.tasks) if (createdAt < from) from = createdAt
  }
  return periodsBetween(from, to, per, timeZone)
}
