import type { Access } from '../access.js'
import type { Id } from '../input.js'
import { CrewError, notFound } from '../errors.js'
import type { Cascades } from './cascades.js'
import { isEmpty, NONE } from '../json.js'
import type { LocalJournal } from '../journal/local-journal.js'
import type { Members } from '../members.js'
import type { Turn } from '../journal/projection.js'
import type { TaskBoard } from './task-board.js'
import { directFalls, verdict } from './task-graph.js'
import * as moves from './task-moves.js'
import type { TaskNotices } from './task-notices.js'
import { type Move, type RetryPolicy, Task } from './task.js'

export interface CommandSettings {
  readonly strictMembers: boolean
  readonly leaseMs: number
  readonly retry: RetryPolicy
  /** How often in a row a task may come back from waiting. */
  readonly rounds: number
}

/** What every command on tasks is decided with, and the one way in which it moves a task. */
export class TaskDesk {
  constructor(
    readonly journal: LocalJournal,
    readonly board: TaskBoard,
    readonly members: Members,
    readonly notices: TaskNotices,
    readonly settings: CommandSettings,
    /** Undefined where members may do and see everything. */
    readonly access: Access | undefined,
    readonly cascades: Cascades,
  ) {}

  /** Whether this process goes on with the cascades under way, at once. */
  isCascading = false

  /** Throws `not_found`, also for what `by` cannot see. */
  known(id: Id, by?: Id): Task {
    const task = this.board.get(id)
    if (!task || this.access?.sees(by, task) === false) throw notFound('Task', id)
    return task
  }

  /** Makes sure that all are members; see Members. */
  admit(turn: Turn, ...ids: readonly (readonly Id[] | undefined)[]): void {
    for (const some of ids) if (some) this.members.admit(turn, some, this.settings.strictMembers)
  }

  /** Who asks for something must take part where members are strict, too: throws `not_found`. */
  expectMember(by: Id | undefined): void {
    if (by !== undefined && this.settings.strictMembers) this.members.expect(by)
  }

  /** What the next try at a task depends on. */
  chances({ now }: Turn): moves.Chances {
    return { now, retry: this.settings.retry, chance: this.journal.environment.random() }
  }

  /** Emits a move, and the fall of others that it brings about; answers the task as it is then. */
  move(turn: Turn, task: Task, move: Move, by?: Id, type = eventOf(task, move)): Task {
    const changes = Task.changes(task, move)
    if (isEmpty(changes)) return task
    turn.emit(`task.${type}`, task.id, changes, by, task.version + 1)
    const moved = this.known(task.id)
    this.#takeBack(turn, task, moved, by)
    if (!moved.isOpen && moved.status !== 'completed') this.#fell(turn, moved.id, [moved.id], 0)
    // A dependency may have failed while this one ran, which was let be until now.
    return task.status !== 'pending' && moved.status === 'pending' ? this.obeyEdges(turn, moved) : moved
  }

  /** Lets fall what cascades have left open, as far as the commit has room: at least one task. */
  goOn(turn: Turn): void {
    for (const [id, { open }] of this.cascades.all) {
      this.#fell(turn, id, [...open].sort(), 1)
      if (turn.isFull) return
    }
  }

  /** Throws `invalid_transition` for what may fall with a task that has ended, while that is under way. */
  refuseFalling(id: Id): void {
    if (this.board.card(id)?.cascades)
      throw new CrewError(
        'invalid_transition',
        `Task ${id} falls with another, which is under way: try again in a moment`,
        { id },
      )
  }

  /** Lets others fall with what has ended, in the order of their ids; records what has no room in the commit as open. */
  #fell(turn: Turn, id: Id, causes: readonly Id[], least: number): void {
    const open = this.cascades.get(id)?.open
    const added: Id[] = []
    const removed: Id[] = []
    let fallen = 0
    let isFull = false
    // In a loop, as a chain can be longer than a stack is deep; the list grows while it is walked.
    const ended = [...causes]
    for (const at of ended) {
      const cause = isFull && open?.has(at) ? undefined : this.board.get(at)
      if (isFull && !cause) continue
      let isOver = true
      for (const { task: victim, to } of cause ? directFalls(this.board, cause) : NONE) {
        isFull ||= fallen >= least && turn.isFull
        isOver = !isFull
        if (isFull) break
        const falls = fall(victim, to, cause as Task, turn.now)
        const changes = Task.changes(victim, falls)
        turn.emit(`task.${eventOf(victim, falls)}`, victim.id, changes, undefined, victim.version + 1)
        this.#takeBack(turn, victim, this.known(victim.id))
        ended.push(victim.id)
        fallen++
      }
      if (isOver && open?.has(at)) removed.push(at)
      else if (!isOver && !open?.has(at)) added.push(at)
    }
    if (added.length + removed.length === 0) return
    turn.emit('crew.cascading', id, {
      open: { ...(added.length > 0 && { added }), ...(removed.length > 0 && { removed }) },
    })
    // Whoever has left it open goes on with it.
    this.isCascading = true
  }

  /** Takes off members what they were asked or offered, once that is over; whoever has ended it has answered. */
  #takeBack(turn: Turn, before: Task, after: Task, by?: Id): void {
    if (before.offers.length > 0 && after.offers.length === 0)
      this.notices.offersOver(turn, before, by, whyNoOffer(before, after))
    if (before.waitingFor && !after.waitingFor) this.notices.unasked(turn, before, by, whyNoQuestion(before, after))
  }

  /** Lets edges to what has already ended have their say. */
  obeyEdges(turn: Turn, task: Task): Task {
    for (const edge of task.status === 'pending' ? task.dependsOn : NONE) {
      const dependency = this.board.get(edge.id)
      const to = verdict(edge, dependency)
      if (dependency && (to === 'fail' || to === 'cancel'))
        return this.move(turn, task, fall(task, to, dependency, turn.now))
    }
    return task
  }
}

function whyNoOffer(before: Task, { holder, assignees, status }: Task): string {
  if (holder !== undefined) return `taken by ${holder}`
  const isGiven = assignees !== before.assignees && assignees.length > 0
  return isGiven ? `given to ${assignees.join(', ')}` : `the task is ${status}`
}

function whyNoQuestion(before: Task, { answers, status }: Task): string {
  if (status !== 'pending') return `the task is ${status}`
  return answers === before.answers ? 'nobody answered in time' : 'it was answered'
}

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
  // By name: to look one up would keep all of the moves in every bundle, by their names.
  const move = to === 'fail' ? moves.fail : moves.cancel
  return move(task, { code, message: `Because task ${id} is ${status}`, rootId: failure?.rootId ?? id }, now)
}
