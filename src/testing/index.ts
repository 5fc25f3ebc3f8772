export { checkJournal } from './check-journal.js'
export type { BrokenPromise, JournalRule } from './journal-check/findings.js'
export { crash } from './crash.js'
export type { Fault, FaultDetails, FaultPlan, PlannedFault, StorageCall } from './fault-plan.js'
export { faultyStorage, type FaultRecord, FaultyStorage, type FaultyStorageOptions } from './faulty-storage.js'
export { given, type ExpectedEvent, type Given, type When } from './given.js'
export { manualEnvironment, type ManualEnvironment, type ManualEnvironmentOptions } from './manual-environment.js'
export {
  crewMatchers,
  type CrewMatchers,
  type ExpectedHappening,
  type ExpectedMessage,
  type MatcherVerdict,
} from './matchers.js'
export { type EventName, recordEvents, type RecordedEvents } from './record-events.js'
export { asks, completes, dies, fails, releases, reports, says, stalls, type Step, takes } from './script-steps.js'
export { type Script, scriptedMember, type ScriptedMember, type ScriptedMemberOptions } from './scripted-member.js'
export type { Span } from './span.js'
export { storageContract, type StorageContractOptions } from './storage-contract.js'
export type { StorageBackend } from './storage-contract/trial.js'
export { simulate, type Simulated, type SimulateOptions } from './simulate.js'
export type {
  Behaviour,
  Duration,
  Faults,
  SimulatedMember,
  SimulatedWork,
  Simulation,
  SimulationOptions,
} from './simulation-options.js'
export type { SimulationData } from './simulation-report.js'
