import { type RedisStorageOptions, redisStorage } from 'crewlog/storage/redis'
import type { JournalStorage } from 'crewlog'
import { Redis } from 'ioredis'
import { afterEach } from 'vitest'
import { placeOf, redis } from './engines/redis.js'

/** A place in a Redis, and a storage over it with the client that it uses. */
export interface RedisClient {
  readonly place: string
  readonly prefix: string
  readonly client: Redis
  readonly storage: JournalStorage
  /** What the storage warned of. */
  readonly warnings: readonly string[]
}

let ends: (() => void | Promise<void>)[] = []

/** Ends the clients of each test, and removes the places that it made on the shared server. */
export function useRedisClients(): void {
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })
}

/** A client of `place`; of a new one on the shared server if there is none. */
export async function redisClient(place?: string, options: RedisStorageOptions = {}): Promise<RedisClient> {
  const own = place ?? (await redis.make())
  if (place === undefined) ends.push(() => redis.remove(own))
  const { url, prefix } = placeOf(own)
  const client = clientOf(url)
  const warnings: string[] = []
  const onWarning = (warning: string): void => {
    warnings.push(warning)
  }
  const storage = redisStorage((...command) => client.call(...command), { prefix, onWarning, ...options })
  return { place: own, prefix, client, storage, warnings }
}

/** A connection that ends with the test. */
export function clientOf(url: string): Redis {
  const client = new Redis(url)
  client.on('error', () => undefined)
  ends.push(() => client.disconnect())
  return client
}

export async function keysAt({ client, prefix }: RedisClient): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const found of client.scanStream({ match: `${prefix}:*`, count: 1000 }) as AsyncIterable<string[]>)
    keys.push(...found)
  return [...new Set(keys)].sort()
}
