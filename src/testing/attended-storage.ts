import type { Abortable } from '../core/abortable.js'
import type { Off } from '../core/environment.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { settle } from './settle.js'

/** A storage of which is known whether it is at work: so that no virtual time passes while a real engine is. */
export class AttendedStorage implements JournalStorage {
  readonly writers: JournalStorage['writers']
  readonly maxCommitBytes: number
  readonly watch?: NonNullable<JournalStorage['watch']>

  readonly #storage: JournalStorage
  #underWay = 0
  /** Who waits until no call is under way. */
  #waiting: (() => void)[] = []

  constructor(storage: JournalStorage) {
    this.#storage = storage
    this.writers = storage.writers
    this.maxCommitBytes = storage.maxCommitBytes
    if (storage.watch) this.watch = (journal, wake): Off => storage.watch?.(journal, wake) ?? (() => undefined)
  }

  /** Resolves when no call is under way, nor follows from the answer of one. */
  async rest(): Promise<void> {
    while (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
      await settle()
    }
  }

  async open(journal: string, options?: Abortable): Promise<void> {
    await this.#attend(this.#storage.open?.(journal, options))
  }

  append(journal: string, commit: Commit, options?: Abortable): Promise<Appended> {
    return this.#attend(this.#storage.append(journal, commit, options))
  }

  read(journal: string, after: number, limit: number, options?: Abortable): Promise<Run> {
    return this.#attend(this.#storage.read(journal, after, limit, options))
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options?: Abortable): Promise<void> {
    const parts = this.#pulled(checkpoint.parts)
    await this.#attend(this.#storage.saveCheckpoint(journal, { ...checkpoint, parts }, options))
  }

  async loadCheckpoint(journal: string, before?: number, options?: Abortable): Promise<Checkpoint | undefined> {
    const kept = await this.#attend(this.#storage.loadCheckpoint(journal, before, options))
    return kept && { ...kept, parts: this.#given(kept.parts) }
  }

  async trim(journal: string, through: number, options?: Abortable): Promise<void> {
    await this.#attend(this.#storage.trim(journal, through, options))
  }

  async close(journal: string): Promise<void> {
    await this.#attend(this.#storage.close?.(journal))
  }

  /** While it is written, the one who writes it may wait for time to pass. */
  async *#pulled(parts: Checkpoint['parts']): AsyncGenerator<string> {
    this.#leave()
    try {
      for await (const part of parts) {
        this.#underWay++
        try {
          yield part
        } finally {
          this.#leave()
        }
      }
    } finally {
      this.#underWay++
    }
  }

  async *#given(parts: Checkpoint['parts']): AsyncGenerator<string> {
    this.#underWay++
    try {
      for await (const part of parts) {
        this.#leave()
        try {
          yield part
        } finally {
          this.#underWay++
        }
      }
    } finally {
      this.#leave()
    }
  }

  async #attend<T>(call: Promise<T> | undefined): Promise<T> {
    this.#underWay++
    try {
      return (await call) as T
    } finally {
      this.#leave()
    }
  }

  #leave(): void {
    if (--this.#underWay > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
