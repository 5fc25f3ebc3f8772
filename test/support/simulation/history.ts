import { type Attempt, type Commit, type Crew, CrewError, type Plan, type Task, type TaskDraft } from 'crewlog'
import { BoardModel, type Claim, type Row, unproven } from './board-model.js'
import { linearizability, type Operation } from './linearizability.js'

const RECORDED = [
  'create',
  'createMany',
  'autoAssign',
  'claim',
  'update',
  'complete',
  'fail',
  'release',
  'progress',
  'wait',
] as const
type Method = (typeof RECORDED)[number]

/** What only the current attempt may do. */
const WRITES: ReadonlySet<string> = new Set(['complete', 'fail', 'release', 'progress', 'wait'])

/** A call that was made of some process, and how it was answered. */
interface Call {
  readonly name: string
  readonly method: Method | 'read'
  readonly args: readonly unknown[]
  readonly calledAt: number
  /** How many commits were stored then. */
  readonly from: number
  answeredAt: number
  to: number
  value?: unknown
  error?: CrewError
}

interface Id {
  readonly id: string
}

type Draft = Id & Pick<TaskDraft, 'dependsOn' | 'parentId' | 'assignees' | 'reviewers'>

/** What all processes asked and were told, on one scale of moments, beside what was stored when. */
export class History {
  readonly calls: Call[] = []
  /** The moment at which each commit was stored. */
  readonly #storedAt: number[] = []
  #moments = 0

  /** Called as each commit is stored. */
  stored(): void {
    this.#storedAt.push(++this.#moments)
  }

  /** Records what is called on a tracker from now on, also by what is built on it. */
  follow({ tracker }: Crew, place: number): void {
    const methods = tracker as unknown as Record<Method, (...args: unknown[]) => Promise<unknown>>
    for (const method of RECORDED) {
      const run = methods[method].bind(tracker)
      methods[method] = (...args) => this.record(place, method, args, () => run(...args))
    }
  }

  /** What is stored of a task now, as that process reads it after it has synchronised. */
  read(crew: Crew, place: number, id: string): Promise<unknown> {
    return this.record(place, 'read', [id], async () => {
      await crew.sync()
      return crew.tracker.get(id)?.version ?? 0
    })
  }

  record(
    place: number,
    method: Call['method'],
    args: readonly unknown[],
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const call: Call = {
      name: `${String(this.calls.length)}: process ${String(place)} ${method} ${JSON.stringify(args).slice(0, 200)}`,
      method,
      args,
      calledAt: ++this.#moments,
      from: this.#storedAt.length,
      answeredAt: Infinity,
      to: Infinity,
    }
    this.calls.push(call)
    const answered = (answer: Partial<Call>): void => {
      Object.assign(call, answer, { answeredAt: ++this.#moments, to: this.#storedAt.length })
    }
    const promise = run()
    promise.then(
      (value) => {
        answered({ value })
      },
      (error: unknown) => {
        if (!CrewError.is(error)) throw error
        answered({ error })
      },
    )
    return promise
  }

  /** Every answer that was not true at any moment between call and answer, with the journal as the witness. */
  untrue(commits: readonly Commit[]): readonly string[] {
    const storedIn = new Map<string, number>()
    for (const { seq, events } of commits)
      for (const { type, id, version = 0 } of events)
        if (type.startsWith('task.')) storedIn.set(`${id} ${String(version)}`, seq)
    const given = givenIn(commits)
    const claims: Claim[] = []
    const wrong: string[] = []
    for (const call of this.calls) {
      const { name, from, to, error, answeredAt } = call
      if (answeredAt === Infinity) continue
      if (error) {
        const holds = mayRefuse(call, error)
        if (holds) claims.push({ name: `${name} is ${error.code}`, from, to, holds })
        continue
      }
      for (const made of madeBy(call)) {
        const seq = storedIn.get(made) ?? Infinity
        // Who tells what was known already changes nothing.
        if ((seq <= from && call.method !== 'progress') || seq > to)
          wrong.push(`${name} is done as ${made}, in commit ${String(seq)} of ${String(from + 1)}…${String(to)}`)
      }
      if (call.method === 'autoAssign' && (call.args[0] as { readonly dryRun?: boolean }).dryRun !== true)
        for (const { taskId, member } of (call.value as Plan).assigned)
          if (!given(taskId, member, from, to)) wrong.push(`${name} gives ${taskId} to ${member}, which is not stored`)
      const { fence } = (call.args[1] ?? {}) as { readonly fence?: number }
      const written = WRITES.has(call.method) ? (call.value as Task).fence : undefined
      if (written !== undefined && fence !== undefined && written !== fence)
        wrong.push(`${name} is done, though the fence is ${String(written)}`)
      if (call.method === 'claim' && call.value === undefined) {
        const [member, { taskId } = {}] = call.args as [string, { readonly taskId?: string }?]
        claims.push({ name: `${name} finds nothing`, from, to, holds: (model) => model.mayFindNothing(member, taskId) })
      }
    }
    return [...wrong, ...unproven(commits, claims)]
  }

  /** The keys of which no order of calls explains the answers. `taker` is one who may always take anything. */
  unlinearizable(commits: readonly Commit[], keys: readonly string[], taker: string): readonly string[] {
    return keys.flatMap((key) => {
      const { isLinearizable, order, stuck } = linearizability(0, this.#operations(commits, key, taker))
      return isLinearizable ? [] : [`${key}: after ${order.join(' | ')} cannot follow ${stuck.join(' | ')}`]
    })
  }

  /** On one task: its state is its version, and the journal says which versions can be claimed. */
  #operations(commits: readonly Commit[], key: string, taker: string): readonly Operation<number>[] {
    const operations: Operation<number>[] = []
    const explained = new Set<number>()
    /** Whether the taker can claim it: pending, and nobody's or its own. */
    const isOpen: (boolean | undefined)[] = [false]
    /** The last version before that which was made by an update. */
    const updatedIn: number[] = [0]
    const model = new BoardModel()
    for (const { events } of commits)
      for (const event of events) {
        model.follow(event)
        const { id, type, version = 0 } = event
        if (id !== key || !type.startsWith('task.')) continue
        const { status, assignees, isTimed } = model.tasks.get(key) as Row
        const isItsOwn = assignees.length === 0 || assignees.includes(taker)
        // When it is ready again, for everybody, depends on a clock.
        isOpen[version] = status !== 'pending' || !isItsOwn ? false : isTimed ? undefined : true
        updatedIn[version] = type === 'task.updated' ? version : (updatedIn[version - 1] ?? 0)
      }
    const add = (call: Call, step: (version: number) => number | undefined, made?: number): void => {
      if (made !== undefined) explained.add(made)
      operations.push({ name: call.name, calledAt: call.calledAt, answeredAt: call.answeredAt, step })
    }
    for (const call of this.calls) {
      const { method, args, value, error, answeredAt } = call
      if (answeredAt === Infinity) continue
      const [id] = args as [string]
      if (method === 'read' && id === key && !error) add(call, (version) => (version === value ? version : undefined))
      else if (method === 'create' && (args[0] as Id).id === key) {
        if (!error) add(call, (version) => (version === 0 ? 1 : undefined), 1)
        else if (error.code === 'already_exists') add(call, (version) => (version > 0 ? version : undefined))
      } else if (method === 'update' && id === key) {
        const { version: expected } = (args[2] ?? {}) as { readonly version?: number }
        // A strategy may have given it in the same commit.
        const made = updatedIn[(value as Task | undefined)?.version ?? 0] ?? 0
        if (!error)
          add(call, (version) => (version === made - 1 && version === (expected ?? version) ? made : undefined), made)
        else if (error.code === 'stale_version')
          add(call, (version) => (version > 0 && version !== expected ? version : undefined))
      } else if (method === 'claim' && id === taker && (args[1] as { taskId?: string } | undefined)?.taskId === key) {
        const made = (value as Attempt | undefined)?.task.version
        if (made !== undefined)
          add(call, (version) => (version === made - 1 && isOpen[version] !== false ? made : undefined), made)
        else if (!error) add(call, (version) => (version > 0 && isOpen[version] !== true ? version : undefined))
      }
    }
    // What nobody's answer explains happened when it was stored.
    commits.forEach(({ seq, events }) => {
      events.forEach(({ id, type, version = 0 }, index) => {
        if (id !== key || !type.startsWith('task.') || explained.has(version)) return
        const moment = (this.#storedAt[seq - 1] ?? 0) + index / (events.length + 1) / 2
        const step = (before: number): number | undefined => (before === version - 1 ? version : undefined)
        operations.push({ name: `${type} in ${String(seq)}`, calledAt: moment, answeredAt: moment, step })
      })
    })
    return operations
  }
}

/** Whether a task was assigned to a member in a commit after the first of two, up to the second. */
function givenIn(commits: readonly Commit[]): (task: string, member: string, after: number, to: number) => boolean {
  const seqs = new Map<string, number[]>()
  for (const { seq, events } of commits)
    for (const { type, id, changes } of events) {
      const { added = [] } = (changes['assignees'] ?? {}) as { readonly added?: readonly string[] }
      if (type !== 'task.assigned') continue
      for (const member of added) seqs.set(`${id} ${member}`, [...(seqs.get(`${id} ${member}`) ?? []), seq])
    }
  return (task, member, after, to) => (seqs.get(`${task} ${member}`) ?? []).some((seq) => seq > after && seq <= to)
}

/** When that refusal is right; undefined for one of which the model knows nothing. */
function mayRefuse({ method, args }: Call, { code }: CrewError): ((model: BoardModel) => boolean) | undefined {
  const has = (model: BoardModel, id: string): boolean => model.tasks.has(id)
  if (method === 'create' || method === 'createMany') {
    const drafts = [args[0]].flat() as readonly Draft[]
    const isDoubled = new Set(drafts.map(({ id }) => id)).size < drafts.length
    if (code === 'not_found') return (model) => drafts.some((draft) => isStrange(model, draft, drafts, args[1]))
    return code === 'already_exists' ? (model) => isDoubled || drafts.some(({ id }) => has(model, id)) : undefined
  }
  const [id, options] = args as [string, { readonly fence?: number; readonly taskId?: string }?]
  if (method === 'autoAssign') return undefined
  if (method === 'claim')
    return code === 'not_found'
      ? (model) => !model.members.has(id) || (options?.taskId !== undefined && !has(model, options.taskId))
      : undefined
  if (code === 'not_found') return method === 'wait' ? undefined : (model) => !has(model, id)
  if (code === 'stale_version') {
    const { version } = (args[2] ?? {}) as { readonly version?: number }
    return (model) => has(model, id) && model.tasks.get(id)?.version !== version
  }
  if (code !== 'stale_attempt') return undefined
  return (model) => {
    const task = model.tasks.get(id)
    return task?.status !== 'in_progress' || task.fence !== options?.fence
  }
}

/** Whether a draft names somebody or something that is not there. */
function isStrange(model: BoardModel, draft: Draft, batch: readonly Id[], options: unknown): boolean {
  const { by } = (options ?? {}) as { readonly by?: string }
  const tasks = [...(draft.dependsOn ?? []).map((edge) => (typeof edge === 'string' ? edge : edge.id)), draft.parentId]
  const members = [by, draft.assignees, draft.reviewers].flat()
  const isTask = (id: string): boolean => model.tasks.has(id) || batch.some((other) => other.id === id)
  return (
    tasks.some((id) => id !== undefined && !isTask(id)) ||
    members.some((id) => id !== undefined && !model.members.has(id))
  )
}

/** Which versions of which tasks the journal must have because of that answer. */
function madeBy({ method, args, value }: Call): readonly string[] {
  // What was made once already is answered again.
  if ((args[1] as { readonly idempotencyKey?: string } | undefined)?.idempotencyKey !== undefined) return []
  if (method === 'create') return [`${(args[0] as Id).id} 1`]
  if (method === 'createMany') return (args[0] as readonly Id[]).map(({ id }) => `${id} 1`)
  // Completing twice answers twice.
  if (method === 'complete' || method === 'read' || method === 'autoAssign' || value === undefined) return []
  const task = method === 'claim' ? (value as Attempt).task : (value as Task)
  return [`${task.id} ${String(task.version)}`]
}
