import type { Id } from '../input.js'
import type { Json } from '../json.js'

const MINUTE_MS = 60_000

/** How many messages went from whom to whom, in one minute of the clock and in the one before. */
interface Minutes {
  /** Since the epoch. */
  readonly minute: number
  readonly counts: Map<string, number>
  readonly before: Map<string, number>
}

interface Saved {
  readonly minute: number
  readonly counts: readonly (readonly [string, number])[]
  readonly before: readonly (readonly [string, number])[]
}

/**
 * How often members write to each other, folded from the times of their messages: counts, of which no limit knows, and
 * only of the pairs of the last two minutes.
 */
export class PairRates {
  #minutes: Minutes = { minute: 0, counts: new Map(), before: new Map() }

  /** Takes up the time of a message; answers what was before when that is another minute, for `turnBack`. */
  turnTo(at: number): Minutes | undefined {
    const { minute, counts } = this.#minutes
    const now = minuteOf(at)
    // Clocks of several writers: one that is a little behind does not turn it back.
    if (now === minute || now === minute - 1) return undefined
    const former = this.#minutes
    this.#minutes = { minute: now, counts: new Map(), before: now === minute + 1 ? counts : new Map<string, number>() }
    return former
  }

  turnBack(former: Minutes | undefined): void {
    this.#minutes = former ?? this.#minutes
  }

  /** Counts a message, or takes that back. */
  count(sender: Id, recipient: Id, amount: 1 | -1): void {
    const { counts } = this.#minutes
    const pair = pairOf(sender, recipient)
    const count = (counts.get(pair) ?? 0) + amount
    if (count === 0) counts.delete(pair)
    else counts.set(pair, count)
  }

  /**
   * Milliseconds until the sender may write to the recipient again, when it may `most` times a minute: those of the
   * minute before count by the part of it that is less than a minute ago.
   */
  waitMs(sender: Id, recipient: Id, now: number, most: number): number {
    const { minute, counts, before } = this.#minutes
    const pair = pairOf(sender, recipient)
    const age = minuteOf(now) - minute
    // Another clock, or nothing for long.
    if (age < -1 || age > 1) return 0
    const count = age === 1 ? 0 : (counts.get(pair) ?? 0)
    const earlier = (age === 1 ? counts : before).get(pair) ?? 0
    if (count + earlier < most) return 0
    const passedMs = age === -1 ? 0 : now % MINUTE_MS
    // Room for one comes when so much of the minute has passed; perhaps only of the next. Whole, so that it stays so.
    const needed = count < most ? 1 - (most - 1 - count) / earlier : 2 - (most - 1) / count
    return Math.max(0, Math.ceil(needed * MINUTE_MS) - passedMs)
  }

  save(): readonly Json[] {
    const { minute, counts, before } = this.#minutes
    const pieces: Saved[] = []
    const [late, early] = [[...counts].sort(byPair), [...before].sort(byPair)]
    for (let at = 0; at < Math.max(late.length, early.length); at += PAIRS_A_PIECE)
      pieces.push({
        minute,
        counts: late.slice(at, at + PAIRS_A_PIECE),
        before: early.slice(at, at + PAIRS_A_PIECE),
      })
    return pieces as unknown as readonly Json[]
  }

  load(piece: Json): void {
    const { minute, counts, before } = piece as unknown as Saved
    const known = this.#minutes
    this.#minutes = {
      minute,
      counts: new Map([...known.counts, ...counts]),
      before: new Map([...known.before, ...before]),
    }
  }

  clear(): void {
    this.#minutes = { minute: 0, counts: new Map(), before: new Map() }
  }
}

const PAIRS_A_PIECE = 500

/** However they came to be there. */
const byPair = ([a]: readonly [string, number], [b]: readonly [string, number]): number => (a < b ? -1 : 1)

const minuteOf = (at: number): number => Math.floor(at / MINUTE_MS)

/** No id has a line break. */
const pairOf = (sender: Id, recipient: Id): string => `${sender}\n${recipient}`
