import type { Commit, JournalEvent, TaskStatus } from 'crewlog'

/** A task as far as the answers to claims, creations and changes depend on it. */
export interface Row {
  readonly status: TaskStatus
  readonly version: number
  readonly fence: number
  readonly holder: string | undefined
  readonly assignees: readonly string[]
  /** Whether a strategy gave it to them. */
  readonly isGiven: boolean
  readonly requires: Readonly<Record<string, number>>
  readonly edges: ReadonlyMap<string, Edge>
  /** Whether it is ready depends on a clock. */
  readonly isTimed: boolean
}

interface Edge {
  readonly id: string
  readonly onFailure: string
  readonly onCancel: string
}

interface MemberRow {
  readonly capacity: number
  readonly available: boolean
  readonly skills: Readonly<Record<string, number>>
  /** It lost a lease or did not start what it was given, and was not seen since. */
  readonly isMissing: boolean
}

interface ListChange<T> {
  readonly added?: readonly T[]
  readonly removed?: readonly string[]
}

type Fields = Partial<{
  status: TaskStatus
  fence: number
  holder: string | null
  assignees: ListChange<string>
  autoAssigned: true | null
  attempts: ListChange<{ readonly member: string; readonly outcome?: string }>
  requires: Readonly<Record<string, number>>
  dependsOn: ListChange<Edge>
  notBefore: number | null
  failAt: number | null
  timeLimitMs: number | null
  keptFor: object | null
}>

const BLANK: Row & { readonly timed: ReadonlySet<string> } = {
  status: 'pending',
  version: 0,
  fence: 0,
  holder: undefined,
  assignees: [],
  isGiven: false,
  requires: {},
  edges: new Map(),
  isTimed: false,
  timed: new Set(),
}
const TIMED = ['notBefore', 'failAt', 'keptFor'] as const

/** The sequential model: what a crew is after each event, and what it may answer then. Written without the library's code. */
export class BoardModel {
  readonly tasks = new Map<string, typeof BLANK>()
  readonly members = new Map<string, MemberRow>()
  readonly #held = new Map<string, number>()

  follow({ type, id, changes }: JournalEvent): void {
    if (type.startsWith('task.')) this.#followTask(id, changes, type === 'task.created')
    else if (type === 'member.left') this.members.delete(id)
    else if (type.startsWith('member.')) {
      const known = this.members.get(id) ?? { capacity: 1, available: true, skills: {}, isMissing: false }
      const { missingSince, ...more } = changes as Partial<MemberRow> & { readonly missingSince?: number | null }
      const isMissing = missingSince === undefined ? known.isMissing : missingSince !== null
      this.members.set(id, { ...known, ...more, isMissing })
    }
  }

  /** Whether a claim by the member may find nothing to do: of the task, or of all. */
  mayFindNothing(member: string, taskId?: string): boolean {
    const taker = this.members.get(member)
    if (!taker?.available || (this.#held.get(member) ?? 0) >= taker.capacity) return true
    const rows = taskId === undefined ? [...this.tasks.values()] : [this.tasks.get(taskId) ?? BLANK]
    return !rows.some((row) => !row.isTimed && this.#isClaimable(row, member, taker))
  }

  /** What is wrong with what a strategy has just given: nobody gets what it cannot do, or more than it can do at once. */
  faultsOfGiving(id: string): readonly string[] {
    const row = this.tasks.get(id) ?? BLANK
    const [member = ''] = row.assignees
    const taker = this.members.get(member)
    const load = this.#loadOf(member)
    return [
      row.status === 'pending' || `it is ${row.status}`,
      row.isTimed || this.#isReady(row) || 'it is not ready',
      row.assignees.length === 1 || `it has ${String(row.assignees.length)} assignees`,
      taker?.available === true || `${member} is not available`,
      taker?.isMissing !== true || `${member} is missing`,
      taker === undefined || hasSkills(taker, row) || `${member} has not the skills`,
      taker === undefined || load <= taker.capacity || `${member} has ${String(load)} of ${String(taker.capacity)}`,
    ].filter((fault) => fault !== true)
  }

  /** What it works on, and what it has and could start; what only a clock can tell is left out. */
  #loadOf(member: string): number {
    const own = [...this.tasks.values()].filter(
      (row) => row.status === 'pending' && row.assignees.includes(member) && !row.isTimed && this.#isReady(row),
    )
    return own.length + (this.#held.get(member) ?? 0)
  }

  #isReady(row: Row): boolean {
    return (
      row.version > 0 && row.status === 'pending' && [...row.edges.values()].every((edge) => this.#isSatisfied(edge))
    )
  }

  #isClaimable(row: Row, member: string, taker: MemberRow): boolean {
    return this.#isReady(row) && (row.assignees.length > 0 ? row.assignees.includes(member) : hasSkills(taker, row))
  }

  #isSatisfied({ id, onFailure, onCancel }: Edge): boolean {
    const status = this.tasks.get(id)?.status
    return (
      status === 'completed' ||
      (status === 'failed' && onFailure === 'continue') ||
      (status === 'cancelled' && onCancel === 'continue')
    )
  }

  #followTask(id: string, changes: Fields, isNew: boolean): void {
    // One that was forgotten can be created again.
    const row = (isNew ? undefined : this.tasks.get(id)) ?? BLANK
    const timed = new Set(row.timed)
    for (const field of TIMED) {
      if (changes[field] === null) timed.delete(field)
      else if (changes[field] !== undefined) timed.add(field)
    }
    const edges = new Map(row.edges)
    for (const gone of changes.dependsOn?.removed ?? []) edges.delete(gone)
    for (const edge of changes.dependsOn?.added ?? []) edges.set(edge.id, edge)
    const { added = [], removed = [] } = changes.assignees ?? {}
    const holder = changes.holder === undefined ? row.holder : (changes.holder ?? undefined)
    if (row.holder !== undefined) this.#held.set(row.holder, (this.#held.get(row.holder) ?? 0) - 1)
    if (holder !== undefined) this.#held.set(holder, (this.#held.get(holder) ?? 0) + 1)
    for (const { member, outcome } of changes.attempts?.added ?? []) if (outcome === 'lost') this.#see(member, false)
    if (changes.holder) this.#see(changes.holder, true)
    this.tasks.set(id, {
      status: changes.status ?? row.status,
      version: row.version + 1,
      fence: changes.fence ?? row.fence,
      holder,
      assignees: [...row.assignees.filter((one) => !removed.includes(one) && !added.includes(one)), ...added],
      isGiven: changes.autoAssigned === undefined ? row.isGiven : changes.autoAssigned === true,
      requires: changes.requires ?? row.requires,
      edges,
      timed,
      isTimed: timed.size > 0,
    })
  }

  #see(member: string, isThere: boolean): void {
    const known = this.members.get(member)
    if (known) this.members.set(member, { ...known, isMissing: !isThere })
  }
}

const hasSkills = ({ skills }: MemberRow, { requires }: Row): boolean =>
  Object.entries(requires).every(([skill, least]) => (skills[skill] ?? -1) >= least)

/** What strategies have given, by the journal that tells it. */
function* givenIn(
  commits: readonly Commit[],
): Generator<{ readonly seq: number; readonly id: string; readonly faults: readonly string[] }> {
  const model = new BoardModel()
  for (const { seq, events } of commits)
    for (const event of events) {
      model.follow(event)
      const { type, id } = event
      if (type === 'task.assigned' && model.tasks.get(id)?.isGiven === true)
        yield { seq, id, faults: model.faultsOfGiving(id) }
    }
}

export const countGiven = (commits: readonly Commit[]): number => [...givenIn(commits)].length

/** What of it they should not have given. */
export const misgiven = (commits: readonly Commit[]): readonly string[] =>
  [...givenIn(commits)].flatMap(({ seq, id, faults }) =>
    faults.map((fault) => `${id} is given in commit ${String(seq)}, though ${fault}`),
  )

/** Something that must have been true at one moment between two numbers of commits. */
export interface Claim {
  readonly name: string
  /** How many commits there were when it was asked, and when it was answered. */
  readonly from: number
  readonly to: number
  readonly holds: (model: BoardModel) => boolean
}

/** Those that were never true in their time, between two commits or between two events of one. */
export function unproven(commits: readonly Commit[], claims: readonly Claim[]): readonly string[] {
  const waiting = [...claims].sort((a, b) => a.from - b.from)
  const model = new BoardModel()
  let open: Claim[] = []
  const failed: string[] = []
  const look = (): void => {
    open = open.filter(({ holds }) => !holds(model))
  }
  for (let seq = 0; seq <= commits.length; seq++) {
    for (const event of commits[seq - 1]?.events ?? []) {
      model.follow(event)
      look()
    }
    while (waiting[0]?.from === seq) open.push(waiting.shift() as Claim)
    look()
    failed.push(...open.filter(({ to }) => to <= seq).map(({ name }) => name))
    open = open.filter(({ to }) => to > seq)
  }
  return [...failed, ...open.map(({ name }) => name)]
}
