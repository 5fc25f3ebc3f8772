import { openCrew, type Attempt } from 'crewlog'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'

it.each([
  ['timers', ({ signal }: Attempt) => wait(60_000, undefined, { signal })],
  ['events', ({ signal }: Attempt) => once(new EventTarget(), 'never', { signal })],
  [
    'throwIfAborted',
    async ({ signal }: Attempt) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
      signal.throwIfAborted()
    },
  ],
])('reports nothing when a handler ends because its signal told it to (%s)', async (_, untilTold) => {
  const errors: unknown[] = []
  const crew = await openCrew({ onError: (error) => errors.push(error) })
  const ana = await crew.join('ana')
  await crew.tracker.create({ description: 'Wait' })
  const running: Promise<void>[] = []
  await new Promise<void>((resolve) => {
    const handler = (attempt: Attempt): Promise<unknown> => {
      resolve()
      return untilTold(attempt)
    }
    running.push(ana.work(handler).done)
  })
  await crew.close()
  await Promise.all(running)

  expect(errors).toEqual([])
})

it('hands out an attempt that is over when the crew closed while it was claimed', async () => {
  const crew = await openCrew()
  const ana = await crew.join('ana')
  await crew.tracker.create({ description: 'Wait' })
  const closed = new Promise<void>((resolve) => {
    crew.tracker.on('started', () => crew.close().then(resolve))
  })
  const attempt = await ana.claim()
  await closed

  expect(attempt?.signal.reason).toMatchObject({ code: 'closed' })
})
