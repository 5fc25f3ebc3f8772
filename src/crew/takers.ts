import type { Off } from '../core/environment.js'
import type { Id } from '../core/input.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import type { CommitInfo, Observer } from '../core/journal/projection.js'
import type { Attempt } from '../core/tasks/attempt.js'
import type { TaskChange } from '../core/tasks/task-board.js'
import { audience, type Card } from '../core/tasks/task-card.js'
import type { TaskTracker } from '../core/tasks/task-tracker.js'
import type { Idleness } from './idleness.js'
import type { Loop, Outlook } from './outlook.js'
import type { Setbacks } from './setbacks.js'
import { type Waiter, WaitingLine } from './waiting-line.js'

/**
 * Loops that work: each claims the next task of its member, and waits while there is none. Who waits has found nothing,
 * so only what has come since is looked at: for each task that lines up one loop is called that would claim it, and of
 * members that have changed each loop looks again. One ready task does not start a thousand idle members, and a commit
 * that brings them nothing costs them nothing.
 */
export class Takers implements Observer {
  readonly #tracker: TaskTracker
  readonly #outlook: Outlook
  readonly #setbacks: Setbacks
  readonly #idleness: Idleness
  readonly #line: WaitingLine<Card>
  /** Of those that wait: may have something to claim after all. */
  readonly #doubtful = new Set<Waiter<Card>>()
  /** Tasks that have lined up, or were left by who was called for them. */
  readonly #offered = new Set<Card>()
  /** Tasks for which a loop claims now. */
  readonly #called = new Set<Card>()
  /** Loops that claim now. */
  #claiming = 0

  constructor(tracker: TaskTracker, outlook: Outlook, setbacks: Setbacks, idleness: Idleness) {
    this.#tracker = tracker
    this.#outlook = outlook
    this.#setbacks = setbacks
    this.#idleness = idleness
    this.#line = new WaitingLine(idleness)
  }

  /** Hears of what lines up, until that is ended. */
  follow(): Off {
    const { board, news } = this.#tracker.parts
    const offer = (card: Card): void => {
      this.#offered.add(card)
    }
    board.lineUps.add(offer)
    const offWork = news.onWork(this.#wake)
    return () => {
      board.lineUps.delete(offer)
      offWork()
      this.#offered.clear()
    }
  }

  /** Undefined once the loop is stopped. */
  async next(loop: Loop): Promise<Attempt | undefined> {
    while (!loop.stopper.isStopped) {
      const card = this.#find(loop) ?? (await this.#wait(loop))
      const attempt = card && (await this.#claim(loop, card))
      if (attempt) return attempt
    }
    return undefined
  }

  /** Whether those that wait could claim nothing, now or later. */
  haveNothing(): boolean {
    const coming = this.#outlook.coming()
    for (const { loop } of this.#line.all) {
      if (this.#outlook.firstFor(loop)) return false
      if (coming.some((card) => this.#outlook.mayClaimLater(loop, card))) return false
    }
    return true
  }

  heard({ type, id }: JournalEvent, _commit: CommitInfo, change: unknown): void {
    if (type.startsWith('member.')) this.#doubt(id)
    if (!type.startsWith('task.')) return
    const { before, after } = change as TaskChange
    // Who held it has room for another.
    if (before?.holder !== undefined && before.holder !== after.holder) this.#doubt(before.holder)
  }

  rebuilt(): void {
    this.#doubtAll()
  }

  #find(loop: Loop): Card | undefined {
    const card = this.#canMoreClaim() ? this.#outlook.firstFor(loop) : undefined
    if (card) this.#begin(card)
    return card
  }

  #wait(loop: Loop): Promise<Card | undefined> {
    return this.#line.wait(loop, (taker) => {
      this.#showThere(loop.member)
      // As many claim as there are tasks, but not all may find one.
      if (this.#outlook.firstFor(loop)) this.#doubtful.add(taker)
      return () => this.#doubtful.delete(taker)
    })
  }

  async #claim(loop: Loop, card: Card): Promise<Attempt | undefined> {
    const { member, filter, stopper } = loop
    try {
      // As it was called.
      if (stopper.isStopped) return undefined
      this.#tracker.parts.journal.environment.attempting?.(card.task.id, member)
      const attempt = await this.#tracker.claim(member, filter ? { filter } : {})
      this.#setbacks.over(loop)
      return attempt
    } catch (error) {
      await this.#setbacks.pause(loop, error, () => {
        this.#doubt(member)
        this.#wake()
      })
      return undefined
    } finally {
      this.#claiming--
      this.#called.delete(card)
      // For another, if it is there still.
      this.#offered.add(card)
      this.#wake()
    }
  }

  #begin(card: Card): void {
    this.#claiming++
    this.#called.add(card)
  }

  #canMoreClaim(): boolean {
    return this.#claiming < this.#outlook.readyCount()
  }

  #doubt(member: Id): void {
    const takers = this.#line.of(member)
    for (const taker of takers) this.#doubtful.add(taker)
    if (takers.size > 0) this.#showThere(member)
  }

  /** Who waits for work here is not missing, whatever became of its lease. */
  #showThere(id: Id): void {
    const { journal, members } = this.#tracker.parts
    if (members.get(id)?.missingSince === undefined) return
    const told = journal.decide((turn) => {
      members.tellSeen(turn, id)
    })
    told.catch(journal.onError)
  }

  #doubtAll(): void {
    for (const taker of this.#line.all) this.#doubtful.add(taker)
  }

  readonly #wake = (): void => {
    this.#serveOffered()
    this.#serveDoubtful()
    this.#idleness.check()
  }

  #serveOffered(): void {
    for (const card of this.#offered) {
      this.#offered.delete(card)
      if (this.#called.has(card) || !card.isReady) continue
      const taker = this.#takerFor(card)
      if (taker) this.#call(taker, card)
    }
  }

  #serveDoubtful(): void {
    if (!this.#canMoreClaim()) return
    // What members see may have changed without a word.
    if (this.#outlook.isVeiled) this.#doubtAll()
    for (const taker of this.#doubtful) {
      const card = this.#outlook.firstFor(taker.loop)
      // There may be another behind it, which is seen once that is claimed.
      if (card && this.#called.has(card)) return
      this.#doubtful.delete(taker)
      if (!card) continue
      this.#call(taker, card)
      if (!this.#canMoreClaim()) return
    }
  }

  /** The first that would claim it. */
  #takerFor(card: Card): Waiter<Card> | undefined {
    const { board } = this.#tracker.parts
    const only = audience(card.task, board.now())
    const lines = only.length > 0 ? only.map((id) => this.#line.of(id)) : [this.#line.all]
    for (const line of lines) for (const taker of line) if (this.#outlook.wouldClaim(taker.loop, card)) return taker
    return undefined
  }

  #call(taker: Waiter<Card>, card: Card): void {
    this.#begin(card)
    taker.resume(card)
  }
}
