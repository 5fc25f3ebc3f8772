import { beforeEach, describe, expect, it, vi } from 'vitest'
import { checkpoint, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { placeOf } from '../../support/engines/nats.js'
import { type NatsClient, natsClient, useNatsClients } from '../../support/nats-client.js'
import { isMissing } from '../../support/services.js'

describe.skipIf(await isMissing('NATS'))('a checkpoint in JetStream', () => {
  useNatsClients()
  let rig: NatsClient

  beforeEach(async () => {
    rig = await natsClient()
    await rig.storage.open!('crew')
  })

  const partSubjects = async (): Promise<readonly string[]> => {
    const { prefix } = placeOf(rig.place)
    const filter = { subjects_filter: `${prefix}.crew.checkpoint.>` }
    const { state } = await rig.manager.streams.info(rig.streams.checkpoints, filter)
    return Object.keys(state.subjects ?? {})
  }
  const newest = async (): Promise<number | undefined> => (await rig.storage.loadCheckpoint('crew'))?.seq
  const removePart = (subject: string): Promise<unknown> =>
    rig.manager.streams.purge(rig.streams.checkpoints, { filter: subject })

  it('is let go with its parts when there are two newer ones', async () => {
    for (const seq of [10, 20, 30, 40]) await rig.storage.saveCheckpoint('crew', checkpoint(seq))
    expect(await partSubjects()).toHaveLength(4)
  })

  it('saved by several at once: the newest two stay', async () => {
    const others = await Promise.all([1, 2, 3].map(() => natsClient(rig.place)))
    // Of several at once perhaps only the newest is kept, when it is the first.
    await rig.storage.saveCheckpoint('crew', checkpoint(1))
    for (let round = 1; round < 10; round++) {
      const seqs = others.map((_, index) => round * 10 + index + 1)
      await Promise.all(others.map(({ storage }, index) => storage.saveCheckpoint('crew', checkpoint(seqs[index]!))))
      expect(await newest()).toBe(seqs.at(-1))
      expect((await rig.storage.loadCheckpoint('crew', seqs.at(-1)))?.seq).toBeLessThan(seqs.at(-1)!)
      expect(await partSubjects()).toHaveLength(4)
    }
  })

  it('whose saving was never finished is let go after an hour', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      await rig.storage.saveCheckpoint('crew', checkpoint(10))
      const { prefix } = placeOf(rig.place)
      await rig.client.publish(`${prefix}.crew.checkpoint.${Date.now()}-dead.0`, '"left"')
      vi.advanceTimersByTime(59 * 60_000)
      await rig.storage.saveCheckpoint('crew', checkpoint(20))
      expect(await partSubjects()).toHaveLength(5)
      vi.advanceTimersByTime(2 * 60_000)
      await rig.storage.saveCheckpoint('crew', checkpoint(30))
      expect(await partSubjects()).toHaveLength(4)
      expect(await partsOf(await rig.storage.loadCheckpoint('crew', 30))).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('whose parts are gone is passed over', async () => {
    await rig.storage.saveCheckpoint('crew', checkpoint(10))
    const older = await partSubjects()
    await rig.storage.saveCheckpoint('crew', checkpoint(20))
    const [newer] = (await partSubjects()).filter((subject) => !older.includes(subject))
    await removePart(newer!)
    expect(await newest()).toBe(10)
    await removePart(older[0]!)
    expect(await newest()).toBeUndefined()
  })

  it('whose parts go while they are sent is not shown', async () => {
    async function* parts(): AsyncGenerator<string> {
      yield '"first"'
      for (const subject of await partSubjects()) await removePart(subject)
      yield '"second"'
    }
    const saving = rig.storage.saveCheckpoint('crew', { ...checkpoint(10), parts: parts() })
    await expect(saving).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(await newest()).toBeUndefined()
  })

  it('whose parts go while they are read says so', async () => {
    await rig.storage.saveCheckpoint('crew', checkpoint(10))
    const kept = await rig.storage.loadCheckpoint('crew')
    for (const subject of await partSubjects()) await removePart(subject)
    await expect(partsOf(kept)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  it('is refused a stream that would lose it', async () => {
    const { prefix } = placeOf(rig.place)
    await rig.manager.streams.add({
      name: rig.streams.checkpoints,
      subjects: [`${prefix}.crew.checkpoints.1`, `${prefix}.crew.checkpoint.>`],
      max_age: 10 ** 12,
    })
    await expect(rig.storage.saveCheckpoint('crew', checkpoint(10))).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('that cannot be read says where', async () => {
    await rig.storage.saveCheckpoint('crew', checkpoint(10))
    const { prefix } = placeOf(rig.place)
    await rig.client.publish(`${prefix}.crew.checkpoints.1`, 'nonsense')
    await expect(rig.storage.loadCheckpoint('crew')).rejects.toMatchObject({ code: 'journal_corrupt' })
  })
})
