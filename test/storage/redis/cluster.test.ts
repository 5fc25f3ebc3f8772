import { redisStorage } from 'crewlog/storage/redis'
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '../../../src/testing/storage-contract/samples.js'
import type { Engine } from '../../support/engines.js'
import { keepsContract } from '../../support/engines.js'
import { placeAt, placeOf, redis } from '../../support/engines/redis.js'
import { onRedis, ownRedis, urlOf } from '../../support/own-redis.js'
import { freePort, isNotInstalled, type OwnServer, useOwnServers } from '../../support/own-servers.js'
import { redisClient, useRedisClients } from '../../support/redis-client.js'

const SLOTS = 16384
const onWarning = (): void => undefined

describe.skipIf(isNotInstalled('redis-server'))('over two servers that share the slots (SA-23)', async () => {
  useOwnServers(afterAll)
  useRedisClients()
  let servers: readonly [OwnServer, OwnServer]

  beforeAll(async () => {
    servers = await twoNodes()
  })

  /** Places on one server, which the server does not know to be one. */
  const ofCluster: Engine = {
    ...redis,
    make: async () => placeAt(urlOf(servers[0])),
    remove: () => Promise.resolve(),
  }

  await keepsContract({
    ...ofCluster,
    name: 'Redis Cluster (ioredis)',
    connect: async (place) => {
      const { url, prefix } = placeOf(place)
      const client = new Cluster([url])
      const subscriber = client.duplicate()
      return {
        storage: redisStorage((...command) => client.call(...command), { prefix, subscriber, onWarning }),
        close: async () => {
          client.disconnect()
          subscriber.disconnect()
        },
      }
    },
  })

  await keepsContract({
    ...ofCluster,
    name: 'Redis Cluster (node-redis)',
    connect: async (place) => {
      const { url, prefix } = placeOf(place)
      const client = createCluster({ rootNodes: [{ url }] })
      client.on('error', () => undefined)
      await client.connect()
      return {
        storage: redisStorage((...command) => client.sendCommand(command[3], false, command), {
          prefix,
          subscriber: client,
          onWarning,
        }),
        close: async () => client.destroy(),
      }
    },
  })

  it('a client that knows one of them alone is told so', async () => {
    const { storage } = await redisClient(placeAt(urlOf(servers[0])))
    const ends = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) => storage.append(`crew ${index}`, commit(1))),
    )
    const failures = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason as Error)
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures)
      expect(failure).toMatchObject({
        code: 'storage_unavailable',
        message: expect.stringContaining('pass a client that knows clusters') as unknown,
      })
  })
})

async function twoNodes(): Promise<readonly [OwnServer, OwnServer]> {
  const ports = [await freePort(), await freePort()] as const
  const [first, second] = await Promise.all(
    ports.map((port) => ownRedis('--cluster-enabled', 'yes', '--cluster-port', String(port))),
  )
  const nodes = [first!, second!] as const
  await onRedis(urlOf(nodes[0]), (admin) => admin.cluster('ADDSLOTSRANGE', 0, SLOTS / 2 - 1))
  await onRedis(urlOf(nodes[1]), (admin) => admin.cluster('ADDSLOTSRANGE', SLOTS / 2, SLOTS - 1))
  await onRedis(urlOf(nodes[0]), (admin) =>
    admin.call('CLUSTER', 'MEET', '127.0.0.1', String(nodes[1].port), String(ports[1])),
  )
  for (const node of nodes)
    await onRedis(urlOf(node), async (admin) => {
      while (!(await admin.cluster('INFO')).includes('cluster_state:ok'));
    })
  return nodes
}
