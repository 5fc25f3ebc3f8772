import type { Checkpoint, Commit, JournalEvent, JournalStorage } from 'crewlog'

type Changes = JournalEvent['changes']
export type RawEvent = Omit<JournalEvent, 'at'> & { readonly at?: number }

/** A journal as it stands in a storage, true or not: whatever was written by hand is there to be read. */
export class RawJournal implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes = Infinity
  commits: Commit[] = []
  trimmedTo = 0
  checkpoints: Checkpoint[] = []

  /** One commit that follows the last one, wherever it does not say otherwise. */
  add(events: readonly RawEvent[], wrong: Partial<Commit> = {}): this {
    const { seq = this.trimmedTo, id: prev = '' } = this.commits.at(-1) ?? {}
    const { at = 1_000_000 + seq * 1000 } = wrong
    const dated = events.map((event) => ({ at, ...event }))
    this.commits.push({ seq: seq + 1, id: `c${seq + 1}`, prev, format: 1, at, events: dated, ...wrong })
    return this
  }

  async append(): Promise<never> {
    throw new Error('Written by hand')
  }
  async read(_journal: string, after: number, limit: number) {
    return after < this.trimmedTo
      ? { trimmedTo: this.trimmedTo }
      : { commits: this.commits.slice(after - this.trimmedTo, after - this.trimmedTo + limit) }
  }
  async saveCheckpoint(): Promise<void> {
    // Written by hand.
  }
  async loadCheckpoint(_journal: string, before = Infinity) {
    return this.checkpoints.findLast(({ seq }) => seq < before)
  }
  async trim(): Promise<void> {
    // Written by hand.
  }
}

export const joined = (id: string, changes: Changes = {}): RawEvent => ({
  type: 'member.joined',
  id,
  changes: { kind: 'llm', skills: {}, capacity: 1, available: true, ...changes },
})

export const created = (id: string, changes: Changes = {}): RawEvent => ({
  type: 'task.created',
  id,
  version: 1,
  changes: { description: id, createdAt: 0, ...changes },
})

export const moved = (type: string, id: string, version: number, changes: Changes = {}): RawEvent => ({
  type: `task.${type}`,
  id,
  version,
  changes,
})

interface Try {
  readonly number?: number
  readonly fence?: number
  readonly member?: string
  readonly outcome?: string
  readonly usage?: { readonly tokens?: number }
}

const attempt = ({ number = 1, fence = number, member = 'ana', outcome, usage = {} }: Try): Changes => ({
  number,
  member,
  session: 's1',
  fence,
  startedAt: 0,
  leaseMs: 60_000,
  usage,
  ...(outcome !== undefined && { outcome, endedAt: 1 }),
})

export const started = (id: string, version: number, one: Try = {}, wrong: Changes = {}): RawEvent => {
  const { number = 1, fence = number, member = 'ana' } = one
  const attempts = { added: [attempt(one)] }
  return moved('started', id, version, {
    status: 'in_progress',
    holder: member,
    fence,
    attemptCount: number,
    attempts,
    ...wrong,
  })
}

/** The running attempt ends. */
export const closed = (
  type: string,
  status: string,
  id: string,
  version: number,
  one: Try,
  wrong: Changes = {},
): RawEvent =>
  moved(type, id, version, {
    status,
    holder: null,
    attempts: { added: [attempt({ outcome: type, ...one })] },
    ...wrong,
  })

export const completed = (id: string, version: number, one: Try = {}, wrong: Changes = {}): RawEvent =>
  closed('completed', 'completed', id, version, one, wrong)

export const sent = (id: string, recipient: string | readonly string[], changes: Changes = {}): RawEvent => ({
  type: 'message.sent',
  id,
  by: 'ana',
  changes: { sender: 'ana', recipient, content: 'hello', threadId: id, ...changes },
})

export const delivered = (
  type: string,
  id: string,
  recipient: string,
  state: string,
  count: number,
  more: Changes = {},
): RawEvent => ({
  type: `message.${type}`,
  id,
  changes: { delivery: { recipient, state, count, ...more } },
})

/** Says that something was made with a key, by ana. */
export const keyUsed = (key: string, ids: readonly string[], changes: Changes = {}): RawEvent => ({
  type: 'key.used',
  id: key,
  by: 'ana',
  changes: { command: 'create', hash: '0', ids, ...changes },
})

export const pruned = (changes: Changes): RawEvent => ({ type: 'crew.pruned', id: 'crew', changes })
