import { jetstream, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type ConnectionOptions } from '@nats-io/transport-node'
import type { JournalStorage } from 'crewlog'
import { type NatsConnection, natsStorage, type NatsStorageOptions } from 'crewlog/storage/nats'
import { afterEach } from 'vitest'
import { nats, placeOf } from './engines/nats.js'
import { OwnServer } from './own-servers.js'

/** A place in a NATS, and a storage over it with the connection that it uses. */
export interface NatsClient {
  readonly place: string
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly storage: JournalStorage
  /** What the storage warned of. */
  readonly warnings: readonly string[]
  /** Of the commits and the checkpoints of the journal `crew`. */
  readonly streams: { readonly commits: string; readonly checkpoints: string }
  readonly subject: string
}

let ends: (() => Promise<void>)[] = []

/** Ends the connections of each test, and removes the places that it made on the shared server. */
export function useNatsClients(): void {
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })
}

/** A client of `place`; of a new one on the shared server if there is none. */
export async function natsClient(
  place?: string,
  options: NatsStorageOptions & { readonly connect?: ConnectionOptions } = {},
): Promise<NatsClient> {
  const own = place ?? (await nats.make())
  if (place === undefined) ends.push(() => nats.remove(own))
  const { url, prefix } = placeOf(own)
  const { connect: settings, ...more } = options
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
    ...settings,
  })
  ends.push(() => connection.close())
  const client = jetstream(connection)
  const warnings: string[] = []
  const onWarning = (warning: string): void => {
    warnings.push(warning)
  }
  return {
    place: own,
    connection,
    client,
    manager: await client.jetstreamManager(false),
    storage: natsStorage(connection, { prefix, onWarning, ...more }),
    warnings,
    streams: { commits: `${prefix}-commits-crew`, checkpoints: `${prefix}-checkpoints-crew` },
    subject: `${prefix}.crew.commits.1`,
  }
}

/** A server with JetStream, unless `settings` leave it out. */
export async function ownNats(...settings: readonly string[]): Promise<OwnServer> {
  const server = await OwnServer.make(
    ({ port, folder }) => ['nats-server', '-a', '127.0.0.1', '-p', String(port), '-sd', folder],
    'Server is ready',
  )
  await server.start(...(settings.length > 0 ? settings : ['-js']))
  return server
}

export const urlOf = ({ port }: OwnServer, user = ''): string => `nats://${user}127.0.0.1:${port}`
