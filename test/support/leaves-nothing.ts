import { afterAll, expect } from 'vitest'

// For files of tests that share a process: what one of them found, the next one finds.

const NAMES = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'MessageChannel', 'Date'] as const

const lookAround = (): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>([
    ...NAMES.map((name) => [name, globalThis[name]] as const),
    ...Object.entries(console),
    ['performance.now', Reflect.get(performance, 'now')],
    ...Object.entries(process.env),
  ])

const found = lookAround()

afterAll(() => {
  const now = lookAround()
  const changed = [...new Set([...found.keys(), ...now.keys()])].filter((name) => now.get(name) !== found.get(name))
  expect(changed, 'global, and not as it was found').toEqual([])
})
