import { MemoryStorage, openCrew } from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'

describe('a storage that is slow', () => {
  const environment = manualEnvironment()

  class Slow extends MemoryStorage {
    constructor(readonly openMs: number) {
      super()
    }
    open(): Promise<void> {
      return new Promise((resolve) => {
        environment.setTimer(resolve, this.openMs)
      })
    }
  }

  it('has minutes to open, because it may have to read all there is', async () => {
    const opening = openCrew({ environment, storage: new Slow(120_000) })
    await environment.advance('2m')
    await (await opening).close()
  })

  it('holds up the commands of an open journal no longer than a call, also while its state is taken up anew', async () => {
    const real = new MemoryStorage()
    const quick = await openCrew({ environment, storage: real })
    let wrong: 'read' | 'loadCheckpoint' | undefined
    const storage = faultyStorage(real, {
      environment,
      plan: (call) => (call === wrong ? { fault: call === 'read' ? 'error' : 'hang' } : undefined),
    })
    const crew = await openCrew({ environment, storage, onError: () => undefined })
    wrong = 'read'
    for (let n = 0; n < 3; n++) await quick.tracker.create({ description: 'x' })
    await quick.checkpoint()
    await real.trim('crew', 2)
    await environment.settle()
    wrong = 'loadCheckpoint'
    const start = environment.now()
    const syncing = crew.sync().catch((error: unknown) => error)
    await environment.advance('11s')
    await expect(syncing).resolves.toMatchObject({ code: 'storage_unavailable' })
    expect(environment.now() - start).toBe(11_000)
    wrong = undefined
    await environment.advance('10s')
    expect(crew.tracker.count()).toBe(3)
    await Promise.all([crew.close(), quick.close()])
  })

  it('does not hold whoever opens it for ever', async () => {
    const opening = openCrew({ environment, storage: new Slow(3_600_000) })
    opening.catch(() => undefined)
    await environment.advance('5m')
    await expect(opening).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})
