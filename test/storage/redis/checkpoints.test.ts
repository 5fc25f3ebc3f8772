import { redisStorage } from 'crewlog/storage/redis'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkpoint, commit, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { keysAt, type RedisClient, redisClient, useRedisClients } from '../../support/redis-client.js'
import { isMissing } from '../../support/services.js'

describe.skipIf(await isMissing('Redis'))('a checkpoint in Redis', () => {
  useRedisClients()
  let rig: RedisClient

  beforeEach(async () => {
    rig = await redisClient()
    await rig.storage.append('crew', commit(1))
  })

  const index = (): string => `${rig.prefix}:{crew}:checkpoints`
  const listsOf = async (): Promise<readonly string[]> =>
    (await keysAt(rig)).filter((key) => key.includes(':checkpoint:'))
  const newest = async (): Promise<number | undefined> => (await rig.storage.loadCheckpoint('crew'))?.seq
  /** Keys that the server forgets by itself. */
  const passing = async (): Promise<number> => {
    const ttls = await Promise.all((await listsOf()).map((key) => rig.client.ttl(key)))
    return ttls.filter((seconds) => seconds > 0).length
  }

  it('that is let go is forgotten in time, and the two that are kept are not', async () => {
    for (const seq of [10, 20, 30, 40]) await rig.storage.saveCheckpoint('crew', checkpoint(seq))
    expect(await listsOf()).toHaveLength(4)
    expect(await passing()).toBe(2)
  })

  it('whose saving stops half-way is forgotten in time', async () => {
    const controller = new AbortController()
    async function* parts(): AsyncGenerator<string> {
      yield JSON.stringify('x'.repeat(2_000_000))
      expect(await passing()).toBe(1)
      controller.abort()
      yield '"never sent"'
    }
    const { signal } = controller
    const saving = rig.storage.saveCheckpoint('crew', { ...checkpoint(10), parts: parts() }, { signal })
    await expect(saving).rejects.toMatchObject({ code: 'cancelled' })
    expect(await newest()).toBeUndefined()
    expect((await listsOf()).length - (await passing())).toBe(0)
  })

  it('saved by several at once: the newest two stay', async () => {
    // Of several at once perhaps only the newest is kept, when it is the first.
    await rig.storage.saveCheckpoint('crew', checkpoint(1))
    for (let round = 1; round < 20; round++) {
      const seqs = Array.from({ length: 6 }, (_, each) => round * 10 + each + 1)
      const rivals = seqs.map((seq) => rig.storage.saveCheckpoint('crew', checkpoint(seq)))
      await Promise.all(rivals)
      expect(await newest()).toBe(seqs.at(-1))
      const { kept } = JSON.parse((await rig.client.get(index()))!) as { kept: { seq: number; token: string }[] }
      expect(kept).toHaveLength(2)
      expect(kept[0]!.seq).toBeGreaterThan(kept[1]!.seq)
      for (const { token } of kept) expect(await rig.client.ttl(`${rig.prefix}:{crew}:checkpoint:${token}`)).toBe(-1)
    }
    expect((await listsOf()).length - (await passing())).toBe(2)
  })

  it('whose parts are evicted is passed over (SA-24)', async () => {
    await rig.storage.saveCheckpoint('crew', checkpoint(10))
    const [older] = await listsOf()
    await rig.storage.saveCheckpoint('crew', checkpoint(20))
    const [newer] = (await listsOf()).filter((key) => key !== older)
    await rig.client.del(newer!)
    expect(await newest()).toBe(10)
    await rig.client.lpop(older!)
    expect(await newest()).toBeUndefined()
    await rig.storage.saveCheckpoint('crew', checkpoint(30))
    expect(await newest()).toBe(30)
  })

  it('whose parts are evicted while they are sent is not shown', async () => {
    async function* parts(): AsyncGenerator<string> {
      yield JSON.stringify('x'.repeat(2_000_000))
      for (const key of await listsOf()) await rig.client.del(key)
      yield '"last"'
    }
    const saving = rig.storage.saveCheckpoint('crew', { ...checkpoint(10), parts: parts() })
    await expect(saving).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(await newest()).toBeUndefined()
  })

  it('whose parts go while they are read says so', async () => {
    const large = JSON.stringify('x'.repeat(700_000))
    await rig.storage.saveCheckpoint('crew', checkpoint(10, [large, large, large]))
    const kept = await rig.storage.loadCheckpoint('crew')
    for (const key of await listsOf()) await rig.client.del(key)
    await expect(partsOf(kept)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  it('of a layout to come is left alone, as is what is no checkpoint', async () => {
    await rig.client.set(index(), JSON.stringify({ layout: 2, kept: [] }))
    const newer = expect.objectContaining({ code: 'unsupported_version' }) as unknown
    await expect(rig.storage.loadCheckpoint('crew')).rejects.toEqual(newer)
    await expect(rig.storage.saveCheckpoint('crew', checkpoint(10))).rejects.toEqual(newer)
    await rig.client.set(index(), 'nonsense')
    await expect(rig.storage.loadCheckpoint('crew')).rejects.toMatchObject({ code: 'journal_corrupt' })
  })

  it('goes in pieces that the server takes quickly', async () => {
    const sizes: number[] = []
    const storage = redisStorage(
      (...command) => {
        sizes.push(command.join('').length)
        return rig.client.call(...command)
      },
      { prefix: rig.prefix },
    )
    const parts = Array.from({ length: 100 }, () => JSON.stringify('x'.repeat(100_000)))
    await storage.saveCheckpoint('crew', checkpoint(10, parts))
    expect(Math.max(...sizes)).toBeLessThan(1_300_000)
    expect(sizes.length).toBeLessThan(20)
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toEqual(parts)
  })
})
