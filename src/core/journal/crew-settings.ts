import { duration, object, type Reader, whole } from '../input.js'
import type { JournalEvent } from './journal-storage.js'
import { type Json, NONE, sameJson } from '../json.js'
import type { Projection, Turn } from './projection.js'

/** When what has ended leaves memory: tasks, and threads of messages that nobody has before them any more. */
export interface Retention {
  /** So long after it has ended, ms. */
  readonly afterMs?: number
  /** As soon as there are more than so many tasks, or threads, that have ended: the oldest of them. */
  readonly keep?: number
}
export const retention: Reader<Retention> = object({ afterMs: duration(), keep: whole(0) })

interface Settings {
  readonly retention?: Retention
}

interface SettingsChange {
  readonly before: Settings
  readonly after: Settings
}

/** What holds for the whole crew, whoever opens it. */
export class CrewSettings implements Projection<SettingsChange> {
  #settings: Settings = {}

  get retention(): Retention {
    return this.#settings.retention ?? {}
  }

  /** Makes it so, if it is not. */
  configure(turn: Turn, settings: Settings): void {
    const changes = Object.entries<Json>(settings as never).filter(
      ([name, value]) => !sameJson(this.#settings[name as keyof Settings] as Json | undefined, value),
    )
    if (changes.length > 0) turn.emit('crew.configured', 'crew', Object.fromEntries<Json>(changes))
  }

  fold({ changes }: JournalEvent): SettingsChange {
    return { before: this.#settings, after: { ...this.#settings, ...changes } }
  }

  apply({ after }: SettingsChange): void {
    this.#settings = after
  }

  revert({ before }: SettingsChange): void {
    this.#settings = before
  }

  save(): Iterable<Json> {
    return Object.keys(this.#settings).length > 0 ? [this.#settings as Json] : NONE
  }

  load(piece: Json): void {
    this.#settings = piece as Settings
  }

  clear(): void {
    this.#settings = {}
  }
}
