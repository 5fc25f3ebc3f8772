import type { Journal } from '../../src/core/journal/journal.js'
import type { JournalEvent } from '../../src/core/journal/journal-storage.js'
import type { Json } from '../../src/core/json.js'
import type { Projection } from '../../src/core/journal/projection.js'
import { CrewError } from '../../src/core/errors.js'

interface RegisterChange {
  readonly id: string
  readonly before: readonly string[] | undefined
  readonly after: readonly string[] | undefined
}

/** The smallest projection with rules: names that hold a list of who wrote to them. */
export class Registers implements Projection<RegisterChange> {
  readonly values = new Map<string, readonly string[]>()

  static on(journal: Journal): Registers {
    return journal.project('register', () => new Registers())
  }

  fold({ id, changes }: JournalEvent): RegisterChange {
    const before = this.values.get(id)
    if (changes['unfoldable'] === true) throw new Error('unfoldable')
    return { id, before, after: changes['gone'] === true ? undefined : [...(before ?? []), changes['op'] as string] }
  }

  apply({ id, after }: RegisterChange): void {
    this.#set(id, after)
  }

  revert({ id, before }: RegisterChange): void {
    this.#set(id, before)
  }

  save(): Iterable<Json> {
    return [...this.values]
  }

  load(piece: Json): void {
    const [id, value] = piece as unknown as [string, readonly string[]]
    this.values.set(id, value)
  }

  clear(): void {
    this.values.clear()
  }

  #set(id: string, value: readonly string[] | undefined): void {
    if (value) this.values.set(id, value)
    else this.values.delete(id)
  }
}

/** Commands over registers: appending always works, creating and taking have guards. */
export const commands = {
  write: (journal: Journal, id: string, op: string) =>
    journal.decide((turn) => {
      turn.emit('register.written', id, { op })
    }),
  create: (journal: Journal, id: string, op: string) =>
    journal.decide((turn) => {
      if (Registers.on(journal).values.has(id)) throw new CrewError('already_exists', id)
      turn.emit('register.written', id, { op })
    }),
  /** Refuses after it has emitted. */
  change: (journal: Journal, id: string, op: string) =>
    journal.decide((turn) => {
      turn.emit('register.written', id, { op })
      if (Registers.on(journal).values.get(id)?.length === 1) throw new CrewError('not_found', id)
    }),
  /** Answers undefined, and changes nothing, when there is nothing to take. */
  take: (journal: Journal, id: string, op: string) =>
    journal.decide((turn) => {
      const taken = Registers.on(journal).values.get(id)
      if (taken) turn.emit('register.taken', id, { op, gone: true })
      return taken
    }),
}
