import { type Off, systemClock } from '../../core/environment.js'

/** Between two looks while something happens, and the longest when nothing does. */
const QUICK_MS = 20
const SLOW_MS = 1000
const GROWTH = 1.5
/** What is due so soon is looked at together. */
const TOGETHER_MS = 10
/** Journals in one question. */
const MOST_JOURNALS = 200

interface Watched {
  readonly wakes: Set<{ readonly wake: () => void }>
  /** The last number seen; none before the first look. */
  seq: number | undefined
  pauseMs: number
  dueAt: number
}

/** Asks for the last number of each journal. */
export type Look = (journals: readonly string[]) => Promise<ReadonlyMap<string, number>>

/** Looks whether journals have grown: often after they did, and less and less often while they do not. */
export class Polling {
  readonly #look: Look
  readonly #watched = new Map<string, Watched>()
  /** How many questions were answered. */
  answered = 0
  #timer: Off | undefined
  #isLooking = false
  /** Whether somebody else tells what happens, so that it is enough to look now and then. */
  #isTold = false

  constructor(look: Look) {
    this.#look = look
  }

  watch(journal: string, wake: () => void): Off {
    const watched = this.#watched.get(journal) ?? {
      wakes: new Set(),
      seq: undefined,
      pauseMs: QUICK_MS,
      dueAt: now(),
    }
    this.#watched.set(journal, watched)
    const watcher = { wake }
    watched.wakes.add(watcher)
    this.#plan()
    return () => {
      watched.wakes.delete(watcher)
      if (watched.wakes.size === 0 && this.#watched.get(journal) === watched) this.#watched.delete(journal)
      this.#plan()
    }
  }

  get journals(): Iterable<string> {
    return this.#watched.keys()
  }

  wake(journal: string): void {
    for (const { wake } of this.#watched.get(journal)?.wakes ?? []) wake()
  }

  /** Somebody else tells what happens from now on, or no longer; what came before may be unknown. */
  rely(isTold: boolean): void {
    if (this.#isTold === isTold) return
    this.#isTold = isTold
    for (const watched of this.#watched.values()) watched.dueAt = now()
    this.#plan()
  }

  /** There is more to come, probably. */
  expect(journal: string): void {
    const watched = this.#watched.get(journal)
    if (!watched || this.#isTold) return
    watched.pauseMs = QUICK_MS
    const soon = now() + QUICK_MS
    if (watched.dueAt <= soon) return
    watched.dueAt = soon
    this.#plan()
  }

  /** One timer, for whatever is due first. */
  #plan(): void {
    this.#timer?.()
    this.#timer = undefined
    if (this.#isLooking || this.#watched.size === 0) return
    const dueAt = Math.min(...Array.from(this.#watched.values(), (watched) => watched.dueAt))
    this.#timer = systemClock.setTimer(
      () => {
        this.#lookAround().catch(() => undefined)
      },
      Math.max(0, dueAt - now()),
      true,
    )
  }

  async #lookAround(): Promise<void> {
    const limit = now() + TOGETHER_MS
    const due = [...this.#watched].filter(([, { dueAt }]) => dueAt <= limit).slice(0, MOST_JOURNALS)
    this.#isLooking = true
    try {
      const heads = await this.#look(due.map(([journal]) => journal))
      this.answered++
      for (const [journal, watched] of due) this.#compare(watched, heads.get(journal) ?? 0)
    } catch {
      // The journal asks by itself, too, and tells of a storage that is away.
      for (const [, watched] of due) watched.pauseMs = SLOW_MS
    } finally {
      this.#isLooking = false
      for (const [, watched] of due) watched.dueAt = now() + watched.pauseMs * (0.75 + systemClock.random() / 2)
      this.#plan()
    }
  }

  #compare(watched: Watched, seq: number): void {
    const hasGrown = watched.seq !== undefined && watched.seq !== seq
    // What came before the first look may be unknown to the watcher.
    const isNew = watched.seq === undefined && seq > 0
    watched.seq = seq
    watched.pauseMs = this.#isTold ? SLOW_MS : hasGrown ? QUICK_MS : Math.min(SLOW_MS, watched.pauseMs * GROWTH)
    if (hasGrown || isNew) for (const { wake } of watched.wakes) wake()
  }
}

const now = (): number => systemClock.monotonic()
