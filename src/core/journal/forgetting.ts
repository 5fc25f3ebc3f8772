import type { Id } from '../input.js'
import type { JournalEvent } from './journal-storage.js'
import { type Json, NONE } from '../json.js'
import { cannotFold, type CommitInfo, type Observer, type Projection } from './projection.js'

/** How one item is forgotten. */
export interface Forgetting {
  apply(): void
  revert(): void
  /** Once it stands. */
  settle?(): void
}

/** A projection whose items can be forgotten. */
export interface Forgetful extends Projection {
  /** Undefined for what is not there, or not over. */
  forgetting(id: Id): Forgetting | undefined
}

/** What the crew forgets: folded by the projections that have it, in every replica alike. */
export class Forgettings implements Projection<readonly Forgetting[]>, Observer {
  readonly #projection: (kind: string) => Forgetful | undefined

  constructor(projection: (kind: string) => Forgetful | undefined) {
    this.#projection = projection
  }

  fold(event: JournalEvent): readonly Forgetting[] {
    const { tasks, messages } = event.changes as { readonly tasks?: readonly Id[]; readonly messages?: readonly Id[] }
    return [...this.#forgettings(event, 'message', messages), ...this.#forgettings(event, 'task', tasks)]
  }

  apply(forgettings: readonly Forgetting[]): void {
    for (const forgetting of forgettings) forgetting.apply()
  }

  revert(forgettings: readonly Forgetting[]): void {
    for (const forgetting of forgettings.toReversed()) forgetting.revert()
  }

  save(): Iterable<Json> {
    return NONE
  }

  load(): void {
    // What is forgotten leaves nothing here.
  }

  clear(): void {
    // Nor has it anything.
  }

  replayed({ type }: JournalEvent, change: unknown): void {
    if (type === 'crew.pruned') for (const forgetting of change as readonly Forgetting[]) forgetting.settle?.()
  }

  heard(event: JournalEvent, _commit: CommitInfo, change: unknown): void {
    this.replayed(event, change)
  }

  #forgettings(event: JournalEvent, kind: string, ids: readonly Id[] = NONE): readonly Forgetting[] {
    const projection = this.#projection(kind)
    if (!projection) return NONE
    return ids.map((id) => {
      const forgetting = projection.forgetting(id)
      if (!forgetting) throw cannotFold(event, `the ${kind} ${id} is not there, or not over`)
      return forgetting
    })
  }
}
