import { type JournalStorage, MemoryStorage } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { AttendedStorage } from '../../src/testing/attended-storage.js'
import { settle } from '../../src/testing/settle.js'
import { checkpoint, partsOf } from '../../src/testing/storage-contract/samples.js'

/** A storage whose trims end when told. */
function trimming(): { storage: JournalStorage; end: () => void } {
  const storage = new MemoryStorage()
  let end = (): void => undefined
  storage.trim = () =>
    new Promise<void>((resolve) => {
      end = resolve
    })
  return { storage, end: () => end() }
}

/** Parts, and whether whoever makes them was told that no more are wanted. */
function endless(): { parts: AsyncIterable<string>; isEnded: () => boolean } {
  let isEnded = false
  async function* parts(): AsyncGenerator<string> {
    try {
      for (;;) yield '"part"'
    } finally {
      isEnded = true
    }
  }
  return { parts: parts(), isEnded: () => isEnded }
}

/** A storage that looks at the first part of a checkpoint only, whether it is saved or loaded. */
function hasty(kept = checkpoint(1).parts): JournalStorage {
  const storage = new MemoryStorage()
  storage.saveCheckpoint = async (_, { parts }) => {
    for await (const _ of parts) return
  }
  storage.loadCheckpoint = async () => ({ ...checkpoint(1), parts: kept })
  return storage
}

describe('an attended storage', () => {
  it('is at rest for all who wait for it', async () => {
    const { storage, end } = trimming()
    const attended = new AttendedStorage(storage)
    const trimmed = attended.trim('crew', 1)
    const waits = [attended.rest(), attended.rest(), attended.rest()]
    end()
    await Promise.all([trimmed, ...waits])
  })

  it('is at rest while it waits for a part of a checkpoint', async () => {
    const attended = new AttendedStorage(new MemoryStorage())
    let goOn = (): void => undefined
    async function* parts(): AsyncGenerator<string> {
      yield '"first"'
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      yield '"second"'
    }
    const saved = attended.saveCheckpoint('crew', { ...checkpoint(1), parts: parts() })
    await settle()
    await attended.rest()
    goOn()
    await saved
    await attended.rest()
    expect(await partsOf(await attended.loadCheckpoint('crew'))).toEqual(['"first"', '"second"'])
  })

  it('that wants no more parts of a checkpoint ends whoever makes them', async () => {
    const { parts, isEnded } = endless()
    const attended = new AttendedStorage(hasty())
    await attended.saveCheckpoint('crew', { ...checkpoint(1), parts })
    expect(isEnded()).toBe(true)
    await attended.rest()
  })

  it('of which no more parts are wanted ends what reads them', async () => {
    const { parts, isEnded } = endless()
    const attended = new AttendedStorage(hasty(parts))
    const kept = await attended.loadCheckpoint('crew')
    const iterator = kept!.parts[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return?.()
    expect(isEnded()).toBe(true)
    await attended.rest()
  })
})
