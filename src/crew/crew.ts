/// <reference lib="esnext.disposable" preserve="true" />
// Kept in the declarations, so that no project needs AsyncDisposable in its own `lib`.

import { abortable, type Abortable } from '../core/abortable.js'
import { type AccessOptions, accessFields } from '../core/access.js'
import { Communications } from '../core/communications.js'
import { type Retention, retention } from '../core/crew-settings.js'
import type { Environment, Off } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { contained, Events, expectName, logError, type Observable, type OffEvent, type On } from '../core/events.js'
import { errorListener, flag, id as anId, type Id, type Limits, limits, object, read, whole } from '../core/input.js'
import { Journal } from '../core/journal.js'
import type { StoredEvent } from '../core/journal-log.js'
import { environmentPort } from '../core/local-journal.js'
import { type Kinds, readKinds } from '../core/kinds.js'
import { storagePort } from '../core/storage-client.js'
import { upkeepFields, type UpkeepSettings } from '../core/upkeep.js'
import type { JournalEvent, JournalStorage } from '../core/journal-storage.js'
import { NONE } from '../core/json.js'
import { type MemberInfo, memberOptions, type MemberOptions, Members } from '../core/members.js'
import { type CommunicationsEvents, MESSAGE_EVENTS } from '../core/message-news.js'
import { type Moment, moment, PastJournal } from '../core/past-journal.js'
import type { CommitInfo } from '../core/projection.js'
import { Pruning } from '../core/pruning.js'
import { dismiss } from '../core/task-endings.js'
import { retryPolicy } from '../core/task-input.js'
import { TASK_EVENTS, type TrackerEvents } from '../core/task-news.js'
import { TaskTracker } from '../core/task-tracker.js'
import type { RetryPolicy } from '../core/task.js'
import { ReportGenerator } from '../reports/report-generator.js'
import { LastSeen } from './last-seen.js'
import { Member } from './member.js'
import { Work } from './work.js'

export interface CrewOptions<K extends Kinds = Kinds> extends UpkeepSettings, AccessOptions {
  /** Tells the crews in one storage apart; default 'crew'. */
  readonly name?: string
  /** Default: memory, gone with the process. */
  readonly storage?: JournalStorage
  readonly environment?: Environment
  /** Schemas for what tasks of each kind take and give. With them, other kinds are refused; without, a kind is only a name. */
  readonly kinds?: K
  readonly limits?: Limits
  /** Only members can be assigned, written to, or claim; default true. */
  readonly strictMembers?: boolean
  /** How long a claim holds without a renewal, ms; default 60 s, at least 1 s. */
  readonly leaseMs?: number
  /** By how much the wall clocks of two processes may differ, ms; default 5 minutes. */
  readonly clockSkewMs?: number
  /** For tasks without a policy of their own. */
  readonly retry?: RetryPolicy
  /**
   * A read-only past: the crew as it was after the commit of that number; or at that time, after the last commit before
   * the first that has a later stamp. It answers, and makes reports, as of then; commands reject with `read_only`.
   */
  readonly at?: Moment
  /**
   * When what has ended leaves memory, in every process of the crew alike: tasks, and threads of messages that nobody has
   * before them any more. Nothing that something open refers to; totals in reports stay. A setting of the crew: who opens
   * it without leaves it as it is, who opens it with another changes it, and `{}` turns it off. Default: everything stays.
   */
  readonly retention?: Retention
  /** Hears what nobody awaits: errors of listeners, handlers, timers. Default: console.error, unless somebody listens to 'error'. */
  readonly onError?: (error: unknown) => void
}

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

const crewOptions = object({
  name: anId,
  storage: storagePort,
  environment: environmentPort,
  kinds: readKinds,
  limits,
  strictMembers: flag,
  ...accessFields,
  leaseMs: (value: unknown) => value as number,
  clockSkewMs: (value: unknown) => value as number,
  retry: retryPolicy,
  at: moment,
  retention,
  onError: errorListener,
  ...upkeepFields,
})
const idleOptions = object(abortable)
const eventsOptions = object({ after: whole(0), signal: abortable.signal })

/**
 * Opens a crew: one journal with all parts wired. Rejects with `invalid_input`, `storage_unavailable` (also when another
 * process writes to a storage for one), `journal_corrupt` or `unsupported_version`; with `at` also with `not_found` for a
 * commit that is not there yet, and `cursor_expired` for a moment that the journal does not reach back to.
 */
export async function openCrew<K extends Kinds = Kinds>(options: CrewOptions<K> = {}): Promise<Crew<K>> {
  const crew = new Crew<K>(options)
  await crew.journal.open()
  try {
    await crew.configure(options)
  } catch (error) {
    // Who is told that it did not open has nothing to close.
    await crew.close()
    throw error
  }
  return crew
}

/** All who share one journal, in this process: mailboxes, a task board and reports over it. */
export class Crew<K extends Kinds = Kinds> implements AsyncDisposable, Observable<CrewEvents> {
  readonly name: string
  readonly journal: Journal
  readonly communications: Communications
  readonly tracker: TaskTracker<K>
  readonly reports: ReportGenerator

  readonly #members: Members
  readonly #seen: LastSeen
  readonly #work: Work
  readonly #events: Events<CrewOwnEvents>
  /** Apart, as what its listeners throw cannot be told to them again. */
  readonly #errors: Events<CrewErrors>

  /** Use `openCrew`. @internal */
  constructor(options: CrewOptions<K>) {
    const given = read(crewOptions, options, 'options')
    const { name = 'crew', storage, environment, limits: bounds, strictMembers = true, leaseMs, retry } = given
    const { at, kinds, checkpointEvery, keepHistory, clockSkewMs, onError, policy, canSee } = given
    this.name = name
    const hear = contained(onError ?? logError)
    const kept = {
      name,
      onError: (error: unknown) => {
        if (CrewError.is(error, 'closed')) return
        const isHeard = this.#errors.hears('error')
        if (isHeard) this.#errors.emit('error', error)
        if (onError || !isHeard) hear(error)
      },
      ...(storage && { storage }),
      ...(environment && { environment }),
      ...(checkpointEvery !== undefined && { checkpointEvery }),
      ...(keepHistory !== undefined && { keepHistory }),
    }
    if (at && !storage) throw invalid('options.at needs the storage that keeps the crew: pass { storage }')
    this.journal =
      at && storage
        ? new PastJournal({ ...kept, storage }, at)
        : new Journal({ ...kept, ...(clockSkewMs !== undefined && { clockSkewMs }) })
    const shared = {
      journal: this.journal,
      strictMembers,
      ...(options.limits && bounds && { limits: options.limits }),
      ...(policy && { policy }),
      ...(canSee && { canSee }),
    }
    this.communications = new Communications(shared)
    const tracker = new TaskTracker({
      ...shared,
      ...(kinds && { kinds }),
      ...(leaseMs !== undefined && { leaseMs }),
      ...(retry && { retry }),
    })
    this.tracker = tracker as TaskTracker<K>
    this.reports = new ReportGenerator({ tracker, communications: this.communications })
    this.#members = Members.of(this.journal)
    this.#seen = LastSeen.of(tracker)
    const { board } = tracker.parts
    this.journal.observe(new Pruning(this.journal, this.journal.settings, board, this.communications.mailboxes))
    this.#work = new Work(tracker, this.communications)
    this.#events = new Events<CrewOwnEvents>(this.journal.environment, this.journal.onError, OWN_EVENTS)
    this.#errors = new Events(this.journal.environment, hear, { error: 1 })
    // Not stored, so heard of by the tracker alone.
    const changed = (): void => {
      this.#events.changed()
    }
    this.tracker.on('ready', changed)
    this.tracker.on('overdue', changed)
    this.journal.observe({
      heard: (event, commit, change) => {
        this.#heard(event, commit, change)
      },
      rebuilt: (gap) => {
        if (!gap) return
        const { from, to, hasDiverged } = gap
        if (hasDiverged) this.#events.emit('diverged', Object.freeze({ at: from - 1 }))
        else this.#events.emit('resynced', Object.freeze({ from, to }))
        this.#events.changed()
      },
      closed: () => {
        this.#events.close()
        this.#errors.close()
      },
    })
  }

  /** In the order of joining. */
  get members(): readonly MemberInfo[] {
    this.journal.assertOpen()
    return this.#members.list().map((member) => this.#seen.tell(member))
  }

  /** Joining again changes what is different. Rejects with `invalid_input`, and `already_exists` for the id 'crew'. */
  async join(id: Id, options: MemberOptions = {}): Promise<Member<K>> {
    const member = read(anId, id, 'member')
    const given = read(memberOptions, options, 'options')
    await this.journal.decide((turn) => {
      this.tracker.parts.desk.access?.permit(member, 'join', { ...given })
      this.#members.join(turn, member, given)
    })
    return this.as(member)
  }

  /** Releases what the member works on and unassigns it; its mailbox stays. */
  async leave(id: Id): Promise<void> {
    const member = read(anId, id, 'member')
    await this.journal.decide((turn) => {
      this.#members.expect(member)
      this.tracker.parts.desk.access?.permit(member, 'leave', {})
      dismiss(this.tracker.parts.desk, turn, member)
      this.#members.leave(turn, member)
    })
  }

  /** A handle that acts only as that member. Throws `not_found`. */
  as(id: Id): Member<K> {
    this.journal.assertOpen()
    const { id: known } = this.#members.expect(read(anId, id, 'member'))
    return new Member(known, {
      members: this.#members,
      seen: this.#seen,
      communications: this.communications,
      tracker: this.tracker,
      work: this.#work,
    })
  }

  /** Makes settings that hold for the whole crew so, if they are given and not so. @internal */
  async configure(options: CrewOptions<K>): Promise<void> {
    const { retention } = read(crewOptions, options, 'options')
    if (retention && !this.journal.isPast)
      await this.journal.decide((turn) => {
        this.journal.settings.configure(turn, { retention })
      })
  }

  /** Folds all that other processes had committed when it was called. */
  async sync(): Promise<void> {
    await this.journal.sync()
  }

  /**
   * Resolves when no handler of this process runs, no command is under way, its listeners have no open mail, and none of
   * its workers could claim anything, now or after a back-off. Tasks that wait for people do not hold it. Rejects with
   * `timed_out`, `cancelled`, `closed` when the crew is closed before, and `read_only` where nothing can be written.
   */
  async idle(options: Abortable = {}): Promise<void> {
    this.journal.assertOpen()
    await this.#work.idle(read(idleOptions, options, 'options'))
  }

  /**
   * Saves the state as it is now, so that opening reads only what comes after, and trims what `keepHistory` lets go. A
   * crew over a storage does so by itself, every `checkpointEvery` commits.
   */
  checkpoint(): Promise<void> {
    return this.journal.checkpoint()
  }

  /** Gives back what this session holds, uncounted, settles all waits with `closed`, and ends within 10 s. */
  close(): Promise<void> {
    return this.journal.close()
  }

  /**
   * Every stored event after the commit of number `after`, in order and once: from the journal first, then as they come;
   * without `after` from now on. Read as fast as the reader asks, so nothing piles up. Ends with the crew, and by the
   * signal. Throws `cursor_expired` when what comes next was trimmed.
   */
  events(options: { readonly after?: number; readonly signal?: AbortSignal } = {}): AsyncIterable<StoredEvent> {
    const { after = this.journal.head?.seq ?? 0, signal } = read(eventsOptions, options, 'options')
    this.journal.assertOpen()
    return this.journal.log.events(after, signal)
  }

  /** Calls `listener` at each event of that name; what it answers ends that. */
  readonly on: On<CrewEvents> = (event, listener) => this.#source(event).on(rest(event), listener as never)
  readonly once: On<CrewEvents> = (event, listener) => this.#source(event).once(rest(event), listener as never)
  readonly off: OffEvent<CrewEvents> = (event, listener) => {
    this.#source(event).off(rest(event), listener)
  }

  /** Calls `listener` after changes, at most once a turn of the event loop. */
  subscribe(listener: () => void): Off {
    return this.#events.subscribe(listener)
  }

  getSnapshot(): object {
    return this.#events.getSnapshot()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Task and message events are those of the tracker and the communications. */
  #source(event: string): Observable<Record<string, unknown[]>> {
    if (event === 'error') return this.#errors
    expectName(event, CREW_EVENTS)
    if (event.startsWith('task.')) return this.tracker
    return event.startsWith('message.') ? this.communications : this.#events
  }

  #heard(event: JournalEvent, commit: CommitInfo, change: unknown): void {
    if (this.#events.hears('*')) this.#events.emit('*', Object.freeze({ ...event, seq: commit.seq }))
    if (event.type.startsWith('member.')) {
      const { before, after } = change as { readonly before?: MemberInfo; readonly after?: MemberInfo }
      this.#events.emit(
        event.type as 'member.joined',
        Object.freeze({ member: (after ?? before) as MemberInfo, commit }),
      )
    } else if (event.type.startsWith('session.'))
      this.#events.emit(event.type as 'session.renewed', Object.freeze({ session: event.id, commit }))
    else if (event.type === 'crew.cascading') {
      const isOpen = (change as { readonly after?: unknown }).after !== undefined
      this.#events.emit('crew.cascading', Object.freeze({ taskId: event.id, isOpen, commit }))
    } else if (event.type === 'crew.configured')
      this.#events.emit('crew.configured', Object.freeze({ ...event.changes, commit }))
    else if (event.type === 'crew.pruned') {
      const { tasks = NONE, messages = NONE } = event.changes as Readonly<Record<string, readonly Id[]>>
      this.#events.emit('crew.pruned', Object.freeze({ ids: Object.freeze([...tasks, ...messages]), commit }))
    }
    this.#events.changed()
  }
}

const rest = (event: string): string =>
  /^(?:task|message)\./.test(event) ? event.slice(event.indexOf('.') + 1) : event

function named<K extends string, P extends string>(prefix: P, events: Readonly<Record<K, unknown>>) {
  return Object.fromEntries(Object.keys(events).map((name) => [`${prefix}.${name}`, 1])) as Readonly<
    Record<`${P}.${K}`, unknown>
  >
}
