import { notFound } from '../errors.js'
import {
  either,
  flag,
  type Id,
  id,
  number,
  object,
  oneOf,
  oneOrMore,
  read,
  text,
  time,
  type Reader,
  type TimeInput,
  whole,
} from '../input.js'
import { isEmpty } from '../json.js'
import type { Choice } from './claim-queues.js'
import type { TaskBoard } from './task-board.js'
import type { Card, Stage } from './task-card.js'
import type { Task, TaskStatus } from './task.js'

export interface TaskFilter {
  readonly status?: TaskStatus | readonly TaskStatus[]
  readonly stage?: Stage | readonly Stage[]
  /** null: nobody. */
  readonly assignee?: Id | null
  readonly label?: string
  readonly kind?: string | readonly string[]
  /** null: no subtask of another. */
  readonly parentId?: Id | null
  readonly priority?: { readonly atLeast?: number; readonly atMost?: number }
  readonly dueAt?: { readonly before?: TimeInput; readonly after?: TimeInput }
  readonly ready?: boolean
  readonly overdue?: boolean
  /** Part of title or description, in upper or lower case. */
  readonly text?: string
  /** Default: by creation. Priority: highest first; the others: lowest first. */
  readonly orderBy?: 'priority' | 'createdAt' | 'dueAt' | 'id'
  readonly limit?: number
  /** Those that come after this task in that order. */
  readonly after?: Id
}

const STAGES = [
  'scheduled',
  'blocked',
  'new',
  'assigned',
  'in_progress',
  'waiting',
  'completed',
  'failed',
  'cancelled',
] as const
const STATUSES = ['pending', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled'] as const
const PENDING: readonly Stage[] = ['scheduled', 'blocked', 'new', 'assigned']

const isNull = (value: unknown): boolean => value === null
const idOrNull = either(isNull, () => null, id)

const taskFilter = object(
  {
    status: oneOrMore(oneOf(...STATUSES)),
    stage: oneOrMore(oneOf(...STAGES)),
    assignee: idOrNull,
    label: text,
    kind: oneOrMore(id),
    parentId: idOrNull,
    priority: object({ atLeast: number(), atMost: number() }, [], true),
    dueAt: object({ before: time, after: time }, [], true),
    ready: flag,
    overdue: flag,
    text,
    orderBy: oneOf('priority', 'createdAt', 'dueAt', 'id'),
    limit: whole(0),
    after: id,
  },
  [],
  true,
)
export type Wanted = ReturnType<typeof taskFilter>

/** Refuses unknown keys, and `undefined`, which would mean everything. */
export const readFilter: Reader<Wanted> = taskFilter

/** The tasks that a filter asks for, in its order. */
export function select(
  board: TaskBoard,
  filter: TaskFilter,
  sees: (task: Task) => boolean = () => true,
): readonly Task[] {
  const wanted = read(taskFilter, filter, 'filter')
  const { orderBy = 'createdAt', after, limit } = wanted
  const compare = (a: Card, b: Card): number => ORDERS[orderBy](a, b) || a.order - b.order
  const last = after === undefined ? undefined : board.card(after)
  if (after !== undefined && !(last && sees(last.task))) throw notFound('Task', after)
  const found = [...filtered(board, wanted)].filter((card) => (!last || compare(card, last) > 0) && sees(card.task))
  return found
    .sort(compare)
    .slice(0, limit)
    .map(({ task }) => task)
}

export function count(board: TaskBoard, filter: TaskFilter): number {
  return [...filtered(board, read(taskFilter, filter, 'filter'))].length
}

export const matches = (card: Card, wanted: Wanted, now: number): boolean => {
  const { task } = card
  const { status, stage, assignee, label, kind, parentId, priority, dueAt, ready, overdue, text: part } = wanted
  return (
    (!status || status.includes(task.status)) &&
    (!stage || stage.includes(card.stage)) &&
    (assignee === undefined || (assignee === null ? task.assignees.length === 0 : task.assignees.includes(assignee))) &&
    (label === undefined || task.labels.includes(label)) &&
    (!kind || kind.includes(task.kind ?? '')) &&
    (parentId === undefined || (task.parentId ?? null) === parentId) &&
    (!priority ||
      (task.priority >= (priority.atLeast ?? -Infinity) && task.priority <= (priority.atMost ?? Infinity))) &&
    (!dueAt ||
      (task.dueAt !== undefined &&
        task.dueAt < (dueAt.before ?? Infinity) &&
        task.dueAt > (dueAt.after ?? -Infinity))) &&
    (ready === undefined || ready === card.isReady) &&
    (overdue === undefined || overdue === (task.isOpen && (task.dueAt ?? Infinity) <= now)) &&
    (part === undefined || `${task.title ?? ''}\n${task.description}`.toLowerCase().includes(part.toLowerCase()))
  )
}

const ORDERS: Readonly<Record<NonNullable<TaskFilter['orderBy']>, (a: Card, b: Card) => number>> = {
  priority: (a, b) => b.task.priority - a.task.priority,
  createdAt: (a, b) => a.order - b.order,
  dueAt: (a, b) => (a.task.dueAt ?? Infinity) - (b.task.dueAt ?? Infinity) || 0,
  id: (a, b) => (a.task.id === b.task.id ? 0 : a.task.id < b.task.id ? -1 : 1),
}

function* filtered(board: TaskBoard, wanted: Wanted): Generator<Card> {
  board.tick()
  const now = board.now()
  for (const cards of smallest(board, wanted)) for (const card of cards) if (matches(card, wanted, now)) yield card
}

interface Candidates {
  readonly size: number
  readonly sets: readonly (Iterable<Card> & { readonly size: number })[]
}

/** The smallest indexed sets that hold all that is asked for. */
function smallest(
  board: TaskBoard,
  { status, stage, assignee, label, kind, parentId, ready, overdue }: Wanted,
): readonly Iterable<Card>[] {
  const among = (sets: Candidates['sets']): Candidates => ({
    sets,
    size: sets.reduce((sum, { size }) => sum + size, 0),
  })
  const inStages = (stages: readonly Stage[]): Candidates => among(stages.map((name) => board.inStage(name)))
  const one = (set: Candidates['sets'][number]): Candidates => among([set])
  const choices: Candidates[] = [one(board.all)]
  if (status) choices.push(inStages(status.flatMap((name) => (name === 'pending' ? PENDING : [name]))))
  if (stage) choices.push(inStages(stage))
  if (ready) choices.push(inStages(['new', 'assigned']))
  if (overdue) choices.push(one(board.overdue))
  if (typeof assignee === 'string') choices.push(one(board.index.byAssignee.of(assignee)))
  if (typeof parentId === 'string') choices.push(one(board.index.byParent.of(parentId)))
  if (label !== undefined) choices.push(one(board.index.byLabel.of(label)))
  if (kind) choices.push(among(kind.map((name) => board.index.byKind.of(name))))
  return choices.reduce((best, other) => (other.size < best.size ? other : best)).sets
}

/** What a claim with this filter would take, of what is seen. */
export function choiceOf(
  wanted: Wanted | undefined,
  board: TaskBoard,
  sees?: (task: Task) => boolean,
): Choice<Card> | undefined {
  if (!wanted && !sees) return undefined
  const { kind: kinds, ...others } = wanted ?? {}
  return {
    ...(kinds && { kinds }),
    ...(wanted && !isEmpty(others) && { test: (card) => matches(card, wanted, board.now()) }),
    ...(sees && { sees: ({ task }) => sees(task) }),
  }
}
