import type { Retention } from '../core/journal/crew-settings.js'
import type { Off } from '../core/environment.js'
import { Events, expectName, type Observable, type OffEvent, type On } from '../core/events.js'
import type { Id } from '../core/input.js'
import type { StoredEvent } from '../core/journal/journal-log.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import { NONE } from '../core/json.js'
import type { LocalJournal } from '../core/journal/local-journal.js'
import type { MemberInfo } from '../core/members.js'
import { type CommunicationsEvents, MESSAGE_EVENTS } from '../core/messages/message-news.js'
import type { CommitInfo, Gap, Observer } from '../core/journal/projection.js'
import { TASK_EVENTS, type TrackerEvents } from '../core/tasks/task-events.js'

export interface MemberEvent {
  readonly member: MemberInfo
  readonly commit: CommitInfo
}

export interface SessionEvent {
  /** Of an open journal, in one process. */
  readonly session: Id
  readonly commit: CommitInfo
}

export interface CascadeEvent {
  /** With which others fall, in more than one commit. */
  readonly taskId: Id
  /** Whether more is to fall yet. */
  readonly isOpen: boolean
  readonly commit: CommitInfo
}

/** `task.completed`, `message.sent`, `member.joined` …, and '*' for every stored event. */
export type CrewEvents = { [K in keyof TrackerEvents as `task.${K}`]: TrackerEvents[K] } & {
  [K in keyof CommunicationsEvents as `message.${K}`]: CommunicationsEvents[K]
} & CrewOwnEvents &
  CrewErrors

// A type, as an interface is no map of events by name.

type CrewOwnEvents = {
  'member.joined': [event: MemberEvent]
  'member.updated': [event: MemberEvent]
  'member.left': [event: MemberEvent]
  /** It gets no more work until its budget is raised. */
  'member.budgetSpent': [event: MemberEvent]
  /** A session (one open crew in one process) still lives; it holds something. */
  'session.renewed': [event: SessionEvent]
  /** It closed, or lost all that it held. */
  'session.ended': [event: SessionEvent]
  'crew.cascading': [event: CascadeEvent]
  /** What has changed of the settings of the crew. */
  'crew.configured': [event: { readonly retention?: Retention; readonly commit: CommitInfo }]
  /** Tasks and messages that are not known any more. */
  'crew.pruned': [event: { readonly ids: readonly Id[]; readonly commit: CommitInfo }]
  /** Of this process, not stored: the commits from `from` to `to` were trimmed before they were told. */
  resynced: [event: { readonly from: number; readonly to: number }]
  /** Of this process, not stored: the journal is not what was told of it up to commit `at`; it went back or forked. */
  diverged: [event: { readonly at: number }]
  '*': [event: StoredEvent]
}

type CrewErrors = { error: [error: unknown] }

const OWN_EVENTS: Readonly<Record<keyof CrewOwnEvents, unknown>> = {
  'member.joined': 1,
  'member.updated': 1,
  'member.left': 1,
  'member.budgetSpent': 1,
  'session.renewed': 1,
  'session.ended': 1,
  'crew.cascading': 1,
  'crew.configured': 1,
  'crew.pruned': 1,
  resynced: 1,
  diverged: 1,
  '*': 1,
}
/** All that can be heard on a crew, but for errors. */
export const CREW_EVENTS: Readonly<Record<Exclude<keyof CrewEvents, 'error'>, unknown>> = {
  ...OWN_EVENTS,
  ...named('task', TASK_EVENTS),
  ...named('message', MESSAGE_EVENTS),
}

/** Tells what happens to a crew; of tasks and messages its tracker and communications do. */
export class CrewNews implements Observer {
  readonly #own: Events<CrewOwnEvents>
  /** Apart, as what its listeners throw cannot be told to them again. */
  readonly #errors: Events<CrewErrors>
  readonly #tracker: Observable<TrackerEvents>
  readonly #communications: Observable<CommunicationsEvents>

  constructor(
    { environment, onError }: LocalJournal,
    tracker: Observable<TrackerEvents>,
    communications: Observable<CommunicationsEvents>,
    hear: (error: unknown) => void,
  ) {
    this.#own = new Events<CrewOwnEvents>(environment, onError, OWN_EVENTS)
    this.#errors = new Events<CrewErrors>(environment, hear, { error: 1 })
    this.#tracker = tracker
    this.#communications = communications
    // Not stored, so heard of by the tracker alone.
    const changed = (): void => {
      this.#own.changed()
    }
    tracker.on('ready', changed)
    tracker.on('overdue', changed)
  }

  /** Calls `listener` at each event of that name; what it answers ends that. */
  readonly on: On<CrewEvents> = (event, listener) => this.#source(event).on(rest(event), listener as never)
  readonly once: On<CrewEvents> = (event, listener) => this.#source(event).once(rest(event), listener as never)
  readonly off: OffEvent<CrewEvents> = (event, listener) => {
    this.#source(event).off(rest(event), listener)
  }

  subscribe(listener: () => void): Off {
    return this.#own.subscribe(listener)
  }

  getSnapshot(): object {
    return this.#own.getSnapshot()
  }

  /** Answers whether anybody listens. */
  tellError(error: unknown): boolean {
    const isHeard = this.#errors.hears('error')
    if (isHeard) this.#errors.emit('error', error)
    return isHeard
  }

  heard(event: JournalEvent, commit: CommitInfo, change: unknown, index: number): void {
    if (this.#own.hears('*')) this.#own.emit('*', Object.freeze({ ...event, seq: commit.seq, index }))
    const { type, id, changes } = event
    if (type.startsWith('member.')) {
      const { before, after } = change as { readonly before?: MemberInfo; readonly after?: MemberInfo }
      this.#own.emit(type as 'member.joined', Object.freeze({ member: (after ?? before) as MemberInfo, commit }))
    } else if (type.startsWith('session.'))
      this.#own.emit(type as 'session.renewed', Object.freeze({ session: id, commit }))
    else if (type === 'crew.cascading') {
      const isOpen = (change as { readonly after?: unknown }).after !== undefined
      this.#own.emit('crew.cascading', Object.freeze({ taskId: id, isOpen, commit }))
    } else if (type === 'crew.configured') this.#own.emit('crew.configured', Object.freeze({ ...changes, commit }))
    else if (type === 'crew.pruned') {
      const { tasks = NONE, messages = NONE } = changes as Readonly<Record<string, readonly Id[]>>
      this.#own.emit('crew.pruned', Object.freeze({ ids: Object.freeze([...tasks, ...messages]), commit }))
    }
    this.#own.changed()
  }

  rebuilt(gap?: Gap): void {
    if (!gap) return
    const { from, to, hasDiverged } = gap
    if (hasDiverged) this.#own.emit('diverged', Object.freeze({ at: from - 1 }))
    else this.#own.emit('resynced', Object.freeze({ from, to }))
    this.#own.changed()
  }

  closed(): void {
    this.#own.close()
    this.#errors.close()
  }

  /** Task and message events are those of the tracker and the communications. */
  #source(event: string): Observable<Record<string, unknown[]>> {
    if (event === 'error') return this.#errors
    expectName(event, CREW_EVENTS)
    if (event.startsWith('task.')) return this.#tracker
    return event.startsWith('message.') ? this.#communications : this.#own
  }
}

const rest = (event: string): string =>
  /^(?:task|message)\./.test(event) ? event.slice(event.indexOf('.') + 1) : event

function named<K extends string, P extends string>(prefix: P, events: Readonly<Record<K, unknown>>) {
  return Object.fromEntries(Object.keys(events).map((name) => [`${prefix}.${name}`, 1])) as Readonly<
    Record<`${P}.${K}`, unknown>
  >
}
