export { Crew, openCrew } from './crew/crew.js'
export type { CrewOptions } from './crew/crew-options.js'
export type { CascadeEvent, CrewEvents, MemberEvent, SessionEvent } from './crew/crew-news.js'
export { Member, type MessageOptions, type WorkOptions } from './crew/member.js'
export type { Running } from './crew/stopper.js'
export type { Handler, Handlers } from './crew/work.js'

export { Message, type MessageDraft, type Refused } from './core/message.js'
export { Communications, type CommunicationsOptions, type TopicFollowers } from './core/communications.js'
export type { CommunicationsEvents, DeliveryEvent, MessageEvent, TopicEvent } from './core/message-news.js'
export type { MessageFilter } from './core/message-filter.js'
export type { Delivery, DeliveryRef, DeliveryState } from './core/delivery.js'
export type { Thread } from './core/thread.js'

export {
  Task,
  type Answer,
  type Dependency,
  type EdgePolicy,
  type Failure,
  type OnTimeout,
  type RetryPolicy,
  type TaskStatus,
  type WaitingFor,
  type WaitReason,
} from './core/task.js'
export { TaskTracker, type ClaimOptions, type TaskTrackerOptions } from './core/task-tracker.js'
export type { View, Workload } from './core/task-queries.js'
export type {
  CommandOptions,
  CompleteOptions,
  ReleaseOptions,
  DependencyInput,
  FailOptions,
  Fenced,
  ProgressOptions,
  TaskChanges,
  TaskDraft,
  WaitOptions,
} from './core/task-input.js'
export type { DraftOf, Kept, Kind, Kinds, StandardSchema, Taken } from './core/kinds.js'
export type { Idempotent } from './core/idempotency.js'
export type { AccessOptions, CanSee, Policy, Target } from './core/access.js'
export type { TaskFilter } from './core/task-filter.js'
export type { Stage } from './core/task-card.js'
export type { TaskEvent, TrackerEvents } from './core/task-news.js'
export { Attempt } from './core/attempt.js'
export type { AttemptRecord, Budget, Outcome, Usage } from './core/attempt-record.js'
export type { MemberInfo, MemberKind, MemberOptions } from './core/members.js'

export { ReportGenerator } from './reports/report-generator.js'
export type { Report, ReportOptions } from './reports/report.js'
export type { SummaryData } from './reports/summary.js'
export type { WorkloadData } from './reports/workload.js'
export type { Finding, HealthData } from './reports/health.js'
export type { DurationStats } from './reports/statistics.js'

export { Journal, type JournalOptions } from './core/journal.js'
export type { StoredEvent } from './core/journal-log.js'
export type { LocalJournal } from './core/local-journal.js'
export {
  commitText,
  FORMAT,
  parseCommit,
  type Appended,
  type Checkpoint,
  type Commit,
  type JournalEvent,
  type JournalStorage,
  type Run,
} from './core/journal-storage.js'
export type { Moment } from './core/past-journal.js'
export type { Retention } from './core/crew-settings.js'
export { MemoryStorage } from './core/memory-storage.js'
export type { CommitInfo } from './core/projection.js'
export { systemEnvironment, type Environment, type Off } from './core/environment.js'

export { CrewError, type CrewErrorCode, type ErrorDetails } from './core/errors.js'
export type { Abortable } from './core/abortable.js'
export type { Id, Limits, TimeInput } from './core/input.js'
export type { Json } from './core/json.js'
export type { Observable, OffEvent, On } from './core/events.js'
