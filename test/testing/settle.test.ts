import { afterEach, expect, it, vi } from 'vitest'

afterEach(() => {
  // The fake timers came last: what they put back may be missing still.
  vi.useRealTimers()
  vi.unstubAllGlobals()
  // Loaded while something was missing.
  vi.resetModules()
})

it.each([
  ['Node', []],
  ['a browser, without setImmediate', ['setImmediate']],
  ['jsdom, without a MessageChannel either', ['setImmediate', 'MessageChannel']],
])('waits for chains of promises in %s, whatever fake timers do', async (_, missing) => {
  for (const name of missing) vi.stubGlobal(name, undefined)
  vi.resetModules()
  const { manualEnvironment } = await import('crewlog/testing')
  vi.useFakeTimers()
  const order: string[] = []
  const chain = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    order.push(name)
  }
  const environment = manualEnvironment()
  environment.setTimer(() => void chain('of the first timer'), 10)
  environment.setTimer(() => order.push('second timer'), 10)
  await environment.advance(10)
  expect(order).toEqual(['of the first timer', 'second timer'])
})
