import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsStorage } from 'crewlog/storage/nats'
import { randomUUID } from 'node:crypto'
import type { Engine } from '../engines.js'
import { addressOf } from '../services.js'

// A place is a prefix of streams, on the server that the address in it names.

interface Place {
  readonly url: string
  readonly prefix: string
}

export const placeOf = (place: string): Place => JSON.parse(place) as Place

/** A new place on that server. */
export const placeAt = (url: string): string =>
  JSON.stringify({ url, prefix: `test_${randomUUID().slice(0, 18).replaceAll('-', '_')}` } satisfies Place)

export const nats: Engine = {
  name: 'NATS',
  service: 'NATS',
  make: async () => placeAt(addressOf('NATS')),
  connect: async (place, { address, silenceMs = 15_000 } = {}) => {
    const { url, prefix } = placeOf(place)
    const connection = await connect({
      servers: address ?? url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      timeout: silenceMs,
      pingInterval: silenceMs / 3,
      maxPingOut: 2,
    })
    return {
      storage: natsStorage(connection, { prefix, onWarning: () => undefined }),
      close: () => connection.close(),
    }
  },
  remove: async (place) => {
    const { url, prefix } = placeOf(place)
    const connection = await connect({ servers: url })
    const { streams } = await jetstream(connection).jetstreamManager()
    const names: string[] = []
    for await (const name of streams.names()) if (name.startsWith(`${prefix}-`)) names.push(name)
    await Promise.all(names.map((name) => streams.delete(name)))
    await connection.close()
  },
}
