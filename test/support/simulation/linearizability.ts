/**
 * Whether a history of concurrent calls on one thing can be put into an order that its sequential model allows and that
 * keeps what was over before something else began: the search of Wing and Gong ("Testing and verifying concurrent
 * objects", 1993), with Lowe's memory of what was tried ("Testing for linearizability", 2017).
 */

/** One call; moments are numbers that only grow, no two the same. */
export interface Operation<S> {
  readonly name: string
  readonly calledAt: number
  /** Infinity for one that had no answer: it may have happened at any later time, or never. */
  readonly answeredAt: number
  /** The state after it, if it may happen in `state` and answer what it answered. */
  readonly step: (state: S) => S | undefined
}

export interface Verdict {
  readonly isLinearizable: boolean
  /** The longest order that was found, and what could not follow it: for the reader of a failure. */
  readonly order: readonly string[]
  readonly stuck: readonly string[]
}

/** `keyOf` tells states apart. */
export function linearizability<S>(
  initial: S,
  operations: readonly Operation<S>[],
  keyOf: (state: S) => string = (state) => JSON.stringify(state),
): Verdict {
  const all = [...operations].sort((a, b) => a.calledAt - b.calledAt)
  const done = new Set<number>()
  const order: number[] = []
  const tried = new Set<string>()
  let longest: readonly number[] = []

  const isOver = (): boolean => all.every(({ answeredAt }, index) => done.has(index) || answeredAt === Infinity)
  /** What may come next: nothing that began after another one was over that has not happened yet. */
  const candidates = (): readonly number[] => {
    let firstAnswer = Infinity
    for (const [index, { answeredAt }] of all.entries())
      if (!done.has(index)) firstAnswer = Math.min(firstAnswer, answeredAt)
    return all.flatMap(({ calledAt }, index) => (!done.has(index) && calledAt <= firstAnswer ? index : []))
  }
  const search = (state: S): boolean => {
    if (order.length > longest.length) longest = [...order]
    if (isOver()) return true
    const memory = `${[...done].sort((a, b) => a - b).join()} ${keyOf(state)}`
    if (tried.has(memory)) return false
    tried.add(memory)
    for (const index of candidates()) {
      const next = all[index]?.step(state)
      if (next === undefined) continue
      done.add(index)
      order.push(index)
      if (search(next)) return true
      order.pop()
      done.delete(index)
    }
    return false
  }
  const isLinearizable = search(initial)
  const nameOf = (index: number): string => all[index]?.name ?? ''
  const left = all.flatMap(({ answeredAt }, index) => (longest.includes(index) || answeredAt === Infinity ? [] : index))
  return { isLinearizable, order: longest.map(nameOf), stuck: isLinearizable ? [] : left.map(nameOf) }
}
