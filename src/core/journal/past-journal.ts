import type { Abortable } from '../abortable.js'
import type { Decide } from './decision.js'
import { type Environment, type Off, systemEnvironment } from '../environment.js'
import { CrewError, invalid, notFound } from '../errors.js'
import { object, type Reader, time, type TimeInput, whole, wrong } from '../input.js'
import { Journal, type JournalOptions } from './journal.js'
import type { Appended, Checkpoint, JournalStorage, Run } from './journal-storage.js'
import type { Turn } from './projection.js'
import { PAGE_COMMITS } from './storage-client.js'

/** After a commit; or at a time: after the last commit before the first that has a later stamp. */
export type Moment = { readonly seq: number } | { readonly time: TimeInput }

export const moment: Reader<{ readonly seq: number } | { readonly time: number }> = (value, name, limits) => {
  const { seq, time: at } = moments(value, name, limits)
  if (seq !== undefined && at === undefined) return { seq }
  return at !== undefined && seq === undefined ? { time: at } : wrong(name, 'one of { seq } and { time }', value)
}
const moments = object({ seq: whole(1), time })

/**
 * A journal as it was at one moment, its clock stopped there: it answers, and takes no commands. It holds no lock and
 * looks for nothing new, so it can be read beside those who write.
 */
export class PastJournal extends Journal {
  constructor(
    options: JournalOptions & { readonly storage: JournalStorage },
    at: ReturnType<typeof moment>,
    clock = new StoppedClock(options.environment ?? systemEnvironment),
  ) {
    super({ ...options, storage: new PastStorage(options.storage, at, clock), environment: clock })
  }

  /** @internal */
  override get isPast(): boolean {
    return true
  }

  /** @internal */
  override assertGoesOn(): void {
    throw new CrewError('read_only', 'This is the past of a crew, which does not go on: open it without { at } to wait')
  }

  /** Rejects with `read_only`. */
  override async checkpoint(): Promise<void> {
    await this.decide(() => undefined)
  }

  /** Rejects with `read_only`, or `not_found`. @internal */
  override async decide<T>(decide: Decide<T>): Promise<T> {
    this.assertOpen()
    const refused = new CrewError('read_only', 'This is the past of a crew: open it without { at } to change it')
    const turn: Turn = {
      now: this.environment.now(),
      seq: 0,
      emit() {
        throw refused
      },
      keep: () => undefined,
      isFull: false,
    }
    try {
      decide(turn)
    } catch (error) {
      if (CrewError.is(error, 'not_found')) throw error
    }
    throw refused
  }
}

/** Stands at one moment. What would happen in the background does not; who waits for an answer still gives up in time. */
class StoppedClock implements Environment {
  stoppedAt: number
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.stoppedAt = environment.now()
    this.#environment = environment
  }

  now(): number {
    return this.stoppedAt
  }

  monotonic(): number {
    return 0
  }

  setTimer(run: () => void, ms: number, isBackground?: boolean): Off {
    return isBackground ? () => undefined : this.#environment.setTimer(run, ms)
  }

  id(): string {
    return this.#environment.id()
  }

  random(): number {
    return this.#environment.random()
  }
}

/** A journal's log up to its last commit at a moment. */
class PastStorage implements JournalStorage {
  // Not for one: there is nobody to shut out, and nobody whose leases are lost.
  readonly writers = 'many'
  readonly maxCommitBytes = Infinity

  readonly #storage: JournalStorage
  readonly #at: ReturnType<typeof moment>
  readonly #clock: StoppedClock
  /** Number of the last commit. */
  #end = 0

  constructor(storage: JournalStorage, at: ReturnType<typeof moment>, clock: StoppedClock) {
    this.#storage = storage
    this.#at = at
    this.#clock = clock
  }

  /** Finds the moment, and stops the clock there. */
  async open(journal: string, options?: Abortable): Promise<void> {
    if ('time' in this.#at) {
      const { time: until } = this.#at
      if (until > this.#clock.now()) throw invalid('options.at.time is yet to come; name one that has passed')
      this.#end = await this.#lastAt(journal, until, options)
      this.#clock.stoppedAt = until
    } else {
      const { seq } = this.#at
      const run = await this.#storage.read(journal, seq - 1, 1, options)
      if ('trimmedTo' in run) throw expired(run.trimmedTo)
      const [commit] = run.commits
      if (!commit) throw notFound('Commit', String(seq), '; the journal does not reach so far')
      this.#end = seq
      this.#clock.stoppedAt = commit.at
    }
  }

  async read(journal: string, after: number, limit: number, options?: Abortable): Promise<Run> {
    const most = Math.min(limit, this.#end - after)
    return most > 0 ? this.#storage.read(journal, after, most, options) : { commits: [] }
  }

  loadCheckpoint(journal: string, before = Infinity, options?: Abortable): Promise<Checkpoint | undefined> {
    return this.#storage.loadCheckpoint(journal, Math.min(before, this.#end + 1), options)
  }

  async append(): Promise<Appended> {
    return { appended: false }
  }

  async saveCheckpoint(): Promise<void> {
    // The past is there already.
  }

  async trim(): Promise<void> {
    // Nor does it shrink.
  }

  /** From the oldest commit on, as clocks of writers differ: only the first later stamp ends the search. */
  async #lastAt(journal: string, until: number, options?: Abortable): Promise<number> {
    let last = 0
    let run = await this.#storage.read(journal, last, PAGE_COMMITS, options)
    const start = 'trimmedTo' in run ? run.trimmedTo : 0
    if (start > 0) run = await this.#storage.read(journal, (last = start), PAGE_COMMITS, options)
    for (; ; run = await this.#storage.read(journal, last, PAGE_COMMITS, options)) {
      if ('trimmedTo' in run) throw expired(run.trimmedTo)
      for (const { seq, at } of run.commits) {
        if (at > until) {
          if (last === start && start > 0) throw expired(start)
          return last
        }
        last = seq
      }
      if (run.commits.length < PAGE_COMMITS) return last
    }
  }
}

const expired = (trimmedTo: number): CrewError =>
  new CrewError('cursor_expired', `The journal is trimmed up to commit ${trimmedTo}: that moment is forgotten`, {
    trimmedTo,
  })
