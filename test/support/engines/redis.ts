import { redisStorage } from 'crewlog/storage/redis'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import type { Engine } from '../engines.js'
import { addressOf } from '../services.js'

// A place is a prefix of keys, on the server that the address in it names.

interface Place {
  readonly url: string
  readonly prefix: string
}

export const placeOf = (place: string): Place => JSON.parse(place) as Place

/** A new place on that server. */
export const placeAt = (url: string): string =>
  JSON.stringify({ url, prefix: `crewlog-test-${randomUUID()}` } satisfies Place)

const silent = (): void => undefined

/** Over ioredis. */
export const redis: Engine = {
  name: 'Redis',
  service: 'Redis',
  make: async () => placeAt(addressOf('Redis')),
  connect: async (place, { address, silenceMs: socketTimeout = 15_000 } = {}) => {
    const { url, prefix } = placeOf(place)
    const client = new Redis(address ?? url, { socketTimeout })
    const subscriber = client.duplicate()
    for (const each of [client, subscriber]) each.on('error', silent)
    return {
      storage: redisStorage((...command) => client.call(...command), { prefix, subscriber, onWarning: silent }),
      close: async () => {
        client.disconnect()
        subscriber.disconnect()
      },
    }
  },
  remove: async (place) => {
    const { url, prefix } = placeOf(place)
    const client = new Redis(url)
    for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1000 }) as AsyncIterable<string[]>)
      if (keys.length > 0) await client.unlink(keys)
    client.disconnect()
  },
}

/** Over node-redis. */
export const nodeRedis: Engine = {
  ...redis,
  name: 'Redis (node-redis)',
  connect: async (place) => {
    // Loaded late, as programs over ioredis start in half the time without it.
    const { createClient } = await import('redis')
    const { url, prefix } = placeOf(place)
    const client = createClient({ url })
    const subscriber = client.duplicate()
    for (const each of [client, subscriber]) {
      each.on('error', silent)
      await each.connect()
    }
    return {
      storage: redisStorage((...command) => client.sendCommand(command), { prefix, subscriber, onWarning: silent }),
      close: async () => {
        client.destroy()
        subscriber.destroy()
      },
    }
  },
}
