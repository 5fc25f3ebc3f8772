import type { Attempt } from './attempt.js'
import type { Queued, Ticket } from './claim-queues.js'
import { Slot } from '../heap.js'
import type { Id } from '../input.js'
import { NONE } from '../json.js'
import type { Lease } from '../journal/session.js'
import type { Task, TaskStatus } from './task.js'

/** One word for a board's column: what the status and the graph say together. */
export type Stage = 'scheduled' | 'blocked' | 'new' | 'assigned' | Exclude<TaskStatus, 'pending'>

/** A task with where it stands. */
export class Card implements Queued {
  task: Task
  readonly order: number
  priority = 0
  openDependencies = 0
  /** How many cascades under way it may fall with. */
  cascades = 0
  stage: Stage = 'new'
  readonly stageSlot: Slot<Card>
  tickets: readonly Ticket<Card>[] = NONE
  /** When the clock alone changes where it stands; Infinity for never. */
  turnsAt = Infinity
  timeSlot: Slot<Card> | undefined
  lease: Lease | undefined
  /** This process's own, while it runs. */
  attempt: Attempt | undefined

  constructor(task: Task, order: number) {
    this.task = task
    this.order = order
    this.stageSlot = new Slot<Card>(this)
  }

  /** Whether it is on the board. */
  get isPlaced(): boolean {
    return this.stageSlot.place >= 0
  }

  /** Pending, with nothing in its way. */
  get isReady(): boolean {
    return this.isPlaced && (this.stage === 'new' || this.stage === 'assigned')
  }
}

/** By creation. */
export function inOrder(cards: Iterable<Card>): readonly Task[] {
  const list = [...cards]
  // Mostly they are, and to see that costs a tenth of sorting.
  if (!list.every(({ order }, place) => place === 0 || (list[place - 1] as Card).order < order))
    list.sort((a, b) => a.order - b.order)
  return list.map(({ task }) => task)
}

/** By the status, the graph and the clock together. */
export function stageOf({ task, openDependencies, cascades }: Card, now: number): Stage {
  if (task.status !== 'pending') return task.status
  if (openDependencies > 0 || cascades > 0) return 'blocked'
  if (task.notBefore !== undefined && task.notBefore > now) return 'scheduled'
  return task.assignees.length > 0 ? 'assigned' : 'new'
}

/** Who may take it; nobody named means whoever fits. */
export const audience = ({ keptFor, assignees }: Task, now: number): readonly Id[] =>
  keptFor && keptFor.until > now ? keptFor.members : assignees

/** When it fails, or what it waits for is over, unless something happens before. */
export function timeLimit(task: Task): number {
  const running = task.timeLimitMs === undefined ? undefined : task.running
  return Math.min(
    task.failAt ?? Infinity,
    task.waitingFor?.until ?? Infinity,
    running ? running.startedAt + (task.timeLimitMs ?? 0) : Infinity,
  )
}
