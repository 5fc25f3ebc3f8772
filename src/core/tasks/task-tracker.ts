import { type Abortable, awaited, readAbortable, until } from '../abortable.js'
import { Attempt, type AttemptWrites } from './attempt.js'
import { acceptOffer, declineOffer, requestWork, type WorkAnswer } from './collaboration.js'
import { type CommandAnswer, createTasks, runCommand } from './command-calls.js'
import { CrewError } from '../errors.js'
import { type Idempotent, idempotent, keyed } from '../idempotency.js'
import { DEFAULT_LIMITS, type Id, id as anId, type Limits, object, read, type TimeInput } from '../input.js'
import type { StoredEvent } from '../journal/journal-log.js'
import { leaseMs } from '../journal/local-journal.js'
import { type Json, NOTHING } from '../json.js'
import type { DraftOf, Kinds } from '../kinds.js'
import type { Message } from '../messages/message.js'
import type { Plan, Strategy } from './assignment.js'
import { autoAssign } from './auto-assign.js'
import type { Card } from './task-card.js'
import { type CommandName } from './task-commands.js'
import { fail } from './task-endings.js'
import { expect } from './task-expiry.js'
import { choiceOf, matches, readFilter, type TaskFilter } from './task-filter.js'
import * as input from './task-input.js'
import { claim } from './task-starts.js'
import { TaskQueries } from './task-queries.js'
import { partsOf, trackerOptions, type TaskTrackerOptions } from './tracker-parts.js'
import type { Task } from './task.js'

export interface ClaimOptions extends Idempotent {
  /** This one, or nothing. */
  readonly taskId?: Id
  readonly filter?: TaskFilter
  /** How long it holds without a renewal, ms; default as the tracker's. */
  readonly leaseMs?: number
}

const claimOptions = object({ taskId: anId, filter: readFilter, leaseMs, ...idempotent })

/**
 * The task board. Commands are asynchronous: each is one commit, decided on all that is committed, and rejects with a
 * CrewError. Queries answer at once, from memory, and throw `not_open` before their journal is.
 */
export class TaskTracker<K extends Kinds = Kinds> extends TaskQueries implements AttemptWrites {
  /** The schemas that it was made with. */
  readonly kinds: K
  readonly #limits: Required<Limits>

  constructor(options: TaskTrackerOptions<K> = {}) {
    const { limits = DEFAULT_LIMITS, ...given } = read(trackerOptions, options, 'options')
    super(partsOf(given, limits))
    this.kinds = (given.kinds ?? NOTHING) as K
    this.#limits = limits
  }

  /** Rejects with `already_exists`, `not_found`, `dependency_cycle`, `not_eligible`, `invalid_transition` (an ended parent). */
  async create<T extends Kinds>(
    this: TaskTracker<T>,
    draft: DraftOf<T>,
    options: input.CommandOptions & Idempotent = {},
  ): Promise<Task> {
    const [task] = await this.#create('create', [read(input.taskDraft, draft, 'draft', this.#limits)], options)
    return task as Task
  }

  /** All or nothing; edges may point forward. */
  async createMany<T extends Kinds>(
    this: TaskTracker<T>,
    drafts: readonly DraftOf<T>[],
    options: input.CommandOptions & Idempotent = {},
  ): Promise<readonly Task[]> {
    return this.#create('createMany', read(input.taskDrafts, drafts, 'drafts', this.#limits), options)
  }

  /** On an ended task only labels and metadata. Rejects with `stale_version` when `version` is given and not the current one. */
  update(
    id: Id,
    change: input.TaskChanges,
    options: input.CommandOptions & { readonly version?: number } = {},
  ): Promise<Task> {
    return this.#run('update', id, options, { change })
  }

  /** Replaces the set; pending and waiting tasks only. Rejects with `not_eligible` for who is unfit or unavailable, unless forced. */
  assign(
    id: Id,
    to: Id | readonly Id[],
    options: input.CommandOptions & { readonly force?: boolean } = {},
  ): Promise<Task> {
    return this.#run('assign', id, options, { to })
  }

  unassign(id: Id, options: input.CommandOptions = {}): Promise<Task> {
    return this.#run('assign', id, options, { to: [] })
  }

  /**
   * Asks a strategy who should do what is ready and nobody's, or of the named tasks what is, and assigns that, with
   * notices; nobody gets more than its capacity. `dryRun` only answers the plan. What strategies have given and nobody can
   * start is given anew. A plan that one commit does not hold (some hundred tasks) goes on in further ones: each is decided
   * on the newest state, and what others have changed meanwhile is planned anew. Rejects with `not_found`,
   * `invalid_input` (a strategy that fails or answers no plan) or `not_eligible` (one that gives to who is unable or full);
   * then nothing is changed, but for what earlier commits of the same plan hold.
   */
  autoAssign(options: {
    readonly strategy: Strategy
    readonly tasks?: readonly Id[]
    readonly dryRun?: boolean
  }): Promise<Plan> {
    return autoAssign(this.parts, options)
  }

  /**
   * By hand, without a lease; `by` may be left out when there is exactly one assignee. Rejects with `already_claimed`,
   * `not_eligible` or `invalid_transition`.
   */
  start(id: Id, options: input.CommandOptions = {}): Promise<Task> {
    return this.#run('start', id, options)
  }

  /**
   * The best ready task that the member may do: its own first, then open ones; or the named one. Resolves to undefined
   * when there is none, which uses up no key; rejects only for what is no member, task or filter. With the key of a claim
   * that found a task it is the same attempt again, be it over or not.
   */
  async claim(member: Id, options: ClaimOptions = {}): Promise<Attempt | undefined> {
    const by = read(anId, member, 'member')
    const { idempotencyKey, ...wanted } = read(claimOptions, options, 'options')
    const { taskId, filter, leaseMs } = wanted
    const key = keyed('claim', idempotencyKey, by, wanted)
    const { journal, board, desk, keys, news } = this.parts
    const claimed = await journal.decide((turn) => {
      desk.access?.permit(by, 'claim', wanted)
      const made = key && keys.made(turn, key)
      if (made?.attempt)
        return new Attempt(expect(desk, turn, made.ids[0] as Id), this, { ...made.attempt, member: by })
      const named = taskId === undefined ? undefined : expect(desk, turn, taskId, by)
      if (named && filter && !matches(board.card(named.id) as Card, filter, turn.now)) return undefined
      const task = claim(desk, turn, by, named, choiceOf(filter, board, desk.access?.sightOf(by)), leaseMs)
      const attempt = task && new Attempt(task, this)
      if (attempt && key) keys.keep(turn, key, { ids: [task.id], attempt })
      return attempt
    })
    return claimed && news.follow(claimed)
  }

  /** Of the running attempt. Rejects, like `complete`, `fail`, `release` and `wait`, with `stale_attempt` when another is current. */
  progress(id: Id, options: input.ProgressOptions & input.Fenced): Promise<Task> {
    return this.#run('progress', id, options)
  }

  /** Rejects with `invalid_transition` while subtasks are not done. Completing twice with the same result answers twice. */
  complete(id: Id, options: input.CompleteOptions & input.Fenced = {}): Promise<Task> {
    return this.#run('complete', id, options)
  }

  /** Tried again after a pause while the retry policy has attempts left, unless not `retryable`. */
  fail(id: Id, options: input.FailOptions & input.Fenced): Promise<Task> {
    return this.#run('fail', id, options)
  }

  /** Back to pending, at no charge; the eleventh in a row counts as a failure. */
  release(id: Id, options: input.ReleaseOptions & input.Fenced = {}): Promise<Task> {
    return this.#run('release', id, options)
  }

  /** Ends the attempt: the task waits for an answer, which `resume` brings. */
  wait(id: Id, options: input.WaitOptions & input.Fenced): Promise<Task> {
    return this.#run('wait', id, options)
  }

  /**
   * Answers what the task waits for; `by` may be left out when one member was asked. With the id of the message that asked
   * (`question`) it is refused with `stale_version` when something else is asked by now. Rejects with `permission_denied`
   * for others, and for an approval of one's own work.
   */
  resume(
    id: Id,
    options: input.CommandOptions & { readonly answer?: Json; readonly question?: Id } = {},
  ): Promise<Task> {
    return this.#run('resume', id, options)
  }

  /** Passes the result, or sends the task back with remarks; `final` lets it fail. `question` as for `resume`. */
  review(
    id: Id,
    options: input.CommandOptions & {
      readonly passed: boolean
      readonly remarks?: string
      readonly final?: boolean
      readonly question?: Id
    },
  ): Promise<Task> {
    return this.#run('review', id, options)
  }

  /** A claimed task is asked for, and cancelled when its holder stops; `force` takes it away at once. */
  cancel(
    id: Id,
    options: input.CommandOptions & { readonly reason?: string; readonly force?: boolean } = {},
  ): Promise<Task> {
    return this.#run('cancel', id, options)
  }

  /** Opens a failed or cancelled task again; with `cascade` also what fell because of it. */
  retry(id: Id, options: input.CommandOptions & { readonly cascade?: boolean } = {}): Promise<Task> {
    return this.#run('retry', id, options)
  }

  /** Pending tasks only. Rejects with `dependency_cycle`, which has the path. */
  addDependency(id: Id, on: Id | input.DependencyInput, options: input.CommandOptions = {}): Promise<Task> {
    return this.#run('addDependency', id, options, { on })
  }

  removeDependency(id: Id, on: Id, options: input.CommandOptions = {}): Promise<Task> {
    return this.#run('removeDependency', id, options, { on })
  }

  /** A message in the thread of the task, to its watchers and to those whom it mentions (`@ana`). */
  comment(id: Id, text: string, options: input.CommandOptions = {}): Promise<Message> {
    return this.#run('comment', id, options, { text })
  }

  /**
   * Says to members that they may take a pending task, without keeping it for them: by a message `task.offer`, which
   * expires when that is said. Rejects with `not_eligible` for who is unfit or unavailable, `already_claimed`,
   * `invalid_transition`, and `backpressure` when it reaches nobody.
   */
  offer(
    id: Id,
    to: Id | readonly Id[],
    options: { readonly by: Id; readonly note?: string; readonly expiresAt?: TimeInput },
  ): Promise<Message> {
    return this.#run('offer', id, options, { to })
  }

  /**
   * Takes what a message `task.offer` or `task.handoff` offers: the claim and the answer are one commit. The first wins;
   * later ones are rejected with `already_claimed`, which names the holder. Rejects with `invalid_transition` for an offer
   * that has expired, was declined or is over, `not_eligible` while the task is not ready or the member not free, and
   * `permission_denied` for whom it was not made to.
   */
  accept(offer: Message | Id, options: { readonly by: Id }): Promise<Attempt> {
    return acceptOffer(this.parts, this, offer, options)
  }

  /** Tells who offered it why not; what was handed off is not kept for the member any more. Rejects like `accept`. */
  decline(offer: Message | Id, options: { readonly by: Id; readonly reason: string }): Promise<Task> {
    return declineOffer(this.parts, offer, options)
  }

  /**
   * Ends the running attempt and offers the task, by a message `task.handoff` with the note, its progress and what was
   * tried. For one lease it is kept for those; then it is for whoever may. Rejects with `not_eligible`, `stale_attempt`,
   * and `loop_detected` the eleventh time in a row; then the attempt goes on.
   */
  handOff(id: Id, to: Id | readonly Id[], options: { readonly note: string } & input.Fenced): Promise<Message> {
    return this.#run('handOff', id, options, { to })
  }

  /** Claims like `claim`, told in the thread of the task; or answers why there is nothing, and when to ask again. */
  request(member: Id, options: { readonly filter?: TaskFilter } = {}): Promise<WorkAnswer> {
    return requestWork(this.parts, this, member, options)
  }

  /**
   * Asks up to ten members who are there and have the skills, by default those that the task requires, best first: by a
   * message `task.help` of the holder. Rejects with `not_eligible` when there is nobody.
   */
  askForHelp(
    id: Id,
    question: string,
    options: { readonly skills?: Readonly<Record<string, number>> } & input.Fenced = {},
  ): Promise<Message> {
    return this.#run('askForHelp', id, options, { question })
  }

  /** Resolves when the task is completed, failed or cancelled. Rejects with `not_found`, `timed_out`, `cancelled`, `closed`, or `read_only` in a past. */
  async whenEnded(id: Id, options: Abortable = {}): Promise<Task> {
    const limits = read(readAbortable, options, 'options')
    const { environment } = this.parts.journal
    const task = this.get(read(anId, id, 'task')) ?? (await until(this.#find(id), limits, environment))
    if (!task.isOpen) return task
    this.parts.journal.assertGoesOn()
    return this.parts.news.ends.wait(id, (ended) => awaited(ended, limits, environment))
  }

  /**
   * All that happened to a task, oldest first, from the journal. Rejects with `not_found`, and with `cursor_expired` when
   * the log does not reach back to its creation: it was trimmed, or nobody keeps one (a tracker without a `Journal`).
   */
  async history(id: Id): Promise<readonly StoredEvent[]> {
    await this.#find(id)
    const { log } = this.parts.journal
    if (log) return log.historyOf(id)
    throw new CrewError('cursor_expired', `Nobody keeps what happens to task ${id}; pass the tracker a Journal`, { id })
  }

  /** For an attempt that was left without an outcome. @internal */
  async abandon({ task, fence }: Attempt): Promise<Task> {
    const error = { message: 'Left without an outcome', retryable: true }
    return this.parts.journal.decide((turn) =>
      fail(this.parts.desk, turn, expect(this.parts.desk, turn, task.id), { fence, error }, 'abandoned'),
    )
  }

  /** Milliseconds until the attempt's lease runs out. @hidden */
  expiresInMs({ task }: Attempt): number {
    const { session = '', leaseMs = 0 } = this.parts.board.get(task.id)?.running ?? {}
    return this.parts.journal.leases?.expiresInMs(session, leaseMs) ?? leaseMs
  }

  /** Another process may have made it: that there is none is decided like any refusal. */
  async #find(id: Id): Promise<Task> {
    return this.get(read(anId, id, 'task')) ?? this.parts.journal.decide(() => this.expect(id))
  }

  #create(
    command: 'create' | 'createMany',
    drafts: readonly input.Given['taskDraft'][],
    options: input.CommandOptions & Idempotent,
  ): Promise<readonly Task[]> {
    return createTasks(this.parts, command, drafts, options)
  }

  #run<N extends CommandName>(
    name: N,
    id: Id,
    options: unknown,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<CommandAnswer<N>> {
    return runCommand(this.parts, this.#limits, name, id, options, more)
  }
}
