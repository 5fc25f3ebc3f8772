export { crash } from './crash.js'
export { given, type ExpectedEvent, type Given, type When } from './given.js'
export { manualEnvironment, type ManualEnvironment, type Span } from './manual-environment.js'
export { recordEvents, type RecordedEvents } from './record-events.js'
