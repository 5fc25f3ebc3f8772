import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newestSince, recordsOf } from '../../../src/reports/figures/records.js'

/** More than count; many end together, so that which of them count is decided by what they took. */
const tasks = fc
  .tuple(fc.integer({ min: 9_990, max: 10_300 }), fc.integer({ min: 1, max: 400 }), fc.nat())
  .map(([count, ends, salt]) =>
    Array.from({ length: count }, (_, n) => {
      const mixed = Math.imul(n + salt, 0x9e3779b1) >>> 8
      return { endedAt: mixed % ends, workMs: (mixed >>> 3) % 50, lagMs: mixed % 3 === 0 ? mixed % 7 : 0 }
    }),
  )

describe('records', () => {
  it('are the same where what ended before the newest is left out', () => {
    fc.assert(
      fc.property(tasks, (took) => {
        const since = newestSince(took.map(({ endedAt }) => endedAt))
        const newest = took.filter(({ endedAt }) => endedAt >= since)
        expect(recordsOf(newest)).toEqual(recordsOf(took))
        expect(recordsOf(took).count).toBe(Math.min(10_000, took.length))
      }),
      { numRuns: 5 },
    )
  })

  it('are of the newest ten thousand', () => {
    const took = Array.from({ length: 10_005 }, (_, endedAt) => ({ endedAt, workMs: endedAt, lagMs: 0 }))
    expect(newestSince(took.map(({ endedAt }) => endedAt))).toBe(5)
    expect(recordsOf(took).workMs.slice(0, 2)).toEqual(Float64Array.of(5, 6))
  })
})
