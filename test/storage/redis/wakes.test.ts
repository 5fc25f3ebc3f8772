import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { redisStorage, type SendRedisCommand } from 'crewlog/storage/redis'
import { createClient } from 'redis'
import { commit } from '../../../src/testing/storage-contract/samples.js'
import { clientOf, type RedisClient, redisClient, useRedisClients } from '../../support/redis-client.js'
import { addressOf, isMissing } from '../../support/services.js'

describe.skipIf(await isMissing('Redis'))('a watcher of a journal in Redis', () => {
  useRedisClients()
  let rig: RedisClient

  beforeEach(async () => {
    rig = await redisClient()
  })

  /** Appends until `woken`: a subscription takes its time. */
  async function appendUntil(woken: () => boolean, from = 1): Promise<void> {
    for (let seq = from; !woken(); seq++) {
      await rig.storage.append('crew', commit(seq))
      expect(seq).toBeLessThan(from + 10_000)
    }
  }

  const subscribers = async (): Promise<number> => {
    const channel = `${rig.prefix}:{crew}`
    const [, count] = (await rig.client.call('PUBSUB', 'NUMSUB', channel)) as [string, number]
    return count
  }

  it('is not there without a subscriber, and journals poll (SA-19)', () => {
    expect(rig.storage).toMatchObject({ watch: undefined })
  })

  it('hears through one subscriber whatever storages share it', async () => {
    const subscriber = clientOf(addressOf('Redis'))
    const send: SendRedisCommand = (...command) => rig.client.call(...command)
    const storages = [1, 2].map(() => redisStorage(send, { prefix: rig.prefix, subscriber }))
    const wakes = [0, 0]
    const offs = storages.map((storage, index) => storage.watch!('crew', () => wakes[index]!++))
    await appendUntil(() => wakes[1]! > 1)
    expect(await subscribers()).toBe(1)
    offs[0]!()
    const before = wakes[0]!
    const heard = wakes[1]!
    await appendUntil(() => wakes[1]! > heard, await nextSeq(rig))
    expect(wakes[0]).toBe(before)
    offs[1]!()
    while ((await subscribers()) > 0);
  })

  const libraries = {
    ioredis: async () => {
      const client = clientOf(addressOf('Redis'))
      return { subscriber: client, id: await client.client('ID'), end: () => undefined }
    },
    'node-redis': async () => {
      const client = createClient({ url: addressOf('Redis') })
      client.on('error', () => undefined)
      await client.connect()
      return { subscriber: client, id: await client.clientId(), end: () => client.destroy() }
    },
  }
  it.each(['ioredis', 'node-redis'] as const)(
    'hears again after the connection of %s was cut (SA-18, SA-22)',
    async (library) => {
      const { subscriber, id, end } = await libraries[library]()
      const { storage } = await redisClient(rig.place, { subscriber })
      let wakes = 0
      const off = storage.watch!('crew', () => wakes++)
      await appendUntil(() => wakes > 1)
      await rig.client.call('CLIENT', 'KILL', 'ID', String(id))
      while ((await subscribers()) > 0);
      while ((await subscribers()) === 0);
      const before = wakes
      await appendUntil(() => wakes > before, await nextSeq(rig))
      off()
      end()
    },
  )

  it('whose subscription fails asks again later', async () => {
    vi.useFakeTimers()
    try {
      const asked: string[] = []
      const subscriber = Object.assign(new EventEmitter(), {
        subscribe: async (channel: string) => {
          asked.push(channel)
          if (asked.length < 3) throw new Error('Connection is closed.')
        },
        unsubscribe: () => Promise.resolve(),
      })
      const storage = redisStorage(() => Promise.resolve(), { subscriber })
      const off = storage.watch!('crew', () => undefined)
      await vi.advanceTimersByTimeAsync(4999)
      expect(asked).toHaveLength(1)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(asked).toEqual(Array(3).fill('crewlog:{crew}'))
      off()
    } finally {
      vi.useRealTimers()
    }
  })

  it('whose subscription fails hurts nobody, and ends when told so', async () => {
    const subscriber = Object.assign(new EventEmitter(), {
      subscribe: () => Promise.reject(new Error('Connection is closed.')),
      unsubscribe: () => {
        throw new Error('Connection is closed.')
      },
    })
    const { storage } = await redisClient(rig.place, { subscriber })
    const off = storage.watch!('crew', () => undefined)
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    off()
    off()
  })

  it('may lack the right to publish: nothing of the commit is lost', async () => {
    const user = rig.prefix
    await rig.client.call('ACL', 'SETUSER', user, 'on', '>secret', `~${rig.prefix}:*`, '+@all', 'resetchannels')
    const url = new URL(addressOf('Redis'))
    url.username = user
    url.password = 'secret'
    const limited = clientOf(url.href)
    const storage = redisStorage((...command) => limited.call(...command), {
      prefix: rig.prefix,
      onWarning: () => undefined,
    })
    await storage.open!('crew')
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1), commit(2)] })
    await rig.client.call('ACL', 'DELUSER', user)
  })
})

async function nextSeq({ client, prefix }: RedisClient): Promise<number> {
  return (await client.xlen(`${prefix}:{crew}:commits`)) + 1
}
