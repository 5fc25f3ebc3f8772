import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openGraph } from '../../../src/reports/figures/open-graph.js'
import { Rehearsal, type Staffing } from '../../../src/reports/figures/rehearsal.js'

interface Row {
  readonly id: string
  readonly work?: number
  readonly lag?: number
  readonly on?: readonly string[]
  readonly part?: string
  readonly audience?: number
  readonly ready?: number
}

/** When each task ends; ranked as they are listed, for one member of one capacity unless something else is said. */
function ends(rows: readonly Row[], staffing: Partial<Staffing> = {}): readonly number[] {
  const tasks = rows.map(({ id, part, on = [] }) => ({ id, parentId: part, dependsOn: on }))
  const graph = openGraph(tasks as never, (task) => (task as unknown as { dependsOn: readonly string[] }).dependsOn)
  const rehearsal = new Rehearsal(graph, {
    capacities: [1],
    audiences: [[0]],
    audienceOf: rows.map(({ audience = 0 }) => audience),
    rankOf: rows.map((_, place) => place),
    readyMs: rows.map(({ ready = 0 }) => ready),
    running: new Map(),
    asked: new Set(),
    ...staffing,
  })
  const durations = {
    workMs: Float64Array.from(rows, ({ work = 0 }) => work),
    lagMs: Float64Array.from(rows, ({ lag = 0 }) => lag),
  }
  rehearsal.run(durations)
  const first = [...rehearsal.ends]
  // Nothing of a run is left for the next.
  rehearsal.run(durations)
  expect([...rehearsal.ends]).toEqual(first)
  return first
}

describe('A rehearsal', () => {
  it('lets one do one after the other, in order', () => {
    expect(ends([{ id: 'a', work: 5 }, { id: 'b', work: 3 }])).toEqual([5, 8]) // prettier-ignore
  })

  it('lets several work beside each other, and one at as much as it can at once', () => {
    const rows = [{ id: 'a', work: 5 }, { id: 'b', work: 3 }, { id: 'c', work: 4 }] // prettier-ignore
    expect(ends(rows, { capacities: [1, 1], audiences: [[0, 1]] })).toEqual([5, 3, 7])
    expect(ends(rows, { capacities: [3] })).toEqual([5, 3, 4])
  })

  it('begins nothing before what it depends on has ended, with what people take for it', () => {
    expect(ends([{ id: 'a', work: 5, lag: 10 }, { id: 'b', work: 3, on: ['a'] }, { id: 'c', work: 1 }])).toEqual([15, 18, 6]) // prettier-ignore
  })

  it('begins nothing before its time', () => {
    expect(ends([{ id: 'a', work: 5, ready: 2 }, { id: 'b', work: 3 }])).toEqual([8, 3]) // prettier-ignore
  })

  it('gives tasks only to whom they are for', () => {
    const rows = [{ id: 'a', work: 5, audience: 1 }, { id: 'b', work: 5, audience: 1 }, { id: 'c', work: 1 }] // prettier-ignore
    expect(ends(rows, { capacities: [1, 1], audiences: [[0, 1], [1]] })).toEqual([5, 10, 1])
  })

  it('ends a parent when its subtasks have, and frees its member before', () => {
    const rows = [{ id: 'parent', work: 2 }, { id: 'part', work: 5, part: 'parent' }, { id: 'after', work: 1, on: ['parent'] }] // prettier-ignore
    expect(ends(rows)).toEqual([7, 7, 8])
  })

  it('lets what is under way end first, also by a member who takes nothing more', () => {
    const rows = [{ id: 'a', work: 5 }, { id: 'b', work: 1 }] // prettier-ignore
    expect(ends(rows, { running: new Map([[0, 0]]) })).toEqual([5, 6])
    expect(ends(rows, { capacities: [0, 1], audiences: [[1]], running: new Map([[0, 0]]) })).toEqual([5, 1])
    // One who holds two, and may hold one.
    expect(ends([...rows, { id: 'c', work: 1 }], { running: new Map([[0, 0], [1, 0]]) })).toEqual([5, 1, 6]) // prettier-ignore
  })

  it('waits for the answer first where one is waited for, and goes on if work is left', () => {
    const rows = [{ id: 'a', work: 5, lag: 10 }, { id: 'b', lag: 7 }, { id: 'c', work: 12 }] // prettier-ignore
    expect(ends(rows, { asked: new Set([0, 1]) })).toEqual([27, 7, 12])
  })

  it('never ends what is for nobody, or waits for that', () => {
    expect(ends([{ id: 'a', work: 5, audience: 1 }, { id: 'b', on: ['a'] }, { id: 'c', work: 1 }], { audiences: [[0], []] })).toEqual([NaN, NaN, 1]) // prettier-ignore
  })

  it('keeps the order, holds nobody to more than they can do, and leaves nobody idle', () => {
    const row = fc.record({
      work: fc.integer({ min: 1, max: 20 }),
      lag: fc.constantFrom(0, 0, 7),
      on: fc.array(fc.nat(), { maxLength: 2 }),
      ready: fc.constantFrom(0, 0, 15),
      audience: fc.nat(2),
    })
    const audiences = [[0, 1, 2], [0, 1], [2]] // prettier-ignore
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 25 }),
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
        (rows, capacities) => {
          const tasks = rows.map((one, n) => ({ ...one, id: `t${n}`, on: n === 0 ? [] : [...new Set(one.on.map((m) => `t${m % n}`))] })) // prettier-ignore
          const ended = ends(tasks, { capacities, audiences })
          const spans = tasks.map(({ work, lag, on, ready, audience }, place) => {
            const stop = ended[place]! - lag
            const free = Math.max(ready, 0, ...on.map((id) => ended[Number(id.slice(1))]!))
            return { place, start: stop - work, stop, free, audience, work }
          })
          const together = (seats: readonly number[], at: number): number =>
          spans.filter(({ audience, start, stop }) => audiences[audience]!.every((seat) => seats.includes(seat)) && start <= at && at < stop).length // prettier-ignore
          const room = (seats: readonly number[]): number => seats.reduce((sum, seat) => sum + capacities[seat]!, 0)
          for (const { start, free, audience, place } of spans) {
            expect(start).toBeGreaterThanOrEqual(free)
            for (const seats of audiences) expect(together(seats, start)).toBeLessThanOrEqual(room(seats))
            // While it could have begun, all who may do it were at work, and none took what comes after it first.
            for (let at = free; at < start; at++) {
              const seats = audiences[audience]!
              const busy = spans.filter((other) => other.start <= at && at < other.stop && audiences[other.audience]!.some((seat) => seats.includes(seat))) // prettier-ignore
              expect(busy.length).toBeGreaterThanOrEqual(room(seats))
            }
            for (const other of spans)
              if (other.audience === audience && other.place > place && other.free === free)
                expect(other.start).toBeGreaterThanOrEqual(start)
          }
        },
      ),
    )
  })
})
