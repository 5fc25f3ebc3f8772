import type { Id } from '../core/input.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import type { Json } from '../core/json.js'
import type { MemberInfo } from '../core/members.js'
import { type Observer, pieces, type Slice } from '../core/journal/projection.js'
import type { TrackerParts } from '../core/tasks/task-queries.js'

/** When each member last did something, or the process that works for it last told that it lives. */
export class LastSeen implements Slice, Observer {
  readonly #at = new Map<Id, number>()
  readonly #board: TrackerParts['board']

  /** @internal */
  constructor({ board }: TrackerParts) {
    this.#board = board
  }

  /** Those of the tracker's journal; a checkpoint keeps it, as events that it stands for are not read again. @internal */
  static of({ parts }: { readonly parts: TrackerParts }): LastSeen {
    return parts.journal.keep('seen', () => {
      const seen = new LastSeen(parts)
      parts.journal.observe(seen)
      return seen
    })
  }

  tell(member: MemberInfo): MemberInfo {
    const lastSeenAt = this.#at.get(member.id)
    return lastSeenAt === undefined ? member : Object.freeze({ ...member, lastSeenAt })
  }

  heard({ type, id, by, at }: JournalEvent): void {
    if (by !== undefined) this.#see(by, at)
    if (type !== 'session.renewed') return
    for (const { task } of this.#board.inStage('in_progress'))
      if (task.running?.session === id) this.#see(task.running.member, at)
  }

  replayed(event: JournalEvent): void {
    this.heard(event)
  }

  save(): Iterable<Json> {
    return pieces([...this.#at], (seen) => seen)
  }

  load(piece: Json): void {
    const [id, at] = piece as [Id, number]
    this.#at.set(id, at)
  }

  clear(): void {
    this.#at.clear()
  }

  /** Never earlier than before, whatever clocks say. */
  #see(member: Id, at: number): void {
    if (at > (this.#at.get(member) ?? -Infinity)) this.#at.set(member, at)
  }
}
