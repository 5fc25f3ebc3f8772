import { redisStorage } from 'crewlog/storage/redis'
import { Redis } from 'ioredis'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlasts } from '../../support/bad-servers.js'
import type { Connection } from '../../support/engines.js'
import { onRedis, ownRedis, urlOf } from '../../support/own-redis.js'
import { isNotInstalled, OwnServer, useOwnServers } from '../../support/own-servers.js'

const GROUP = 'crews'

describe.skipIf(isNotInstalled('redis-server'))('over a primary, a replica and a Sentinel', () => {
  useOwnServers()

  /** Another process, which only the Sentinel tells where the primary is. */
  const connect = async (sentinel: OwnServer): Promise<Connection> => {
    const client = new Redis({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: GROUP })
    const subscriber = client.duplicate()
    for (const each of [client, subscriber]) each.on('error', () => undefined)
    const storage = redisStorage((...command) => client.call(...command), {
      subscriber,
      onWarning: () => undefined,
    })
    return {
      storage,
      close: async () => {
        client.disconnect()
        subscriber.disconnect()
      },
    }
  }

  it('processes go on with the replica when the primary is killed, and lose and double nothing that it had', async () => {
    const primary = await ownRedis()
    const replica = await ownRedis('--replicaof', '127.0.0.1', String(primary.port))
    const sentinel = await sentinelOf(primary)
    await outlasts({
      connect: () => connect(sentinel),
      before: () => replicated(primary),
      run: () => primary.stop(),
    })
    expect(await onRedis(urlOf(replica), (admin) => admin.role())).toContain('master')
  })
})

/** A primary answers before its replica has it: what is not there yet may be lost. */
const replicated = (primary: OwnServer): Promise<unknown> =>
  onRedis(urlOf(primary), async (admin) => {
    // Redis waits for what this connection wrote, and so for all before.
    await admin.set('last', '')
    await admin.wait(1, 0)
  })

/** Watches a primary with a replica, which it takes instead when the primary is gone for a moment. */
async function sentinelOf(primary: OwnServer): Promise<OwnServer> {
  const sentinel = await OwnServer.make(
    ({ folder }) => ['redis-server', join(folder, 'sentinel.conf'), '--sentinel'],
    '+monitor',
  )
  const settings = [
    `port ${sentinel.port}`,
    'bind 127.0.0.1',
    `dir ${sentinel.folder}`,
    `sentinel monitor ${GROUP} 127.0.0.1 ${primary.port} 1`,
    `sentinel down-after-milliseconds ${GROUP} 300`,
    `sentinel failover-timeout ${GROUP} 1000`,
  ]
  await writeFile(join(sentinel.folder, 'sentinel.conf'), settings.join('\n'))
  await onRedis(urlOf(primary), async (admin) => {
    while (!(await admin.info('replication')).includes('state=online'));
  })
  await sentinel.start()
  await onRedis(urlOf(sentinel), async (admin) => {
    while (!JSON.stringify(await admin.call('SENTINEL', 'REPLICAS', GROUP)).includes('"master-link-status","ok"'));
  })
  return sentinel
}
