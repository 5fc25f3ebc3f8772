import type { ReportView } from './report-view.js'

/** How many tasks are forgotten (`retention`), which no report over single tasks can count. */
export const uncountedIn = ({ tracker }: ReportView): number => tracker.parts.board.forgotten.size

/** What a report says of them. */
export const uncountedNote = (uncounted: number): readonly string[] =>
  uncounted === 0 ? [] : [`Without ${uncounted} tasks that are forgotten.`]
