import type { JournalEvent } from '../../core/journal/journal-storage.js'
import type { Json } from '../../core/json.js'
import type { Findings } from './findings.js'

/** One try at a task, as events tell it. */
export interface AttemptState {
  readonly number: number
  readonly member: string
  readonly session: string
  readonly fence: number
  /** Of a claim; a task started by hand has none. */
  readonly leaseMs?: number
  readonly outcome?: string
  readonly usage?: UsageState
}
export type UsageState = Readonly<Partial<Record<'tokens' | 'cost', number>>>
export interface EdgeState {
  readonly id: string
  readonly onFailure: string
  readonly onCancel: string
}

/** A task as its events say it, folded here once more so that a fault of the library's own fold does not hide itself. */
export interface TaskState {
  readonly id: string
  readonly version: number
  readonly status: string
  readonly fence: number
  readonly attemptCount: number
  readonly commentCount: number
  readonly holder?: string
  readonly parentId?: string
  readonly supersedes?: string
  readonly notBefore?: number
  readonly failure?: { readonly code: string; readonly rootId?: string }
  readonly assignees: readonly string[]
  readonly reviewers: readonly string[]
  readonly watchers: readonly string[]
  readonly requires: Readonly<Record<string, number>>
  readonly dependsOn: readonly EdgeState[]
  readonly offers: readonly { readonly id: string; readonly to: readonly string[] }[]
  readonly attempts: readonly AttemptState[]
  readonly answers: readonly { readonly number: number }[]
  readonly usage: UsageState
  readonly budget?: UsageState
}

/** An event of a task, with the task before and after it. */
export interface TaskStep {
  readonly event: JournalEvent
  /** Without `task.` */
  readonly type: string
  /** undefined for one that comes into being, or whose beginning was trimmed. */
  readonly before: TaskState | undefined
  readonly after: TaskState
}

const BLANK = {
  version: 0,
  status: 'pending',
  fence: 0,
  attemptCount: 0,
  commentCount: 0,
  assignees: [],
  reviewers: [],
  watchers: [],
  requires: {},
  dependsOn: [],
  offers: [],
  attempts: [],
  answers: [],
  usage: {},
}
/** Lists, and the field that tells their items apart. */
const LISTS: Readonly<Record<string, string | undefined>> = {
  assignees: '',
  reviewers: '',
  watchers: '',
  labels: '',
  dependsOn: 'id',
  offers: 'id',
  attempts: 'number',
  answers: 'number',
}

const OPEN = ['pending', 'in_progress', 'waiting']
const ANY = [...OPEN, 'completed', 'failed', 'cancelled']
/** The table of moves: for each event the statuses that it starts from, and the one that it leads to, if another. */
const MOVES: Readonly<Record<string, readonly [from: readonly string[], to?: string] | undefined>> = {
  updated: [ANY],
  assigned: [['pending', 'waiting']],
  // Who leaves the crew is taken off running tasks, too.
  unassigned: [OPEN],
  started: [['pending'], 'in_progress'],
  progressed: [['in_progress']],
  released: [['in_progress'], 'pending'],
  waiting: [['in_progress', 'waiting'], 'waiting'],
  resumed: [['waiting'], 'pending'],
  completed: [['in_progress', 'waiting'], 'completed'],
  failed: [OPEN, 'failed'],
  cancelRequested: [['in_progress']],
  cancelled: [OPEN, 'cancelled'],
  retried: [['failed', 'cancelled'], 'pending'],
  commented: [ANY],
  dependencyAdded: [['pending']],
  dependencyRemoved: [['pending']],
}
const AFTER_THE_END = ['labels', 'metadata', 'commentCount']

export const isOpen = (task: Pick<TaskState, 'status'>): boolean => OPEN.includes(task.status)

/** All tasks as they are now. */
export class TaskStates {
  readonly all = new Map<string, TaskState>()
  readonly #findings: Findings
  readonly #isPartial: boolean

  constructor(findings: Findings, isPartial: boolean) {
    this.#findings = findings
    this.#isPartial = isPartial
  }

  /** Undefined for what is not known well enough to be judged. */
  step(event: JournalEvent): TaskStep | undefined {
    const { id, changes, version = 0 } = event
    const type = event.type.slice('task.'.length)
    const before = this.all.get(id)
    const isNew = type === 'created'
    if (!before && !isNew) {
      this.#findings.expect(this.#isPartial, 'existence', `there is no task ${id}`)
      return undefined
    }
    if (before && isNew) this.#findings.add('once', `task ${id} is there already`)
    const after: TaskState = { ...fold(before ?? { ...BLANK, id }, changes), version }
    this.all.set(id, after)
    this.#findings.expect(
      version === (before?.version ?? 0) + 1,
      'versions',
      `version ${version} comes after ${before?.version ?? 0}`,
    )
    this.#checkMove(type, before, after, Object.keys(changes))
    return { event, type, before, after }
  }

  #checkMove(type: string, before: TaskState | undefined, after: TaskState, changed: readonly string[]): void {
    const from = before?.status ?? 'pending'
    const [allowed, to = from] = type === 'created' ? [['pending'], 'pending'] : (MOVES[type] ?? [ANY, after.status])
    this.#findings.expect(
      allowed.includes(from) && after.status === to,
      'transitions',
      `${type} leads from ${from} to ${after.status}; it may start from ${allowed.join(', ')} and leads to ${to}`,
    )
    if (!before || isOpen(before) || type === 'retried') return
    const moved = changed.filter((field) => !AFTER_THE_END.includes(field))
    this.#findings.expect(moved.length === 0, 'ended', `${type} changes ${moved.join(', ')} of a task that is ${from}`)
  }
}

function fold(before: object, changes: Readonly<Record<string, Json>>): TaskState {
  const after = { ...before } as Record<string, unknown>
  for (const [field, value] of Object.entries(changes)) {
    const key = Object.hasOwn(LISTS, field) ? LISTS[field] : undefined
    if (key !== undefined) after[field] = folded((after[field] ?? []) as readonly Json[], value, key)
    else if (value === null) Reflect.deleteProperty(after, field)
    else after[field] = value
  }
  return after as unknown as TaskState
}

function folded(before: readonly Json[], change: Json, key: string): readonly Json[] {
  const { added = [], removed = [] } = (change ?? {}) as { added?: readonly Json[]; removed?: readonly Json[] }
  const keyOf = (item: Json): Json => (key === '' ? item : ((item as Record<string, Json>)[key] ?? null))
  const items = new Map(before.map((item) => [keyOf(item), item]))
  for (const gone of removed) items.delete(gone)
  for (const item of added) items.set(keyOf(item), item)
  return [...items.values()]
}
