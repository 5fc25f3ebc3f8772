import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bag, Heap, Slot } from '../../src/core/heap.js'
import { MultiMap, Tally } from '../../src/core/multi-map.js'

const action = fc.oneof(
  fc.record({ do: fc.constant('add' as const), number: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant('delete' as const), number: fc.nat({ max: 30 }) }),
  fc.record({ do: fc.constant('shift' as const), number: fc.constant(0) }),
)

describe('a heap', () => {
  it('has the first in order on top, whatever is added and removed, as a sorted list does', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const heap = new Heap<number>((a, b) => a < b)
        let model: Slot<number>[] = []
        for (const { do: what, number } of actions) {
          if (what === 'add') {
            const slot = new Slot(number)
            heap.add(slot)
            model.push(slot)
          } else if (what === 'delete') {
            const slot = model[number % Math.max(1, model.length)]
            if (slot) heap.delete(slot)
            model = model.filter((other) => other !== slot)
            expect(slot?.place ?? -1).toBe(-1)
          } else {
            const first = heap.shift()
            expect(first).toBe(model.map(({ item }) => item).sort((a, b) => a - b)[0])
            model = model.filter(({ place }) => place >= 0)
          }
          const sorted = model.map(({ item }) => item).sort((a, b) => a - b)
          expect(heap.size).toBe(sorted.length)
          expect(heap.peek()).toBe(sorted[0])
          expect([...heap].sort((a, b) => a - b)).toEqual(sorted)
        }
      }),
    )
  })

  it('does nothing for a slot that is in none', () => {
    const heap = new Heap<number>((a, b) => a < b)
    const slot = new Slot(1)
    heap.add(new Slot(2))
    heap.delete(slot)
    expect([heap.size, heap.shift(), heap.shift()]).toEqual([1, 2, undefined])
  })
})

it('a bag holds what was added and not deleted, as a set does', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
      const bag = new Bag<number>()
      const model = new Set<Slot<number>>()
      for (const { do: what, number } of actions) {
        const slot = what === 'add' ? new Slot(number) : [...model][number]
        if (!slot) continue
        if (what === 'add') bag.add(slot)
        else bag.delete(slot)
        if (what === 'add') model.add(slot)
        else model.delete(slot)
        bag.delete(new Slot(0))
        expect(bag.size).toBe(model.size)
        expect([...bag].sort()).toEqual([...model].map(({ item }) => item).sort())
      }
    }),
  )
})

describe('a map to many', () => {
  it('forgets a key with its last value, and keeps what is under another', () => {
    const map = new MultiMap<string, number>()
    map.add('a', 1)
    map.add('a', 2)
    map.move(1, ['a'], ['b', 'c'])
    map.delete('a', 2)
    map.delete('nowhere', 2)
    expect([...map.of('a')]).toEqual([])
    expect([...map.of('b'), ...map.of('c')]).toEqual([1, 1])
  })
})

it('a tally counts up and down to nothing', () => {
  const tally = new Tally<string>()
  tally.add('a', 1)
  tally.add('a', 1)
  tally.add('b', 1)
  tally.add('b', -1)
  expect([tally.of('a'), tally.of('b'), tally.of('c')]).toEqual([2, 0, 0])
})
