import fc from 'fast-check'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { changesOf, fieldsOf } from '../../src/core/changes.js'
import { copyJson, freezeJson, type Json, sameJson, utf8Bytes } from '../../src/core/json.js'

const limits = { payloadBytes: 10_000, depth: 10 }
const copy = (value: unknown) => copyJson(value, 'value', limits)
/** Without the one key that is refused. */
const aJson = fc
  .jsonValue({ maxDepth: 5 })
  .filter((value) => !JSON.stringify(value).includes('"__proto__"')) as fc.Arbitrary<Json>
const noMinusZero = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a copy of JSON', () => {
  it('says what JSON text would, frozen all the way down', () => {
    fc.assert(
      fc.property(aJson, (value) => {
        const copied = copy(value)
        expect(copied).toEqual(noMinusZero(value))
        const check = (inner: unknown): void => {
          if (typeof inner !== 'object' || inner === null) return
          expect(Object.isFrozen(inner)).toBe(true)
          Object.values(inner).forEach(check)
        }
        check(copied)
      }),
    )
  })

  it('is taken of the plain objects of another realm, too', () => {
    expect(copy(runInContext('({ a: [1, { b: 2 }] })', createContext()))).toEqual({ a: [1, { b: 2 }] })
  })

  it('has the same object twice where it is twice, but not inside itself', () => {
    const shared = { a: 1 }
    expect(copy([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
    const cyclic: unknown[] = []
    cyclic.push([cyclic])
    expect(() => copy(cyclic)).toThrow(/contains itself/)
  })

  it('leaves out what is undefined in an object, and refuses it in a list', () => {
    expect(copy({ a: undefined, b: 1 })).toEqual({ b: 1 })
    expect(() => copy([undefined])).toThrow(/holds a undefined/)
  })

  it('costs nothing for what is far too large (IN-05)', () => {
    const huge = new Array<number>(1_000_000).fill(0)
    expect(() => copy(huge)).toThrow(expect.objectContaining({ code: 'limit_exceeded' }))
    expect(() => copy('x'.repeat(100_000_000))).toThrow(expect.objectContaining({ code: 'limit_exceeded' }))
  })

  it('never is larger as text than its limit allows', () => {
    fc.assert(
      fc.property(aJson, fc.nat({ max: 200 }), (value, payloadBytes) => {
        try {
          copyJson(value, 'value', { payloadBytes, depth: 10 })
        } catch {
          return
        }
        // Escapes and long numbers may stretch it, and no more than this.
        expect(utf8Bytes(JSON.stringify(value))).toBeLessThanOrEqual(payloadBytes * 6 + 32)
      }),
    )
  })
})

it('bytes are counted as an encoder would, lone surrogates included', () => {
  const encoder = new TextEncoder()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toBe(encoder.encode(text).length)
    }),
  )
  expect(utf8Bytes('aé€😀')).toBe(10)
})

describe('two JSON values', () => {
  it('are the same whatever the order of their keys', () => {
    expect(sameJson({ a: 1, b: [2, { c: null }] }, { b: [2, { c: null }], a: 1 })).toBe(true)
  })

  it.each<[Json | undefined, Json | undefined]>([
    [[], {}],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [
      [1, 2],
      [2, 1],
    ],
    [null, {}],
    [undefined, null],
    [1, '1'],
  ])('differ: %j and %j', (a, b) => {
    expect(sameJson(a, b)).toBe(false)
    expect(sameJson(b, a)).toBe(false)
  })

  it('are the same as their copies', () => {
    fc.assert(fc.property(aJson, (value) => sameJson(copy(value), noMinusZero(value) as Json)))
  })
})

describe('what an event says of new fields', () => {
  const collections = { items: ({ id }: { readonly id: string }) => id }
  const item = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.nat({ max: 2 }) })
  const items = fc.uniqueArray(item, { selector: ({ id }) => id })

  it('makes the new list of the old one, in the same order', () => {
    fc.assert(
      fc.property(items, items, (before, after) => {
        const old = freezeJson({ items: before })
        const next = { items: after }
        const changes = JSON.parse(JSON.stringify(changesOf(old, next, collections))) as Record<string, Json>
        expect({ ...old, ...fieldsOf(old, changes, collections, []) }).toEqual(next)
      }),
    )
  })

  it('is nothing for what stays the same, and null for what is removed', () => {
    expect(changesOf({ a: { x: 1 }, b: 2, c: 3 }, { a: { x: 1 }, b: 2, c: undefined }, {})).toEqual({ c: null })
    expect(fieldsOf({ c: 3 }, { c: null }, {}, [])).toEqual({ c: undefined })
    expect(fieldsOf({ c: 3 }, { c: null }, {}, ['c'])).toEqual({ c: null })
  })
})
