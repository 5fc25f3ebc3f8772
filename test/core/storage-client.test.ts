import { MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
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

  it('does not hold whoever opens it for ever', async () => {
    const opening = openCrew({ environment, storage: new Slow(3_600_000) })
    opening.catch(() => undefined)
    await environment.advance('5m')
    await expect(opening).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})
