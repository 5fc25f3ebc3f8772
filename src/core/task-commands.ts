import type { Usage } from './attempt-record.js'
import type { Choice } from './claim-queues.js'
import { hindrance, isFor, notEligible, refusal, unfit } from './eligibility.js'
import { CrewError, invalid, notFound } from './errors.js'
import type { Id } from './input.js'
import { isEmpty, NONE, sameJson } from './json.js'
import type { LeaseTerms } from './leases.js'
import type { LocalJournal } from './local-journal.js'
import type { Members } from './members.js'
import type { Message } from './message.js'
import type { Turn } from './projection.js'
import { type Card, type TaskBoard, timeLimit } from './task-board.js'
import { directFalls, fallenWith, refuseCycle, refuseCycles, verdict } from './task-graph.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import type { TaskNotices } from './task-notices.js'
import { type Failure, type Move, type RetryPolicy, Task, type WaitingFor } from './task.js'

export interface CommandSettings {
  readonly strictMembers: boolean
  readonly leaseMs: number
  readonly retry: RetryPolicy
}

/**
 * What each command on tasks decides: its guard, its effect, and what follows from it by the graph, the clock and the
 * mail. Every method is a part of a decision: it emits events, and answers the task as it is then, or throws a refusal.
 */
export class TaskCommands {
  readonly #journal: LocalJournal
  readonly #board: TaskBoard
  readonly #members: Members
  readonly #notices: TaskNotices
  readonly #settings: CommandSettings

  constructor(
    journal: LocalJournal,
    board: TaskBoard,
    members: Members,
    notices: TaskNotices,
    settings: CommandSettings,
  ) {
    this.#journal = journal
    this.#board = board
    this.#members = members
    this.#notices = notices
    this.#settings = settings
  }

  /** The task, once what is due on it by the clock is settled. Throws `not_found`. */
  expect(turn: Turn, id: Id): Task {
    const task = this.#known(id)
    this.#board.tick()
    const card = this.#board.card(id) as Card
    if (!this.#board.expired.has(card)) return task
    this.expire(turn, task)
    turn.keep()
    return card.task
  }

  /** All or nothing; edges may point forward. */
  create(turn: Turn, drafts: readonly Given['taskDraft'][], by: Id | undefined): readonly Task[] {
    const ids = drafts.map((draft) => {
      const { id = this.#journal.environment.id(), assignees = NONE, createdBy = by } = draft
      if (this.#board.get(id))
        throw new CrewError('already_exists', `There is a task ${id} already; leave the id out for a new one`, { id })
      this.#admit(turn, assignees, draft.reviewers, draft.watchers)
      const stamp = { createdBy, createdAt: turn.now, assignedAt: assignees.length > 0 ? turn.now : undefined }
      turn.emit(
        'task.created',
        id,
        Object.assign(Task.changes(undefined, draft as Move), Task.changes(undefined, stamp)),
        by,
        1,
      )
      return id
    })
    refuseCycles(this.#board, this.#suspects(ids))
    for (const id of ids) this.#checkNew(turn, this.#known(id), by)
    // Only now, so that nothing of the batch has fallen while the rest is checked.
    for (const id of ids) this.#obeyEdges(turn, this.#known(id))
    return ids.map((id) => this.#known(id))
  }

  update(turn: Turn, task: Task, { change, by, version = task.version }: Given['update']): Task {
    const { id, status, isOpen } = task
    if (version !== task.version)
      throw new CrewError('stale_version', `Task ${id} is at version ${task.version}, not ${version}: read it again`, {
        id,
        version: task.version,
      })
    const others = Object.keys(change).filter((field) => field !== 'labels' && field !== 'metadata')
    if (!isOpen && others.length > 0)
      throw new CrewError(
        'invalid_transition',
        `Task ${id} is ${status}: only labels and metadata change, not ${others.join(', ')}`,
        { id },
      )
    this.#admit(turn, change.reviewers, change.watchers)
    return this.#move(turn, task, change, by)
  }

  assign(turn: Turn, task: Task, { to, by, force = false }: Given['assign']): Task {
    const isNobody = to.length === 0
    moves.expectMove(task, isNobody ? 'unassign' : 'assign')
    this.#admit(turn, to)
    if (!force)
      this.#refuseUnfit(
        task,
        to.filter((id) => !task.assignees.includes(id)),
      )
    const move = isNobody ? { assignees: to } : { assignees: to, assignedAt: turn.now }
    const assigned = sameJson(to, task.assignees)
      ? task
      : this.#move(turn, task, move, by, isNobody ? 'unassigned' : 'assigned')
    this.#notices.assigned(turn, assigned, task.assignees, by)
    return assigned
  }

  /** By hand, without a lease. */
  start(turn: Turn, task: Task, { by }: Given['by']): Task {
    const member = by ?? only(task.assignees)
    if (member === undefined) throw invalid(`Say who starts task ${task.id}: { by }`, { id: task.id })
    this.#admit(turn, [member])
    if (task.status !== 'in_progress') moves.expectMove(task, 'start')
    const refused = refusal(this.#board, task, this.#members.expect(member))
    if (refused) throw refused
    return this.#start(turn, task, member, undefined)
  }

  /** The named task, or the first that is ready for the member: its own before open ones. Undefined when there is none. */
  claim(
    turn: Turn,
    by: Id,
    named: Task | undefined,
    choice: Choice<Card> | undefined,
    leaseMs = this.#settings.leaseMs,
  ): Task | undefined {
    this.#admit(turn, [by])
    const member = this.#members.expect(by)
    if (hindrance(this.#board, member) !== undefined) return undefined
    if (named)
      return named.status !== 'pending' || refusal(this.#board, named, member)
        ? undefined
        : this.#start(turn, named, by, leaseMs)
    this.#board.tick()
    for (;;) {
      const card = this.#board.firstFor(member, choice)
      if (!card) return undefined
      // By the time of the turn, as the clock may have gone on within it.
      if (timeLimit(card.task) > turn.now) return this.#start(turn, card.task, by, leaseMs)
      this.expire(turn, card.task)
    }
  }

  progress(turn: Turn, task: Task, { fence, usage, ...progress }: Given['progress']): Task {
    moves.expectFrom(task, 'progress', fence)
    const spent = usage ? moves.spend(task, usage) : {}
    return this.#move(turn, task, { ...spent, progress: { ...task.progress, ...progress } }, task.holder, 'progressed')
  }

  complete(turn: Turn, task: Task, { fence, waive = NONE, result, usage }: Given['complete']): Task {
    const last = task.running ? undefined : task.attempts.at(-1)
    const isDone = last?.outcome === 'completed' || (last?.outcome === 'waiting' && task.waitingFor?.for === 'review')
    // Told twice by the same attempt.
    if (isDone && fence === (last.leaseMs === undefined ? undefined : last.fence) && sameJson(task.result, result))
      return task
    moves.expectFrom(task, 'complete', fence)
    const subtasks = this.#board.subtasks(task.id)
    this.#refuseUnsettled(task, subtasks, waive)
    const { holder, reviewers } = task
    if (reviewers.length > 0)
      return this.#wait(turn, task, { for: 'review', of: reviewers, since: turn.now }, usage, { result })
    const completed = this.#move(turn, task, moves.complete(task, turn.now, result, usage), holder)
    this.#waive(turn, task, subtasks)
    return completed
  }

  fail(
    turn: Turn,
    task: Task,
    { fence, error, retryable = error.retryable, usage }: Given['fail'],
    outcome: 'failed' | 'abandoned' = 'failed',
  ): Task {
    moves.expectFrom(task, 'fail', fence)
    return this.#giveUp(turn, task, { outcome, code: outcome, message: error.message, retryable, usage })
  }

  release(turn: Turn, task: Task, { fence, reason = 'released' }: Given['release']): Task {
    moves.expectFrom(task, 'release', fence)
    return this.#move(turn, task, moves.release(task, reason, true, this.#chances(turn)), task.holder)
  }

  wait(turn: Turn, task: Task, { fence, of = NONE, withinMs, ...question }: Given['wait']): Task {
    moves.expectFrom(task, 'wait', fence)
    this.#admit(turn, of, typeof question.onTimeout === 'object' ? question.onTimeout.ask : NONE)
    const { now } = turn
    if (task.cancelRequested)
      return this.#move(turn, task, moves.stop(task, now, moves.close(task, 'waiting', now)), task.holder)
    return this.#wait(turn, task, {
      of,
      since: now,
      ...(withinMs !== undefined && { until: now + withinMs }),
      ...question,
    })
  }

  resume(turn: Turn, task: Task, { by, ...answer }: Given['resume']): Task {
    const who = this.#answerer(turn, task, 'resume', by)
    return this.#resume(turn, task, moves.answered(task, { ...answer, by: who, at: turn.now }), who)
  }

  review(turn: Turn, task: Task, { by, final = false, ...verdict }: Given['review']): Task {
    const who = this.#answerer(turn, task, 'review', by)
    const answered = moves.answered(task, { ...verdict, by: who, at: turn.now })
    if (verdict.passed) {
      this.#refuseUnsettled(task, this.#board.subtasks(task.id), NONE)
      return this.#move(
        turn,
        task,
        moves.end('completed', turn.now, answered, { progress: { ...task.progress, value: 1 } }),
        who,
      )
    }
    if (!final) return this.#resume(turn, task, answered, who)
    const failure: Failure = { code: 'failed', message: `Did not pass the review: ${verdict.remarks ?? 'no remarks'}` }
    return this.#move(turn, task, moves.end('failed', turn.now, answered, { failure }), who)
  }

  /** What is claimed is only asked for, unless forced. */
  cancel(turn: Turn, task: Task, { by, reason: message = 'cancelled', force = false }: Given['cancel']): Task {
    moves.expectMove(task, 'cancel')
    const failure: Failure = { code: 'cancelled', message }
    if (force || task.running?.leaseMs === undefined)
      return this.#move(turn, task, moves.cancel(task, failure, turn.now), by)
    return task.cancelRequested ? task : this.#move(turn, task, { cancelRequested: true, failure }, by)
  }

  /** Reopens the task, and with `cascade` what fell because of it and would not fall again. */
  retry(turn: Turn, task: Task, { by, cascade = false }: Given['retry']): Task {
    moves.expectMove(task, 'retry')
    const why = this.#heldDown(task)
    if (why !== undefined)
      throw new CrewError('invalid_transition', `Task ${task.id} would fall again: ${why}`, { id: task.id })
    let left = cascade ? fallenWith(this.#board, task) : NONE
    const reopened = this.#move(turn, task, moves.reopen(task, turn.now), by)
    // In rounds, as each can hold others down.
    for (let before = Infinity; left.length < before;) {
      before = left.length
      left = left.filter((other) => {
        const isHeldDown = this.#heldDown(other) !== undefined
        if (!isHeldDown) this.#move(turn, other, moves.reopen(other, turn.now), by)
        return isHeldDown
      })
    }
    return reopened
  }

  addDependency(turn: Turn, task: Task, edge: Given['addDependency']): Task {
    moves.expectMove(task, 'addDependency')
    this.#known(edge.id)
    const dependsOn = [...task.dependsOn.filter(({ id }) => id !== edge.id), edge]
    const dependent = this.#move(turn, task, { dependsOn }, undefined, 'dependencyAdded')
    refuseCycle(this.#board, task.id)
    return this.#obeyEdges(turn, dependent)
  }

  removeDependency(turn: Turn, task: Task, on: Given['removeDependency']): Task {
    moves.expectMove(task, 'removeDependency')
    const dependsOn = task.dependsOn.filter(({ id }) => id !== on)
    if (dependsOn.length === task.dependsOn.length) throw notFound(`Dependency of ${task.id} on task`, on)
    return this.#move(turn, task, { dependsOn }, undefined, 'dependencyRemoved')
  }

  comment(turn: Turn, task: Task, { text, by }: Given['comment']): Message {
    const mentioned = this.#members.list().flatMap(({ id }) => (mentions(text, id) ? id : []))
    const readers = new Set([...task.watchers, ...mentioned])
    readers.delete(by ?? '')
    const message = this.#notices.commented(turn, task, [...readers], text, by)
    this.#move(turn, task, { commentCount: task.commentCount + 1 }, by, 'commented')
    return message
  }

  /** Carries out what is due on a task by the clock. */
  expire(turn: Turn, task: Task): void {
    const { failAt = Infinity, waitingFor, timeLimitMs = 0 } = task
    const { now } = turn
    if (timeLimit(task) > now) return
    const fail = (code: Failure['code'], message: string): unknown =>
      this.#move(turn, task, moves.fail(task, { code, message }, now))
    if (failAt <= now) fail('deadline', `Not done by ${new Date(failAt).toISOString()}`)
    else if (!waitingFor)
      this.#giveUp(turn, task, {
        outcome: 'timed_out',
        code: 'timed_out',
        message: `Took longer than ${timeLimitMs} ms`,
      })
    else if (waitingFor.onTimeout === 'resume') this.#resume(turn, task, { waitingFor: undefined })
    else if (typeof waitingFor.onTimeout === 'object') {
      const { until: _until, onTimeout, ...question } = waitingFor
      this.#notices.asked(
        turn,
        this.#move(turn, task, { waitingFor: { ...question, of: onTimeout.ask, since: now } }, undefined, 'waiting'),
      )
    } else fail('timed_out', 'Nobody answered in time')
  }

  /** Ends the attempt that a lease was for, if it is the current one. */
  endLease(turn: Turn, { id, number }: LeaseTerms, how: 'lost' | 'closed'): void {
    const task = this.#board.get(id)
    if (task?.running?.fence !== number) return
    if (how === 'lost')
      this.#giveUp(turn, task, { outcome: 'lost', code: 'stale_attempt', message: 'Its lease was lost' })
    else this.#move(turn, task, moves.release(task, 'closed', false, this.#chances(turn)))
  }

  /** Takes a leaving member's work off it: its attempts are released, and it is assigned nothing any more. */
  dismiss(turn: Turn, member: Id): void {
    for (const { task } of [...this.#board.inStage('in_progress')]) {
      if (task.holder === member)
        this.#move(turn, task, moves.release(task, 'its holder left the crew', false, this.#chances(turn)))
    }
    for (const { task } of [...this.#board.byAssignee.of(member)]) {
      if (task.isOpen)
        this.#move(turn, task, { assignees: task.assignees.filter((id) => id !== member) }, undefined, 'unassigned')
    }
  }

  /** Those of new tasks that may wait for themselves. */
  #suspects(ids: readonly Id[]): readonly Id[] {
    return ids.filter((id) => {
      const { parentId, dependsOn } = this.#known(id)
      if (parentId !== undefined) return true
      // Made alone and part of nothing, it is waited for by nobody, unless by itself.
      return ids.length > 1 ? dependsOn.length > 0 : dependsOn.some((edge) => edge.id === id)
    })
  }

  #checkNew(turn: Turn, task: Task, by: Id | undefined): void {
    const { dependsOn, parentId, supersedes, assignees } = task
    for (const edge of dependsOn) this.#known(edge.id)
    if (supersedes !== undefined) this.#known(supersedes)
    if (parentId !== undefined) {
      const { isOpen, status } = this.#known(parentId)
      if (!isOpen)
        throw new CrewError('invalid_transition', `Task ${parentId} is ${status}: it gets no more subtasks`, {
          id: parentId,
        })
    }
    if (assignees.length > 0) {
      this.#refuseUnfit(task, assignees)
      this.#notices.assigned(turn, task, NONE, by)
    }
  }

  #start(turn: Turn, task: Task, member: Id, leaseMs: number | undefined): Task {
    if (leaseMs !== undefined) this.#journal.leases?.prove(turn, leaseMs)
    return this.#move(turn, task, moves.start(task, member, this.#journal.session, leaseMs, turn.now), member)
  }

  #giveUp(turn: Turn, task: Task, mishap: moves.Mishap): Task {
    return this.#move(turn, task, moves.giveUp(task, mishap, this.#chances(turn)), task.holder)
  }

  #chances({ now }: Turn): moves.Chances {
    return { now, retry: this.#settings.retry, chance: this.#journal.environment.random() }
  }

  #wait(turn: Turn, task: Task, waitingFor: WaitingFor, usage?: Usage, more?: Move): Task {
    const waiting = this.#move(turn, task, { ...moves.wait(task, waitingFor, usage), ...more }, task.holder)
    this.#notices.asked(turn, waiting, task.holder)
    return waiting
  }

  /** Back to pending; kept for its last holder for one lease, if that one can take it at once. */
  #resume(turn: Turn, task: Task, move: Move, by?: Id): Task {
    const { member: id, leaseMs = this.#settings.leaseMs } = task.attempts.at(-1) ?? {}
    const member = id === undefined ? undefined : this.#members.get(id)
    const isReady = member && isFor(member, task) && hindrance(this.#board, member) === undefined
    const offeredTo = isReady ? { member: member.id, until: turn.now + leaseMs } : undefined
    return this.#move(turn, task, { ...move, status: 'pending', offeredTo }, by)
  }

  /** Emits a move, and the fall of others that it brings about; answers the task as it is then. */
  #move(turn: Turn, task: Task, move: Move, by?: Id, type = eventOf(task, move)): Task {
    const changes = Task.changes(task, move)
    if (isEmpty(changes)) return task
    turn.emit(`task.${type}`, task.id, changes, by, task.version + 1)
    const moved = this.#known(task.id)
    // In a loop, as a chain can be longer than a stack is deep; the list grows while it is walked.
    const ended = [moved]
    for (const cause of ended) {
      for (const { task: victim, to } of directFalls(this.#board, cause)) {
        const falls = fall(victim, to, cause, turn.now)
        turn.emit(
          `task.${eventOf(victim, falls)}`,
          victim.id,
          Task.changes(victim, falls),
          undefined,
          victim.version + 1,
        )
        ended.push(this.#known(victim.id))
      }
    }
    return moved
  }

  /** Lets edges to what has already ended have their say. */
  #obeyEdges(turn: Turn, task: Task): Task {
    for (const edge of task.status === 'pending' ? task.dependsOn : NONE) {
      const dependency = this.#known(edge.id)
      const to = verdict(edge, dependency)
      if (to === 'fail' || to === 'cancel') return this.#move(turn, task, fall(task, to, dependency, turn.now))
    }
    return task
  }

  #waive(turn: Turn, { id: rootId }: Task, subtasks: readonly Task[]): void {
    const failure: Failure = { code: 'cancelled', message: `Waived when task ${rootId} was completed`, rootId }
    for (const { id } of subtasks) {
      const subtask = this.#known(id)
      if (subtask.isOpen) this.#move(turn, subtask, moves.cancel(subtask, failure, turn.now))
    }
  }

  /** Why a task that is reopened would fall at once. */
  #heldDown({ parentId, dependsOn }: Task): string | undefined {
    if (parentId !== undefined && !this.#known(parentId).isOpen)
      return `its parent ${parentId} has ended; retry that first`
    const edge = dependsOn.find((one) => ['fail', 'cancel'].includes(verdict(one, this.#known(one.id)) ?? ''))
    return edge && `its dependency ${edge.id} was not completed; retry that, with { cascade: true }`
  }

  #refuseUnsettled({ id }: Task, subtasks: readonly Task[], waive: readonly Id[]): void {
    for (const name of waive)
      if (!subtasks.some((subtask) => subtask.id === name))
        throw invalid(`Task ${name} is no subtask of ${id}`, { id: name })
    const unsettled = subtasks
      .filter((subtask) => (subtask.isOpen || subtask.status === 'failed') && !waive.includes(subtask.id))
      .map((subtask) => subtask.id)
    if (unsettled.length > 0)
      throw new CrewError(
        'invalid_transition',
        `Task ${id} has subtasks that are not done: ${unsettled.slice(0, 5).join(', ')}; end them, or name them in waive`,
        { id, unsettled },
      )
  }

  #refuseUnfit(task: Task, ids: readonly Id[]): void {
    for (const id of ids) {
      const member = this.#members.expect(id)
      const why = unfit(member, task)
      if (why !== undefined) throw notEligible(task, member, `${why}; assign it with { force: true } to give it anyway`)
    }
  }

  /** Who answers for a waiting task. Throws unless it is one who may. */
  #answerer(turn: Turn, task: Task, move: 'resume' | 'review', by: Id | undefined): Id {
    moves.expectMove(task, move)
    const { id } = task
    const { for: reason, of } = task.waitingFor as WaitingFor
    if ((move === 'review') !== (reason === 'review')) {
      const right = reason === 'review' ? 'review()' : 'resume(), as a member answer()'
      throw new CrewError('invalid_transition', `Task ${id} waits for ${reason}: use ${right}`, { id })
    }
    const who = by ?? only(of)
    if (who === undefined) throw invalid(`Say who answers for task ${id}: { by }`, { id })
    if (of.length > 0 && !of.includes(who))
      throw new CrewError('permission_denied', `Task ${id} waits for ${of.join(', ')}, not for ${who}`, { id })
    this.#admit(turn, [who])
    return who
  }

  #admit(turn: Turn, ...ids: readonly (readonly Id[] | undefined)[]): void {
    for (const some of ids) if (some) this.#members.admit(turn, some, this.#settings.strictMembers)
  }

  #known(id: Id): Task {
    const task = this.#board.get(id)
    if (!task) throw notFound('Task', id)
    return task
  }
}

const only = (ids: readonly Id[]): Id | undefined => (ids.length === 1 ? ids[0] : undefined)

/** What a move is called in the journal. */
function eventOf(before: Task, { status = before.status, cancelRequested }: Move): string {
  if (status === before.status) return cancelRequested ? 'cancelRequested' : 'updated'
  if (status === 'in_progress') return 'started'
  if (status !== 'pending') return status
  if (before.status === 'in_progress') return 'released'
  return before.status === 'waiting' ? 'resumed' : 'retried'
}

/** How a task falls because of another, which it depends on or is part of. */
function fall(task: Task, to: 'fail' | 'cancel', { id, status, failure }: Task, now: number): Move {
  const code = to === 'fail' ? 'dependency' : 'cancelled'
  return moves[to](task, { code, message: `Because task ${id} is ${status}`, rootId: failure?.rootId ?? id }, now)
}

function mentions(text: string, id: Id): boolean {
  for (let at = text.indexOf(`@${id}`); at >= 0; at = text.indexOf(`@${id}`, at + 1)) {
    if (!/^[\w/@-]/.test(text.slice(at + 1 + id.length))) return true
  }
  return false
}
