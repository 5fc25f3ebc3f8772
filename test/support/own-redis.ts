import { Redis } from 'ioredis'
import { OwnServer } from './own-servers.js'

const command = ({ port, folder }: OwnServer): readonly [string, ...string[]] => [
  ...(['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--dir', folder] as const),
  ...['--save', '', '--appendonly', 'no'],
]

/** A Redis that keeps nothing, unless `settings` say otherwise: `'--appendonly', 'yes'`. */
export async function ownRedis(...settings: readonly string[]): Promise<OwnServer> {
  const server = await OwnServer.make(command, 'eady to accept connections')
  await server.start(...settings)
  return server
}

export const urlOf = ({ port }: OwnServer): string => `redis://127.0.0.1:${port}`

/** Does something on a server as its administrator. */
export async function onRedis<T>(url: string, act: (admin: Redis) => Promise<T>): Promise<T> {
  const admin = new Redis(url)
  admin.on('error', () => undefined)
  try {
    return await act(admin)
  } finally {
    admin.disconnect()
  }
}
