import type { Commit, JournalEvent } from 'crewlog'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Claim, unproven } from '../support/simulation/board-model.js'
import { linearizability, type Operation } from '../support/simulation/linearizability.js'

/** A register: writes, reads, and compare-and-set, which may be refused. */
const write = (value: number, calledAt: number, answeredAt: number): Operation<number> => ({
  name: `write ${String(value)}`,
  calledAt,
  answeredAt,
  step: () => value,
})
const read = (value: number, calledAt: number, answeredAt: number): Operation<number> => ({
  name: `read ${String(value)}`,
  calledAt,
  answeredAt,
  step: (state) => (state === value ? state : undefined),
})
const change = (
  from: number,
  to: number,
  isDone: boolean,
  calledAt: number,
  answeredAt: number,
): Operation<number> => ({
  name: `${isDone ? '' : 'no '}change of ${String(from)} to ${String(to)}`,
  calledAt,
  answeredAt,
  step: (state) => (isDone ? (state === from ? to : undefined) : state === from ? undefined : state),
})

describe('the search for an order of concurrent calls', () => {
  it.each<[string, readonly Operation<number>[]]>([
    ['nothing at all', []],
    ['calls one after another', [write(1, 1, 2), read(1, 3, 4), write(2, 5, 6), read(2, 7, 8)]],
    ['a read of the old value while a write is under way', [write(1, 1, 10), read(0, 2, 3), read(1, 4, 5)]],
    ['two writes at once, seen in one order', [write(1, 1, 10), write(2, 2, 9), read(2, 11, 12)]],
    ['a refusal that was true for a moment', [write(1, 1, 10), change(0, 5, false, 2, 9), change(1, 6, true, 3, 12)]],
    ['a write without an answer that happened', [write(1, 1, Infinity), read(0, 2, 3), read(1, 4, 5)]],
    ['a write without an answer that did not', [write(1, 1, Infinity), read(0, 2, 3), read(0, 4, 5)]],
  ])('finds one for %s', (_, operations) => {
    expect(linearizability(0, operations)).toMatchObject({ isLinearizable: true, stuck: [] })
  })

  it.each<[string, readonly Operation<number>[]]>([
    ['a read of what nobody wrote', [write(1, 1, 2), read(2, 3, 4)]],
    ['a read of the old value after the write was answered', [write(1, 1, 2), read(0, 3, 4)]],
    ['a write that is seen and then no more', [write(1, 1, 10), read(1, 2, 3), read(0, 4, 5)]],
    ['a compare-and-set that two win', [change(0, 1, true, 1, 4), change(0, 2, true, 2, 3)]],
    ['a compare-and-set that both lose', [change(0, 1, false, 1, 4), change(0, 2, false, 2, 3)]],
    ['a refusal though it was true all the time', [read(0, 1, 2), change(0, 1, false, 3, 4), read(0, 5, 6)]],
    ['a write without an answer that is seen, and then was not', [write(1, 1, Infinity), read(1, 2, 3), read(0, 4, 5)]],
    ['two writes seen in both orders', [write(1, 1, 20), write(2, 2, 19), read(1, 3, 4), read(2, 5, 6), read(1, 7, 8)]],
  ])('finds none for %s', (_, operations) => {
    const { isLinearizable, stuck } = linearizability(0, operations)
    expect(isLinearizable).toBe(false)
    expect(stuck.length).toBeGreaterThan(0)
  })

  const aStep = fc.record({
    kind: fc.constantFrom('write', 'read', 'change'),
    value: fc.nat(2),
    before: fc.nat(3),
    after: fc.nat(3),
  })
  /** What a register really answers, each call stretched around its moment. */
  const historyOf = (steps: readonly { kind: string; value: number; before: number; after: number }[]) => {
    let state = 0
    return steps.map(({ kind, value, before, after }, index) => {
      const [from, to] = [index * 10 - before * 9, index * 10 + 1 + after * 9]
      if (kind === 'write') {
        state = value
        return write(value, from, to)
      }
      if (kind === 'read') return read(state, from, to)
      const isDone = state === 1
      if (isDone) state = value
      return change(1, value, isDone, from, to)
    })
  }

  it('finds an order for whatever a register answers, however calls overlap', () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 14 }), (steps) => {
        expect(linearizability(0, historyOf(steps)).isLinearizable).toBe(true)
      }),
    )
  })

  it('agrees with the trying of every order', () => {
    const everyOrder = (state: number, left: readonly Operation<number>[]): boolean =>
      left.length === 0 ||
      left.some((next, index) => {
        const rest = left.toSpliced(index, 1)
        const after = rest.some(({ answeredAt }) => answeredAt < next.calledAt) ? undefined : next.step(state)
        return after !== undefined && everyOrder(after, rest)
      })
    const aHistory = fc.tuple(fc.array(aStep, { maxLength: 6 }), fc.nat(5), fc.nat(2))
    let refuted = 0
    fc.assert(
      fc.property(aHistory, ([steps, index, value]) => {
        const history = historyOf(steps)
        const { calledAt, answeredAt } = history[index] ?? {}
        // One answer is wrong, perhaps.
        if (calledAt !== undefined && answeredAt !== undefined) history[index] = read(value, calledAt, answeredAt)
        const isRight = everyOrder(0, history)
        if (!isRight) refuted++
        expect(linearizability(0, history).isLinearizable).toBe(isRight)
      }),
      { numRuns: 500 },
    )
    expect(refuted).toBeGreaterThan(50)
  })
})

describe('the journal as a witness', () => {
  const event = (type: string, id: string, changes: JournalEvent['changes'] = {}): JournalEvent => ({
    type,
    id,
    at: 0,
    changes,
  })
  const commits: readonly Commit[] = [
    [event('member.joined', 'ana', { capacity: 1, available: true, skills: {} })],
    [
      event('task.created', 'a', {}),
      event('task.created', 'b', { dependsOn: { added: [{ id: 'a', onFailure: 'fail', onCancel: 'cancel' }] } }),
    ],
    [event('task.started', 'a', { status: 'in_progress', holder: 'ana', fence: 1 })],
    [
      event('task.completed', 'a', { status: 'completed', holder: null }),
      event('task.started', 'b', { status: 'in_progress', holder: 'ana', fence: 1 }),
    ],
    [event('task.cancelled', 'b', { status: 'cancelled', holder: null })],
  ].map((events, index) => ({
    seq: index + 1,
    id: String(index + 1),
    prev: String(index || ''),
    format: 1,
    at: 0,
    events,
  }))
  const nothingFor = (taskId: string | undefined, from: number, to: number): Claim => ({
    name: 'nothing',
    from,
    to,
    holds: (model) => model.mayFindNothing('ana', taskId),
  })

  it.each<[string, Claim]>([
    ['before there was a task', nothingFor('a', 1, 1)],
    ['while a dependency is open', nothingFor('b', 2, 3)],
    ['while the member works on another', nothingFor('b', 3, 3)],
    [
      'between two events of one commit',
      {
        name: '',
        from: 3,
        to: 4,
        holds: (model) => model.tasks.get('a')?.status === 'completed' && model.tasks.get('b')?.status === 'pending',
      },
    ],
    ['when all is done', nothingFor(undefined, 5, 5)],
    ['for who is no member yet', nothingFor('a', 0, 0)],
  ])('proves an empty answer %s', (_, claim) => {
    expect(unproven(commits, [claim])).toEqual([])
  })

  it.each<[string, Claim]>([
    ['while a task was ready all the time', nothingFor('a', 2, 2)],
    ['for a member that was free all the time, of all tasks', nothingFor(undefined, 2, 2)],
    ['that was true only before it was asked', { name: '', from: 2, to: 3, holds: (model) => model.tasks.size === 0 }],
    [
      'that became true only after it was answered',
      { name: '', from: 0, to: 3, holds: (model) => model.tasks.get('b')?.status === 'cancelled' },
    ],
  ])('does not prove one %s', (_, claim) => {
    expect(unproven(commits, [claim])).toHaveLength(1)
  })
})
