import { describe, expect, it, vi } from 'vitest'
import { CrewError, systemEnvironment } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { endBy, until } from '../../src/core/abortable.js'
import { Events } from '../../src/core/events.js'
import { escapeLine, escapeMarkdown } from '../../src/core/markdown.js'
import { Waits } from '../../src/core/waits.js'

const never = new Promise<never>(() => undefined)

describe('a wait', () => {
  it('costs one listener on a signal, however many wait on it (RL-02)', async () => {
    const environment = manualEnvironment()
    const controller = new AbortController()
    const added = vi.spyOn(controller.signal, 'addEventListener')
    for (let round = 0; round < 10; round++) {
      const waits = Array.from({ length: 10_000 }, () => until(Promise.resolve(), controller, environment))
      await Promise.all(waits)
    }
    expect(added).toHaveBeenCalledTimes(1)
  })

  it('ends with cancelled when its signal aborts, before or after, with the reason', async () => {
    const environment = manualEnvironment()
    const controller = new AbortController()
    const waits = [until(never, controller, environment), until(never, controller, environment)]
    controller.abort('enough')
    for (const wait of [...waits, until(never, controller, environment)])
      await expect(wait).rejects.toMatchObject({ code: 'cancelled', cause: 'enough' })
  })

  it('ends with timed_out, once', async () => {
    const environment = manualEnvironment()
    const ends: string[] = []
    endBy({ timeoutMs: 100, signal: new AbortController().signal }, environment, ({ code }) => ends.push(code))
    const off = endBy({ timeoutMs: 50 }, environment, ({ code }) => ends.push(code))
    off()
    await environment.advance('1s')
    expect(ends).toEqual(['timed_out'])
  })

  it('for one thing is ended with it, and by nothing else', async () => {
    const waits = new Waits<number>()
    const both = ['a', 'b'].map((id) => waits.wait(id, (promise) => promise))
    waits.resolve('a', 1)
    waits.resolve('nothing', 2)
    expect(await both[0]).toBe(1)
    waits.rejectAll(new CrewError('closed', 'over'))
    await expect(both[1]).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('events', () => {
  const make = () => {
    const environment = manualEnvironment()
    const errors: unknown[] = []
    return {
      environment,
      errors,
      events: new Events<{ said: [text: string] }>(environment, (error) => errors.push(error), { said: 1 }),
    }
  }

  it('reach every listener though one throws and one rejects', async () => {
    const { environment, errors, events } = make()
    const heard: string[] = []
    events.on('said', () => {
      throw new Error('threw')
    })
    events.on('said', () => Promise.reject(new Error('rejected')))
    events.on('said', (text) => heard.push(text))
    events.emit('said', 'a')
    await environment.settle()
    expect(heard).toEqual(['a'])
    expect(errors).toMatchObject([{ message: 'threw' }, { message: 'rejected' }])
  })

  it('end with what on answered, with off, and after one with once', () => {
    const { events } = make()
    const heard: string[] = []
    const listener = (text: string) => heard.push(text)
    const off = events.on('said', listener)
    events.once('said', listener)
    events.emit('said', 'a')
    events.emit('said', 'b')
    off()
    off()
    events.on('said', listener)
    events.off('said', listener)
    events.emit('said', 'c')
    expect(heard).toEqual(['a', 'a', 'b'])
    expect(events.hears('said')).toBe(false)
  })

  it('tell subscribers once a turn, with a new snapshot', async () => {
    const { environment, events } = make()
    let times = 0
    events.subscribe(() => times++)
    const before = events.getSnapshot()
    events.changed()
    events.changed()
    expect(events.getSnapshot()).not.toBe(before)
    await environment.advance(1)
    expect(times).toBe(1)
    events.changed()
    events.close()
    await environment.advance(1)
    expect(times).toBe(1)
  })
})

describe('a timer of the platform', () => {
  it('holds delays that the platform cannot, in pieces', () => {
    vi.useFakeTimers()
    try {
      let runs = 0
      systemEnvironment.setTimer(() => runs++, 2 ** 31 + 1000)
      const off = systemEnvironment.setTimer(() => runs++, 2 ** 31 + 1000, true)
      vi.advanceTimersByTime(2 ** 31)
      expect(runs).toBe(0)
      off()
      vi.advanceTimersByTime(1000)
      expect(runs).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([NaN, -1, Infinity])('refuses a delay of %s ms', (ms) => {
    expect(() => systemEnvironment.setTimer(() => undefined, ms)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })

  it('makes ids that differ, and chance below 1', () => {
    expect(new Set(Array.from({ length: 1000 }, () => systemEnvironment.id())).size).toBe(1000)
    expect(systemEnvironment.random()).toBeLessThan(1)
  })
})

describe('an error', () => {
  it('is known to another copy of the package by its brand, and narrowed by its code', async () => {
    vi.resetModules()
    const other = await import('../../src/core/errors.js')
    const error: unknown = new other.CrewError('not_found', 'Task not found: 2', { id: '2' })
    expect(error).not.toBeInstanceOf(CrewError)
    expect([CrewError.is(error), CrewError.is(error, 'not_found'), CrewError.is(error, 'closed')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it.each([new Error('x'), { code: 'not_found' }, null, 'not_found'])('is not %s', (error) => {
    expect(CrewError.is(error)).toBe(false)
  })
})

describe('text of others', () => {
  it('has no effect as Markdown, HTML or terminal codes (RP-07)', () => {
    expect(escapeMarkdown('<b onclick="x">*a* | `b` [c](d)</b>\u001b[31m')).toBe(
      '&#60;b onclick="x"&#62;\\*a\\* \\| \\`b\\` \\[c\\]\\(d\\)&#60;/b&#62;\\[31m',
    )
    expect(escapeLine('# a\n\n b_c _d_')).toBe('\\# a b_c \\_d\\_')
  })
})
