import { MemoryStorage, openCrew, systemEnvironment } from 'crewlog'
import { completes, manualEnvironment, scriptedMember } from 'crewlog/testing'
import { expect, it } from 'vitest'

// Without setImmediate, `settle` waits by a message channel.
it('waits for all that a timer started before the next one runs', async () => {
  const environment = manualEnvironment()
  const order: string[] = []
  const start = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    order.push('what the first started')
  }
  environment.setTimer(() => void start(), 10)
  environment.setTimer(() => order.push('the second'), 10)
  await environment.advance('1s')
  expect(order).toEqual(['what the first started', 'the second'])
})

it('plays an hour of a crew', async () => {
  const environment = manualEnvironment()
  const crew = await openCrew({ environment, storage: new MemoryStorage() })
  await scriptedMember(crew, 'ana', { script: [completes()] })
  for (let minute = 0; minute < 60; minute++) {
    await crew.tracker.create({ description: `Minute ${minute}` })
    await environment.advance('1m')
  }
  expect(crew.tracker.count({ status: 'completed' })).toBe(60)
  expect(environment.monotonic()).toBe(3_600_000)
})

it('ends what goes round without time passing', async () => {
  const environment = manualEnvironment()
  const again = (): void => {
    environment.setTimer(again, 0)
  }
  again()
  await expect(environment.advance('1s')).rejects.toMatchObject({ code: 'loop_detected' })
})

it('has clocks, timers, ids and chance of its own', async () => {
  const before = systemEnvironment.monotonic()
  await new Promise<void>((resolve) => systemEnvironment.setTimer(resolve, 5, true))
  expect(systemEnvironment.monotonic()).toBeGreaterThan(before)
  expect(new Set(Array.from({ length: 100 }, () => systemEnvironment.id())).size).toBe(100)
})
