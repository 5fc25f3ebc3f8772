import type { Id } from '../input.js'
import type { JournalEvent } from '../journal/journal-storage.js'
import { type Json, NONE } from '../json.js'
import type { Projection } from '../journal/projection.js'
import type { TaskBoard } from './task-board.js'
import type { Card } from './task-card.js'

/** What falls because of one task, and is more than one commit holds. */
export interface Cascade {
  /** Those with which others have yet to fall. */
  readonly open: ReadonlySet<Id>
  /** Whatever may fall: none of it is ready until the cascade is over. */
  readonly cards: readonly Card[]
}

interface CascadeChange {
  readonly id: Id
  readonly before: Cascade | undefined
  readonly after: Cascade | undefined
}

/** Marks in one piece of a checkpoint. */
const PIECE = 500

/** The cascades under way, folded from the journal; each by the task that it began with. */
export class Cascades implements Projection<CascadeChange> {
  readonly #board: TaskBoard
  readonly #all = new Map<Id, Cascade>()

  constructor(board: TaskBoard) {
    this.#board = board
  }

  get all(): readonly (readonly [Id, Cascade])[] {
    return [...this.#all]
  }

  areOpen(): boolean {
    return this.#all.size > 0
  }

  get(id: Id): Cascade | undefined {
    return this.#all.get(id)
  }

  fold({ id, changes }: JournalEvent): CascadeChange {
    const { added = NONE, removed = NONE } = changes['open'] as {
      readonly added?: readonly Id[]
      readonly removed?: readonly Id[]
    }
    const before = this.#all.get(id)
    const open = new Set([...(before?.open ?? NONE), ...added])
    for (const done of removed) open.delete(done)
    return {
      id,
      before,
      after: open.size === 0 ? undefined : { open, cards: before?.cards ?? this.#under([id, ...open]) },
    }
  }

  apply({ id, before, after }: CascadeChange): void {
    this.#put(id, before, after)
  }

  revert({ id, before, after }: CascadeChange): void {
    this.#put(id, after, before)
  }

  *save(): Iterable<Json> {
    for (const [id, { open, cards }] of this.all) {
      yield [id, [...open], []]
      for (let at = 0; at < cards.length; at += PIECE)
        yield [id, [], cards.slice(at, at + PIECE).map(({ task }) => task.id)]
    }
  }

  load(piece: Json): void {
    const [id, open, marked] = piece as unknown as readonly [Id, readonly Id[], readonly Id[]]
    const before = this.#all.get(id)
    const cards = marked.flatMap((one) => this.#board.card(one) ?? [])
    this.#all.set(id, {
      open: new Set([...(before?.open ?? NONE), ...open]),
      cards: [...(before?.cards ?? NONE), ...cards],
    })
    this.#board.hold(cards, 1)
  }

  clear(): void {
    for (const { cards } of this.#all.values()) this.#board.hold(cards, -1)
    this.#all.clear()
  }

  #put(id: Id, before: Cascade | undefined, after: Cascade | undefined): void {
    if (!before && after) this.#board.hold(after.cards, 1)
    if (before && !after) this.#board.hold(before.cards, -1)
    if (after) this.#all.set(id, after)
    else this.#all.delete(id)
  }

  /** These, and all that may fall with them, whichever way they do. */
  #under(ids: readonly Id[]): readonly Card[] {
    const found = new Set(ids.flatMap((id) => this.#board.card(id) ?? []))
    // A set is walked on into what is added meanwhile.
    for (const { task } of found) {
      for (const part of this.#board.index.byParent.of(task.id)) if (part.task.isOpen) found.add(part)
      for (const dependent of this.#board.index.byDependency.of(task.id))
        if (dependent.task.status === 'pending' && mayFall(dependent, task.id)) found.add(dependent)
    }
    return [...found]
  }
}

const mayFall = ({ task }: Card, on: Id): boolean => {
  const { onFailure, onCancel } = task.dependsOn.find(({ id }) => id === on) ?? {}
  return [onFailure, onCancel].some((policy) => policy === 'fail' || policy === 'cancel')
}
