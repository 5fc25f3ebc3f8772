type Later = (run: () => void) => void

// Taken once, so that a test runner's fake timers do not hold it up.
const { setImmediate, setTimeout } = globalThis as unknown as {
  readonly setImmediate?: Later
  readonly setTimeout: (run: () => void, ms: number) => unknown
}

/** Browsers have no setImmediate, and their setTimeout waits at least 4 ms when nested; jsdom has nothing else. */
const later = setImmediate ?? (typeof MessageChannel === 'undefined' ? overTimer : overChannel())

/** After all promises that can settle without a timer or I/O have settled. */
export const settle = (): Promise<void> =>
  new Promise((resolve) => {
    later(resolve)
  })

function overChannel(): Later {
  const waiting: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.addEventListener('message', () => waiting.shift()?.())
  port1.start()
  return (run) => {
    waiting.push(run)
    port2.postMessage(0)
  }
}

function overTimer(run: () => void): void {
  setTimeout(run, 0)
}
