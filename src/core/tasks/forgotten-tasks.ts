import type { Id } from '../input.js'
import type { Json } from '../json.js'
import { Tally } from '../multi-map.js'
import type { Task } from './task.js'

type Ending = 'completed' | 'failed' | 'cancelled'

/** What is left of tasks that are forgotten: totals, and how those ended that others still depend on. */
export class ForgottenTasks {
  readonly #counts: Record<Ending, number> = { completed: 0, failed: 0, cancelled: 0 }
  readonly #completedBy = new Tally<Id>()
  readonly #endings = new Map<Id, { readonly status: Ending }>()

  get size(): number {
    const { completed, failed, cancelled } = this.#counts
    return completed + failed + cancelled
  }

  count(status: Ending): number {
    return this.#counts[status]
  }

  completedBy(member: Id): number {
    return this.#completedBy.of(member)
  }

  /** How it ended; undefined for one that nobody refers to, or that never was. */
  get(id: Id): { readonly status: Ending } | undefined {
    return this.#endings.get(id)
  }

  add({ id, status, attempts }: Task, isReferredTo: boolean, amount: 1 | -1): void {
    const ending = status as Ending
    this.#counts[ending] += amount
    const completer = attempts.at(-1)?.member
    if (ending === 'completed' && completer !== undefined) this.#completedBy.add(completer, amount)
    if (amount < 0) this.#endings.delete(id)
    else if (isReferredTo) this.#endings.set(id, { status: ending })
  }

  /** Nobody refers to it any more; what this answers is for `restore`. */
  drop(id: Id): readonly (readonly [Id, { readonly status: Ending }])[] {
    const ending = this.#endings.get(id)
    this.#endings.delete(id)
    return ending ? [[id, ending]] : []
  }

  restore(dropped: ReturnType<ForgottenTasks['drop']>): void {
    for (const [id, ending] of dropped) this.#endings.set(id, ending)
  }

  save(): readonly Json[] {
    if (this.size === 0) return []
    const endings = Array.from(this.#endings, ([id, { status }]) => [id, status])
    return [{ counts: { ...this.#counts }, completedBy: [...this.#completedBy], endings }]
  }

  load(piece: Json): void {
    const { counts, completedBy, endings } = piece as unknown as {
      readonly counts: Record<Ending, number>
      readonly completedBy: readonly (readonly [Id, number])[]
      readonly endings: readonly (readonly [Id, Ending])[]
    }
    Object.assign(this.#counts, counts)
    for (const [id, count] of completedBy) this.#completedBy.add(id, count)
    for (const [id, status] of endings) this.#endings.set(id, { status })
  }

  clear(): void {
    Object.assign(this.#counts, { completed: 0, failed: 0, cancelled: 0 })
    this.#completedBy.clear()
    this.#endings.clear()
  }
}
