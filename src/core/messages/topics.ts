import type { Id } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import { type Json, NONE } from '../json.js'

export interface TopicChange {
  readonly topic: Id
  readonly member: Id
  readonly before: readonly Id[]
  readonly after: readonly Id[]
}

/** Who follows which topic, folded from the journal. */
export class Topics {
  /** In the order of following; none is empty. */
  readonly #followers = new Map<Id, readonly Id[]>()

  /** Also those who have left the crew: they follow again when they join again. */
  of(topic: Id): readonly Id[] {
    return this.#followers.get(topic) ?? NONE
  }

  /** By name. */
  names(): readonly Id[] {
    return [...this.#followers.keys()].sort()
  }

  save(): readonly Json[] {
    return this.names().map((topic) => ({ topic, followers: this.of(topic) }))
  }

  load(piece: Json): void {
    const { topic, followers } = piece as unknown as { readonly topic: Id; readonly followers: readonly Id[] }
    this.#followers.set(topic, followers)
  }

  clear(): void {
    this.#followers.clear()
  }

  fold({ type, id: topic, changes }: JournalEvent): TopicChange {
    const member = changes['member'] as Id
    const before = this.of(topic)
    const others = before.filter((follower) => follower !== member)
    return { topic, member, before, after: type === 'message.followed' ? [...others, member] : others }
  }

  set(topic: Id, followers: readonly Id[]): void {
    if (followers.length > 0) this.#followers.set(topic, followers)
    else this.#followers.delete(topic)
  }
}
