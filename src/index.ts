export { Crew, openCrew } from './crew/crew.js'
export type { AssignmentOptions, CrewOptions } from './crew/crew-options.js'
export type { CascadeEvent, CrewEvents, MemberEvent, SessionEvent } from './crew/crew-news.js'
export { Member, type MessageOptions, type WorkOptions } from './crew/member.js'
export type { ForwardMessageOptions, ForwardTaskOptions, OtherCrew } from './crew/forward.js'
export type { Running } from './crew/stopper.js'
export type { Handler, Handlers, ReviewHandler, Verdict } from './crew/handlers.js'

export { Message, type MessageDraft, type Refused } from './core/messages/message.js'
export { Communications, type CommunicationsOptions, type TopicFollowers } from './core/messages/communications.js'
export type { CommunicationsEvents, DeliveryEvent, MessageEvent, TopicEvent } from './core/messages/message-news.js'
export type { MessageFilter } from './core/messages/message-filter.js'
export type { Delivery, DeliveryRef, DeliveryState } from './core/messages/delivery.js'
export type { Thread } from './core/messages/thread.js'

export {
  Task,
  type Answer,
  type Dependency,
  type EdgePolicy,
  type Failure,
  type Offer,
  type OnTimeout,
  type RetryPolicy,
  type TaskStatus,
  type WaitingFor,
  type WaitReason,
} from './core/tasks/task.js'
export { TaskTracker, type ClaimOptions } from './core/tasks/task-tracker.js'
export type { TaskTrackerOptions } from './core/tasks/tracker-parts.js'
export type { WorkAnswer } from './core/tasks/collaboration.js'
export type { View, Workload } from './core/tasks/task-queries.js'
export type {
  CommandOptions,
  CompleteOptions,
  ReleaseOptions,
  DependencyInput,
  FailOptions,
  Fenced,
  OnTimeoutInput,
  ProgressOptions,
  TaskChanges,
  TaskDraft,
  WaitOptions,
} from './core/tasks/task-input.js'
export type { DraftOf, Kept, Kind, Kinds, StandardSchema, Taken } from './core/kinds.js'
export type { Idempotent } from './core/idempotency.js'
export type { AccessOptions, CanSee, Policy, Target } from './core/access.js'
export type { TaskFilter } from './core/tasks/task-filter.js'
export type { Stage } from './core/tasks/task-card.js'
export type { TaskEvent, TrackerEvents } from './core/tasks/task-events.js'
export type {
  Assignment,
  AssignmentView,
  Candidate,
  Explanation,
  LeftTask,
  Plan,
  PlannedAssignment,
  Proposal,
  Rating,
  Strategy,
  TrackRecord,
} from './core/tasks/assignment.js'
export { bestFit, type BestFitWeights } from './assignment/best-fit.js'
export { leastLoaded } from './assignment/least-loaded.js'
export { roundRobin } from './assignment/round-robin.js'
export { Attempt } from './core/tasks/attempt.js'
export type { AttemptRecord, Budget, Outcome, Usage } from './core/tasks/attempt-record.js'
export type { MemberInfo, MemberKind, MemberOptions } from './core/members.js'

export { ReportGenerator } from './reports/report-generator.js'
export type { Pictured, Report, ReportDefinition, ReportOptions } from './reports/report.js'
export type { SummaryData } from './reports/summary.js'
export type { WorkloadData } from './reports/workload.js'
export type { Finding } from './reports/findings.js'
export type { HealthData } from './reports/health.js'
export type { DurationStats, PercentileRule } from './reports/percentile.js'

export { Journal, type JournalOptions } from './core/journal/journal.js'
export type { StoredEvent } from './core/journal/journal-log.js'
export type { LocalJournal } from './core/journal/local-journal.js'
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
} from './core/journal/journal-storage.js'
export type { Moment } from './core/journal/past-journal.js'
export type { Retention } from './core/journal/crew-settings.js'
export { MemoryStorage } from './core/journal/memory-storage.js'
export type { CommitInfo } from './core/journal/projection.js'
export { systemEnvironment, type Environment, type Off } from './core/environment.js'

export { CrewError, type CrewErrorCode, type ErrorDetails } from './core/errors.js'
export type { Abortable } from './core/abortable.js'
export type { Id, Limits, TimeInput } from './core/input.js'
export type { Json } from './core/json.js'
export type { Observable, OffEvent, On } from './core/events.js'
