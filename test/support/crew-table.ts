import { expect } from 'vitest'
import type { Commit, JournalEvent } from 'crewlog'

/**
 * The table of moves and of deliveries as the contract has it, written down again without the code of the library: it
 * walks stored commits and fails at the first one that the table does not have.
 */

type Status = 'pending' | 'in_progress' | 'waiting' | 'completed' | 'failed' | 'cancelled'

interface Row {
  status: Status
  version: number
  fence: number
  attempts: number
  parentId: string | undefined
  holder: string | undefined
  edges: Map<string, { readonly onFailure: string; readonly onCancel: string }>
  /** By message: who may accept. */
  offers: Map<string, readonly string[]>
}

const OPEN: readonly Status[] = ['pending', 'in_progress', 'waiting']

/** From which statuses an event may come, and to which it leads; no `to` for one that changes no status. */
const MOVES: Readonly<Record<string, { readonly from: readonly Status[]; readonly to?: Status }>> = {
  updated: { from: [...OPEN, 'completed', 'failed', 'cancelled'] },
  commented: { from: [...OPEN, 'completed', 'failed', 'cancelled'] },
  assigned: { from: ['pending', 'waiting'] },
  // Also when a member leaves, whatever the task is doing.
  unassigned: { from: OPEN },
  dependencyAdded: { from: ['pending'] },
  dependencyRemoved: { from: ['pending'] },
  started: { from: ['pending'], to: 'in_progress' },
  progressed: { from: ['in_progress'] },
  cancelRequested: { from: ['in_progress'] },
  released: { from: ['in_progress'], to: 'pending' },
  waiting: { from: ['in_progress', 'waiting'], to: 'waiting' },
  resumed: { from: ['waiting'], to: 'pending' },
  completed: { from: ['in_progress', 'waiting'], to: 'completed' },
  failed: { from: OPEN, to: 'failed' },
  cancelled: { from: OPEN, to: 'cancelled' },
  retried: { from: ['failed', 'cancelled'], to: 'pending' },
}

interface ListChange<T> {
  readonly added?: readonly T[]
  readonly removed?: readonly string[]
}

type Changes = {
  readonly status?: Status
  readonly fence?: number
  readonly holder?: string | null
  readonly parentId?: string
  readonly attemptCount?: number
  readonly dependsOn?: ListChange<{ readonly id: string; readonly onFailure: string; readonly onCancel: string }>
  readonly offers?: ListChange<{ readonly id: string; readonly to: readonly string[] }>
}

interface Parcel {
  state: string
  count: number
}

/** A message that asks for a command as its answer, and is over when nobody can give it any more. */
interface Call {
  readonly taskId: string
  readonly isOffer: boolean
  readonly expiresAt: number
  readonly recipients: readonly string[]
}
const OFFERS = ['task.offer', 'task.handoff']
const QUESTIONS = ['task.question', 'task.review']

export class Table {
  readonly #rows = new Map<string, Row>()
  /** How those ended that are forgotten: edges to them stay as they were. */
  readonly #forgotten = new Map<string, Row>()
  /** With which others have yet to fall. */
  readonly #open = new Set<string>()
  readonly #parcels = new Map<string, Parcel>()
  /** By message. */
  readonly #calls = new Map<string, Call>()
  /** By topic, in the order of following. */
  readonly #followers = new Map<string, Set<string>>()
  readonly #capacities = new Map<string, number>()
  readonly #keys = new Map<string, number>()

  /** Fails at the first commit that breaks a rule. */
  static walk(commits: readonly Commit[]): void {
    const table = new Table()
    commits.forEach((commit, index) => {
      expect(commit.seq).toBe(index + 1)
      expect(commit.prev).toBe(commits[index - 1]?.id ?? '')
      expect(commit.events.length).toBeGreaterThan(0)
      for (const event of commit.events) table.#follow(event)
      if (table.#open.size === 0) table.#checkGraph()
      table.#checkCalls(commit.at)
    })
  }

  #follow(event: JournalEvent): void {
    const [kind, name] = event.type.split('.') as [string, string]
    if (kind === 'task') this.#followTask(name, event)
    else if (kind === 'message') this.#followMessage(name, event)
    else if (kind === 'member') this.#followMember(name, event)
    else if (kind === 'key') this.#followKey(event)
    else if (event.type === 'crew.cascading') this.#cascade(event)
    else if (event.type === 'crew.pruned') this.#prune(event)
    else expect(['session.renewed', 'session.ended', 'crew.configured']).toContain(event.type)
  }

  #prune({ changes }: JournalEvent): void {
    const { tasks = [], messages = [] } = changes as { tasks?: readonly string[]; messages?: readonly string[] }
    for (const id of tasks) {
      const row = this.#rows.get(id)
      if (!row) throw new Error(`${id} is forgotten, which is not there`)
      expect(OPEN, `${id} is forgotten`).not.toContain(row.status)
      for (const [other, { status, edges, parentId }] of this.#rows)
        if (edges.has(id) || parentId === id) expect(OPEN, `${other}, which needs ${id}`).not.toContain(status)
      this.#rows.delete(id)
      this.#forgotten.set(id, row)
    }
    for (const [key, { state }] of this.#parcels)
      if (messages.some((id) => key.startsWith(`${id} to `))) {
        expect(['acknowledged', 'expired'], `${key} is forgotten`).toContain(state)
        this.#parcels.delete(key)
      }
  }

  /** A key stands beside what was made with it, and is used again by nobody for a day. */
  #followKey({ type, id, by = '', at, changes }: JournalEvent): void {
    expect(type).toBe('key.used')
    const name = JSON.stringify([changes['command'], by, id])
    expect(at - (this.#keys.get(name) ?? -Infinity), `key ${name} is used twice`).toBeGreaterThan(86_400_000)
    this.#keys.set(name, at)
    for (const made of changes['ids'] as readonly string[])
      expect(this.#rows.has(made) || [...this.#parcels.keys()].some((key) => key.startsWith(`${made} to `))).toBe(true)
  }

  #followTask(name: string, { id, version, changes }: JournalEvent): void {
    const change = changes as unknown as Changes
    let row = this.#rows.get(id)
    if (name === 'created') {
      expect(row, `${id} is created twice`).toBeUndefined()
      row = {
        status: 'pending',
        version: 0,
        fence: 0,
        attempts: 0,
        parentId: change.parentId,
        holder: undefined,
        edges: new Map(),
        offers: new Map(),
      }
      this.#rows.set(id, row)
    } else {
      const move = MOVES[name]
      if (!move || !row) throw new Error(`${name} of ${id} is no move of the table`)
      expect(move.from, `${name} of ${id}, which is ${row.status}`).toContain(row.status)
      expect(change.status ?? row.status, `${name} of ${id}`).toBe(move.to ?? row.status)
    }
    expect(version, `${name} of ${id}`).toBe(row.version + 1)
    row.version++
    row.status = change.status ?? row.status
    for (const gone of change.dependsOn?.removed ?? []) row.edges.delete(gone)
    for (const edge of change.dependsOn?.added ?? []) row.edges.set(edge.id, edge)
    for (const gone of change.offers?.removed ?? []) row.offers.delete(gone)
    for (const offer of change.offers?.added ?? []) row.offers.set(offer.id, offer.to)
    if (change.holder !== undefined) row.holder = change.holder ?? undefined
    expect(row.holder !== undefined, `a holder of ${id}, which is ${row.status}`).toBe(row.status === 'in_progress')

    const { fence = row.fence, attemptCount = row.attempts } = change
    if (name === 'started') {
      expect(fence).toBe(row.fence + 1)
      expect(attemptCount).toBe(row.attempts + 1)
      for (const [on] of row.edges) expect(this.#isSatisfied(row, on), `${id} starts before ${on}`).toBe(true)
      const held = [...this.#rows.values()].filter(({ holder }) => holder === row.holder).length
      expect(held, `tasks at once of ${row.holder ?? ''}`).toBeLessThanOrEqual(
        this.#capacities.get(row.holder ?? '') ?? 0,
      )
    } else {
      expect(fence).toBeGreaterThanOrEqual(row.fence)
      expect(attemptCount).toBe(row.attempts)
    }
    row.fence = fence
    row.attempts = attemptCount
    if (name === 'completed')
      for (const part of this.#rows.values())
        if (part.parentId === id) expect(['completed', 'cancelled'], `a part of ${id}`).toContain(part.status)
  }

  #cascade({ changes }: JournalEvent): void {
    const { added = [], removed = [] } = changes['open'] as ListChange<string>
    for (const id of added) this.#open.add(id)
    for (const id of removed) this.#open.delete(id)
  }

  #followMessage(name: string, { id, changes }: JournalEvent): void {
    if (name === 'refused') {
      const { recipient } = changes as unknown as { readonly recipient: string }
      expect(this.#parcels.has(`${id} to ${recipient}`), `${id} is refused to ${recipient}, and sent`).toBe(false)
      return
    }
    if (name === 'followed' || name === 'unfollowed') {
      const followers = this.#followers.get(id) ?? new Set()
      this.#followers.set(id, followers)
      const member = changes['member'] as string
      expect(followers.has(member), `${member} ${name} ${id}`).toBe(name === 'unfollowed')
      followers[name === 'followed' ? 'add' : 'delete'](member)
      return
    }
    if (name === 'sent') {
      const {
        sender,
        recipient,
        topic,
        settled = [],
        refused = [],
        kind = '',
        taskId,
        metadata = {},
        expiresAt = Infinity,
      } = changes as unknown as {
        readonly sender: string
        readonly recipient: string | readonly string[]
        readonly topic?: string
        readonly settled?: readonly string[]
        readonly refused?: readonly { readonly recipient: string }[]
        readonly kind?: string
        readonly taskId?: string
        readonly metadata?: object
        readonly expiresAt?: number
      }
      const missed = refused.map(({ recipient }) => recipient)
      if (topic !== undefined) {
        const followers = [...(this.#followers.get(topic) ?? [])]
        expect(recipient, `who gets ${id}`).toEqual(
          followers.filter((member) => member !== sender && this.#capacities.has(member) && !missed.includes(member)),
        )
      }
      if (taskId !== undefined && !('passed' in metadata) && [...OFFERS, ...QUESTIONS].includes(kind)) {
        const recipients = [recipient].flat()
        this.#calls.set(id, { taskId, isOffer: OFFERS.includes(kind), expiresAt, recipients })
      }
      for (const one of [recipient].flat()) {
        const key = `${id} to ${one}`
        expect(this.#parcels.has(key), `${key} is sent twice`).toBe(false)
        this.#parcels.set(key, { state: settled.includes(one) ? 'acknowledged' : 'queued', count: 0 })
      }
      return
    }
    const { recipient, state, count } = changes['delivery'] as unknown as Parcel & { readonly recipient: string }
    const parcel = this.#parcels.get(`${id} to ${recipient}`)
    if (!parcel) throw new Error(`${name} of ${id} to ${recipient}, which was not sent`)
    const from = {
      expired: ['queued', 'leased'],
      leased: ['queued'],
      // Whoever accepts or answers has read it.
      acknowledged: this.#calls.has(id) ? ['queued', 'leased'] : ['leased'],
      returned: ['leased', 'dead'],
      dead: ['leased'],
    }[name]
    expect(from, `${name} of ${id}, which is ${parcel.state}`).toContain(parcel.state)
    expect(state).toBe(name === 'returned' ? 'queued' : name)
    if (name === 'leased') expect(count).toBe(parcel.count + 1)
    else if (name === 'returned') expect(count).toBeLessThanOrEqual(parcel.count)
    else expect(count).toBe(parcel.count)
    Object.assign(parcel, { state, count })
  }

  #followMember(name: string, { id, changes }: JournalEvent): void {
    if (name === 'left') {
      expect([...this.#rows.values()].some(({ holder }) => holder === id)).toBe(false)
      this.#capacities.delete(id)
    } else this.#capacities.set(id, (changes['capacity'] as number | undefined) ?? this.#capacities.get(id) ?? 1)
  }

  #verdict(row: Row, on: string): string | undefined {
    const edge = row.edges.get(on)
    const { status } = this.#rows.get(on) ?? this.#forgotten.get(on) ?? {}
    return { completed: 'continue', failed: edge?.onFailure, cancelled: edge?.onCancel }[status as 'completed']
  }

  #isSatisfied(row: Row, on: string): boolean {
    return this.#verdict(row, on) === 'continue'
  }

  /** Nobody is asked or offered anything any more that is answered or over. */
  #checkCalls(at: number): void {
    for (const [id, { taskId, isOffer, expiresAt, recipients }] of this.#calls) {
      const { status, offers } = this.#rows.get(taskId) ?? {}
      for (const recipient of recipients) {
        const { state = '' } = this.#parcels.get(`${id} to ${recipient}`) ?? {}
        if (expiresAt <= at || (state !== 'queued' && state !== 'leased')) continue
        const what = `${id} about ${taskId} before ${recipient}`
        expect(status, what).toBe(isOffer ? 'pending' : 'waiting')
        if (isOffer) expect(offers?.get(id), what).toContain(recipient)
      }
    }
    for (const [id, { status, offers }] of this.#rows)
      if (status !== 'pending') expect([...offers.keys()], `offers of ${id}, which is ${status}`).toEqual([])
  }

  /** What must hold after every whole commit: nothing is left standing that has to fall, and nothing waits for itself. */
  #checkGraph(): void {
    const waitsFor = new Map<string, readonly string[]>()
    for (const [id, row] of this.#rows) {
      const parts = [...this.#rows].filter(([, { parentId }]) => parentId === id).map(([part]) => part)
      waitsFor.set(id, [...row.edges.keys(), ...parts])
      if (!OPEN.includes(row.status))
        for (const part of parts)
          expect(OPEN, `a part of ${id}, which is ${row.status}`).not.toContain(this.#rows.get(part)?.status)
      if (row.status === 'pending')
        for (const on of row.edges.keys())
          expect(['fail', 'cancel'], `${id} after ${on}`).not.toContain(this.#verdict(row, on))
    }
    const done = new Set<string>()
    const visit = (id: string, above: readonly string[]): void => {
      expect(above, 'a cycle').not.toContain(id)
      if (done.has(id)) return
      for (const next of waitsFor.get(id) ?? []) visit(next, [...above, id])
      done.add(id)
    }
    for (const id of waitsFor.keys()) visit(id, [])
  }
}
