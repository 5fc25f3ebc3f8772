import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsStorage } from 'crewlog/storage/nats'
import { describe, it } from 'vitest'
import { outlasts } from '../../support/bad-servers.js'
import type { Connection } from '../../support/engines.js'
import { urlOf } from '../../support/nats-client.js'
import { freePort, isNotInstalled, OwnServer, useOwnServers } from '../../support/own-servers.js'

describe.skipIf(isNotInstalled('nats-server'))('over three servers of a cluster', () => {
  useOwnServers()

  /** Another process, which knows all of them. */
  const connectTo = async (servers: readonly OwnServer[]): Promise<Connection> => {
    const connection = await connect({
      servers: servers.map((server) => urlOf(server)),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 0,
    })
    return { storage: natsStorage(connection, { replicas: 3 }), close: () => connection.close() }
  }

  it('processes go on when the leader of the stream goes, and lose and double nothing', async () => {
    const servers = await threeServers()
    await outlasts({
      connect: () => connectTo(servers),
      // Killed, it would be missed for some seconds more.
      run: async () => (await leaderOf('crewlog-commits-crew', servers)).stop('SIGTERM'),
    })
  })
})

const nameOf = ({ port }: OwnServer): string => `server-${port}`

/** With JetStream that has a leader. */
async function threeServers(): Promise<readonly OwnServer[]> {
  const routes = [await freePort(), await freePort(), await freePort()].map((port) => `nats://127.0.0.1:${port}`)
  const servers = await Promise.all(
    routes.map((route) =>
      OwnServer.make(
        (server) => [
          ...(['nats-server', '-a', '127.0.0.1', '-p', String(server.port), '-sd', server.folder, '-js'] as const),
          ...['--name', nameOf(server), '--cluster_name', 'test', '--cluster', route, '--routes', routes.join()],
        ],
        'Server is ready',
      ),
    ),
  )
  await Promise.all(servers.map((server) => server.start()))
  for (const server of servers) {
    const connection = await connect({ servers: urlOf(server) })
    const manager = await jetstream(connection).jetstreamManager(false)
    while (!(await manager.getAccountInfo().catch(() => undefined)));
    await connection.close()
  }
  return servers
}

async function leaderOf(stream: string, servers: readonly OwnServer[]): Promise<OwnServer> {
  const connection = await connect({ servers: servers.map((server) => urlOf(server)) })
  const { streams } = await jetstream(connection).jetstreamManager(false)
  const { cluster } = await streams.info(stream)
  await connection.close()
  const leader = servers.find((server) => nameOf(server) === cluster?.leader)
  if (!leader) throw new Error(`Stream ${stream} has no leader`)
  return leader
}
