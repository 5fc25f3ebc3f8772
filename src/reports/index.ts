export type { Cell, Chart, Column, Page, PicturedDefinition, ReportDefinition, Table, Unit } from './report.js'
export type { ReportView, Window } from './report-view.js'
export { type DocumentOptions, htmlDocument } from './html-document.js'
export { type CustomData, type CustomReport, defineReport } from './define-report.js'
export type { Field, Measure, Measured } from './custom-measures.js'
export type { AttemptRow, Rows } from './custom-rows.js'
export { blocked, type BlockedData, type BlockedRow, type HeldRow, type RootCauseRow } from './blocked.js'
export { burndown, type BurndownData, type BurndownRow, type BurndownSettings } from './burndown.js'
export type { CalendarSettings } from './calendar-settings.js'
export {
  conversations,
  type ConversationsData,
  type CorrespondentRow,
  type MailCounts,
  type PairRow,
} from './conversations.js'
export { cost, type CostData, type CostRow } from './cost.js'
export { criticalPath, type CriticalPathData, type CriticalTask } from './critical-path.js'
export { cumulativeFlow, type CumulativeFlowData, type FlowCounts } from './cumulative-flow.js'
export { cycleTime, type CycleTimeData, type PhaseTime } from './cycle-time.js'
export type { Unit as CalendarUnit } from './figures/calendar.js'
export type { Phase } from './figures/life.js'
export type { Basis } from './figures/records.js'
export { forecast, type ForecastData, type ForecastSettings } from './forecast.js'
export type { LeftOut } from './backlog.js'
export type { ListSettings } from './list-settings.js'
export type { DurationSettings } from './outlook.js'
export { members, type MemberRow, type MembersData, type AttemptsRecord, type SkillRow } from './members.js'
export { overdue, type OverdueData, type OverdueRow } from './overdue.js'
export { throughput, type ThroughputData, type ThroughputRow } from './throughput.js'
