import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Polling } from '../../../src/storage/sql/polling.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A database of which is asked for the last numbers of journals. */
class Heads {
  readonly seqs = new Map<string, number>()
  readonly asked: (readonly string[])[] = []
  isAway = false
  readonly polling = new Polling(async (journals) => {
    this.asked.push(journals)
    if (this.isAway) throw new Error('away')
    return this.seqs
  })
}

describe('looking for commits', () => {
  it('happens seldom while there are none, and once for all journals', async () => {
    const { polling, asked } = new Heads()
    for (let count = 0; count < 50; count++) polling.watch(`crew ${count}`, () => undefined)
    await vi.advanceTimersByTimeAsync(10_000)
    const before = asked.length
    await vi.advanceTimersByTimeAsync(60_000)
    const journals = asked.slice(before).reduce((sum, { length }) => sum + length, 0)
    expect(journals / 50).toBeGreaterThan(40)
    expect(journals / 50).toBeLessThan(85)
  })

  it('happens often after one, so that the next is found within tens of milliseconds', async () => {
    const { polling, seqs } = new Heads()
    let wakes = 0
    polling.watch('crew', () => wakes++)
    await vi.advanceTimersByTimeAsync(10_000)
    seqs.set('crew', 1)
    await vi.advanceTimersByTimeAsync(1500)
    expect(wakes).toBe(1)
    seqs.set('crew', 2)
    polling.expect('crew')
    await vi.advanceTimersByTimeAsync(25)
    expect(wakes).toBe(2)
    for (let seq = 3; seq <= 20; seq++) {
      seqs.set('crew', seq)
      await vi.advanceTimersByTimeAsync(60)
      expect(wakes).toBe(seq)
    }
  })

  it('also finds that a log went back', async () => {
    const { polling, seqs } = new Heads()
    let wakes = 0
    seqs.set('crew', 9)
    polling.watch('crew', () => wakes++)
    await vi.advanceTimersByTimeAsync(100)
    expect(wakes).toBe(1)
    seqs.set('crew', 5)
    await vi.advanceTimersByTimeAsync(1500)
    expect(wakes).toBe(2)
  })

  it('goes on through failures, seldom, and tells nobody of them', async () => {
    const heads = new Heads()
    let wakes = 0
    heads.polling.watch('crew', () => wakes++)
    heads.isAway = true
    await vi.advanceTimersByTimeAsync(10_000)
    expect(heads.asked.length).toBeLessThan(16)
    heads.isAway = false
    heads.seqs.set('crew', 1)
    await vi.advanceTimersByTimeAsync(1500)
    expect(wakes).toBe(1)
  })

  it('does not begin again before the last look is answered', async () => {
    let looks = 0
    const polling = new Polling(() => {
      looks++
      return new Promise(() => undefined)
    })
    polling.watch('crew', () => undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    polling.expect('crew')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(looks).toBe(1)
  })

  it('is left to who tells, but for a look a second', async () => {
    const { polling, seqs, asked } = new Heads()
    polling.watch('crew', () => undefined)
    polling.rely(true)
    await vi.advanceTimersByTimeAsync(1000)
    const before = asked.length
    for (let seq = 1; seq <= 100; seq++) {
      seqs.set('crew', seq)
      polling.expect('crew')
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(asked.length - before).toBeGreaterThan(6)
    expect(asked.length - before).toBeLessThan(15)
  })

  it('ends with the last watcher, and leaves no timer', async () => {
    const { polling, asked } = new Heads()
    const offs = [1, 2].map(() => polling.watch('crew', () => undefined))
    await vi.advanceTimersByTimeAsync(100)
    for (const off of [...offs, ...offs]) off()
    const before = asked.length
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.length).toBe(before)
    expect(vi.getTimerCount()).toBe(0)
  })
})
