/// <reference lib="esnext.disposable" preserve="true" />
// Kept in the declarations, so that no project needs AsyncDisposable in its own `lib`.

import { abortable, type Abortable } from '../core/abortable.js'
import { Communications, type CommunicationsOptions } from '../core/messages/communications.js'
import type { Off } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { contained, logError } from '../core/contained.js'
import { type Observable, type OffEvent, type On } from '../core/events.js'
import { anyFields, id as anId, type Id, object, read } from '../core/input.js'
import { Journal, type JournalOptions } from '../core/journal/journal.js'
import { cursor, type StoredEvent } from '../core/journal/journal-log.js'
import type { Kinds } from '../core/kinds.js'
import { type MemberInfo, memberOptions, type MemberOptions, Members } from '../core/members.js'
import { PastJournal } from '../core/journal/past-journal.js'
import { Pruning } from '../core/pruning.js'
import type { Plan, Strategy } from '../core/tasks/assignment.js'
import { AutomaticAssignment } from '../core/tasks/automatic-assignment.js'
import { dismiss } from '../core/tasks/task-endings.js'
import { TaskTracker } from '../core/tasks/task-tracker.js'
import type { TaskTrackerOptions } from '../core/tasks/tracker-parts.js'
import { bestFit } from '../assignment/best-fit.js'
import { ReportGenerator } from '../reports/report-generator.js'
import { type CrewEvents, CrewNews } from './crew-news.js'
import { type CrewOptions, crewOptions } from './crew-options.js'
import { LastSeen } from './last-seen.js'
import { Member } from './member.js'
import { Work } from './work.js'

const idleOptions = object(abortable)
const eventsOptions = object({ after: cursor, signal: abortable.signal })

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

  readonly #strategy: Strategy
  readonly #members: Members
  readonly #seen: LastSeen
  readonly #work: Work
  readonly #news: CrewNews

  /** Use `openCrew`. @internal */
  constructor(options: CrewOptions<K>) {
    const given = read(crewOptions, options, 'options')
    const { name = 'crew', storage, environment, strictMembers = true, leaseMs, retry } = given
    const { assignment, at, kinds, checkpointEvery, keepHistory, clockSkewMs, onError, policy, canSee } = given
    this.name = name
    const hear = contained(onError ?? logError)
    // What is undefined counts as left out.
    const kept = {
      ...{ name, storage, environment, checkpointEvery, keepHistory, clockSkewMs },
      onError: (error: unknown) => {
        if (CrewError.is(error, 'closed')) return
        const isHeard = this.#news.tellError(error)
        if (onError || !isHeard) hear(error)
      },
    } as JournalOptions
    if (at && !storage) throw invalid('options.at needs the storage that keeps the crew: pass { storage }')
    this.journal = at && storage ? new PastJournal({ ...kept, storage }, at) : new Journal(kept)
    const { journal } = this
    const shared = { journal, strictMembers, limits: options.limits, leaseMs, policy, canSee } as CommunicationsOptions
    this.communications = new Communications(shared)
    const tracker = new TaskTracker({ ...shared, kinds, retry } as TaskTrackerOptions)
    this.tracker = tracker as TaskTracker<K>
    this.reports = new ReportGenerator({ tracker, communications: this.communications })
    this.#members = Members.of(this.journal)
    this.#seen = LastSeen.of(tracker)
    const { board } = tracker.parts
    this.journal.observe(new Pruning(this.journal, this.journal.settings, board, this.communications.mailboxes))
    this.#strategy = assignment?.strategy ?? bestFit()
    const { automatic = true, startWithinMs = 300_000 } = assignment ?? { automatic: false }
    if (automatic && !this.journal.isPast)
      new AutomaticAssignment(tracker.parts, { strategy: this.#strategy, startWithinMs })
    this.#work = new Work(tracker, this.communications)
    this.#news = new CrewNews(this.journal, tracker, this.communications, hear)
    this.journal.observe(this.#news)
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
      crew: this.name,
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

  /** The tracker's `autoAssign`, by default with the strategy of the crew's options, else `bestFit()`. */
  async autoAssign(
    options: { readonly strategy?: Strategy; readonly tasks?: readonly Id[]; readonly dryRun?: boolean } = {},
  ): Promise<Plan> {
    return this.tracker.autoAssign({ strategy: this.#strategy, ...read(anyFields, options, 'options') })
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

  /**
   * Gives back what this session holds, uncounted, settles all waits with `closed`, and ends within 10 s. Queries and
   * reports throw `closed` from then on.
   */
  close(): Promise<void> {
    return this.journal.close()
  }

  /**
   * Every stored event after one (or its `{ seq, index }`), or after the whole commit of a number, in order and once: from
   * the journal first, then as they come; without `after` from now on. Read as fast as the reader asks, so nothing piles
   * up. Ends with the crew, and by the signal. Throws `not_found` for what is not in the journal yet, and `cursor_expired`
   * when what comes next was trimmed.
   */
  events(
    options: { readonly after?: number | Pick<StoredEvent, 'seq' | 'index'>; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<StoredEvent> {
    const { after = this.journal.head?.seq ?? 0, signal } = read(eventsOptions, options, 'options')
    this.journal.assertOpen()
    return this.journal.log.events(after, signal)
  }

  /** Calls `listener` at each event of that name; what it answers ends that. */
  readonly on: On<CrewEvents> = (event, listener) => this.#news.on(event, listener)
  readonly once: On<CrewEvents> = (event, listener) => this.#news.once(event, listener)
  readonly off: OffEvent<CrewEvents> = (event, listener) => {
    this.#news.off(event, listener)
  }

  /** Calls `listener` after changes, at most once a turn of the event loop. */
  subscribe(listener: () => void): Off {
    return this.#news.subscribe(listener)
  }

  getSnapshot(): object {
    return this.#news.getSnapshot()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
