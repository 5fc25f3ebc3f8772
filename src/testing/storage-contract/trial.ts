import { systemEnvironment } from '../../core/environment.js'
import type { Commit, JournalStorage } from '../../core/journal/journal-storage.js'
import { assert, equal } from './assert.js'
import { type Patience, patientStorage } from './patient-storage.js'
import { commit } from './samples.js'

/** An empty backend and who talks to it. */
export interface StorageBackend {
  readonly storage: JournalStorage
  /** A second client of the same backend, as another process would have one; left out where there can be no other. */
  readonly rival?: JournalStorage
  /** Called when the case is over. */
  readonly dispose?: () => unknown
}

export type Cases = Readonly<Record<string, (trial: Trial) => Promise<void>>>

export const CREW = 'crew'

/** One case's own backend: opens what is written to, and closes it in the end. */
export class Trial {
  readonly storage: JournalStorage
  readonly rival: JournalStorage | undefined
  readonly #dispose: StorageBackend['dispose']
  readonly #patience: Patience
  readonly #opened: (() => Promise<void> | undefined)[] = []

  constructor({ storage, rival, dispose }: StorageBackend, patience: Patience) {
    this.#patience = patience
    this.storage = patientStorage(storage, patience)
    this.rival = rival && (rival === storage ? this.storage : patientStorage(rival, patience))
    this.#dispose = dispose
  }

  /** All who can read; reading needs no `open`. */
  get readers(): readonly JournalStorage[] {
    return this.rival ? [this.storage, this.rival] : [this.storage]
  }

  /** All who can write. */
  get writers(): readonly JournalStorage[] {
    return this.storage.writers === 'many' ? this.readers : [this.storage]
  }

  async open(journal = CREW): Promise<void> {
    for (const writer of this.writers) {
      await writer.open?.(journal)
      this.#opened.push(() => writer.close?.(journal))
    }
  }

  /** Opens `journal` with the commits 1 to `count`. */
  async fill(count: number, journal = CREW): Promise<void> {
    await this.open(journal)
    for (let seq = 1; seq <= count; seq++) await this.append(commit(seq), journal)
  }

  async append(next: Commit, journal = CREW): Promise<void> {
    const answer = await this.storage.append(journal, next)
    assert(answer.appended, `append of commit ${next.seq} with id ${next.id} was refused`)
  }

  /** Every writer is refused. */
  async refuse(next: Commit, why: string, journal = CREW): Promise<void> {
    for (const writer of this.writers) {
      const answer = await writer.append(journal, next)
      assert(!answer.appended, `append was let in ${why}`)
    }
  }

  /** For every reader, `journal` holds exactly these commits behind `after`. */
  async holds(commits: readonly Commit[], after = 0, journal = CREW): Promise<void> {
    for (const reader of this.readers) {
      const run = await reader.read(journal, after, commits.length + 10)
      equal(run, { commits }, `read of ${journal} after ${after}`)
    }
  }

  async keeps(seqs: readonly number[], journal = CREW): Promise<void> {
    for (const reader of this.readers) {
      let before = Infinity
      for (const seq of seqs) {
        const kept = await reader.loadCheckpoint(journal, before)
        equal(kept?.seq, seq, `number of the newest checkpoint before ${before}`)
        before = seq
      }
      equal((await reader.loadCheckpoint(journal, before))?.seq, undefined, `checkpoint before ${before}`)
    }
  }

  /** What `promise` brings, or undefined if it takes too long. */
  soon<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, pause(this.#patience.ms)])
  }

  async end(): Promise<void> {
    for (const close of this.#opened) await close()
    await this.#patience.bound('dispose()', this.#dispose?.())
  }
}

export function gate<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

export const pause = (ms: number): Promise<undefined> =>
  new Promise((resolve) => {
    systemEnvironment.setTimer(
      () => {
        resolve(undefined)
      },
      ms,
      true,
    )
  })
