import { afterEach, expect, it, vi } from 'vitest'
import { Warnings } from '../../src/core/warnings.js'

afterEach(() => {
  vi.restoreAllMocks()
})

it('tells each warning once', () => {
  const heard: string[] = []
  const warnings = new Warnings((warning) => heard.push(warning))
  for (const warning of ['it may evict', 'it may forget', 'it may evict']) warnings.tell(warning)
  expect(heard).toEqual(['it may evict', 'it may forget'])
})

it('tells the console, where nobody else hears of it', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  new Warnings().tell('it may evict')
  expect(warn.mock.calls).toEqual([['crewlog: it may evict']])
})

it('are no failure of what they are about, when who hears of them fails', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue()
  const failure = new Error('as a test has it')
  new Warnings(() => {
    throw failure
  }).tell('it may evict')
  const rejects: (warning: string) => unknown = () => Promise.reject(failure)
  new Warnings(rejects).tell('it may evict')
  await Promise.resolve()
  expect(log.mock.calls).toEqual([
    ['crewlog:', failure],
    ['crewlog:', failure],
  ])
})
